"""Applies what stands in the journal, in batches and in order. A batch that fails is halved until what fails stands
alone, and is set aside alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from bson import ObjectId
from pymongo.errors import OperationFailure, PyMongoError

from bot.clock import Clock
from bot.delivery import aside, meters
from bot.delivery.arrivals import Arrival, Handler
from bot.delivery.aside import Entry
from bot.delivery.reading import Reader, Reading, set_aside
from bot.errors import DomainError, Unavailable
from bot.log import logger
from bot.store.database import Database, is_away
from bot.store.lease import Hold

MOST_BODIES, MOST_FACTS = 200, 1000
POLL_SECONDS = 1.0
# Statuses wait for others of their kind so long, but no message waits for them.
STATUS_SECONDS = 0.1
# Applied entries leave holes at the head of the index that each look would have to step over for minutes. So a look
# begins a little before the last one applied, and only now and then at the very beginning.
BEHIND = timedelta(seconds=5)
SWEEP_SECONDS = 5.0
TRIES = 3
RETRY_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 5.0
LARGE_BODY = 64 * 1024
# Who knocks at the door meanwhile is let in after so many bodies.
BREATHE = 20
BEGINNING = ObjectId("0" * 24)
# What a server says when it is not able to work, as against when it refuses what it was given: InterruptedAtShutdown,
# NotWritablePrimary, PrimarySteppedDown, ExceededTimeLimit, WriteConcernFailed, LockTimeout, OutOfDiskSpace and kin.
# MongoDB manual, "Error codes" (6.0).
_UNABLE = frozenset(
    {6, 7, 24, 43, 46, 50, 64, 89, 91, 112, 133, 134, 189, 202, 225, 234, 262}
    | {317, 358, 384, 9001, 10107, 11600, 11602, 13388, 13435, 13436, 14031}
)

log = logger(__name__)


def is_transient(error: Exception) -> bool:
    """Whether the same batch may well be taken later: then nothing of it is to blame."""
    if isinstance(error, Unavailable):
        return True
    if not isinstance(error, PyMongoError):
        return False
    labels = ("RetryableWriteError", "TransientTransactionError")
    if is_away(error) or any(error.has_error_label(label) for label in labels):
        return True
    details = getattr(error, "details", None) or {}
    codes = {problem.get("code") for problem in details.get("writeErrors", ())}
    if details.get("writeConcernErrors") and not codes:
        return True
    if isinstance(error, OperationFailure):
        codes.add(error.code)
    return bool(codes & _UNABLE)


class LeaseLost(Exception):
    """Somebody else applies the journal now, or soon may: nothing more is begun here."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What applying needs. `wait` comes back when something new may stand in the journal, or after so many seconds."""

    db: Database
    reader: Reader
    handler: Handler
    clock: Clock
    wait: Callable[[float], Awaitable[bool]]


