"""Conversations over the API: the list, one, and what can be done to it."""

from datetime import timedelta

import pytest

from inbox.labels import add_label
from inbox.people import FIRST_TEAM, add_team
from tests.inbox.builders import NOON, a_conversation, a_message, an_agent

ITEM = {
    "id", "status", "contact", "channel", "account", "team", "assignee", "labels", "last_message", "unread",
    "waiting_since", "window_closes_at",
}  # fmt: skip


async def test_an_item_has_what_the_contract_says(api, owner, ana, number):
    status, body = await api.get(owner, "/conversations")
    (item,) = body["items"]
    assert (status, body["next"]) == (200, None)
    assert set(item) >= ITEM
    assert item["contact"] == {"id": ana["contact"], "name": "Ana Rojas"}
    assert (item["channel"], item["account"], item["team"]) == ("whatsapp", number.id, FIRST_TEAM)
    assert (item["last_message"]["text"], item["last_message"]["direction"]) == ("Hola", "in")
    assert item["last_message"]["at"].endswith("Z")


async def test_pages_join_without_gap_or_double(api, owner, store):
    made = {(await a_conversation(store, at=NOON))["_id"] for _ in range(7)}
    seen = [item["id"] for item in await api.pages(owner, "/conversations", limit=3)]
    assert len(seen) == 7
    assert set(seen) == made


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, {"a", "b", "c", "d"}),
        ({"status": "open"}, {"a", "b"}),
        ({"status": "snoozed"}, {"c"}),
        ({"status": "resolved"}, {"d"}),
        ({"assignee": "me"}, {"b"}),
        ({"assignee": "none"}, {"a", "c", "d"}),
        ({"channel": "telegram"}, {"c"}),
        ({"account": "1" * 24}, {"a"}),
        ({"team": "2" * 24}, {"b"}),
        ({"label": "vip"}, {"d"}),
        ({"q": "zoe"}, {"a"}),
        ({"q": "zoe", "status": "resolved"}, set()),
        ({"q": "nobody at all"}, set()),
        ({"q": "invoice"}, {"b"}),
    ],
)
async def test_filters(api, owner, store, asked, found):
    vip = await add_label(store, name="vip", colour="red", now=NOON)
    rows = {
        "a": await a_conversation(store, accounts=["1" * 24], name="Zoe"),
        "b": await a_conversation(store, assignee=owner.id, team="2" * 24),
        "c": await a_conversation(store, status="snoozed", channel="telegram"),
        "d": await a_conversation(store, status="resolved", labels=[vip["_id"]]),
    }
    await store["contacts"].insert_one({"_id": rows["a"]["contact"], "name": "Zoe", "search": ["zoe"]})
    await a_message(store, rows["b"], text="invoice", words=["invoice"])
    _, body = await api.get(owner, "/conversations", **asked)
    names = {row["_id"]: name for name, row in rows.items()}
    assert {names[item["id"]] for item in body["items"]} == found


async def test_nobody_lists_finds_or_opens_what_they_may_not_see(api, store, owner, ana):
    luis = await an_agent(store, "Luis", sees="own")
    for asked in ({}, {"q": "ana"}):
        assert (await api.get(luis, "/conversations", **asked))[1]["items"] == []
    path = f"/conversations/{ana['conversation']}"
    for method, rest in (("GET", ""), ("GET", "/messages"), ("GET", "/notes"), ("POST", "/resolve")):
        assert (await api.call(method, luis, path + rest))[0] == 404
    assert (await api.get(owner, path))[1]["status"] == "open"


async def test_numbers_are_masked_wherever_they_stand(api, store, masked):
    row = await a_conversation(
        store, name="+57 300 1112233", last={"text": "call 300 111 2233", "direction": "in", "at": NOON}
    )
    await a_message(
        store,
        row,
        text="call 300 111 2233",
        content={"type": "cards", "cards": [{"name": "Bo", "phones": ["+573005556677"]}]},
        platform_id="wamid.HBgMNTczMDAxMTEyMjMz",
        author={"kind": "contact", "id": None, "name": "+57 300 1112233"},
    )
    note = {"_id": "n" * 24, "author": {"id": "x", "name": "Y"}, "text": "3001112233", "at": NOON}
    await store["notes"].insert_one({**note, "conversation": row["_id"]})
    path = f"/conversations/{row['_id']}"
    for asked in (path, f"{path}/messages", f"{path}/notes", "/conversations"):
        answer = await api.ask("GET", masked, asked)
        text = await answer.text()
        assert answer.status == 200
        for piece in ("1112233", "111 2233", "5556677", "wamid"):
            assert piece not in text


