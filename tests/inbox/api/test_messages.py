"""Reading messages and writing them: what is accepted is in the outbox, what is refused is nowhere."""

import asyncio

import pytest
from pydantic import TypeAdapter

from inbox.api import items
from inbox.api.shapes import message_type
from tests.inbox.builders import NOON, a_conversation, a_message, an_agent

PATH = "/conversations/{}/messages"


@pytest.fixture
def path(ana):
    return PATH.format(ana["conversation"])


async def test_text_is_accepted_and_waits_in_the_outbox(api, store, owner, ana, number, path):
    status, message = await api.post(owner, path, {"text": "Sí, en azul."})
    assert status == 202
    TypeAdapter(items.Sent).validate_python(message)
    assert (message["type"], message["text"], message["direction"]) == ("text", "Sí, en azul.", "out")
    assert (message["status"], message["error"], message["platform_id"]) == ("queued", None, None)
    assert (message["author"]["kind"], message["author"]["name"]) == ("agent", "Olga")
    assert await store["outbox"].distinct("_id") == [message["id"]]
    _, listed = await api.get(owner, path)
    assert listed["items"][0]["id"] == message["id"]
    assert (await api.get(owner, f"/messages/{message['id']}"))[1]["text"] == "Sí, en azul."
    _, conversation = await api.get(owner, f"/conversations/{ana['conversation']}")
    assert conversation["last_message"]["text"] == "Sí, en azul."
    assert (conversation["waiting_since"], conversation["assignee"]) == (None, owner.id)


async def test_a_newer_message_than_was_seen_stops_the_answer_and_stores_nothing(api, store, owner, ana, path):
    row = await store["conversations"].find_one({"_id": ana["conversation"]})
    seen = await a_message(store, row, at=NOON)
    newer = await a_message(store, row, at=NOON.replace(minute=5))
    status, body = await api.post(owner, path, {"text": "x", "last_seen": seen["_id"]})
    assert (status, body["error"]["code"], body["error"]["count"]) == (409, "newer_message", 1)
    assert await store["messages"].count_documents({"direction": "out"}) == 0
    assert (await api.post(owner, path, {"text": "x", "last_seen": newer["_id"]}))[0] == 202


async def test_of_two_who_answer_at_once_one_is_told(api, store, owner, ana, path):
    luis = await an_agent(store, "Luis")
    row = await store["conversations"].find_one({"_id": ana["conversation"]})
    seen = await a_message(store, row, at=NOON)
    answers = await asyncio.gather(
        *(api.post(who, path, {"text": who.name, "last_seen": seen["_id"]}) for who in (owner, luis))
    )
    assert sorted(status for status, _ in answers) == [202, 409]
    assert await store["messages"].count_documents({"direction": "out"}) == 1


async def test_free_words_after_the_window_are_refused_in_a_sentence(api, store, owner, ana, path):
    await store["windows"].update_many({}, {"$set": {"heard_at": NOON}})
    status, body = await api.post(owner, path, {"text": "x"})
    assert (status, body["error"]["code"]) == (422, "window_closed")
    assert body["error"]["message"].endswith(".")
    assert await store["outbox"].count_documents({}) == 0


async def test_a_template_by_name_goes_after_the_window_too(api, store, owner, ana, path):
    await store["windows"].update_many({}, {"$set": {"heard_at": NOON}})
    await store["templates"].insert_one(a_template())
    wish = {"name": "order_ready", "language": "es", "variables": {"body.1": "Ana"}}
    status, message = await api.post(owner, path, {"template": wish})
    assert (status, message["type"], message["text"]) == (202, "template", "Hola Ana, está listo.")
    status, body = await api.post(owner, path, {"template": {**wish, "variables": {}}})
    assert (status, body["error"]["code"]) == (422, "template_variable_missing")
    status, body = await api.post(owner, path, {"template": {**wish, "language": "fr"}})
    assert (status, body["error"]["code"]) == (422, "template_unknown")


def a_template(**more):
    return {
        "_id": "7" * 24,
        "scope": "2042",
        "name": "order_ready",
        "language": "es",
        "category": "UTILITY",
        "status": "APPROVED",
        "quality": "",
        "reason": "",
        "platform_id": "1",
        "header": "",
        "header_kind": "",
        "body": "Hola {{1}}, está listo.",
        "footer": "",
        "buttons": [],
        "variables": ["body.1"],
        "synced_at": NOON,
        **more,
    }


async def test_an_answer_quotes_the_message_it_answers(api, store, owner, ana, number, path):
    row = await store["conversations"].find_one({"_id": ana["conversation"]})
    theirs = await a_message(store, row, account=number.id, identity=ana["identity"], platform_id="wamid.9")
    status, message = await api.post(owner, path, {"text": "Yes", "reply_to": theirs["_id"]})
    assert (status, message["reply_to"]) == (202, theirs["_id"])


async def test_an_account_that_does_not_reach_the_person_is_refused(api, owner, ana, path):
    status, body = await api.post(owner, path, {"text": "x", "account": "f" * 24})
    assert (status, body["error"]["code"]) == (422, "unreachable")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, None),
        ({"text": ""}, None),
        ({"text": " \n "}, None),
        ({"text": "x", "template": {"name": "a", "language": "es"}}, None),
        ({"text": "x", "colour": "red"}, "colour"),
        ({"text": 5}, "text"),
        ({"template": {"language": "es"}}, "template.name"),
        ({"template": {"name": "a", "language": "es", "variables": {"body.1": 1}}}, "template.variables.body.1"),
        ({"media": []}, None),
    ],
)
async def test_a_wrong_body_is_refused_by_the_name_of_the_field(api, store, owner, path, body, field):
    status, answer = await api.post(owner, path, body)
    assert (status, answer["error"].get("field")) == (400, field)
    if field:
        assert field in answer["error"]["message"]
    assert await store["messages"].count_documents({"direction": "out"}) == 0


