"""Messages are found by the platform's ids without reading past others."""

from typing import Any

from bot.ids import new_id
from bot.records import messages
from bot.records.messages import Key

FIELDS = {"account": 1, "chat": 1, "platform_id": 1, "parts": 1, "direction": 1}


async def fill(store) -> None:
    rows: list[dict[str, Any]] = [
        {"_id": new_id(), "account": "a", "chat": f"c{chat}", "platform_id": f"c{chat}:{number}", "direction": "out"}
        for chat in range(20)
        for number in range(20)
    ]
    rows += [{"_id": new_id(), "account": "a", "chat": "", "direction": "out", "parts": ["p1", "p2"]}]
    await store["messages"].insert_many(rows)


async def test_those_are_found_that_are_there(store):
    await fill(store)
    wanted = [Key("a", "c3", "c3:7"), Key("a", "c4", "c4:99"), Key("b", "c3", "c3:7"), Key("a", "c9", "c9:0")]
    found = await messages.find_known(store, wanted, FIELDS)
    assert set(found) == {wanted[0], wanted[3]}


async def test_parts_lead_to_their_message(store):
    await fill(store)
    found = await messages.find_by_part(store, [Key("a", "", "p2"), Key("a", "", "p3")], FIELDS)
    assert set(found) == {Key("a", "", "p2")}


async def test_looking_for_messages_reads_no_others(store):
    await fill(store)
    keys = [Key("a", f"c{chat}", f"c{chat}:{number}") for chat in range(10) for number in (3, 15)]
    before = await _documents_read(store)
    assert len(await messages.find_known(store, keys, FIELDS)) == 20
    assert await messages.find_by_part(store, [Key("a", "", "none")], FIELDS) == {}
    assert await _documents_read(store) - before <= 25


async def _documents_read(store) -> int:
    """All that the server ever read to answer queries."""
    told = await store.client.admin.command("serverStatus")
    return int(told["metrics"]["queryExecutor"]["scannedObjects"])


async def test_we_know_our_own_by_our_ids(store):
    sent = {"_id": new_id(), "direction": "out"}
    heard = {"_id": new_id(), "direction": "in"}
    await store["messages"].insert_many([sent, heard])
    assert set(await messages.find_ours(store, [sent["_id"], heard["_id"]], FIELDS)) == {sent["_id"]}
    assert await messages.find_ours(store, [], FIELDS) == {}
