"""Finding people and messages: accents and case do not count, every word must be there, the last may be unfinished."""

import re
from collections.abc import Sequence
from typing import Any

from bot.records.search import fold, words
from bot.store.database import Database
from inbox.permissions import View

MOST_QUERY_WORDS = 8
# How many candidates are looked at per wanted hit before a view that hides most of them gives up.
CANDIDATES = 400


def person_condition(text: str, view: View) -> dict[str, Any] | None:
    """None when there is nothing to search for. Those who may not see numbers do not find people by a piece of one."""
    asked = words(text)[:MOST_QUERY_WORDS]
    digits = "".join(sign for sign in text if sign.isdecimal())
    is_number = len(digits) >= 3 and not re.search(r"[^\W\d]", text)
    if is_number:
        return None if view.masked else {"search": {"$regex": f"^{digits}"}}
    if view.masked:
        asked = [word for word in asked if not word.isdecimal()]
    if not asked:
        return None
    return {"$and": [{"search": {"$regex": f"^{re.escape(word)}"}} for word in asked]}


async def find_people(db: Database, view: View, text: str, *, limit: int = 8) -> list[dict[str, Any]]:
    """Those heard from last come first. Who sees only some conversations finds only the people in them."""
    condition = person_condition(text, view)
    if condition is None:
        return []
    if view.sees == "all":
        return await db["contacts"].find(condition).sort("last_heard_at", -1).limit(limit).to_list()
    found = await db["contacts"].find(condition).sort("last_heard_at", -1).limit(CANDIDATES).to_list()
    ids = [contact["_id"] for contact in found]
    visible = {
        row["contact"]
        async for row in db["conversations"].find({"contact": {"$in": ids}, **view.conversations()}, {"contact": 1})
    }
    return [contact for contact in found if contact["_id"] in visible or contact.get("owner") == view.agent][:limit]


async def find_messages(
    db: Database, view: View, text: str, *, limit: int = 20, contact: str | None = None
) -> list[dict[str, Any]]:
    """Newest first. The last word of the query may be the beginning of a word when it has three letters or more."""
    condition = _message_condition(text)
    if condition is None:
        return []
    if contact:
        condition["contact"] = contact
    newest = db["messages"].find(condition, {"words": 0}).sort([("at", -1), ("_id", -1)])
    if view.sees == "all":
        return await newest.limit(limit).to_list()
    candidates = await newest.limit(CANDIDATES).to_list()
    visible = await _visible(db, view, candidates)
    return [message for message in candidates if message.get("conversation") in visible][:limit]


def _message_condition(text: str) -> dict[str, Any] | None:
    asked = words(text)[:MOST_QUERY_WORDS]
    return {"words": {"$all": asked}} if asked else None


async def _visible(db: Database, view: View, messages: Sequence[dict[str, Any]]) -> set[str]:
    ids = list({message["conversation"] for message in messages if message.get("conversation")})
    found = db["conversations"].find({"_id": {"$in": ids}, **view.conversations()}, {"_id": 1})
    return {row["_id"] async for row in found}


def snippet(text: str, query: str, *, around: int = 40) -> tuple[str, str, str]:
    """Before, the first hit, after. The hit is found in the folded text and cut from the real one."""
    shown = " ".join(text.split())
    folded = "".join(fold(sign)[:1] or " " for sign in shown)
    start = min((at for word in words(query) if (at := folded.find(word)) >= 0), default=-1)
    if start < 0:
        return shown[: around * 2], "", ""
    length = max(len(word) for word in words(query) if folded.startswith(word, start))
    begin = max(0, start - around)
    before = ("…" if begin else "") + shown[begin:start]
    end = start + length
    after = shown[end : end + around * 2]
    return before, shown[start:end], after + ("…" if len(shown) > end + around * 2 else "")
