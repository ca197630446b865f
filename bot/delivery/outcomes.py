"""What became of a send, written so that a crash between any two writes leaves nothing lost and nothing to send twice.

A proof ("sent", "refused") counts whoever brings it, even a holder that was frozen and has lost its lease. "Not sent
after all" puts a row back into the queue only while the row is still the writer's own.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from pymongo.errors import DuplicateKeyError

from bot import nudges
from bot.channels.contract import (
    AccountBroken,
    Address,
    PersonGone,
    Receipt,
    Rejected,
    Sender,
    SendProblem,
    TryLater,
    Uncertain,
)
from bot.delivery import reactions, waiting
from bot.errors import N_
from bot.log import logger
from bot.records import mirrors
from bot.records.accounts import AccountRecord, Accounts
from bot.records.identities import canonical, key_of, set_reachable
from bot.records.ladder import RANK, Step, climb
from bot.records.meeting import Meeting, meet
from bot.store.database import Database

Document = dict[str, Any]
Remedy = Literal["later", "rejected", "gone", "broken", "window", "uncertain"]

# Between tries when the trouble is the message's or the person's own; then it is given up: WhatsApp Cloud API, "Error
# codes" (2026-08) suggests pauses that grow like these.
PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (2, 5, 30, 120, 600))
# When the whole account is told to wait, tries do not count, time does.
PATIENCE: Final = timedelta(hours=6)

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """One row of the outbox on its way, with its message and where it went, the address itself first."""

    row: Document
    message: Document
    to: tuple[Address, ...] = ()

    @property
    def own(self) -> Document:
        """Matches the row only while it is as this sender left it."""
        intent = {key: self.row[key] for key in ("epoch", "token")}
        return {"_id": self.row["_id"], "state": "sending", **intent}


class Outcomes:
    def __init__(self, db: Database, accounts: Accounts) -> None:
        self._db, self._accounts = db, accounts

    async def accepted(self, sent: Sent, receipt: Receipt, *, at: datetime) -> None:
        update = [*climb([Step("sent", at)]), {"$set": _platform_ids(receipt)}]
        try:
            await self._db["messages"].update_one({"_id": sent.message["_id"]}, update)
        except DuplicateKeyError:
            await self._take_over(sent, receipt, update)
        await self._finish(sent, "sent")
        # A status, a reaction or an answer may have come before we knew the platform's id.
        await waiting.apply_for(self._db, sent.row["account"], receipt.platform_ids)
        told = {key_of(canonical(alias)) for alias in receipt.aliases}
        if told - {key_of(canonical(address)) for address in sent.to}:
            await self._learn(sent, receipt, at)

    async def _learn(self, sent: Sent, receipt: Receipt, at: datetime) -> None:
        """The platform knows the person by further addresses too (WhatsApp: the number as it really is)."""
        met = Meeting(Sender((sent.to[0], *receipt.aliases)), sent.row["account"], practice=sent.message["practice"])
        await meet(self._db, [met], now=at)

    async def refused(self, sent: Sent, problem: SendProblem, *, at: datetime) -> None:
        """The platform will not take it. Nothing was sent."""
        remedy: Remedy = "gone" if isinstance(problem, PersonGone) else "rejected"
        if isinstance(problem, Rejected) and problem.window:
            remedy = "window"
        await self.failed(sent, _error(problem, remedy), at=at)
        if remedy == "gone":
            await set_reachable(self._db, sent.to[0], reachable=False, at=at, code=problem.code)

    async def failed(self, sent: Sent, error: Mapping[str, Any], *, at: datetime) -> None:
        await self._db["messages"].update_one({"_id": sent.message["_id"]}, climb([Step("failed", at, error=error)]))
        if sent.message["type"] == "emoji":
            await reactions.take_back(self._db, sent.message)
        await self._finish(sent, "failed")

    async def later(self, sent: Sent, problem: TryLater, *, at: datetime) -> None:
        """Queued again, or given up after six tries, or after six hours where the whole account had to wait."""
        tries = sent.row["attempts"] + (0 if problem.whole_account else 1)
        is_late = at - sent.message["times"]["queued"] > PATIENCE
        if tries > len(PAUSES) or is_late:
            sentence = N_("The platform could not take it for a long time; it was not sent.")
            error = {**_error(problem, "later"), "message": sentence, "detail": problem.message}
            await self.failed(sent, error, at=at)
            return
        due_at = at + max(problem.after, PAUSES[tries - 1] if tries else timedelta())
        await self._back(sent, {"due_at": due_at, "attempts": tries}, _error(problem, "later"))

    async def returned(self, sent: Sent) -> None:
        """It never left: the lease was lost before its turn."""
        await self._back(sent, {}, None)

    async def broken(self, sent: Sent, problem: AccountBroken, used: AccountRecord, *, at: datetime) -> None:
        """The account cannot send until somebody mends it; all that it has waits (`Outbox.release`). Unless it was
        connected anew, with another token, while the one `used` was refused.
        """
        await self._accounts.load()
        current = self._accounts.find(used.id)
        if current is not None and current.sealed != used.sealed:
            await self.returned(sent)
            return
        account = sent.row["account"]
        told = {"code": problem.code, "message": problem.message, "detail": problem.detail, "at": at}
        await self._accounts.mark_broken(account, told)
        await self._back(sent, {"state": "held"}, _error(problem, "broken"))
        waiting = {"account": account, "state": "queued"}
        await self._db["outbox"].update_many(waiting, {"$set": {"state": "held"}})

    async def unknown(self, sent: Sent, problem: Uncertain) -> None:
        """The request left and nothing came back. It stays so until the platform or a person says more."""
        changes: Document = {"status": "uncertain", "rank": RANK["uncertain"], "error": _error(problem, "uncertain")}
        if problem.settled_parts:
            changes |= {"platform_id": problem.settled_parts[0], "parts": list(problem.settled_parts[1:])}
        query = {"_id": sent.message["_id"], "status": {"$in": ["queued", "sending"]}}
        await self._db["messages"].update_one(query, {"$set": changes})
        await self._db["outbox"].update_one({"_id": sent.row["_id"]}, {"$set": {"state": "settling"}})
        await self._tell(sent)

    async def _back(self, sent: Sent, changes: Mapping[str, Any], error: Mapping[str, Any] | None) -> None:
        """The row first: a crash after it leaves a message that looks busy and is sent nevertheless."""
        row = {"state": "queued", "epoch": 0, "token": None, **changes}
        done = await self._db["outbox"].update_one(sent.own, {"$set": row})
        if not done.modified_count:
            return
        message = {"status": "queued", "rank": RANK["queued"], "error": error, "retry_at": changes.get("due_at")}
        await self._db["messages"].update_one({"_id": sent.message["_id"], "status": "sending"}, {"$set": message})
        await self._tell(sent)

    async def _finish(self, sent: Sent, status: str) -> None:
        """The message first: a crash after it leaves a row that the sweep finds settled."""
        repeat = [mirrors.status(sent.message, status)] if sent.message["conversation"] else []
        await asyncio.gather(self._db["outbox"].delete_one({"_id": sent.row["_id"]}), mirrors.write(self._db, repeat))
        await self._tell(sent)

    async def _take_over(self, sent: Sent, receipt: Receipt, update: list[Document]) -> None:
        """The platform told of our message, without our id, before it answered us: that copy goes."""
        copy = {
            "account": sent.message["account"],
            "chat": receipt.chat,
            "platform_id": {"$in": list(receipt.platform_ids), "$type": "string"},
            "_id": {"$ne": sent.message["_id"]},
            "direction": "out",
        }
        await self._db["messages"].delete_many(copy)
        await self._db["messages"].update_one({"_id": sent.message["_id"]}, update)

    async def _tell(self, sent: Sent) -> None:
        if sent.message["conversation"]:
            news = await mirrors.news(self._db, [sent.message["conversation"]], what="message")
            await nudges.publish(self._db, [{**item, "message": sent.message["_id"]} for item in news])


def _platform_ids(receipt: Receipt) -> Document:
    """A status may have told one of the ids already: that one stays the message's own."""
    first, ids = {"$literal": receipt.platform_ids[0]}, {"$literal": list(receipt.platform_ids)}
    own = {"$ifNull": ["$platform_id", first]}
    return {
        "platform_id": own,
        "chat": {"$literal": receipt.chat},
        "parts": {"$setDifference": [ids, [own]]},
        "held": {"$literal": receipt.held},
        "retry_at": None,
    }


def _error(problem: SendProblem, remedy: Remedy) -> Document:
    return {"code": problem.code, "message": problem.message, "detail": problem.detail, "remedy": remedy}