async def test_assign_to_me_to_a_colleague_to_nobody_and_to_a_team(api, store, owner, ana):
    luis, support = await an_agent(store, "Luis"), await add_team(store, name="Support", now=NOON)
    path = f"/conversations/{ana['conversation']}/assign"
    for body, assignee in (({"agent": "me"}, owner.id), ({"agent": luis.id}, luis.id), ({"agent": None}, None)):
        status, item = await api.post(owner, path, body)
        assert (status, item["assignee"]) == (200, assignee)
    status, item = await api.post(owner, path, {"team": support.id})
    assert (status, item["team"], item["assignee"]) == (200, support.id, None)
    assert (await api.post(owner, path, {"agent": "f" * 24}))[0] == 404
    assert (await api.post(owner, path, {"team": "f" * 24}))[0] == 404


async def test_a_conversation_folded_into_another_answers_with_it_and_keeps_its_messages_and_notes(
    api, store, owner, ana
):
    support = await add_team(store, name="Support", now=NOON)
    other = await a_conversation(store, contact=ana["contact"], team=support.id, at=NOON)
    here = await store["conversations"].find_one({"_id": ana["conversation"]})
    message = await a_message(store, here, text="before")
    note = (await api.post(owner, f"/conversations/{ana['conversation']}/notes", {"text": "n"}))[1]
    await api.post(owner, f"/conversations/{ana['conversation']}/assign", {"team": support.id})
    _, item = await api.get(owner, f"/conversations/{ana['conversation']}")
    assert item["id"] == other["_id"]
    _, messages = await api.get(owner, f"/conversations/{other['_id']}/messages")
    assert [one["id"] for one in messages["items"]] == [message["_id"]]
    _, notes = await api.get(owner, f"/conversations/{other['_id']}/notes")
    assert [one["id"] for one in notes["items"]] == [note["id"]]


async def test_resolve_reopen_snooze(api, house, owner, ana):
    path = f"/conversations/{ana['conversation']}"
    assert (await api.post(owner, f"{path}/resolve"))[1]["status"] == "resolved"
    assert (await api.post(owner, f"{path}/resolve"))[0] == 200
    until = (house.clock.now() + timedelta(days=1)).replace(microsecond=0)
    status, body = await api.post(owner, f"{path}/snooze", {"until": until.isoformat()})
    assert (status, body["error"]["code"]) == (422, "conversation_resolved")
    assert (await api.post(owner, f"{path}/reopen"))[1]["status"] == "open"
    status, item = await api.post(owner, f"{path}/snooze", {"until": until.isoformat()})
    assert (status, item["status"], item["snoozed_until"]) == (200, "snoozed", until.strftime("%Y-%m-%dT%H:%M:%SZ"))
    status, body = await api.post(owner, f"{path}/snooze", {"until": "2020-01-01T00:00:00Z"})
    assert (status, body["error"]["code"]) == (422, "until_invalid")


async def test_labels_are_set_by_name_whatever_the_capitals_and_made_by_those_who_manage_them(
    api, store, owner, ana
):
    path = f"/conversations/{ana['conversation']}/labels"
    assert (await api.call("PUT", owner, path, json={"labels": ["VIP", "order"]}))[1]["labels"] == ["VIP", "order"]
    luis = await an_agent(store, "Luis")
    assert (await api.call("PUT", luis, path, json={"labels": ["vip"]}))[1]["labels"] == ["VIP"]
    status, body = await api.call("PUT", luis, path, json={"labels": ["new one"]})
    assert (status, body["error"]["code"]) == (422, "label_unknown")
    assert (await api.call("PUT", owner, path, json={"labels": []}))[1]["labels"] == []
    _, body = await api.get(luis, "/labels")
    assert sorted(label["name"] for label in body["items"]) == ["VIP", "order"]


async def test_notes_are_pages_newest_first_and_the_mentioned_may_read_along(api, store, owner, ana):
    luis = await an_agent(store, "Luis", sees="own")
    path = f"/conversations/{ana['conversation']}/notes"
    for text in ("one", "two", "@Luis three"):
        status, note = await api.post(owner, path, {"text": text})
        assert (status, note["author"]["name"]) == (201, "Olga")
    assert note["mentions"] == [luis.id]
    _, first = await api.get(luis, path, limit=2)
    _, rest = await api.get(luis, path, limit=2, cursor=first["next"])
    assert [one["text"] for one in first["items"] + rest["items"]] == ["@Luis three", "two", "one"]
    assert (await api.post(owner, path, {"text": "   "}))[0] == 422
