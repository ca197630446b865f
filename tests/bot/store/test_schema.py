import asyncio

import pytest
from pymongo.errors import DuplicateKeyError

from bot.config import Journal, MongoDB, Settings
from bot.errors import Refused
from bot.store.database import open_database
from bot.store.indexes import INDEXES, SCHEMA
from bot.store.schema import Index, Schema, ensure

DAY = 86400


@pytest.fixture
async def fresh(server, settings):
    """A database of its own on the test server, without anything in it."""
    mongodb = settings.mongodb.model_copy(update={"database": "fresh"})
    async with open_database(settings.model_copy(update={"mongodb": mongodb})) as database:
        yield database
        await database.client.drop_database("fresh")


def schema(*indexes: Index, version: int = 1, **options) -> Schema:
    return Schema(version=version, indexes=indexes, options=options)


async def test_indexes_are_made_with_their_options(fresh):
    unique = Index("things", ("kind", "-at"), unique=True, partial={"open": True}, name="one_open")
    await ensure(fresh, schema(unique, Index("things", ("at",), ttl_seconds=60)), Settings())
    made = await fresh["things"].index_information()
    assert made["one_open"]["key"] == [("kind", 1), ("at", -1)]
    assert made["one_open"]["unique"] is True
    assert made["one_open"]["partialFilterExpression"] == {"open": True}
    assert made["at_1"]["expireAfterSeconds"] == 60


async def test_collections_are_made_with_their_options(fresh):
    wanted = schema(things={"collation": {"locale": "es", "strength": 1}})
    await ensure(fresh, wanted, Settings())
    await ensure(fresh, wanted, Settings())
    await fresh["things"].insert_one({"name": "Águila"})
    assert await fresh["things"].count_documents({"name": "aguila"}) == 1


async def test_everything_of_ours_can_be_made_by_two_processes_at_once_and_again(fresh):
    await asyncio.gather(ensure(fresh, SCHEMA, Settings()), ensure(fresh, SCHEMA, Settings()))
    await ensure(fresh, SCHEMA, Settings())
    for index in INDEXES:
        assert index.label in await fresh[index.collection].index_information()


async def test_names_of_indexes_are_used_once():
    labels = [(index.collection, index.label) for index in INDEXES]
    assert len(labels) == len(set(labels))


async def test_days_from_the_settings_change_an_index_that_stands(fresh):
    wanted = schema(Index("journal", ("at",), ttl_seconds=lambda settings: settings.journal.keep_days * DAY))
    for days in (7, 30):
        await ensure(fresh, wanted, Settings(journal=Journal(keep_days=days)))
        assert (await fresh["journal"].index_information())["at_1"]["expireAfterSeconds"] == days * DAY


async def test_schema_newer_than_the_program_is_refused_and_left_alone(fresh):
    await ensure(fresh, schema(version=5), Settings())
    with pytest.raises(Refused, match=r"newer Bandeja \(schema 5, this program knows 4\)") as caught:
        await ensure(fresh, schema(Index("things", ("at",)), version=4), Settings())
    assert caught.value.code == "schema_newer"
    assert "things" not in await fresh.handle.list_collection_names()


async def test_newer_program_takes_an_older_schema_on(fresh):
    await ensure(fresh, schema(version=1), Settings())
    await ensure(fresh, schema(Index("things", ("at",)), version=2), Settings())
    assert (await fresh["meta"].find_one({"_id": "schema"}))["version"] == 2


async def test_index_that_the_data_contradicts_is_refused_without_showing_the_data(fresh):
    await fresh["people"].insert_many([{"phone": "5215512345678"}, {"phone": "5215512345678"}])
    with pytest.raises(Refused, match="index of the collection people cannot be made") as caught:
        await ensure(fresh, schema(Index("people", ("phone",), unique=True)), Settings())
    assert "5215512345678" not in str(caught.value)


async def test_index_changed_under_its_old_name_is_refused(fresh):
    await ensure(fresh, schema(Index("things", ("a",), name="main")), Settings())
    with pytest.raises(Refused, match="collection things cannot be made"):
        await ensure(fresh, schema(Index("things", ("b",), name="main")), Settings())


async def test_one_open_conversation_per_person_and_team_is_a_rule_of_the_data(store):
    await store["conversations"].insert_one({"_id": "1", "contact": "c", "team": "t", "open": False})
    await store["conversations"].insert_one({"_id": "2", "contact": "c", "team": "t", "open": True})
    with pytest.raises(DuplicateKeyError):
        await store["conversations"].insert_one({"_id": "3", "contact": "c", "team": "t", "open": True})
    await store["conversations"].insert_one({"_id": "4", "contact": "c", "team": "other", "open": True})


async def test_a_user_without_rights_is_told_which_are_needed(fresh, address):
    rights = {"pwd": "a good word", "roles": [{"role": "read", "db": "fresh"}]}
    await fresh.client.admin.command("createUser", "reader", **rights)
    stranger = address.replace(address.partition("//")[2].partition("@")[0], "reader:a%20good%20word")
    try:
        async with open_database(Settings(mongodb=MongoDB(uri=stranger, database="fresh"))) as database:
            with pytest.raises(Refused, match="readWrite and dbAdmin") as caught:
                await ensure(database, SCHEMA, Settings())
    finally:
        await fresh.client.admin.command("dropUser", "reader")
    assert caught.value.code == "no_rights"
