"""Writing what may be there already: a unique index decides, and being refused by it is no error."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from bot.store.database import Database

DUPLICATE = 11000


async def insert_once(db: Database, collection: str, documents: Sequence[dict[str, Any]]) -> set[str]:
    """Inserts all that no unique index refuses; the ids of those it refused."""
    if not documents:
        return set()
    try:
        await db[collection].insert_many(documents, ordered=False)
    except BulkWriteError as error:
        return {str(problem["op"]["_id"]) for problem in _refusals(error)}
    return set()


class Updated(NamedTuple):
    """`refused` are places in the list of updates, `matched` counts the others that found their document."""

    refused: list[int]
    matched: int


async def update_all(db: Database, collection: str, updates: Sequence[UpdateOne]) -> Updated:
    """Applies all updates that no unique index refuses."""
    if not updates:
        return Updated([], 0)
    try:
        done = await db[collection].bulk_write(updates, ordered=False)
    except BulkWriteError as error:
        refused = [problem["index"] for problem in _refusals(error)]
        return Updated(refused, (error.details or {})["nMatched"])
    return Updated([], done.matched_count)


def _refusals(error: BulkWriteError) -> list[dict[str, Any]]:
    details = error.details or {}
    problems: list[dict[str, Any]] = details.get("writeErrors", [])
    if details.get("writeConcernErrors") or any(problem["code"] != DUPLICATE for problem in problems):
        raise error
    return problems
