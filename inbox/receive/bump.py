"""What new messages change about their conversation: last, unread, who waits since when, until when one may answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import UpdateOne

from bot.channels.contract import Channel
from bot.records import mirrors
from bot.records.once import insert_once, update_all
from bot.records.windows import Heard
from bot.store.database import Database
from inbox.receive.spoken import Spoken
from inbox.receive.threads import Thread, find_open

Expression = Any
TRIES = 4


Channels = Mapping[str, Channel]


@dataclass(frozen=True, slots=True)
class _Sum:
    """A batch's messages of one conversation, added up. `waits_since` is the first one that nobody answered in it."""

    newest: Mapping[str, Any]
    unread: int
    accounts: list[str]
    answered_at: datetime | None
    waits_since: datetime | None
    heard: Spoken | None


async def bump(db: Database, threads: Sequence[Thread], channels: Channels, *, now: datetime) -> list[Thread]:
    """Right whatever happened to the conversations in between: an answer sent, resolved, folded into another. The
    threads with the conversations that they ended in.
    """
    settled: list[Thread] = []
    for _ in range(TRIES):
        updates = [_update(thread, channels, now) for thread in threads]
        done = await update_all(db, "conversations", updates)
        refused = [threads[index] for index in done.refused]
        await _tell_reopened(db, [thread for thread in threads if thread not in refused], now=now)
        if done.matched == len(threads):
            return [*settled, *threads]
        moved = await _moved(db, threads, refused)
        settled += [thread for thread in threads if thread not in moved]
        threads = [await _follow(db, thread) for thread in moved]
    raise RuntimeError("conversations kept giving way")


def _sum(spoken: Sequence[Spoken]) -> _Sum:
    documents = [one.document for one in spoken if one.document]
    answered_at = waits_since = None
    for one, document in zip(spoken, documents, strict=True):
        if document["direction"] == "out":
            answered_at, waits_since = document["at"], None
        elif one.counts and waits_since is None:
            waits_since = document["at"]
    return _Sum(
        newest=documents[-1],
        unread=sum(one.counts for one in spoken),
        accounts=list(dict.fromkeys(document["account"] for document in documents)),
        answered_at=answered_at,
        waits_since=waits_since,
        heard=next((one for one in reversed(spoken) if one.counts), None),
    )


def _update(thread: Thread, channels: Channels, now: datetime) -> UpdateOne:
    added = _sum(thread.spoken)
    newest = added.newest
    # Something newer stands there already: an answer, or a message that overtook these.
    late = {"$gt": ["$last.at", newest["at"]]}
    changes: dict[str, Expression] = {
        "last": {"$cond": [late, "$last", {"$literal": mirrors.last(newest)}]},
        "at": {"$max": ["$at", newest["at"]]},
        "unread": {"$add": [{"$ifNull": ["$unread", 0]}, added.unread]},
        "accounts": {"$setUnion": [{"$ifNull": ["$accounts", []]}, added.accounts]},
        "waiting_since": _waiting(added),
        **{key: {"$cond": [late, f"${key}", newest[key]]} for key in ("account", "channel", "identity")},
    }
    if added.heard:
        changes |= _window(added.heard, channels, late, now) | _REOPENED
    return UpdateOne({"_id": thread.id, "folded_into": None}, [{"$set": changes}])


_ASLEEP = {"$in": ["$status", ["resolved", "snoozed"]]}
_REOPENED: dict[str, Expression] = {
    "status": {"$cond": [_ASLEEP, "open", "$status"]},
    "open": True,
    "resolved_at": None,
    "snoozed_until": None,
}


def _waiting(added: _Sum) -> Expression:
    """The first message nobody answered. An answer given after these, that we knew of before them, counts too."""
    since: Expression = "$waiting_since"
    if added.answered_at:
        since = {"$cond": [{"$gt": [since, added.answered_at]}, since, None]}
    if added.waits_since is None:
        return since
    answered = {"$and": [{"$eq": ["$last.direction", "out"]}, {"$gt": ["$last.at", added.waits_since]}]}
    return {"$ifNull": [since, {"$cond": [answered, None, added.waits_since]}]}


def _window(heard: Spoken, channels: Channels, late: Expression, now: datetime) -> dict[str, Expression]:
    """On the account that the conversation is on, a window never shrinks; on another, the newest message decides."""
    account = heard.arrival.account
    at = heard.document["at"] if heard.document else now
    window = channels[account.kind].window(at, now)
    changes = {}
    for key, until in (("window_closes_at", window.closes_at), ("human_until", window.human_until)):
        grown = {"$max": [f"${key}", until]}
        changes[key] = {"$cond": [{"$eq": ["$account", account.id]}, grown, {"$cond": [late, f"${key}", until]}]}
    return changes


async def extend_windows(
    db: Database, heard: Sequence[Heard], kinds: Mapping[str, str], channels: Channels, *, now: datetime
) -> None:
    """A mere reaction may open the service window, and changes nothing else. `kinds` are the accounts' channels."""
    for one in heard:
        if one.platform_id:
            continue
        window = channels[kinds[one.account]].window(one.at, now)
        until = {"window_closes_at": window.closes_at, "human_until": window.human_until}
        longer = {key: {"$max": [f"${key}", moment]} for key, moment in until.items()}
        where = {"contact": one.contact, "account": one.account, "open": True}
        await db["conversations"].update_many(where, [{"$set": longer}])


async def _tell_reopened(db: Database, threads: Sequence[Thread], *, now: datetime) -> None:
    """A line in the thread, once: it carries the id of the message that did it."""
    lines = []
    for thread in threads:
        waking = next((one.document for one in thread.spoken if one.counts and one.document), None)
        if thread.document["status"] == "resolved" and waking:
            line = {"_id": waking["_id"], "conversation": thread.id, "contact": thread.document["contact"]}
            actor = {"kind": "system", "id": None, "name": ""}
            lines.append({**line, "kind": "reopened", "actor": actor, "data": {}, "at": waking["at"]})
    await insert_once(db, "activity", lines)


async def _moved(db: Database, threads: Sequence[Thread], refused: Sequence[Thread]) -> list[Thread]:
    """Those whose conversation gave way: resolved while another was opened, or folded into one."""
    folded = {"_id": {"$in": [thread.id for thread in threads]}, "folded_into": {"$ne": None}}
    gone = {one["_id"] async for one in db["conversations"].find(folded, {"_id": 1})}
    return [thread for thread in threads if thread.id in gone or thread in refused]


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
