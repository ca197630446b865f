"""News for open pages and for workers, over all processes: one small document each, carried by a change stream.

A nudge carries ids only, never content. It waits for the disk although losing one costs a moment only: a change
stream tells of a write when it is on disk, and unless somebody waits for it that is up to a tenth of a second later.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bson import ObjectId

from bot.store.database import Database


async def publish(db: Database, items: Sequence[Mapping[str, Any]]) -> None:
    """All `items` in one document; nothing is written when there are none. Each has `what`, and the ids it is about."""
    if not items:
        return
    made = ObjectId()
    nudge = {"_id": str(made), "at": made.generation_time, "items": [dict(item) for item in items]}
    await db["nudges"].insert_one(nudge)
