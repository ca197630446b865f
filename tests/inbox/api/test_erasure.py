"""Nothing of an erased person is left anywhere, and nothing of anybody else is touched."""

import re
from pathlib import Path

import bson
import pytest

from bot.ids import new_id
from bot.records.media import store_upload
from bot.store import erased
from inbox.actions import erasure
from inbox.actions.erasure import names_any
from tests.inbox.api.conftest import PHONE
from tests.inbox.builders import NOON, a_contact, a_conversation, a_message, an_agent

JPEG = Path(__file__).with_name("red.jpg")
OTHER = "573005556677"


@pytest.fixture
async def everything(api, store, house, owner, ana, number):
    """All that can be known of somebody, and beside it the same of somebody else."""
    row = await store["conversations"].find_one({"_id": ana["conversation"]})
    other = await a_conversation(store, contact=(await a_contact(store, "Bo Other"))["_id"], name="Bo Other")
    for conversation, phone in ((row, PHONE), (other, OTHER)):
        await _fill(store, conversation, phone, number, owner)
    path = f"/conversations/{ana['conversation']}/messages"
    assert (await api.post(owner, path, {"text": "x"}, headers={"Idempotency-Key": "1"}))[0] == 202
    return other


async def _fill(store, conversation, phone, number, owner):
    message = await a_message(store, conversation, account=number.id, platform_id=f"wamid.{phone}")
    media = await store_upload(store, _chunks(), name="a.jpg", mime="image/jpeg", owner=owner.id, now=NOON)
    belongs = {"conversation": conversation["_id"], "contact": conversation["contact"]}
    await store["media"].update_one({"_id": media["_id"]}, {"$set": {**belongs, "message": message["_id"]}})
    await store["notes"].insert_one({"_id": new_id(), **belongs, "text": "n", "at": NOON})
    await store["activity"].insert_one({"_id": new_id(), **belongs, "kind": "resolved", "at": NOON})
    await store["drafts"].insert_one({"_id": f"{conversation['_id']}:{owner.id}:reply", "text": "d", "at": NOON})
    late = {"account": number.id, "chat": "", "platform_id": f"wamid.{phone}", "fact": {}, "at": NOON}
    await store["waiting"].insert_one({"_id": new_id(), **late})
    body = b'{"from": "%s", "text": "hi"}' % phone.encode()
    for state in ("applied", "new"):
        row = {"channel": "whatsapp", "body": bson.Binary(body), "at": NOON, "state": state}
        await store["journal"].insert_one(row)
    await store["aside"].insert_one({"_id": new_id(), "raw": {"from": phone}, "state": "aside", "at": NOON})


async def _chunks():
    yield JPEG.read_bytes()


async def test_everything_of_the_person_goes_and_the_other_stays_whole(api, store, house, owner, ana, everything):
    before = await _documents(store, everything)
    status, receipt = await api.call("DELETE", owner, f"/contacts/{ana['contact']}")
    assert (status, receipt["contact"], receipt["by"]["name"]) == (200, ana["contact"], "Olga")
    counts = receipt["counts"]
    assert {name: counts[name] for name in ("contacts", "identities", "conversations", "messages", "files")} == {
        "contacts": 1, "identities": 1, "conversations": 1, "messages": 2, "files": 1,
    }  # fmt: skip
    once = ("notes", "activity", "drafts", "outbox", "waiting", "journal", "aside", "windows")
    assert {name: counts[name] for name in once} == dict.fromkeys(once, 1) | {"activity": 2}
    assert await _documents(store, everything) == before
    assert await _mentions(store, {ana["contact"], ana["conversation"], "Ana Rojas"}) == {"erasures"}
    assert await _mentions(store, {PHONE}) == {"journal"}, "only what is not applied yet may still name them"
    assert (await api.call("DELETE", owner, f"/contacts/{ana['contact']}"))[0] == 404


