"""What happened to a conversation and who did it: the small grey lines of the thread. Append only."""

from datetime import datetime
from typing import Any

from bot.ids import new_id
from bot.store.database import Database
from inbox.people import Agent

# The kinds a thread knows how to say; `data` holds ids and names as they were then.
KINDS = frozenset(
    {
        "assigned",
        "unassigned",
        "team",
        "taken_over",
        "resolved",
        "reopened",
        "snoozed",
        "woken",
        "labels",
        "started",
        "cancelled",
    }
)


async def record(
    db: Database, conversation: dict[str, Any], kind: str, *, by: Agent | None, now: datetime, **data: Any
) -> None:
    actor = {"kind": "agent", "id": by.id, "name": by.name} if by else {"kind": "system", "id": None, "name": ""}
    await db["activity"].insert_one(
        {
            "_id": new_id(),
            "conversation": conversation["_id"],
            "contact": conversation["contact"],
            "kind": kind,
            "actor": actor,
            "data": data,
            "at": now,
        }
    )
