"""Statuses, reactions and edits of messages that are not known yet. Who learns an id looks here, and who waits here
looks at the messages once more: each writes first and looks then, so that they cannot miss each other.
"""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from bot import nudges
from bot.records import marks, mirrors
from bot.records.marks import Mark
from bot.records.messages import Key
from bot.records.once import insert_once
from bot.store.database import Database


async def apply_or_hold(db: Database, told: Sequence[Mark], *, now: datetime) -> list[dict[str, Any]]:
    """Applies what can be applied and keeps the rest, for seven days. The messages that were marked."""
    if not told:
        return []
    applied = await marks.apply(db, told)
    if not applied.unknown:
        return applied.changed
    rows = [_row(mark, now) for mark in applied.unknown]
    await insert_once(db, "waiting", rows)
    again = await marks.apply(db, applied.unknown)
    waiting = {_row_id(mark) for mark in again.unknown}
    await _forget(db, [row["_id"] for row in rows if row["_id"] not in waiting])
    return [*applied.changed, *again.changed]


async def apply_for(db: Database, account: str, platform_ids: Collection[str]) -> list[dict[str, Any]]:
    """To be called after a message learned its platform ids. The messages that were marked; pages are told."""
    changed = await _apply_waiting(db, {"account": account, "platform_id": {"$in": list(platform_ids)}})
    conversations = {message["conversation"] for message in changed if message.get("conversation")}
    await nudges.publish(db, await mirrors.news(db, conversations, what="message"))
    return changed


async def apply_for_all(db: Database, keys: Collection[Key]) -> list[dict[str, Any]]:
    """The same for many messages of any accounts; telling pages is left to the caller."""
    if not keys:
        return []
    accounts, ids = {key.account for key in keys}, [key.platform_id for key in keys]
    return await _apply_waiting(db, {"account": {"$in": list(accounts)}, "platform_id": {"$in": ids}})


async def _apply_waiting(db: Database, query: dict[str, Any]) -> list[dict[str, Any]]:
    rows = await db["waiting"].find(query).to_list()
    if not rows:
        return []
    waited = {row["_id"]: _read(row) for row in rows}
    applied = await marks.apply(db, list(waited.values()))
    still = {_row_id(mark) for mark in applied.unknown}
    await _forget(db, [row_id for row_id in waited if row_id not in still])
    return applied.changed


async def _forget(db: Database, row_ids: list[str]) -> None:
    if row_ids:
        await db["waiting"].delete_many({"_id": {"$in": row_ids}})


def _row(mark: Mark, now: datetime) -> dict[str, Any]:
    return {
        "_id": _row_id(mark),
        "account": mark.account,
        "chat": mark.chat,
        "platform_id": mark.target,
        "fact": {"kind": mark.kind, "at": mark.at, "data": dict(mark.data), "callback": mark.callback},
        "at": now,
    }


def _row_id(mark: Mark) -> str:
    """The same news waits once."""
    told = f"{mark.kind} {mark.key} {mark.at.isoformat()} {sorted(mark.data.items(), key=str)!r}"
    return hashlib.sha256(told.encode()).hexdigest()[:24]


def _read(row: dict[str, Any]) -> Mark:
    fact = row["fact"]
    place = (row["account"], row["chat"], row["platform_id"])
    return Mark(fact["kind"], *place, at=fact["at"], data=fact["data"], callback=fact["callback"])
