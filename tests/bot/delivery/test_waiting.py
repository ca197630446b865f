"""News of a message that nobody knows yet waits for it, whoever comes first."""

import asyncio
from datetime import timedelta

from bot.delivery import waiting
from bot.ids import new_id
from bot.records import marks
from bot.records.marks import Mark
from tests.clocks import START

ACCOUNT = "a" * 24


def climbed(status: str, target: str = "wamid.1", *, minute: int = 1) -> Mark:
    return Mark("climbed", ACCOUNT, "", target, START + timedelta(minutes=minute), {"status": status})


async def a_message(store, **more) -> str:
    message = {
        "_id": new_id(),
        "account": ACCOUNT,
        "chat": "",
        "direction": "out",
        "status": "sending",
        "rank": 2,
        "times": {},
        "error": None,
        "conversation": None,
        "text": "Hola",
        "content": {"type": "text", "text": "Hola"},
        **more,
    }
    await store["messages"].insert_one(message)
    return str(message["_id"])


async def status_of(store, message_id: str) -> str:
    return str((await store["messages"].find_one({"_id": message_id}))["status"])


async def test_news_wait_until_the_message_learns_its_id(store):
    message = await a_message(store)
    assert await waiting.apply_or_hold(store, [climbed("read"), climbed("delivered")], now=START) == []
    await store["messages"].update_one({"_id": message}, {"$set": {"platform_id": "wamid.1"}})
    changed = await waiting.apply_for(store, ACCOUNT, ["wamid.1"])
    assert [one["_id"] for one in changed] == [message]
    assert await status_of(store, message) == "read"
    assert await store["waiting"].count_documents({}) == 0


async def test_the_same_news_wait_once(store):
    for _ in range(3):
        await waiting.apply_or_hold(store, [climbed("read")], now=START)
    assert await store["waiting"].count_documents({}) == 1


async def test_news_of_another_account_are_left_alone(store):
    await waiting.apply_or_hold(store, [climbed("read")], now=START)
    assert await waiting.apply_for(store, "b" * 24, ["wamid.1"]) == []
    assert await store["waiting"].count_documents({}) == 1


async def test_who_learns_and_who_tells_at_the_same_moment_do_not_miss_each_other(store):
    for number in range(30):
        message, target = await a_message(store), f"wamid.{number}"

        async def learn(message=message, target=target) -> None:
            await store["messages"].update_one({"_id": message}, {"$set": {"platform_id": target}})
            await waiting.apply_for(store, ACCOUNT, [target])

        told = waiting.apply_or_hold(store, [climbed("delivered", target)], now=START)
        await asyncio.gather(*((learn(), told) if number % 2 else (told, learn())))
        assert await status_of(store, message) == "delivered"
    assert await store["waiting"].count_documents({}) == 0


async def test_a_part_of_a_message_that_was_split_is_that_message(store):
    message = await a_message(store, platform_id="wamid.0", parts=["wamid.1"])
    applied = await marks.apply(store, [climbed("delivered")])
    assert applied.unknown == []
    assert await status_of(store, message) == "delivered"


async def test_our_own_id_finds_the_message_of_the_same_account_only(store):
    ours, others = await a_message(store), await a_message(store, account="b" * 24)
    marked = [Mark("climbed", ACCOUNT, "", f"wamid.{one}", START, {"status": "sent"}, one) for one in (ours, others)]
    applied = await marks.apply(store, marked)
    assert [mark.callback for mark in applied.unknown] == [others]
    assert (await store["messages"].find_one({"_id": ours}))["platform_id"] == f"wamid.{ours}"


async def test_an_id_that_another_message_has_stays_there(store):
    await a_message(store, platform_id="wamid.1", direction="in")
    ours = await a_message(store)
    await marks.apply(store, [Mark("climbed", ACCOUNT, "", "wamid.1", START, {"status": "sent"}, ours)])
    assert await store["messages"].count_documents({"platform_id": "wamid.1"}) == 1
