"""How often the database is asked does not depend on how long a list is."""

import pytest

from bot.ids import new_id
from tests.inbox.builders import a_contact, a_conversation, a_message


@pytest.mark.parametrize("path", ["/conversations", "/contacts", "/conversations/{}/messages", "/contacts/{}/messages"])
async def test_thirty_items_cost_as_many_questions_as_two(api, store, owner, number, path):
    await api.get(owner, "/conversations")
    few = await _questions(api, store, owner, path, items=2)
    many = await _questions(api, store, owner, path, items=30)
    assert many == few


async def _questions(api, store, owner, path, *, items) -> int:
    row = await a_conversation(store, contact=(await a_contact(store))["_id"])
    for _ in range(items):
        await a_message(store, row, media=[{"id": new_id(), "type": "image", "name": "", "mime": "", "size": 1}])
        identity = {"_id": (one := new_id()), "kind": "telegram", "scope": "everywhere", "value": one}
        await store["identities"].insert_one({**identity, "contact": row["contact"]})
        await a_conversation(store, contact=(await a_contact(store))["_id"])
    about = row["contact"] if path.startswith("/contacts") else row["_id"]
    await store.handle.command("profile", 2)
    try:
        status, body = await api.get(owner, path.format(about), limit=items)
        assert (status, len(body["items"])) == (200, items)
        return await store["system.profile"].count_documents({"op": {"$in": ["query", "command", "getmore"]}})
    finally:
        await store.handle.command("profile", 0)
        await store.handle.drop_collection("system.profile")
