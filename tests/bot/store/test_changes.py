import pytest

from bot.config import MongoDB, Settings
from bot.store.changes import Change, Changes
from bot.store.database import open_database
from tests.waiting import wait_for


class Heard:
    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.missed = 0

    def hear(self, change: Change) -> None:
        self.changes.append(change)

    def miss(self) -> None:
        self.missed += 1


@pytest.fixture
async def heard(store):
    heard = Heard()
    changes = Changes(store)
    changes.subscribe("nudges", heard.hear, missed=heard.miss, fields=("items",))
    await changes.start()
    yield heard
    await changes.stop()


async def test_what_is_written_after_start_is_heard_with_the_fields_asked_for(store, heard):
    await store["nudges"].insert_one({"_id": "1", "items": [{"what": "list"}], "secret": "x"})
    await wait_for(lambda: heard.changes)
    assert heard.changes == [Change("nudges", "insert", "1", {"items": [{"what": "list"}]})]


async def test_updates_and_deletes_are_heard_in_order(store, heard):
    await store["nudges"].insert_one({"_id": "1", "items": 1})
    await store["nudges"].update_one({"_id": "1"}, {"$set": {"items": 2, "other": 3}})
    await store["nudges"].delete_one({"_id": "1"})
    await wait_for(lambda: len(heard.changes) == 3)
    assert [(change.kind, change.fields) for change in heard.changes] == [
        ("insert", {"items": 1}),
        ("update", {"items": 2}),
        ("delete", {}),
    ]


async def test_other_collections_are_not_heard(store, heard):
    await store["contacts"].insert_one({"_id": "1"})
    await store["nudges"].insert_one({"_id": "2", "items": []})
    await wait_for(lambda: heard.changes)
    assert [change.id for change in heard.changes] == ["2"]


def fail(change: Change) -> None:
    raise ZeroDivisionError


async def test_listener_that_fails_harms_nobody_else(store):
    heard = Heard()
    changes = Changes(store)
    changes.subscribe("nudges", fail, missed=heard.miss)
    changes.subscribe("nudges", heard.hear, missed=heard.miss)
    await changes.start()
    try:
        await store["nudges"].insert_many([{"_id": "1"}, {"_id": "2"}])
        await wait_for(lambda: len(heard.changes) == 2)
    finally:
        await changes.stop()


async def test_broken_connection_loses_nothing(store, heard):
    await store["nudges"].insert_one({"_id": "1"})
    await wait_for(lambda: heard.changes)
    await kill_cursors(store)
    await store["nudges"].insert_one({"_id": "2"})
    await wait_for(lambda: len(heard.changes) == 2)
    assert [change.id for change in heard.changes] == ["1", "2"]
    assert heard.missed == 0


async def kill_cursors(store) -> None:
    """What a fail-over does to a stream: the server forgets it."""
    pipeline = [{"$currentOp": {"idleCursors": True}}, {"$match": {"cursor.tailable": True}}]
    operations = await (await store.client.admin.aggregate(pipeline)).to_list()
    for operation in operations:
        collection = operation["ns"].partition(".")[2]
        await store.handle.command("killCursors", collection, cursors=[operation["cursor"]["cursorId"]])


async def test_lost_thread_is_told_and_a_new_one_begun(address):
    """Dropping the database ends every stream on it for good."""
    heard = Heard()
    settings = Settings(mongodb=MongoDB(uri=address, database="dropped"))
    async with open_database(settings) as database:
        changes = Changes(database)
        changes.subscribe("nudges", heard.hear, missed=heard.miss)
        await database["nudges"].insert_one({"_id": "0"})
        await changes.start()
        await database.client.drop_database("dropped")
        await wait_for(lambda: heard.missed == 1)
        await database["nudges"].insert_one({"_id": "1"})
        await wait_for(lambda: [change.id for change in heard.changes][-1:] == ["1"])
        await changes.stop()
        await database.client.drop_database("dropped")
