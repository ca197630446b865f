"""Telling conversations what is new in them, whatever happened to them since they were looked at."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.records.once import insert_once, update_all
from bot.records.windows import Heard
from bot.store.database import Database
from inbox.receive.sums import Channels, Sum, add_up, plain_update, sure_update
from inbox.receive.threads import Thread, find_open

TRIES = 4


async def bump(db: Database, threads: Sequence[Thread], channels: Channels, *, now: datetime) -> list[Thread]:
    """Right whether they were answered, resolved or folded into another in between. The threads with the conversations
    that they ended in.
    """
    added = [add_up(thread.spoken, channels, now) for thread in threads]
    settled = await _bump_unchanged(db, list(zip(threads, added, strict=True)))
    left = [(thread, total) for thread, total in zip(threads, added, strict=True) if thread not in settled]
    for _ in range(TRIES):
        if not left:
            return settled
        done = await update_all(db, "conversations", [sure_update(thread, total) for thread, total in left])
        refused = {left[index][0].id for index in done.refused}
        moved = await _moved(db, left, refused) if done.matched < len(left) else set()
        settled += [thread for thread, _ in left if thread.id not in moved]
        await _tell_reopened(db, [thread for thread, _ in left if thread.id not in moved])
        left = [(await _follow(db, thread), total) for thread, total in left if thread.id in moved]
    raise RuntimeError("conversations kept giving way")


async def _bump_unchanged(db: Database, threads: Sequence[tuple[Thread, Sum]]) -> list[Thread]:
    """Those that are still as they were read, which is nearly all: for them a cheap update is enough."""
    plain = [(thread, update) for thread, added in threads if (update := plain_update(thread, added))]
    done = await update_all(db, "conversations", [update for _, update in plain])
    if done.matched == len(plain):
        return [thread for thread, _ in plain]
    newest = {thread.id: added.newest["_id"] for thread, added in threads}
    found = db["conversations"].find({"_id": {"$in": [thread.id for thread, _ in plain]}}, {"last.id": 1})
    told = {one["_id"] async for one in found if (one.get("last") or {}).get("id") == newest[one["_id"]]}
    return [thread for thread, _ in plain if thread.id in told]


async def extend_windows(
    db: Database, reactions: Sequence[Heard], kinds: Mapping[str, str], channels: Channels, *, now: datetime
) -> None:
    """A mere reaction may open the service window, and changes nothing else. `kinds` are the accounts' channels."""
    for one in reactions:
        window = channels[kinds[one.account]].window(one.at, now)
        until = {"window_closes_at": window.closes_at, "human_until": window.human_until}
        longer = {key: {"$max": [f"${key}", moment]} for key, moment in until.items()}
        where = {"contact": one.contact, "account": one.account, "open": True}
        await db["conversations"].update_many(where, [{"$set": longer}])


async def _tell_reopened(db: Database, threads: Sequence[Thread]) -> None:
    """A line in the thread, once: it carries the id of the message that did it."""
    lines = []
    for thread in threads:
        waking = next((one.document for one in thread.spoken if one.counts and one.document), None)
        if thread.document["status"] == "resolved" and waking:
            line = {"_id": waking["_id"], "conversation": thread.id, "contact": thread.document["contact"]}
            actor = {"kind": "system", "id": None, "name": ""}
            lines.append({**line, "kind": "reopened", "actor": actor, "data": {}, "at": waking["at"]})
    await insert_once(db, "activity", lines)


async def _moved(db: Database, threads: Sequence[tuple[Thread, Sum]], refused: set[str]) -> set[str]:
    """Conversations that gave way: resolved while another was opened, or folded into one."""
    folded = {"_id": {"$in": [thread.id for thread, _ in threads]}, "folded_into": {"$ne": None}}
    return refused | {one["_id"] async for one in db["conversations"].find(folded, {"_id": 1})}


async def _follow(db: Database, thread: Thread) -> Thread:
    """The same messages, moved to where they belong now."""
    seat = thread.spoken[0].seat
    found = await find_open(db, [seat] if seat else [])
    into = found.get(seat) if seat else None
    if into is None:
        current = await db["conversations"].find_one({"_id": thread.id}) or thread.document
        into = await db["conversations"].find_one({"_id": current["folded_into"]}) or current
    moved = [one.document["_id"] for one in thread.spoken if one.document]
    await db["messages"].update_many({"_id": {"$in": moved}}, {"$set": {"conversation": into["_id"]}})
    return Thread(into, thread.spoken)
