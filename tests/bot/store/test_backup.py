"""A backup holds the company and nothing of running processes, and comes back into an empty database only."""

import io
import json
import resource
import stat
import tarfile
from contextlib import contextmanager
from datetime import UTC, datetime

import bson
import pytest

from bot.errors import Refused
from bot.store.backup import HISTORY, read_backup, write_backup

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def fill(store) -> None:
    await store["contacts"].insert_one({"_id": "ana", "name": "Ana 🌻", "heard": NOW})
    await store["messages"].insert_many([{"_id": number, "text": "hola"} for number in range(1200)])
    await store["fs.chunks"].insert_many([{"_id": number, "data": bytes(9_000_000)} for number in range(3)])
    await store["sessions"].insert_one({"_id": "browser"})
    await store["leases"].insert_one({"_id": "sender"})


async def empty(store) -> None:
    for name in ("contacts", "messages", "fs.chunks", "sessions", "leases", "teams", "outbox"):
        await store[name].delete_many({})


@pytest.fixture
async def backup(store, tmp_path):
    await fill(store)
    await write_backup(store, tmp_path / "backup.tar.gz", now=NOW)
    await empty(store)
    return tmp_path / "backup.tar.gz"


@contextmanager
def room_for(count: int):
    """As on a full disk: no file of this process grows beyond so many bytes."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


async def test_everything_of_the_company_comes_back_as_it_was(store, backup):
    counts = await read_backup(store, backup)
    assert {name: counts[name] for name in ("contacts", "messages", "fs.chunks")} == {
        "contacts": 1,
        "messages": 1200,
        "fs.chunks": 3,
    }
    assert await store["contacts"].find_one() == {"_id": "ana", "name": "Ana 🌻", "heard": NOW}
    assert await store["messages"].count_documents({"text": "hola"}) == 1200
    assert {len(chunk["data"]) async for chunk in store["fs.chunks"].find()} == {9_000_000}


async def test_sessions_and_leases_stay_behind(store, backup):
    await read_backup(store, backup)
    assert await store["sessions"].count_documents({}) == await store["leases"].count_documents({}) == 0


async def test_only_its_owner_may_read_the_file(backup):
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["agents", "accounts", "contacts", "messages"])
async def test_a_database_with_data_is_left_alone(store, backup, name):
    await store[name].insert_one({"_id": "theirs"})
    with pytest.raises(Refused) as caught:
        await read_backup(store, backup)
    assert caught.value.code == "database_not_empty"
    assert await store["fs.chunks"].count_documents({}) == 0


async def test_what_a_first_start_made_gives_way(store, backup, tmp_path):
    await store["teams"].insert_one({"_id": "first", "name": "Ventas"})
    await write_backup(store, tmp_path / "again.tar.gz", now=NOW)
    await store["teams"].update_one({"_id": "first"}, {"$set": {"name": "Team"}})
    await read_backup(store, tmp_path / "again.tar.gz")
    assert await store["teams"].find().to_list() == [{"_id": "first", "name": "Ventas"}]


async def test_fields_are_changed_before_anybody_can_read_them(store, tmp_path):
    await store["outbox"].insert_one({"_id": "one", "state": "queued", "account": "sales"})
    await write_backup(store, tmp_path / "queued.tar.gz", now=NOW)
    await empty(store)
    await read_backup(store, tmp_path / "queued.tar.gz", changed={"outbox": {"state": "sending"}})
    assert await store["outbox"].find().to_list() == [{"_id": "one", "state": "sending", "account": "sales"}]


async def test_a_file_that_was_cut_off_is_refused(store, backup):
    whole = backup.read_bytes()
    backup.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Refused) as caught:
        await read_backup(store, backup)
    assert caught.value.code == "backup_broken"
    assert await store["contacts"].count_documents({}) == 0


async def test_a_file_of_something_else_is_refused(store, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(Refused) as caught:
        await read_backup(store, tmp_path / "photo.jpg")
    assert caught.value.code == "backup_broken"


async def test_a_place_that_cannot_be_written_is_refused(store, tmp_path):
    with pytest.raises(Refused) as caught:
        await write_backup(store, tmp_path / "missing" / "backup.tar.gz", now=NOW)
    assert caught.value.code == "backup_unwritable"


async def test_when_there_is_no_room_the_older_backup_stays(store, backup, tmp_path):
    before = backup.read_bytes()
    await fill(store)
    with room_for(1000), pytest.raises(Refused) as caught:
        await write_backup(store, backup, now=NOW)
    assert caught.value.code == "backup_unwritable"
    assert backup.read_bytes() == before
    assert list(tmp_path.iterdir()) == [backup]


async def test_the_server_remembers_for_long_only_while_a_backup_is_made(store, tmp_path):
    ask = {"getParameter": 1, HISTORY: 1}
    before = await store.client.admin.command(ask)
    await write_backup(store, tmp_path / "backup.tar.gz", now=NOW)
    assert (await store.client.admin.command(ask))[HISTORY] == before[HISTORY]


WHOLE = {"format": 1, "schema": 1, "documents": {}}


@pytest.mark.parametrize(
    "files",
    [
        {"manifest.json": b"[]"},
        {"manifest.json": b'{"format": 1}'},
        {"agents/1.bson": b"\xff\xff\xff\x7fgarbage", "manifest.json": WHOLE | {"documents": {"agents": 1}}},
        {"agents/1.bson": bson.encode({"name": "x"}), "manifest.json": WHOLE | {"documents": {"agents": 1}}},
        {"system.users/1.bson": bson.encode({"_id": 1}), "manifest.json": WHOLE | {"documents": {"system.users": 1}}},
        {"../../x/1.bson": bson.encode({"_id": 1}), "manifest.json": WHOLE | {"documents": {"..": 1}}},
        {"agents/1.bson": "/etc/passwd", "manifest.json": WHOLE | {"documents": {"agents": 1}}},
    ],
)
async def test_a_file_made_to_look_like_a_backup_is_refused_in_a_sentence(store, tmp_path, files):
    path = tmp_path / "odd.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, body in files.items():
            entry = tarfile.TarInfo(name)
            if isinstance(body, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, body
            raw = json.dumps(body).encode() if isinstance(body, dict) else body if isinstance(body, bytes) else b""
            entry.size = len(raw)
            archive.addfile(entry, io.BytesIO(raw))
    with pytest.raises(Refused, match="backup"):
        await read_backup(store, path)
    assert await store["agents"].count_documents({}) == 0
