"""What stands between an agent and a conversation: the send guard, and what may not be reached by way of sending."""

import asyncio

import pytest

from bot.ids import new_id
from tests.inbox.api.conftest import PHONE
from tests.inbox.builders import NOON, a_conversation, a_message, an_agent


@pytest.fixture
def path(ana):
    return f"/conversations/{ana['conversation']}/messages"


async def test_who_was_refused_by_the_guard_holds_nobody_up(api, store, owner, ana, path):
    """A made-up `last_seen` must not keep colleagues from answering."""
    luis = await an_agent(store, "Luis")
    row = await store["conversations"].find_one({"_id": ana["conversation"]})
    seen = await a_message(store, row, at=NOON)
    status, body = await api.post(luis, path, {"text": "x", "last_seen": new_id()})
    assert (status, body["error"]["code"]) == (422, "last_seen_unknown")
    assert (await api.post(owner, path, {"text": "x", "last_seen": seen["_id"]}))[0] == 202


async def test_a_number_is_no_way_into_a_conversation_that_is_hidden(api, store, number, ana):
    luis = await an_agent(store, "Luis", sees="own")
    body = {"account": number.id, "to": f"+{PHONE}", "text": "x"}
    status, answer = await api.post(luis, "/conversations", body)
    assert (status, answer["error"]["code"]) == (409, "open_elsewhere")
    assert await store["messages"].count_documents({"direction": "out"}) == 0
    assert (await api.get(luis, f"/conversations/{ana['conversation']}"))[0] == 404
    assert (await api.get(luis, "/contacts"))[1]["items"] == []


async def test_whoever_sees_the_open_conversation_goes_on_in_it(api, store, owner, number, ana):
    status, started = await api.post(owner, "/conversations", {"account": number.id, "to": f"+{PHONE}", "text": "x"})
    assert (status, started["id"]) == (201, ana["conversation"])


async def test_a_template_takes_no_file_that_its_sender_may_not_see(api, store, ana, path):
    luis = await an_agent(store, "Luis", sees="own")
    mine = await a_conversation(store, contact=ana["contact"], team="b" * 24, assignee=luis.id)
    file = {"_id": new_id(), "conversation": ana["conversation"], "contact": ana["contact"], "owner": None}
    await store["media"].insert_one({**file, "state": "stored", "mime": "image/png", "size": 1, "kind": "image"})
    await store["templates"].insert_one(
        {
            "_id": new_id(), "scope": "2042", "name": "foto", "language": "es", "status": "APPROVED",
            "category": "UTILITY", "header_kind": "image", "header": "", "body": "Mira", "footer": "",
            "buttons": [], "variables": [],
        }
    )  # fmt: skip
    wish = {"template": {"name": "foto", "language": "es", "header_media": file["_id"]}}
    assert (await api.post(luis, f"/conversations/{mine['_id']}/messages", wish))[0] == 404
    assert await store["messages"].count_documents({"direction": "out"}) == 0


async def test_many_who_write_first_at_once_begin_one_conversation(api, store, owner, number, ana):
    await store["conversations"].delete_many({})
    body = {"account": number.id, "to": f"+{PHONE}", "text": "x"}
    answers = await asyncio.gather(*(api.post(owner, "/conversations", body) for _ in range(6)))
    assert {status for status, _ in answers} == {201}
    assert await store["conversations"].distinct("_id") == list({answer["id"] for _, answer in answers})
    assert await store["messages"].distinct("conversation") == [answers[0][1]["id"]]
