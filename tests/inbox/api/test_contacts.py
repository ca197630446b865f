"""People over the API."""

from pydantic import TypeAdapter

from inbox.api import items
from tests.inbox.api.conftest import PHONE
from tests.inbox.builders import a_contact, an_agent


async def test_a_contact_is_written_down_read_found_and_changed(api, owner):
    wish = {"name": "Luz Peña", "phone": "+52 55 1234 5678", "fields": {"city": "Puebla"}, "tags": ["vip"]}
    status, made = await api.post(owner, "/contacts", wish)
    assert status == 201
    TypeAdapter(items.Contact).validate_python(made)
    (identity,) = made["identities"]
    assert made["phone"] == "+525512345678"
    assert (identity["kind"], identity["scope"], identity["value"]) == ("phone", "everywhere", "525512345678")
    path = f"/contacts/{made['id']}"
    assert (await api.get(owner, path))[1] == made
    for asked in ({"q": "pena"}, {"q": "1234"}, {"tag": "vip"}):
        assert [one["id"] for one in (await api.get(owner, "/contacts", **asked))[1]["items"]] == [made["id"]]
    assert (await api.get(owner, "/contacts", tag="other"))[1]["items"] == []
    status, changed = await api.call("PATCH", owner, path, json={"email": "luz@sol.example", "fields": {"city": None}})
    assert (status, changed["email"], changed["fields"], changed["name"]) == (200, "luz@sol.example", {}, "Luz Peña")


async def test_the_number_of_somebody_else_is_a_conflict_that_says_whose(api, owner, ana):
    status, body = await api.post(owner, "/contacts", {"phone": f"+{PHONE}"})
    assert (status, body["error"]["code"], body["error"]["contact"]) == (409, "phone_taken", ana["contact"])


async def test_the_list_goes_from_page_to_page(api, store, owner):
    made = [(await a_contact(store))["_id"] for _ in range(5)]
    seen = [item["id"] for item in await api.pages(owner, "/contacts", limit=2)]
    assert seen == sorted(made, reverse=True)


async def test_who_sees_only_their_own_lists_and_opens_only_those(api, store, ana):
    luis = await an_agent(store, "Luis", sees="own")
    path = f"/contacts/{ana['contact']}"
    for asked in ({}, {"q": "ana"}):
        assert (await api.get(luis, "/contacts", **asked))[1]["items"] == []
    assert [(await api.get(luis, rest))[0] for rest in (path, f"{path}/messages")] == [404, 404]
    await store["conversations"].update_one({"_id": ana["conversation"]}, {"$set": {"assignee": luis.id}})
    assert [one["id"] for one in (await api.get(luis, "/contacts"))[1]["items"]] == [ana["contact"]]


async def test_numbers_are_masked_and_are_not_found_by_a_piece(api, store, masked, ana):
    await store["contacts"].update_one({"_id": ana["contact"]}, {"$set": {"fields": {"other": "300 555 6677"}}})
    answer = await api.ask("GET", masked, f"/contacts/{ana['contact']}")
    text = await answer.text()
    assert PHONE not in text
    assert "6677" not in text
    assert (await answer.json())["phone"] == f"+57•••{PHONE[-2:]}"
    assert (await api.get(masked, "/contacts", q="3001"))[1]["items"] == []


async def test_one_of_name_phone_and_email_is_needed(api, owner):
    status, body = await api.post(owner, "/contacts", {"tags": ["vip"]})
    assert (status, body["error"]["code"]) == (400, "invalid")


async def test_consent_is_not_given_by_writing_it_into_a_contact(api, owner):
    status, body = await api.post(owner, "/contacts", {"name": "Luz", "consent": {"marketing": True}})
    assert (status, body["error"]["field"]) == (400, "consent")
