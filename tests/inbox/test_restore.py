"""`bandeja restore`: the company comes back, and nobody is written to twice."""

import base64
from datetime import UTC, datetime

import pytest

from bot.config import Data, MongoDB
from bot.delivery.sweep import sweep
from bot.errors import Refused
from bot.records.accounts import Accounts
from bot.store.backup import write_backup
from bot.store.secrets import open_vault
from inbox.commands import read_backup

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANOTHER_KEY = base64.urlsafe_b64encode(bytes(32)).decode()


@pytest.fixture
def elsewhere(settings, address, tmp_path):
    """The same database, with a data directory of its own."""
    data = Data(directory=tmp_path / "data")
    return settings.model_copy(update={"mongodb": MongoDB(uri=address, database="tests"), "data": data})


@pytest.mark.parametrize("state", ["queued", "held", "sending"])
async def test_what_was_on_its_way_out_is_uncertain_after_a_restore(store, elsewhere, tmp_path, state):
    await store["messages"].insert_one({"_id": "m", "status": "queued", "rank": 1, "conversation": None})
    await store["outbox"].insert_one({"_id": "m", "state": state, "epoch": 57, "account": "sales"})
    await write_backup(store, tmp_path / "backup.tar.gz", now=NOW)
    for name in ("messages", "outbox", "teams"):
        await store[name].delete_many({})
    await read_backup(elsewhere, tmp_path / "backup.tar.gz", key=None)
    assert await store["outbox"].count_documents({"state": "queued"}) == 0
    await sweep(store, Accounts(store, open_vault(tmp_path)), epoch=1, in_flight=(), now=NOW)
    assert (await store["messages"].find_one())["status"] == "uncertain"
    assert (await store["outbox"].find_one())["state"] == "settling"


async def test_with_the_old_key_the_accounts_go_on_working(store, elsewhere, tmp_path):
    await write_backup(store, tmp_path / "backup.tar.gz", now=NOW)
    await read_backup(elsewhere, tmp_path / "backup.tar.gz", key=ANOTHER_KEY)
    assert (elsewhere.data.directory / "key").read_text() == ANOTHER_KEY


async def test_a_refused_restore_leaves_the_key_of_those_who_work_here(store, elsewhere, tmp_path):
    await write_backup(store, tmp_path / "backup.tar.gz", now=NOW)
    open_vault(elsewhere.data.directory)
    key = (elsewhere.data.directory / "key").read_text()
    await store["contacts"].insert_one({"_id": "ana"})
    with pytest.raises(Refused):
        await read_backup(elsewhere, tmp_path / "backup.tar.gz", key=ANOTHER_KEY)
    assert (elsewhere.data.directory / "key").read_text() == key