async def test_four_thousand_emoji_come_back_whole(api, owner, path):
    text = "🤠" * 4096
    status, message = await api.post(owner, path, {"text": text})
    assert status == 202
    whole, rest = message["text"], [(await api.get(owner, f"/messages/{one}"))[1]["text"] for one in message["further"]]
    assert whole + "".join(rest) == text


async def test_writing_first_to_a_number_makes_a_person_and_a_conversation(api, store, owner, number):
    await store["templates"].insert_one(a_template())
    body = {
        "account": number.id,
        "to": "+57 300 999 8877",
        "template": {"name": "order_ready", "language": "es", "variables": {"body.1": "Bo"}},
    }
    status, started = await api.post(owner, "/conversations", body)
    assert (status, started["message"]["type"]) == (201, "template")
    TypeAdapter(items.Started).validate_python(started)
    assert started["last_message"]["text"] == "Hola Bo, está listo."
    assert (await api.get(owner, f"/contacts/{started['contact']['id']}"))[1]["phone"] == "+573009998877"
    status, again = await api.post(owner, "/conversations", body)
    assert (status, again["id"]) == (201, started["id"])


async def test_writing_first_with_free_words_is_refused_and_makes_nobody(api, store, owner, number):
    status, body = await api.post(owner, "/conversations", {"account": number.id, "to": "+573009998877", "text": "Hi"})
    assert (status, body["error"]["code"]) == (422, "window_closed")
    assert await store["contacts"].count_documents({}) == 0


async def test_writing_first_to_a_contact_one_may_not_see_is_not_found(api, store, ana):
    luis = await an_agent(store, "Luis", sees="own")
    status, _ = await api.post(luis, "/conversations", {"contact": ana["contact"], "text": "x"})
    assert status == 404


@pytest.mark.parametrize(
    "body",
    [{"text": "x"}, {"to": "+573009998877", "text": "x"}, {"contact": "a", "to": "b", "account": "c", "text": "x"}],
)
async def test_writing_first_needs_to_know_to_whom(api, owner, body):
    assert (await api.post(owner, "/conversations", body))[0] == 400


async def test_the_whole_thread_of_a_person_goes_over_all_conversations_and_channels(api, store, owner, ana):
    row = await store["conversations"].find_one({"_id": ana["conversation"]})
    old = await a_conversation(store, contact=ana["contact"], status="resolved", channel="telegram")
    first = await a_message(store, old, channel="telegram", at=NOON)
    campaign = await a_message(store, {**row, "_id": None}, at=NOON.replace(minute=1), direction="out")
    last = await a_message(store, row, at=NOON.replace(minute=2))
    hidden = await a_message(store, row, at=NOON.replace(minute=3), hidden=True)
    _, body = await api.get(owner, f"/contacts/{ana['contact']}/messages")
    assert [one["id"] for one in body["items"]] == [last["_id"], campaign["_id"], first["_id"]]
    assert hidden["_id"] not in str(body)


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ({"type": "text", "text": "x"}, "text"),
        ({"type": "media", "kind": "image"}, "image"),
        ({"type": "media", "kind": "animation"}, "video"),
        ({"type": "media", "kind": "voice"}, "voice"),
        ({"type": "cards", "cards": []}, "contacts"),
        ({"type": "choice", "id": "1", "title": "x"}, "choice"),
        ({"type": "unsupported", "kind": "poll"}, "unsupported"),
        ({"type": "hologram"}, "unsupported"),
    ],
)
async def test_every_kind_has_a_type_and_what_nobody_knows_is_unsupported(api, store, owner, ana, path, content, shown):
    assert message_type(content) == shown
    row = await store["conversations"].find_one({"_id": ana["conversation"]})
    await a_message(store, row, content=content, type=content["type"])
    assert (await api.get(owner, path))[1]["items"][0]["type"] == shown


async def test_why_something_failed_is_said_in_the_language_of_whoever_asks(api, store, owner, ana, path, house):
    row = await store["conversations"].find_one({"_id": ana["conversation"]})
    problem = {"code": "131026", "message": "This account is switched off.", "detail": "x", "remedy": "rejected"}
    await a_message(store, row, direction="out", status="failed", error=problem)
    await store["agents"].update_one({"_id": owner.id}, {"$set": {"language": "es"}})
    error = (await api.get(owner, path))[1]["items"][0]["error"]
    assert error["code"] == "131026"
    assert error["message"] == house.translations.translate("es")("This account is switched off.")


async def test_a_masked_agent_gets_ids_whole_and_no_id_of_a_platform(api, store, masked, ana):
    """An id of ours may hold a run of digits that looks like a number; WhatsApp's hold a real one."""
    conversation = await store["conversations"].find_one({"_id": ana["conversation"]})
    file = "690213456789012345678901"
    picture = {"type": "media", "kind": "image", "media": file, "caption": "573001112233"}
    await a_message(store, conversation, content=picture)
    await a_message(
        store, conversation, content={"type": "choice", "id": "1", "title": "Sí", "target": "wamid.HBgMNTcz"}
    )
    status, body = await api.get(masked, f"/conversations/{ana['conversation']}/messages")
    assert status == 200
    assert "wamid" not in str(body)
    (shown,) = [one["content"] for one in body["items"] if one["type"] == "image"]
    assert (shown["media"], shown["caption"]) == (file, "•••")
