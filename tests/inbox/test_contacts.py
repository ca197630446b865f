"""People that agents write down: numbers belong to one person, and what an agent wrote stays."""

import asyncio
from typing import Any

import pytest

from bot.channels.contract import Address, Sender
from bot.errors import Conflict, NotFound, Refused
from bot.records.meeting import Meeting, meet
from inbox.actions import contacts
from inbox.permissions import view_of
from inbox.search import find_people
from tests.inbox.builders import NOON, a_conversation, a_message, an_agent

MX: dict[str, Any] = {"country": "MX", "now": NOON}


@pytest.fixture
async def marta(store):
    return await an_agent(store)


async def test_a_written_down_person_is_who_writes_later_from_that_number(store, marta):
    contact = await contacts.create(store, {"name": "Luz", "phone": "55 1234 5678"}, by=marta, **MX)
    assert contact["phone"] == "+525512345678"
    sender = Sender((Address("phone", "everywhere", "5215512345678"),), name="~luz~")
    met = await meet(store, [Meeting(sender, "a" * 24)], now=NOON)
    assert met[0].contact["_id"] == contact["_id"]
    assert (await store["contacts"].find_one({"_id": contact["_id"]}))["name"] == "Luz"


async def test_a_person_is_found_by_name_and_by_a_piece_of_the_number(store, marta):
    contact = await contacts.create(store, {"name": "Luz Peña", "phone": "+52 55 1234 5678"}, by=marta, **MX)
    for text in ("pena", "1234", "luz p"):
        assert [one["_id"] for one in await find_people(store, view_of(marta), text)] == [contact["_id"]]


async def test_the_same_number_again_is_refused_and_says_whose_it_is(store, marta):
    first = await contacts.create(store, {"phone": "+525512345678"}, by=marta, **MX)
    with pytest.raises(Conflict) as caught:
        await contacts.create(store, {"name": "Other", "phone": "5215512345678"}, by=marta, **MX)
    assert (caught.value.code, caught.value.fields["contact"]) == ("phone_taken", first["_id"])
    assert await store["contacts"].count_documents({}) == 1


async def test_whose_a_number_is_is_not_told_to_somebody_who_may_not_see_that_person(store, marta):
    await contacts.create(store, {"phone": "+525512345678"}, by=marta, **MX)
    luis = await an_agent(store, "Luis", sees="own")
    with pytest.raises(Conflict) as caught:
        await contacts.create(store, {"phone": "+525512345678"}, by=luis, **MX)
    assert "contact" not in caught.value.fields


