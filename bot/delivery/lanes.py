"""Where what is delivered comes from. The reply lane: at once, in order for each person, beside one another for all."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, Protocol

from bot import nudges
from bot.delivery.deliver import HOPS, Delivery, Hold
from bot.delivery.parcels import Fresh, Parts, person_of
from bot.delivery.situations import Way
from bot.log import logger
from bot.store.database import Database
from bot.tasks import spawn, stop, wait_for_event

Document = dict[str, Any]

REPLY: Final = "reply"
# Nobody waits longer than this for a nudge that was lost.
POLL_SECONDS: Final = 1.0
# More answers than this wait only when something is badly wrong; the oldest come first then.
MOST_WAITING: Final = 5000
MOST_AT_ONCE: Final = 100
DRAIN_SECONDS: Final = 5.0
TROUBLED_PAUSE: Final = timedelta(seconds=30)

log = logger(__name__)


class Bell:
    """Wakes the sender: at once when it is in this process, else by a nudge to the others."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._rung = asyncio.Event()
        self.is_heard_here = False
        self.fresh = Fresh()

    async def ring(self) -> None:
        self.ring_here()
        if not self.is_heard_here:
            await nudges.publish(self._db, [{"what": "outbox"}])

    async def ring_for(self, message: Document, way: Way) -> None:
        """Something was just put."""
        if self.is_heard_here:
            self.fresh.keep(message, way)
        await self.ring()

    def ring_here(self) -> None:
        self._rung.set()

    async def wait(self, *, seconds: float) -> None:
        await wait_for_event(self._rung, seconds=seconds)
        self._rung.clear()


class Stopping(Protocol):
    def is_set(self) -> bool: ...


class ReplyLane:
    def __init__(self, parts: Parts, bell: Bell) -> None:
        self._parts, self._bell, self._clock = parts, bell, parts.clock
        self._delivery = Delivery(parts, bell.fresh)
        self._busy: dict[str, str] = {}
        self._account_from: dict[str, float] = {}
        self._going: set[asyncio.Task[None]] = set()

    def in_flight(self) -> set[str]:
        """Rows that this lane has in its hands."""
        return set(self._busy.values())

    async def run(self, hold: Hold, stopping: Stopping) -> None:
        """Until the hold ends: what is in flight then lands in its own time. Or until `stopping` is set: then it is
        given a little time.
        """
        try:
            while hold.is_valid() and not stopping.is_set():
                soonest = await self.turn(hold)
                await self._bell.wait(seconds=min(POLL_SECONDS, soonest))
        finally:
            if hold.is_valid():
                await self._drain()

    async def turn(self, hold: Hold) -> float:
        """Sends off what can go now; seconds until something else can."""
        query = {"lane": REPLY, "state": "queued"}
        rows = await self._parts.db["outbox"].find(query).sort([("order", 1), ("_id", 1)]).to_list(MOST_WAITING)
        heads, soonest = self._heads(rows)
        for row in heads:
            self._busy[person_of(row)] = row["_id"]
        if heads:
            task = spawn(self._deliver(heads, hold), name="deliver replies")
            self._going.add(task)
            task.add_done_callback(self._going.discard)
        return soonest

    def _heads(self, rows: Sequence[Document]) -> tuple[list[Document], float]:
        """The first of each person, where it may go now. Later ones never overtake it."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        heads: list[Document] = []
        seen: set[str] = set(self._busy)
        soonest = POLL_SECONDS
        for row in rows:
            person = person_of(row)
            if person in seen:
                continue
            seen.add(person)
            wait = max(
                (row["due_at"] - now).total_seconds() if row["due_at"] else 0,
                self._account_from.get(row["account"], 0) - monotonic,
                self._wait_for_person(row),
            )
            if wait > 0:
                soonest = min(soonest, wait)
            elif len(self._busy) + len(heads) < MOST_AT_ONCE:
                heads.append(row)
        return heads, soonest

    def _wait_for_person(self, row: Document) -> float:
        limits = self._parts.ways.limits(row["account"])
        return self._parts.pacing.wait_for_person(row["account"], row["identity"], limits) if limits else 0

    async def _deliver(self, rows: list[Document], hold: Hold) -> None:
        now = self._clock.now()
        for row in rows:
            HOPS.labels("wait").observe(max(0.0, (now - (row["due_at"] or row["put_at"])).total_seconds()))
        try:
            await self._delivery.deliver(rows, hold, self._done)
        except Exception as error:
            await self._troubled(rows, hold, error)
        finally:
            for row in rows:
                self._done(row, 0)

    async def _troubled(self, rows: list[Document], hold: Hold, error: Exception) -> None:
        """A failure of ours before the intent. One row that cannot be handled must not hold up the others."""
        if len(rows) > 1:
            await asyncio.gather(*(self._deliver([row], hold) for row in rows))
            return
        log.error("a message cannot be sent off and is tried again", message=rows[0]["_id"], exc_info=error)
        due_at = self._clock.now() + TROUBLED_PAUSE
        mine = {"_id": rows[0]["_id"], "state": "queued"}
        await self._parts.db["outbox"].update_one(mine, {"$set": {"due_at": due_at}})

    def _done(self, row: Document, wait_seconds: float) -> None:
        if wait_seconds > 0:
            self._account_from[row["account"]] = self._clock.monotonic() + wait_seconds
        if self._busy.get(person_of(row)) == row["_id"]:
            self._bell.fresh.forget(row)
            del self._busy[person_of(row)]
            self._bell.ring_here()

    async def _drain(self) -> None:
        if self._going:
            await asyncio.wait(self._going, timeout=DRAIN_SECONDS)
        for task in tuple(self._going):
            await stop(task)
