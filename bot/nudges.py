"""News for open pages and for workers, over all processes: one small document each, carried by a change stream.

A nudge carries ids only, never content. Losing one costs a moment, so it is written without waiting for the disk.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bson import ObjectId
from pymongo import WriteConcern

from bot.store.database import Database

_AT_ONCE = WriteConcern(w=1, j=False)


async def publish(db: Database, items: Sequence[Mapping[str, Any]]) -> None:
    """All `items` in one document; nothing is written when there are none. Each has `what`, and the ids it is about."""
    if not items:
        return
    made = ObjectId()
    nudge = {"_id": str(made), "at": made.generation_time, "items": [dict(item) for item in items]}
    await db["nudges"].with_options(write_concern=_AT_ONCE).insert_one(nudge)