async def test_two_who_write_the_same_number_down_at_once_make_one_person(store, marta):
    wish = {"name": "Luz", "phone": "+525512345678"}
    done = await asyncio.gather(
        *(contacts.create(store, wish, by=marta, **MX) for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(one, dict) for one in done) == 1
    assert all(isinstance(one, dict | Conflict) for one in done)
    assert await store["contacts"].count_documents({}) == 1
    assert await store["identities"].count_documents({}) == 1


async def test_a_number_whose_person_was_never_written_is_adopted(store, marta):
    contact = await contacts.create(store, {"phone": "+525512345678"}, by=marta, **MX)
    await store["contacts"].delete_many({})
    again = await contacts.create(store, {"name": "Luz", "phone": "+525512345678"}, by=marta, **MX)
    assert again["_id"] == contact["_id"]


async def test_a_nameless_person_is_called_by_their_number_until_a_platform_knows_better(store, marta):
    contact = await contacts.create(store, {"phone": "+525512345678"}, by=marta, **MX)
    assert contact["name"] == "+52 55 1234 5678"
    sender = Sender((Address("phone", "everywhere", "525512345678"),), name="Luz")
    await meet(store, [Meeting(sender, "a" * 24)], now=NOON)
    assert (await store["contacts"].find_one({}))["name"] == "Luz"


async def test_only_what_is_given_changes(store, marta):
    contact = await contacts.create(
        store,
        {"name": "Luz", "email": "luz@sol.example", "fields": {"city": "Puebla", "size": "M"}, "tags": ["vip"]},
        by=marta,
        **MX,
    )
    changed = await contacts.edit(store, contact, {"fields": {"city": None, "shoe": "38"}}, by=marta, **MX)
    assert changed["fields"] == {"size": "M", "shoe": "38"}
    assert (changed["name"], changed["email"], changed["tags"]) == ("Luz", "luz@sol.example", ["vip"])


async def test_a_new_name_stands_in_the_conversations_too(store, marta):
    contact = await contacts.create(store, {"name": "Luz"}, by=marta, **MX)
    row = await a_conversation(store, contact=contact["_id"], name="Luz")
    await contacts.edit(store, contact, {"name": "Luz\u202e Marina\n"}, by=marta, **MX)
    assert (await store["conversations"].find_one({"_id": row["_id"]}))["name"] == "Luz Marina"


async def test_a_mistyped_number_is_given_back_and_one_that_was_used_stays(store, marta):
    contact = await contacts.create(store, {"phone": "+525512345678"}, by=marta, **MX)
    contact = await contacts.edit(store, contact, {"phone": "+525587654321"}, by=marta, **MX)
    assert await store["identities"].distinct("value") == ["525587654321"]
    identity = await store["identities"].find_one({})
    row = await a_conversation(store, contact=contact["_id"])
    await a_message(store, row, identity=identity["_id"])
    contact = await contacts.edit(store, contact, {"phone": ""}, by=marta, **MX)
    assert contact["phone"] is None
    assert await store["identities"].distinct("value") == ["525587654321"]


async def test_a_number_of_somebody_else_changes_nothing(store, marta):
    await contacts.create(store, {"phone": "+525512345678"}, by=marta, **MX)
    other = await contacts.create(store, {"name": "Olga"}, by=marta, **MX)
    with pytest.raises(Conflict):
        await contacts.edit(store, other, {"name": "New", "phone": "+525512345678"}, by=marta, **MX)
    assert (await store["contacts"].find_one({"_id": other["_id"]}))["name"] == "Olga"


@pytest.mark.parametrize(
    ("wish", "code", "field"),
    [
        ({"phone": "12"}, "phone_invalid", "phone"),
        ({"phone": "hello"}, "phone_invalid", "phone"),
        ({"email": "at home"}, "email_invalid", "email"),
        ({"name": "x", "fields": {"a.b": "1"}}, "field_name_invalid", "fields"),
        ({"name": "x", "fields": {"$set": "1"}}, "field_name_invalid", "fields"),
        ({"name": "x", "fields": {" ": "1"}}, "field_name_invalid", "fields"),
    ],
)
async def test_nonsense_is_refused_by_the_name_of_its_field(store, marta, wish, code, field):
    with pytest.raises(Refused) as caught:
        await contacts.create(store, wish, by=marta, **MX)
    assert (caught.value.code, caught.value.fields["field"]) == (code, field)
    assert await store["contacts"].count_documents({}) == 0


async def test_an_owner_must_be_somebody_who_works_here(store, marta):
    gone = await an_agent(store, "Gone", active=False)
    with pytest.raises(Refused):
        await contacts.create(store, {"name": "x", "owner": gone.id}, by=marta, **MX)
    with pytest.raises(NotFound):
        await contacts.create(store, {"name": "x", "owner": "f" * 24}, by=marta, **MX)
    assert (await contacts.create(store, {"name": "x", "owner": marta.id}, by=marta, **MX))["owner"] == marta.id


async def test_open_pages_hear_of_the_person_and_of_their_open_conversations(store, marta):
    contact = await contacts.create(store, {"name": "Luz"}, by=marta, **MX)
    row = await a_conversation(store, contact=contact["_id"], assignee=marta.id)
    await store["nudges"].delete_many({})
    await contacts.edit(store, contact, {"tags": ["vip"]}, by=marta, **MX)
    items = (await store["nudges"].find_one({}))["items"]
    assert [item["what"] for item in items] == ["contact", "conversation"]
    assert (items[1]["conversation"], items[1]["assignee"]) == (row["_id"], marta.id)
