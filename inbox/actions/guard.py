"""The send guard: nobody answers past what somebody else has said in the meantime, or is saying at this very moment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from bot.errors import N_, Conflict, Refused
from bot.store.database import Database
from inbox.actions.states import Conversation
from inbox.people import Agent

# Nobody else may answer while an answer is being written down; a process that died in between holds it no longer.
CLAIM = timedelta(seconds=10)


@asynccontextmanager
async def guarded(
    db: Database, conversation: Conversation, last_seen: str | None, *, by: Agent, now: datetime
) -> AsyncIterator[None]:
    """Nobody else answers inside; whatever happens, the next one may afterwards. Without `last_seen` it is no guard."""
    if not last_seen:
        yield
        return
    try:
        await _claim(db, conversation, last_seen, by=by, now=now)
        yield
    finally:
        await _release(db, conversation, by)


async def _claim(db: Database, conversation: Conversation, last_seen: str, *, by: Agent, now: datetime) -> None:
    """Claims the conversation first and looks then: of two who answer in the same moment one is told."""
    free = {"$or": [{"claim": None}, {"claim.by": by.id}, {"claim.at": {"$lt": now - CLAIM}}]}
    claimed = await db["conversations"].update_one(
        {"_id": conversation["_id"], **free}, {"$set": {"claim": {"by": by.id, "at": now}}}
    )
    count = 1 if not claimed.matched_count else await _newer(db, conversation, last_seen, by)
    if count:
        sentence = N_("Somebody wrote in the meantime. Read it before you send.")
        raise Conflict(sentence, code="newer_message", count=count)


async def _newer(db: Database, conversation: Conversation, last_seen: str, by: Agent) -> int:
    """How many messages of others there are after the last one that was on the screen."""
    seen = await db["messages"].find_one({"_id": last_seen, "contact": conversation["contact"]}, {"at": 1})
    if seen is None:
        raise Refused(N_("The message you saw last is not of this conversation."), code="last_seen_unknown")
    later = {"$or": [{"at": {"$gt": seen["at"]}}, {"at": seen["at"], "_id": {"$gt": last_seen}}]}
    return await db["messages"].count_documents(_of_others(conversation, by.id) | later, limit=100)


def _of_others(conversation: Conversation, agent_id: str) -> dict[str, Any]:
    return {
        "conversation": {"$in": [conversation["_id"], *conversation.get("folds", ())]},
        "author.id": {"$ne": agent_id},
        "type": {"$ne": "system"},
        "hidden": {"$ne": True},
    }


async def _release(db: Database, conversation: Conversation, by: Agent) -> None:
    await db["conversations"].update_one({"_id": conversation["_id"], "claim.by": by.id}, {"$set": {"claim": None}})


async def newest_of_others(db: Database, conversation: Conversation, agent_id: str) -> str:
    """What a page gives back as `last_seen`; empty when nobody else has said anything."""
    others = _of_others(conversation, agent_id)
    newest = await db["messages"].find_one(others, {"_id": 1}, sort=[("at", -1), ("_id", -1)])
    return str(newest["_id"]) if newest else ""
