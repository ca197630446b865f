"""Lists by keyset, newest first: what comes in while somebody reads is neither skipped nor shown twice."""

from collections.abc import Mapping
from typing import Any

from bot.errors import N_, Refused
from bot.ids import is_id
from bot.store.database import Collection
from inbox.conversations import read_cursor, write_cursor

Rows = list[dict[str, Any]]


async def by_time(
    collection: Collection, query: Mapping[str, Any], *, limit: int, cursor: str | None
) -> tuple[Rows, str | None]:
    """Sorted by `at`, then by id. Raises Refused on what is not a cursor of ours."""
    wanted: dict[str, Any] = dict(query)
    if cursor:
        at, row_id = read_cursor(cursor)
        wanted |= {"at": {"$lte": at}, "$or": [{"at": {"$lt": at}}, {"_id": {"$lt": row_id}}]}
    rows = await collection.find(wanted).sort([("at", -1), ("_id", -1)]).limit(limit + 1).to_list()
    more = len(rows) > limit
    return rows[:limit], write_cursor(rows[limit - 1], "at") if more else None


async def by_id(
    collection: Collection, query: Mapping[str, Any], *, limit: int, cursor: str | None
) -> tuple[Rows, str | None]:
    """Sorted by id, which is the order in which they were made; the cursor is the last one's id."""
    wanted: dict[str, Any] = dict(query)
    if cursor:
        if not is_id(cursor):
            raise Refused(N_("This cursor is not one of ours."), code="cursor_invalid")
        wanted = {"$and": [wanted, {"_id": {"$lt": cursor}}]}
    rows = await collection.find(wanted).sort("_id", -1).limit(limit + 1).to_list()
    return rows[:limit], rows[limit - 1]["_id"] if len(rows) > limit else None
