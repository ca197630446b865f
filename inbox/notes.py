"""Internal notes. A note is not a message: nothing that sends takes one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.errors import N_, Refused
from bot.ids import new_id
from bot.store.database import AlreadyThere, Database, already_there
from inbox.people import Agent

NOTE_LENGTH = 5000


async def add_note(
    db: Database,
    conversation: dict[str, Any],
    *,
    text: str,
    mentions: Sequence[str],
    key: str | None = None,
    by: Agent,
    now: datetime,
) -> dict[str, Any]:
    """With a `key` that was used before (a double click), the note written then."""
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
    if key:
        note["client_key"] = f"{by.id}:{key}"
    try:
        with already_there():
            await db["notes"].insert_one(note)
    except AlreadyThere:
        return await db["notes"].find_one({"client_key": note["client_key"]}) or note
    return note


async def list_notes(db: Database, conversation_id: str, *, limit: int = 200) -> list[dict[str, Any]]:
    """Newest first."""
    return await db["notes"].find({"conversation": conversation_id}).sort([("at", -1), ("_id", -1)]).to_list(limit)
