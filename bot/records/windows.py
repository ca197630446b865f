"""When a person last wrote to an account by an address: the service window counts from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import UpdateOne

from bot.store.database import Database


@dataclass(frozen=True, slots=True)
class Heard:
    """`platform_id` is what was heard, so that it can be marked as read; empty for a mere reaction."""

    account: str
    identity: str
    contact: str
    at: datetime
    platform_id: str = ""


def window_id(account: str, identity: str) -> str:
    return f"{account}:{identity}"


async def open_windows(db: Database, heard: Iterable[Heard]) -> None:
    """Windows only ever move forward, so this may be repeated and come late."""
    newest: dict[tuple[str, str, bool], Heard] = {}
    for one in heard:
        key = (one.account, one.identity, bool(one.platform_id))
        if key not in newest or newest[key].at <= one.at:
            newest[key] = one
    if newest:
        await db["windows"].bulk_write([_opening(one) for one in newest.values()], ordered=False)


def _opening(heard: Heard) -> UpdateOne:
    changes: dict[str, Any] = {
        "account": heard.account,
        "identity": heard.identity,
        "contact": heard.contact,
        "heard_at": {"$max": ["$heard_at", heard.at]},
    }
    if heard.platform_id:
        older = {"$gt": ["$last_in_at", heard.at]}
        changes["last_in"] = {"$cond": [older, "$last_in", {"$literal": heard.platform_id}]}
        changes["last_in_at"] = {"$max": ["$last_in_at", heard.at]}
    return UpdateOne({"_id": window_id(heard.account, heard.identity)}, [{"$set": changes}], upsert=True)
