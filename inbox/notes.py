"""Internal notes. A note is not a message: nothing that sends takes one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.errors import N_, Refused
from bot.ids import new_id
from bot.store.database import Database
from inbox.people import Agent

NOTE_LENGTH = 5000


async def add_note(
    db: Database, conversation: dict[str, Any], *, text: str, mentions: Sequence[str], by: Agent, now: datetime
) -> dict[str, Any]:
    if not text.strip():
        raise Refused(N_("The note is empty."), code="note_empty")
    if len(text) > NOTE_LENGTH:
        raise Refused(N_("A note holds %(length)s characters at most."), code="note_long", length=NOTE_LENGTH)
    note = {
        "_id": new_id(),
        "conversation": conversation["_id"],
        "contact": conversation["contact"],
        "author": {"id": by.id, "name": by.name},
        "text": text.strip(),
        "mentions": list(dict.fromkeys(mentions)),
        "at": now,
    }
    await db["notes"].insert_one(note)
    return note


async def list_notes(db: Database, conversation_id: str, *, limit: int = 200) -> list[dict[str, Any]]:
    """Newest first."""
    return await db["notes"].find({"conversation": conversation_id}).sort([("at", -1), ("_id", -1)]).to_list(limit)
