import asyncio
import time

import pytest
from bson import Binary

from bot.errors import Overloaded, Unavailable
from bot.store.batch import MOST_BYTES, BadDocument, Batch
from bot.store.database import AlreadyThere
from tests.waiting import wait_for


@pytest.fixture
async def batch(store):
    batch = Batch(store, "things")
    yield batch
    await batch.drain()


async def outcomes(batch: Batch, *documents):
    return await asyncio.gather(*map(batch.add, documents), return_exceptions=True)


async def test_added_document_is_there_when_add_returns(store, batch):
    await batch.add({"_id": 1, "text": "héllo"})
    assert await store["things"].find_one({"_id": 1}) == {"_id": 1, "text": "héllo"}


async def test_many_adds_at_once_are_few_writes(store, batch):
    before = (await store.client.admin.command("serverStatus"))["metrics"]["commands"]["insert"]["total"]
    await asyncio.gather(*(batch.add({"_id": number}) for number in range(1200)))
    after = (await store.client.admin.command("serverStatus"))["metrics"]["commands"]["insert"]["total"]
    assert await store["things"].count_documents({}) == 1200
    assert after - before <= 4


async def test_one_alone_does_not_wait_for_company(batch):
    await batch.add({"_id": 0})
    started = time.monotonic()
    for number in range(1, 21):
        await batch.add({"_id": number})
    assert time.monotonic() - started < 1


async def test_bad_documents_fail_alone(store, batch):
    await batch.add({"_id": 1})
    good, twice, unknown_type, too_big, nameless, also_good = await outcomes(
        batch,
        {"_id": 2},
        {"_id": 1},
        {"_id": 3, "value": object()},
        {"_id": 4, "body": Binary(b"x" * 17_000_000)},
        {"text": "no id"},
        {"_id": 5},
    )
    assert good is None
    assert also_good is None
    assert isinstance(twice, AlreadyThere)
    assert twice.index == "_id_"
    for refused in (unknown_type, too_big, nameless):
        assert isinstance(refused, BadDocument)
    assert await store["things"].distinct("_id") == [1, 2, 5]


async def test_document_that_only_the_server_refuses_fails_alone(store):
    await store.handle.command("create", "strict", validator={"size": {"$lt": 10}})
    batch = Batch(store, "strict")
    results = await outcomes(batch, {"_id": 1, "size": 1}, {"_id": 2, "size": 99}, {"_id": 3, "size": 3})
    assert [type(result) for result in results] == [type(None), BadDocument, type(None)]
    assert await store["strict"].distinct("_id") == [1, 3]


async def test_large_documents_are_split_over_several_writes(store, batch):
    body = Binary(b"x" * (MOST_BYTES // 3))
    assert await outcomes(batch, *({"_id": number, "body": body} for number in range(10))) == [None] * 10
    assert await store["things"].count_documents({}) == 10


async def test_more_than_may_wait_is_refused_at_once_and_not_written(store):
    batch = Batch(store, "things", most_waiting=3)
    results = await outcomes(batch, *({"_id": number} for number in range(5)))
    assert [type(result) for result in results] == [type(None)] * 3 + [Overloaded] * 2
    assert await store["things"].distinct("_id") == [0, 1, 2]
    assert await outcomes(batch, {"_id": 9}) == [None]


async def test_whoever_gives_up_does_not_take_others_down(store, batch):
    adding = [asyncio.ensure_future(batch.add({"_id": number})) for number in range(3)]
    await asyncio.sleep(0)
    adding[1].cancel()
    first, second, third = await asyncio.gather(*adding, return_exceptions=True)
    assert (first, third) == (None, None)
    assert isinstance(second, asyncio.CancelledError)
    assert {0, 2} <= set(await store["things"].distinct("_id"))


async def test_while_the_database_hangs_each_add_waits_its_own_patience_and_no_longer(store):
    """A write to what an open transaction holds waits, as it would for a server that is away."""
    batch = Batch(store, "things", patience_seconds=0.4)
    async with store.transaction() as session:
        await store["things"].insert_one({"_id": 1}, session=session)
        started = time.monotonic()
        first = asyncio.ensure_future(batch.add({"_id": 1}))
        await wait_for(lambda: batch.waiting == 0)
        results = await asyncio.gather(first, batch.add({"_id": 2}), return_exceptions=True)
        assert [type(result) for result in results] == [Unavailable, Unavailable]
        assert 0.3 < time.monotonic() - started < 1.5
        await session.abort_transaction()
    await batch.drain()
    await batch.add({"_id": 3})
    assert 3 in await store["things"].distinct("_id")
