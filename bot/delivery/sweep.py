"""What the holder of the sender's lease looks after: rows that a crash, a mended account or late news left behind."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from bot import nudges
from bot.delivery.outbox import cancelled, release
from bot.errors import N_
from bot.log import logger
from bot.records import mirrors
from bot.records.accounts import Accounts
from bot.records.ladder import RANK
from bot.store.database import Database

Document = dict[str, Any]

# An intent of our own that is not in anybody's hands after this time was dropped by a failure of ours.
DROPPED: Final = timedelta(minutes=30)
# What a restored row must say, whatever it said: since the backup it may have been sent, and nothing is sent twice.
# Older than any holder's epoch, so that the first sweep finds it interrupted.
RESTORED: Final = {"state": "sending", "epoch": -1}
_LOST: Final = {
    "code": "interrupted",
    "message": N_("Bandeja was interrupted while sending this; it may have arrived."),
    "detail": "",
    "remedy": "uncertain",
}

log = logger(__name__)


async def sweep(db: Database, accounts: Accounts, *, epoch: int, in_flight: Collection[str], now: datetime) -> None:
    """May be repeated at any time. `epoch` is that of the lease that the caller holds."""
    await _mark_interrupted(db, epoch, in_flight, now)
    await _drop_settled(db)
    await _finish_decided(db)
    await _release_mended(db, accounts)


async def _mark_interrupted(db: Database, epoch: int, in_flight: Collection[str], now: datetime) -> None:
    """The rows of a holder before us: the requests may have left. Never sent again, never forgotten."""
    older = {"epoch": {"$lt": epoch}}
    dropped = {"epoch": epoch, "intent_at": {"$lt": now - DROPPED}, "_id": {"$nin": list(in_flight)}}
    rows = await db["outbox"].find({"state": "sending", "$or": [older, dropped]}, {"_id": 1}).to_list()
    if not rows:
        return
    ids = [row["_id"] for row in rows]
    log.warning("sends were interrupted", count=len(ids))
    uncertain = {"status": "uncertain", "rank": RANK["uncertain"], "error": _LOST}
    query = {"_id": {"$in": ids}, "status": {"$in": ["queued", "sending"]}}
    await db["messages"].update_many(query, {"$set": uncertain})
    await db["outbox"].update_many({"_id": {"$in": ids}, "state": "sending"}, {"$set": {"state": "settling"}})
    await _tell(db, ids)


async def _drop_settled(db: Database) -> None:
    """A status or an echo told what became of it."""
    rows = await db["outbox"].find({"state": "settling"}, {"_id": 1}).to_list()
    ids = [row["_id"] for row in rows]
    if not ids:
        return
    unsettled = await db["messages"].distinct("_id", {"_id": {"$in": ids}, "status": "uncertain"})
    settled = [row_id for row_id in ids if row_id not in unsettled]
    await db["outbox"].delete_many({"_id": {"$in": settled}, "state": "settling"})


async def _finish_decided(db: Database) -> None:
    """Withdrawn by a person who was told so, while the process died: the message says so too."""
    rows = await db["outbox"].find({"state": "cancelled"}, {"_id": 1}).to_list()
    if rows:
        await cancelled(db, [row["_id"] for row in rows])


async def _release_mended(db: Database, accounts: Accounts) -> None:
    waiting: list[str] = await db["outbox"].distinct("account", {"state": "held"})
    if not waiting:
        return
    await accounts.load()
    mended = [record.id for record in accounts.all() if record.id in waiting and record.state != "broken"]
    if mended:
        await release(db, mended)


async def _tell(db: Database, ids: Collection[str]) -> None:
    fields = {"conversation": 1}
    found = await db["messages"].find({"_id": {"$in": list(ids)}, "conversation": {"$ne": None}}, fields).to_list()
    by_conversation = {message["conversation"]: message["_id"] for message in found}
    news = await mirrors.news(db, by_conversation.keys(), what="message")
    await nudges.publish(db, [{**item, "message": by_conversation[item["conversation"]]} for item in news])