async def _documents(store, other) -> dict[str, int]:
    theirs = {"$or": [{"contact": other["contact"]}, {"_id": {"$in": [other["_id"], other["contact"]]}}]}
    names = ("contacts", "conversations", "messages", "media", "notes", "activity")
    counted = {name: await store[name].count_documents(theirs) for name in names}
    counted["journal"] = sum([OTHER in str(bytes(row["body"])) async for row in store["journal"].find()])
    files = [row["file"] async for row in store["media"].find({"contact": other["contact"]})]
    return counted | {"files": await store["files.files"].count_documents({"_id": {"$in": files}})}


async def _mentions(store, words) -> set[str]:
    """The collections in which one of `words` still stands somewhere."""
    found = set()
    for name in await store.handle.list_collection_names():
        async for document in store[name].find():
            text = str(document)
            if name != "nudges" and any(word in text for word in words):
                found.add(name)
    return found


async def test_files_leave_the_database_with_their_previews(api, store, owner, ana, everything):
    media = await store["media"].find_one({"contact": ana["contact"]})
    assert await store["files.files"].count_documents({"_id": {"$in": [media["file"], media["thumb"]]}}) == 2
    await api.call("DELETE", owner, f"/contacts/{ana['contact']}")
    for collection, key in (("files.files", "_id"), ("files.chunks", "files_id")):
        assert await store[collection].count_documents({key: {"$in": [media["file"], media["thumb"]]}}) == 0


async def test_keyed_hashes_stay_beside_the_data_and_name_nobody(api, house, owner, ana):
    await api.call("DELETE", owner, f"/contacts/{ana['contact']}")
    directory = house.settings.data.directory
    text = (directory / erased.FILE_NAME).read_text()
    assert re.fullmatch(r"[0-9a-f]{64} \d{4}-\d\d-\d\dT\S+\n", text)
    register = erased.Register(directory, house.vault)
    hers, other = erased.name("phone", "everywhere", PHONE), erased.name("phone", "everywhere", OTHER)
    assert (register.names(hers, since=NOON), register.names(other, since=NOON)) == (True, False)


async def test_a_restore_does_not_bring_the_person_back_but_who_came_back_by_themselves_stays(
    api, store, house, owner, ana
):
    names = ("contacts", "identities", "conversations", "windows")
    backup = {name: await store[name].find().to_list() for name in names}
    assert await erasure.forget_again(house, now=house.clock.now()) == 0
    await api.call("DELETE", owner, f"/contacts/{ana['contact']}")
    for name, documents in backup.items():
        await store[name].insert_many(documents)
    assert await erasure.forget_again(house, now=house.clock.now()) == 1
    assert await store["contacts"].count_documents({}) == 0
    await api.post(owner, "/contacts", {"phone": f"+{PHONE}"})
    assert await erasure.forget_again(house, now=house.clock.now()) == 0
    assert await store["contacts"].count_documents({}) == 1


async def test_an_erasure_that_was_cut_off_is_finished_by_asking_again(api, store, owner, ana, everything):
    traces = {"identities": [ana["identity"]], "values": [PHONE], "conversations": [ana["conversation"]]}
    await store["contacts"].update_one({"_id": ana["contact"]}, {"$set": {"erasing": traces, "phone": None}})
    await store["identities"].delete_many({"contact": ana["contact"]})
    await store["conversations"].delete_many({"contact": ana["contact"]})
    status, receipt = await api.call("DELETE", owner, f"/contacts/{ana['contact']}")
    assert (status, receipt["counts"]["journal"], receipt["counts"]["drafts"]) == (200, 1, 1)


async def test_only_some_may_erase(api, store, ana):
    luis = await an_agent(store, "Luis")
    assert (await api.call("DELETE", luis, f"/contacts/{ana['contact']}"))[0] == 403
    assert await store["contacts"].count_documents({"_id": ana["contact"]}) == 1


@pytest.mark.parametrize(
    ("body", "is_named"),
    [
        (b'{"id":12345678}', True),
        (b'{"id":"12345678"}', True),
        (b"+12345678 ", True),
        (b'{"at":1234567890}', False),
        (b"x12345678", False),
        (b"91234567812345678", False),
    ],
)
def test_a_number_inside_a_longer_one_names_nobody(body, is_named):
    assert names_any(body, ["12345678"]) is is_named
