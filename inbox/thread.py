"""The story of one person in order: messages of all channels, notes, and what happened, page by page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from bot.store.database import Database
from inbox.conversations import read_cursor, write_cursor
from inbox.permissions import View

PAGE = 50


@dataclass(frozen=True, slots=True)
class Item:
    """One thing in the thread; `document` is the message, note or activity line as it is stored."""

    kind: Literal["message", "note", "activity"]
    at: datetime
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Oldest first. `older` is the cursor of what came before, None at the beginning of the story."""

    items: list[Item]
    older: str | None


async def messages_page(
    db: Database, scope: Mapping[str, Any], *, limit: int = PAGE, before: str | None = None
) -> tuple[list[dict[str, Any]], str | None]:
    """Newest first, with the cursor of the next page. `scope` is `{"conversation": id}` or `story(...)`."""
    query: dict[str, Any] = {**scope, "hidden": {"$ne": True}}
    if before:
        at, message_id = read_cursor(before)
        query |= {"at": {"$lte": at}, "$or": [{"at": {"$lt": at}}, {"_id": {"$lt": message_id}}]}
    found = db["messages"].find(query, {"words": 0}).sort([("at", -1), ("_id", -1)])
    rows = await found.limit(limit + 1).to_list()
    more = len(rows) > limit
    return rows[:limit], write_cursor(rows[limit - 1], "at") if more else None


async def story(db: Database, view: View, contact_id: str) -> dict[str, Any]:
    """The condition for a person's whole thread, cut to the conversations this agent may see."""
    if view.sees == "all":
        return {"contact": contact_id}
    visible = db["conversations"].find({"contact": contact_id, **view.conversations()}, {"_id": 1})
    ids: list[str | None] = [row["_id"] async for row in visible]
    return {"contact": contact_id, "conversation": {"$in": [*ids, None]}}


async def read_stretch(
    db: Database, view: View, contact_id: str, *, limit: int = PAGE, before: str | None = None
) -> Stretch:
    """One page of a person's thread, with the notes and lines that fall between its messages."""
    scope = await story(db, view, contact_id)
    messages, older = await messages_page(db, scope, limit=limit, before=before)
    span = _span(messages, older, before)
    aside = {key: scope[key] for key in ("contact", "conversation") if key in scope} | ({"at": span} if span else {})
    notes = await db["notes"].find(aside).sort("at", -1).limit(limit * 2).to_list()
    lines = await db["activity"].find(aside).sort("at", -1).limit(limit * 2).to_list()
    items = [Item("message", row["at"], row) for row in messages]
    items += [Item("note", row["at"], row) for row in notes]
    items += [Item("activity", row["at"], row) for row in lines]
    return Stretch(sorted(items, key=lambda item: (item.at, item.document["_id"])), older)


def _span(messages: list[dict[str, Any]], older: str | None, before: str | None) -> dict[str, datetime]:
    """From the oldest message of this page (or the beginning) up to where the newer page began."""
    span: dict[str, datetime] = {}
    if older and messages:
        span["$gte"] = messages[-1]["at"]
    if before:
        span["$lt"] = read_cursor(before)[0]
    return span
