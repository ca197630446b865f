"""Writes asked twice: done once, answered alike."""

import asyncio

import aiohttp
import pytest

from bot.clock import SystemClock
from inbox.api import repeats
from tests.inbox.api.test_files import upload
from tests.inbox.builders import an_agent


def key(text: str) -> dict[str, dict[str, str]]:
    return {"headers": {"Idempotency-Key": text}}


async def test_the_same_message_twice_is_one_and_answered_alike(api, store, owner, ana):
    path = f"/conversations/{ana['conversation']}/messages"
    first = await api.post(owner, path, {"text": "once"}, **key("k"))
    again = await api.post(owner, path, {"text": "once"}, **key("k"))
    assert first == again
    assert first[0] == 202
    assert await store["messages"].count_documents({"direction": "out"}) == 1


async def test_another_body_under_the_same_key_is_refused(api, store, owner, ana):
    path = f"/conversations/{ana['conversation']}/messages"
    await api.post(owner, path, {"text": "once"}, **key("k"))
    status, body = await api.post(owner, path, {"text": "twice"}, **key("k"))
    assert (status, body["error"]["code"]) == (409, "idempotency_conflict")
    status, body = await api.post(owner, f"/conversations/{ana['conversation']}/notes", {"text": "once"}, **key("k"))
    assert (status, body["error"]["code"]) == (409, "idempotency_conflict")
    assert await store["messages"].count_documents({"direction": "out"}) == 1


async def test_the_order_of_keys_and_spaces_make_no_other_body(api, owner):
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    first = await api.call("POST", owner, "/contacts", data=b'{"name": "Luz", "email": "l@x.yz"}', headers=headers)
    again = await api.call("POST", owner, "/contacts", data=b'{"email":"l@x.yz","name":"Luz"}', headers=headers)
    assert first == again


async def test_twenty_at_once_are_one(api, store, owner):
    await api.token(owner)
    answers = await asyncio.gather(*(api.post(owner, "/contacts", {"name": "Luz"}, **key("k")) for _ in range(20)))
    assert {(status, body["id"]) for status, body in answers} == {(201, answers[0][1]["id"])}
    assert await store["contacts"].count_documents({}) == 1


async def test_the_key_of_one_token_is_nothing_to_another(api, store, owner):
    luis = await an_agent(store, "Luis")
    one = await api.post(owner, "/contacts", {"name": "Luz"}, **key("k"))
    other = await api.post(luis, "/contacts", {"name": "Luz"}, **key("k"))
    assert one[1]["id"] != other[1]["id"]


async def test_a_refusal_is_remembered_too(api, store, owner):
    first = await api.post(owner, "/contacts", {"name": "Luz", "phone": "12"}, **key("k"))
    again = await api.post(owner, "/contacts", {"name": "Luz", "phone": "12"}, **key("k"))
    assert first == again
    assert (first[0], first[1]["error"]["code"]) == (422, "phone_invalid")


async def test_what_failed_in_passing_may_be_tried_again(api, store, owner, ana):
    contact = {"name": "Luz", "phone": "+573001112233"}
    assert (await api.post(owner, "/contacts", contact, **key("k")))[0] == 409
    await store["identities"].delete_many({})
    assert (await api.post(owner, "/contacts", contact, **key("k")))[0] == 201


async def test_while_the_first_is_at_work_the_second_waits_for_its_answer(api, store, owner):
    first = await api.post(owner, "/contacts", {"name": "Luz"}, **key("k"))
    done = await store["idempotency"].find_one_and_update({}, {"$set": {"status": None}})
    second = asyncio.ensure_future(api.post(owner, "/contacts", {"name": "Luz"}, **key("k")))
    assert not (await asyncio.wait([second], timeout=0.2))[0]
    await store["idempotency"].update_one({}, {"$set": {"status": done["status"]}})
    assert await second == first


class Hasty(SystemClock):
    """Time passes for whoever waits."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@pytest.mark.parametrize("house_clock", [Hasty()])
async def test_who_waited_long_enough_is_told_to_ask_again(api, store, owner):
    await api.post(owner, "/contacts", {"name": "Luz"}, **key("k"))
    await store["idempotency"].update_one({}, {"$set": {"status": None}})
    status, body = await api.post(owner, "/contacts", {"name": "Luz"}, **key("k"))
    assert (status, body["error"]["code"]) == (409, "in_progress")


async def test_a_claim_whose_process_died_is_taken_over_and_sends_nothing_twice(api, store, owner, house, ana):
    path = f"/conversations/{ana['conversation']}/messages"
    first = await api.post(owner, path, {"text": "once"}, **key("k"))
    died = house.clock.now() - repeats.CLAIM
    await store["idempotency"].update_one({}, {"$set": {"status": None, "body": None, "until": died}})
    again = await api.post(owner, path, {"text": "once"}, **key("k"))
    assert (again[0], again[1]["id"]) == (202, first[1]["id"])
    assert await store["messages"].count_documents({"direction": "out"}) == 1
    note = f"/conversations/{ana['conversation']}/notes"
    first = await api.post(owner, note, {"text": "n"}, **key("n"))
    await store["idempotency"].update_many({}, {"$set": {"status": None, "body": None, "until": died}})
    assert (await api.post(owner, note, {"text": "n"}, **key("n")))[1]["id"] == first[1]["id"]


async def test_the_same_file_twice_is_one_and_another_is_refused(api, store, owner):
    first = await upload(api, owner, **key("k"))
    again = await upload(api, owner, **key("k"))
    assert first == again
    assert await store["media"].count_documents({}) == 1
    status, body = await upload(api, owner, b"another", **key("k"))
    assert (status, body["error"]["code"]) == (409, "idempotency_conflict")


@pytest.mark.parametrize("text", ["", " ", "x" * 201])
async def test_a_key_without_sense_is_refused(api, owner, text):
    status, _ = await api.post(owner, "/contacts", {"name": "Luz"}, **key(text))
    assert status == 400


async def test_an_erased_person_is_in_no_remembered_answer(api, store, owner):
    _, contact = await api.post(owner, "/contacts", {"name": "Luz"}, **key("k"))
    await api.call("DELETE", owner, f"/contacts/{contact['id']}", **key("gone"))
    assert [row["_id"].rpartition(":")[2] async for row in store["idempotency"].find()] == ["gone"]
    answer: aiohttp.ClientResponse = await api.ask("DELETE", owner, f"/contacts/{contact['id']}", **key("gone"))
    assert (answer.status, answer.headers["Idempotent-Replay"]) == (200, "true")
