"""Finishing what a process began that died: conversations are added up again from their messages, messages that could
not be shown are read again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.content import Unsupported
from bot.records import messages, mirrors
from bot.records.once import insert_once
from bot.store.database import Database
from inbox.receive.bump import bump
from inbox.receive.spoken import Spoken, compose
from inbox.receive.sums import Channels
from inbox.receive.threads import Thread

TRIES = 5
_SHOWN = {"words": 0, "raw": 0, "edits": 0}


async def finish(db: Database, spoken: Sequence[Spoken], channels: Channels, *, now: datetime) -> list[Thread]:
    """For messages that are stored, by somebody who may have died before telling their conversations."""
    stored = {one.before["_id"]: one for one in spoken if one.before and one.before["conversation"]}
    if not stored:
        return []
    for message in await db["messages"].find({"_id": {"$in": list(stored)}}, _SHOWN).to_list():
        stored[message["_id"]].document = message
    threads = await _threads(db, [one for one in stored.values() if one.document and not one.is_silent])
    ended = await bump(db, threads, channels, now=now)
    for conversation_id in {thread.id for thread in ended}:
        await recount(db, conversation_id)
    return ended


async def _threads(db: Database, spoken: Iterable[Spoken]) -> list[Thread]:
    """Leaving out conversations that were resolved after the message had come."""
    by_conversation: dict[str, list[Spoken]] = {}
    for one in spoken:
        by_conversation.setdefault((one.document or {})["conversation"], []).append(one)
    found = await db["conversations"].find({"_id": {"$in": list(by_conversation)}}).to_list()
    threads = [Thread(conversation, by_conversation[conversation["_id"]]) for conversation in found]
    return [thread for thread in threads if not _was_resolved_after(thread)]


def _was_resolved_after(thread: Thread) -> bool:
    resolved_at = thread.document["resolved_at"]
    arrived = [one.document["arrived_at"] for one in thread.spoken if one.document]
    return bool(resolved_at and resolved_at > max(arrived))


async def recount(db: Database, conversation_id: str) -> None:
    """Last, unread and waiting as they would be had everything been applied once. Silent messages never counted."""
    for _ in range(TRIES):
        conversation = await db["conversations"].find_one({"_id": conversation_id})
        if conversation is None or await _recount(db, conversation):
            return


async def _recount(db: Database, conversation: dict[str, Any]) -> bool:
    """Whether nobody changed it meanwhile."""
    said = {"conversation": conversation["_id"], "silent": {"$ne": True}, "hidden": {"$ne": True}}
    newest = await db["messages"].find(said, _SHOWN).sort([("at", -1), ("_id", -1)]).to_list(1)
    if not newest:
        return True
    counted = {**said, "direction": "in", "standby": {"$ne": True}}
    looked = max((conversation.get("looked") or {}).values(), default=None)
    since = {"arrived_at": {"$gt": looked}} if looked else {}
    changes = {
        "last": mirrors.last(newest[0]),
        "unread": await db["messages"].count_documents({**counted, **since}),
        "waiting_since": await _waiting_since(db, said, counted),
    }
    seen = {key: conversation[key] for key in ("_id", "unread", "last")}
    done = await db["conversations"].update_one(seen, {"$set": changes})
    return bool(done.matched_count)


async def _waiting_since(db: Database, said: Mapping[str, Any], counted: Mapping[str, Any]) -> datetime | None:
    answer = await db["messages"].find({**said, "direction": "out"}, {"at": 1}).sort("at", -1).to_list(1)
    unanswered = {**counted, "at": {"$gt": answer[0]["at"]}} if answer else counted
    first = await db["messages"].find(unanswered, {"at": 1}).sort("at", 1).to_list(1)
    return first[0]["at"] if first else None


async def read_again(db: Database, spoken: Sequence[Spoken]) -> list[Spoken]:
    """Messages stored as something that could not be shown, and that this program can show. Those that were changed."""
    legible = [
        one
        for one in spoken
        if one.before and one.before["type"] == "unsupported" and not isinstance(one.said.content, Unsupported)
    ]
    for one in legible:
        await _rewrite(db, one, one.before or {})
    return legible


async def _rewrite(db: Database, one: Spoken, before: Mapping[str, Any]) -> None:
    compose([one], {}, {})
    document = {**(one.document or {}), "_id": before["_id"], "conversation": before["conversation"]}
    changed = {key: document[key] for key in ("type", "content", "text", "words", "media")}
    files = messages.wanted_files(document, one.said.media, now=one.arrival.arrived_at)
    stale = {"_id": before["_id"], "type": "unsupported"}
    await db["messages"].update_one(stale, {"$set": changed, "$unset": {"raw": ""}})
    await insert_once(db, "media", files)
    one.document = None
    if before["conversation"]:
        shown = {
            f"last.{key}": value for key, value in mirrors.last(document).items() if key in ("text", "type", "kind")
        }
        where = {"_id": before["conversation"], "last.id": before["_id"]}
        await db["conversations"].update_one(where, {"$set": shown})
