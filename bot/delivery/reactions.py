"""Our reactions: shown on the message they belong to at once, taken back when the platform does not take them."""

from collections.abc import Mapping
from typing import Any

from bot.records import marks
from bot.records.marks import Mark
from bot.store.database import Database


def before(target: Mapping[str, Any], account: str) -> str | None:
    """What the account had reacted with until now; a platform keeps one reaction of each side."""
    own = (one["emoji"] for one in target.get("reactions") or () if one["who"] == account)
    return next(own, None)


async def show(db: Database, message: Mapping[str, Any]) -> None:
    """`message` is the reaction's own, hidden, message."""
    await _mark(db, message, message["content"]["emoji"])


async def take_back(db: Database, message: Mapping[str, Any]) -> None:
    """Unless there is a newer one by now. The reaction's message is shown instead, with the reason on it."""
    await _mark(db, message, message["about"]["before"])
    await db["messages"].update_one({"_id": message["_id"]}, {"$set": {"hidden": False}})


async def _mark(db: Database, message: Mapping[str, Any], emoji: str | None) -> None:
    data = {"by": "agent", "who": message["account"], "emoji": emoji or None}
    target, chat = message["content"]["target"], message["about"]["chat"]
    await marks.apply(db, [Mark("reacted", message["account"], chat, target, message["times"]["queued"], data)])