class Turn:
    """One holding of the lease. Until all that was there has been applied once, its predecessor may have begun it."""

    def __init__(self, parts: Parts, hold: Hold) -> None:
        self._db, self._reader, self._handler = parts.db, parts.reader, parts.handler
        self._clock, self._wait, self._hold = parts.clock, parts.wait, hold
        self._again = True
        self._floor, self._swept_at = BEGINNING, self._clock.monotonic()
        self._kept: list[Reading] = []
        self._kept_since = self._statuses_at = float("-inf")

    def _check(self) -> None:
        if not self._hold.is_valid():
            raise LeaseLost

    async def go(self, stopping: asyncio.Event) -> None:
        """Until `stopping` is set. Raises LeaseLost."""
        while not stopping.is_set():
            self._check()
            readings = await self._read_next()
            if readings:
                await self._take(readings)
            elif self._kept:
                await self._wait_for_more()
            else:
                self._again = False
                await self._wait(POLL_SECONDS)
        await self._apply_kept()

    async def _read_next(self) -> list[Reading]:
        """In the order of writing."""
        query = {"state": "new", "_id": {"$gte": self._from()}}
        if self._kept:
            query["_id"] = {"$gt": self._kept[-1].journal_id}
        try:
            stored = await self._db["journal"].find(query).sort("_id", 1).limit(MOST_BODIES).to_list()
        except PyMongoError as error:
            if not is_transient(error):
                raise
            log.warning("the journal cannot be read now", reason=type(error).__name__)
            await self._clock.sleep(RETRY_SECONDS)
            return []
        readings = []
        for place, one in enumerate(stored):
            readings.append(await self._read(one))
            if place % BREATHE == 0:
                await asyncio.sleep(0)
        await self._reader.settle_strays(readings, again=self._again)
        return readings

    def _from(self) -> ObjectId:
        now = self._clock.monotonic()
        if now - self._swept_at < SWEEP_SECONDS:
            return self._floor
        self._swept_at = now
        return BEGINNING

    async def _read(self, stored: Mapping[str, Any]) -> Reading:
        """A body of a thousand updates must not keep everybody else waiting while it is read."""
        if len(stored["body"]) < LARGE_BODY:
            return self._reader.read(stored, again=self._again)
        return await asyncio.to_thread(self._reader.read, stored, again=self._again)

    async def _take(self, readings: list[Reading]) -> None:
        now = self._clock.monotonic()
        if not self._kept:
            self._kept_since = now
        self._kept += readings
        few = len(self._kept) < MOST_BODIES and all(reading.can_wait for reading in readings)
        if not few or now - self._statuses_at >= STATUS_SECONDS:
            await self._apply_kept()

    async def _wait_for_more(self) -> None:
        left = self._kept_since + STATUS_SECONDS - self._clock.monotonic()
        if left <= 0 or not await self._wait(left):
            await self._apply_kept()

    async def _apply_kept(self) -> None:
        readings, self._kept = self._kept, []
        while readings:
            portion = _portion(readings)
            readings = readings[len(portion) :]
            await self._apply(portion)
            self._statuses_at = self._clock.monotonic()

    async def _apply(self, readings: Sequence[Reading]) -> None:
        arrivals = [arrival for reading in readings for arrival in reading.arrivals]
        failed = await self._give(arrivals) if arrivals else []
        entries = [entry for reading in readings for entry in reading.aside] + failed
        await self._surely(partial(aside.put, self._db, entries, now=self._clock.now()))
        ids = [reading.journal_id for reading in readings]
        applied = {"$set": {"state": "applied", "applied_at": self._clock.now()}}
        await self._surely(partial(self._db["journal"].update_many, {"_id": {"$in": ids}, "state": "new"}, applied))
        self._floor = max(self._floor, ObjectId.from_datetime(ids[-1].generation_time - BEHIND))
        meters.applied(readings, entries, now=self._clock.now())

    async def _give(self, arrivals: Sequence[Arrival]) -> list[Entry]:
        """Hands a batch over, halved where it fails; what fails alone is set aside. Raises LeaseLost."""
        error = await self._try(arrivals)
        if error is None:
            return []
        # Some of it may have been applied.
        arrivals = [replace(arrival, again=True) for arrival in arrivals]
        if len(arrivals) > 1:
            middle = len(arrivals) // 2
            return [*await self._give(arrivals[:middle]), *await self._give(arrivals[middle:])]
        for _ in range(TRIES - 1):
            await self._clock.sleep(RETRY_SECONDS)
            error = await self._try(arrivals)
            if error is None:
                return []
        return [self._set_aside(arrivals[0], error)]

    async def _try(self, arrivals: Sequence[Arrival]) -> Exception | None:
        """What is wrong with these facts. A database that is away is waited for, however long that takes."""
        pause = RETRY_SECONDS
        while True:
            self._check()
            try:
                await self._handler(arrivals)
            except Exception as error:
                if not is_transient(error):
                    return error
                log.warning("the journal waits for the database", reason=type(error).__name__)
                arrivals = [replace(arrival, again=True) for arrival in arrivals]
                await self._clock.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            else:
                return None

    def _set_aside(self, arrival: Arrival, error: Exception) -> Entry:
        kind = type(arrival.fact).__name__
        log.error("set aside", journal=arrival.source.journal_id, kind=kind, exc_info=error)
        # Only our own sentences are shown: what a library says may quote somebody's words.
        reason = f"{type(error).__name__}: {error}" if isinstance(error, DomainError) else type(error).__name__
        return set_aside(arrival.source, arrival.fact, arrival.account.id, reason)

    async def _surely(self, write: Callable[[], Awaitable[Any]]) -> None:
        """Raises LeaseLost: then whoever has it does all of this again."""
        pause = RETRY_SECONDS
        while True:
            self._check()
            try:
                await write()
            except PyMongoError as error:
                if not is_transient(error):
                    raise
                await self._clock.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            else:
                return


def _portion(readings: Sequence[Reading]) -> list[Reading]:
    """As many as make a batch, and at least one."""
    facts = 0
    for count, reading in enumerate(readings):
        facts += len(reading.arrivals)
        if count and facts > MOST_FACTS:
            return list(readings[:count])
    return list(readings)
