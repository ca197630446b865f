import asyncio
import os
import signal
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pymongo import WriteConcern

from bot.config import MongoDB, Settings
from bot.errors import Refused, Unavailable
from bot.store import mongod, private
from bot.store.database import AlreadyThere, already_there, open_database, within


async def test_times_come_back_aware_and_in_utc(store):
    at = datetime(2026, 3, 2, 9, 0, 0, 123_000, tzinfo=UTC)
    await store["things"].insert_one({"_id": 1, "at": at})
    assert (await store["things"].find_one({"_id": 1}))["at"] == at


async def test_every_write_waits_for_a_majority_and_the_disk(store):
    assert store["things"].write_concern == WriteConcern(w="majority", j=True)


async def test_a_server_that_answers_is_available(store):
    assert await store.is_available()


async def test_duplicate_names_the_index_and_the_key(store):
    person = {"_id": 1, "kind": "phone", "scope": "", "value": "52155"}
    await store["identities"].insert_one(person)
    with pytest.raises(AlreadyThere) as caught, already_there():
        await store["identities"].insert_one({**person, "_id": 2})
    assert caught.value.index == "kind_1_scope_1_value_1"
    assert caught.value.key == {"kind": "phone", "scope": "", "value": "52155"}


async def test_transaction_that_fails_leaves_nothing(store):
    with pytest.raises(ZeroDivisionError):
        async with store.transaction() as session:
            await store["things"].insert_one({"_id": 1}, session=session)
            raise ZeroDivisionError
    async with store.transaction() as session:
        await store["things"].insert_one({"_id": 2}, session=session)
    assert await store["things"].distinct("_id") == [2]


async def test_an_operation_that_takes_too_long_is_unavailable(store):
    await store["things"].insert_one({"_id": 1})
    async with store.transaction() as session:
        await store["things"].update_one({"_id": 1}, {"$set": {"held": True}}, session=session)
        with pytest.raises(Unavailable, match="does not answer"), within(0.3):
            await store["things"].update_one({"_id": 1}, {"$set": {"held": False}})


async def test_address_where_nobody_answers_is_unavailable_as_soon_as_the_bound_says():
    nobody = Settings(mongodb=MongoDB(uri="mongodb://127.0.0.1:1/"))
    started = asyncio.get_running_loop().time()
    with pytest.raises(Unavailable, match="The database does not answer"), within(0.3):
        async with open_database(nobody):
            pass
    assert asyncio.get_running_loop().time() - started < 3


@pytest.mark.parametrize("uri", ["mongodb://me:hunter2@db:port/", "mongodb://"])
async def test_bad_address_is_refused_without_its_password(uri):
    with pytest.raises(Refused, match="uri cannot be used") as caught:
        async with open_database(Settings(mongodb=MongoDB(uri=uri))):
            pass
    assert "hunter2" not in str(caught.value)


async def test_address_of_a_replica_set_is_used_as_it_is(address, store):
    await store["things"].insert_one({"_id": 1})
    settings = Settings(mongodb=MongoDB(uri=address, database="tests"))
    async with open_database(settings) as database:
        assert await database["things"].distinct("_id") == [1]


async def test_server_that_is_no_replica_set_is_refused(tmp_path):
    port = await asyncio.to_thread(start_lonely_server, tmp_path)
    uri = f"mongodb://127.0.0.1:{port}/?directConnection=true"
    try:
        with pytest.raises(Refused, match="is no replica set; start it with --replSet"):
            async with open_database(Settings(mongodb=MongoDB(uri=uri))):
                pass
    finally:
        os.kill(int((tmp_path / "mongod.lock").read_text()), signal.SIGKILL)


def start_lonely_server(folder: Path) -> int:
    """A mongod that belongs to no set yet."""
    private.write(folder / "key", "secret" * 10)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    [program, *_] = mongod.find_programs(folder / "libraries")
    options = mongod.Options(folder, folder / "log", folder / "key", port, cache_gb=0.25, oplog_mb=64)
    mongod.start(program, options)
    return int(port)


async def test_wrong_password_is_refused(server):
    host, port = await server.client.address
    settings = Settings(mongodb=MongoDB(uri=f"mongodb://me:hunter2@{host}:{port}/"))
    with pytest.raises(Refused, match="does not let Bandeja in") as caught:
        async with open_database(settings):
            pass
    assert "hunter2" not in str(caught.value)
    assert str(caught.value).endswith(": Authentication failed.")
