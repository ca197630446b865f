"""What is asked about people: a list of them, cut to those whom an agent may see."""

from typing import Any

from bot.store.database import Database
from inbox.permissions import View, holds
from inbox.search import person_condition


async def wanted_people(db: Database, view: View, *, text: str = "", tag: str = "") -> dict[str, Any] | None:
    """A condition on contacts; None when nobody can fit."""
    parts: list[dict[str, Any]] = []
    if text.strip():
        found = person_condition(text, view)
        if found is None:
            return None
        parts.append(found)
    if tag:
        parts.append({"tags": holds(tag)})
    if view.sees != "all":
        parts.append({"$or": [{"owner": view.agent}, {"_id": {"$in": await _met_by(db, view)}}]})
    return {"$and": parts} if parts else {}


async def _met_by(db: Database, view: View) -> list[str]:
    return await db["conversations"].distinct("contact", view.conversations())
