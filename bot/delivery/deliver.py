"""The only way out, whatever lane brings a message: consent, window, pace, intent, send, outcome.

The intent is durable before the request leaves. So after a crash there are rows that certainly did not leave, and a
few, at most what was in flight, of which nobody knows: those are never sent again by themselves.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, Protocol

from prometheus_client import Histogram
from pymongo.errors import PyMongoError

from bot.channels.contract import AccountBroken, Receipt, SendProblem, TryLater, Uncertain
from bot.delivery.parcels import Done, Fresh, Packing, Parcel, Parts
from bot.errors import N_
from bot.ids import new_id
from bot.log import logger
from bot.records.ladder import RANK
from bot.store.database import is_away

Document = dict[str, Any]

# No channel needs as long, not even for a large file over a slow line; what takes longer has an unknown end.
SEND_SECONDS: Final = 15 * 60
PAUSE_SECONDS: Final = 1.0

HOPS: Final = Histogram(
    "bandeja_outbox_seconds",
    "A message's way out by hop: put, wait (for its turn), read, intent, platform, outcome. And leave, which is all of "
    "it from put until the request leaves.",
    ["hop"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)

log = logger(__name__)


class Hold(Protocol):
    """The right to send, which ends by itself."""

    @property
    def epoch(self) -> int:
        """Grows with every holder."""
        ...

    def is_valid(self) -> bool: ...


class Delivery:
    def __init__(self, parts: Parts, fresh: Fresh) -> None:
        self._parts, self._db, self._clock = parts, parts.db, parts.clock
        self._packing = Packing(parts, fresh)

    async def deliver(self, rows: Sequence[Document], hold: Hold, done: Done) -> None:
        """Rows of the outbox that are queued, one of each person. `done` is called for every one of them."""
        began = self._clock.monotonic()
        parcels = await self._packing.prepare(rows, done)
        HOPS.labels("read").observe(self._clock.monotonic() - began)
        heavy = [parcel for parcel in parcels if parcel.needs_work]
        light = [parcel for parcel in parcels if not parcel.needs_work]
        await asyncio.gather(self._go(light, hold, done), *(self._go([parcel], hold, done) for parcel in heavy))

    async def _go(self, parcels: Sequence[Parcel], hold: Hold, done: Done) -> None:
        packed = [ready for parcel in parcels if (ready := await self._packing.pack(parcel, done)) is not None]
        if not packed:
            return
        began = self._clock.monotonic()
        intended = await self._intend(packed, hold)
        HOPS.labels("intent").observe(self._clock.monotonic() - began)
        going = []
        for parcel in packed:
            if row := intended.get(parcel.row["_id"]):
                going.append(self._send(replace(parcel, row=row), hold, done))
            else:
                done(parcel.row, 0)
        await asyncio.gather(*going)

    async def _intend(self, parcels: Sequence[Parcel], hold: Hold) -> dict[str, Document]:
        """Rows that are ours to send now. Those that somebody withdrew in the meantime are not among them."""
        ids, token = [parcel.row["_id"] for parcel in parcels], new_id()
        intent = {"state": "sending", "epoch": hold.epoch, "token": token, "intent_at": self._clock.now()}
        claimed = await self._db["outbox"].update_many({"_id": {"$in": ids}, "state": "queued"}, {"$set": intent})
        rows = {parcel.row["_id"]: {**parcel.row, **intent} for parcel in parcels}
        if claimed.modified_count == len(ids):
            return rows
        ours = self._db["outbox"].find({"_id": {"$in": ids}, "token": token}, {"_id": 1})
        return {row["_id"]: rows[row["_id"]] async for row in ours}

    async def _send(self, parcel: Parcel, hold: Hold, done: Done) -> None:
        wait_seconds = 0.0
        try:
            # Frozen since the intent, and somebody else may be sending by now: then nothing leaves from here.
            outcome = await self._ask_and_show(parcel) if hold.is_valid() else None
            wait_seconds = await self._settle_surely(parcel, outcome)
        finally:
            done(parcel.row, wait_seconds)

    async def _ask_and_show(self, parcel: Parcel) -> Receipt | SendProblem:
        """The row is the intent; that the message says so too need not be waited for."""
        outcome, _ = await asyncio.gather(self._ask(parcel), self._show_sending(parcel))
        return outcome

    async def _show_sending(self, parcel: Parcel) -> None:
        sending = {"$set": {"status": "sending", "rank": RANK["sending"]}}
        with suppress(PyMongoError):
            await self._db["messages"].update_one({"_id": parcel.row["_id"], "status": "queued"}, sending)

    async def _ask(self, parcel: Parcel) -> Receipt | SendProblem:
        account, row = self._parts.accounts.open(parcel.way.account), parcel.row
        self._parts.pacing.spend_on_person(row["account"], row["identity"], parcel.channel.limits)
        HOPS.labels("leave").observe((self._clock.now() - row["put_at"]).total_seconds())
        began = self._clock.monotonic()
        try:
            async with asyncio.timeout(SEND_SECONDS):
                return await parcel.channel.send(account, parcel.outbound())
        except SendProblem as problem:
            return problem
        except Exception as error:
            log.exception("sending failed in an unexpected way", message=row["_id"], error=type(error).__name__)
            return Uncertain("unexpected", N_("Something went wrong on our side; it may have been sent."))
        finally:
            HOPS.labels("platform").observe(self._clock.monotonic() - began)

    async def _settle_surely(self, parcel: Parcel, outcome: Receipt | SendProblem | None) -> float:
        """What is known must not be forgotten because the database is away: it is written when that is back."""
        while True:
            began = self._clock.monotonic()
            try:
                wait_seconds = await self._settle(parcel, outcome)
            except PyMongoError as error:
                if not is_away(error):
                    raise
                log.warning("an outcome waits for the database", message=parcel.row["_id"])
                await self._clock.sleep(PAUSE_SECONDS)
            else:
                HOPS.labels("outcome").observe(self._clock.monotonic() - began)
                return wait_seconds

    async def _settle(self, parcel: Parcel, outcome: Receipt | SendProblem | None) -> float:
        """Writes what became of it; seconds until the account may send again."""
        sent, at, outcomes = parcel.sent(), self._clock.now(), self._parts.outcomes
        _report(parcel, outcome)
        match outcome:
            case None:
                await outcomes.returned(sent)
            case Receipt():
                await outcomes.accepted(sent, outcome, at=at)
            case TryLater():
                await outcomes.later(sent, outcome, at=at)
                return await self._slow_down(parcel, outcome)
            case AccountBroken():
                await outcomes.broken(sent, outcome, parcel.way.account, at=at)
            case Uncertain():
                await outcomes.unknown(sent, outcome)
            case _:
                await outcomes.refused(sent, outcome, at=at)
        return 0

    async def _slow_down(self, parcel: Parcel, problem: TryLater) -> float:
        if not problem.whole_account:
            return 0
        seconds = problem.after.total_seconds()
        await self._parts.pacing.slow_down(parcel.row["account"], parcel.channel.limits, seconds=seconds)
        return seconds


def _report(parcel: Parcel, outcome: Receipt | SendProblem | None) -> None:
    ids = {"message": parcel.row["_id"], "account": parcel.row["account"]}
    if isinstance(outcome, SendProblem):
        log.warning("not sent", outcome=type(outcome).__name__, code=outcome.code, detail=outcome.detail, **ids)
    else:
        log.debug("sent" if outcome else "not sent: the lease was lost", **ids)
