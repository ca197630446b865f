"""When a person last wrote to an account by an address: the service window counts from it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pymongo import UpdateOne

from bot.store.database import Database


@dataclass(frozen=True, slots=True)
class Heard:
    """`platform_id` is what was heard, so that it can be marked as read; empty for a mere reaction, and for what came
    late, after something newer.
    """

    account: str
    identity: str
    contact: str
    at: datetime
    platform_id: str = ""


def window_id(account: str, identity: str) -> str:
    return f"{account}:{identity}"


async def open_windows(db: Database, heard: Iterable[Heard]) -> None:
    """Windows only ever move forward, so this may be repeated and come late."""
    newest: dict[tuple[str, str], Heard] = {}
    for one in sorted(heard, key=lambda one: one.at):
        before = newest.get((one.account, one.identity))
        told = one.platform_id or (before.platform_id if before else "")
        newest[one.account, one.identity] = replace(one, platform_id=told)
    if newest:
        await db["windows"].bulk_write([_opening(one) for one in newest.values()], ordered=False)


def _opening(heard: Heard) -> UpdateOne:
    update: dict[str, Any] = {
        "$max": {"heard_at": heard.at},
        "$setOnInsert": {"account": heard.account, "identity": heard.identity, "contact": heard.contact},
    }
    if heard.platform_id:
        update["$set"] = {"last_in": heard.platform_id}
    return UpdateOne({"_id": window_id(heard.account, heard.identity)}, update, upsert=True)
