"""What could not be applied, or was not understood, stands here alone, with its raw text and why, until an operator
has it read again or drops it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pymongo import UpdateOne

from bot.errors import N_, NotFound, Refused
from bot.store.database import Database

State = Literal["aside", "unknown"]
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """`state` "unknown" is an update that this program does not know. `account` is ours, None when it is of nobody."""

    state: State
    channel: str
    account: str | None
    kind: str
    reason: str
    raw: str
    journal: str

    @property
    def id(self) -> str:
        """The same thing is set aside once, however often it comes."""
        told = f"{self.channel} {self.account} {self.raw or self.journal + self.kind}"
        return hashlib.sha256(told.encode(errors="replace")).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Page:
    items: list[dict[str, Any]]
    next: str | None = None


async def put(db: Database, entries: Sequence[Entry], *, now: datetime) -> None:
    if entries:
        await db["aside"].bulk_write([_put(entry, now) for entry in entries], ordered=False)


def _put(entry: Entry, now: datetime) -> UpdateOne:
    told = {key: getattr(entry, key) for key in ("state", "channel", "account", "kind", "journal", "raw")}
    update = {
        "$set": {**told, "reason": entry.reason[:LONGEST_REASON]},
        "$setOnInsert": {"at": now},
        "$inc": {"tries": 1},
    }
    return UpdateOne({"_id": entry.id}, update, upsert=True)


async def list_page(db: Database, *, state: str | None = None, limit: int = 50, cursor: str | None = None) -> Page:
    """Newest first; without `state` all that still stand aside. Raises Refused for a cursor that is none."""
    query: dict[str, Any] = {"state": state or {"$in": ["aside", "unknown"]}}
    if cursor:
        at, entry_id = _read_cursor(cursor)
        query["$or"] = [{"at": {"$lt": at}}, {"at": at, "_id": {"$lt": entry_id}}]
    rows = await db["aside"].find(query).sort([("at", -1), ("_id", -1)]).to_list(limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], f"{int(last['at'].timestamp() * 1000)}-{last['_id']}" if last else None)


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    moment, _, entry_id = cursor.partition("-")
    try:
        return datetime.fromtimestamp(int(moment) / 1000, UTC), entry_id
    except (ValueError, OverflowError, OSError) as error:
        raise Refused(N_("This cursor is not one of ours."), code="cursor_invalid") from error


async def counts(db: Database) -> dict[str, int]:
    """How many stand in each state."""
    groups = await db["aside"].aggregate([{"$group": {"_id": "$state", "count": {"$sum": 1}}}])
    return {group["_id"]: group["count"] for group in await groups.to_list()}


async def get_entry(db: Database, entry_id: str) -> dict[str, Any]:
    """Raises NotFound."""
    found: Mapping[str, Any] | None = await db["aside"].find_one({"_id": entry_id})
    if found is None:
        raise NotFound(N_("There is no such update."))
    return dict(found)


async def drop(db: Database, entry_id: str) -> None:
    """It is of no use to anybody. Raises NotFound; what was replayed meanwhile stays as it is."""
    await get_entry(db, entry_id)
    standing = {"_id": entry_id, "state": {"$in": ["aside", "unknown"]}}
    await db["aside"].update_one(standing, {"$set": {"state": "dropped"}})


async def mark_replayed(db: Database, entry: Mapping[str, Any]) -> None:
    """Unless it came back since `entry` was read."""
    unchanged = {"_id": entry["_id"], "state": entry["state"], "tries": entry["tries"]}
    await db["aside"].update_one(unchanged, {"$set": {"state": "replayed"}})
