"""One holder at a time over all processes, by the database server's clock, with a fencing number."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from bot.clock import Clock
from bot.errors import Unavailable
from bot.ids import new_id
from bot.log import logger
from bot.store.database import Database, within
from bot.tasks import spawn, stop

# A killed holder is replaced after the rest of its time and one look: well within ten seconds.
LIFE_SECONDS, RENEW_SECONDS, LOOK_SECONDS = 7.0, 2.0, 1.0
# The holder stops trusting its lease this much earlier than the others may take it.
MARGIN_SECONDS = 1.0
NEVER = datetime(1970, 1, 1, tzinfo=UTC)

log = logger(__name__)


class Hold:
    """The right to be the only one, which ends by itself when it cannot be renewed and then never comes back.

    `epoch` grows with every holder: what is written in its name carries it, so that the writes of one who was
    frozen and has been replaced can be told apart.
    """

    def __init__(self, name: str, epoch: int, clock: Clock, trusted_until: float) -> None:
        self.name, self.epoch = name, epoch
        self.lost = asyncio.Event()
        self._clock, self._trusted_until = clock, trusted_until

    def is_valid(self) -> bool:
        """Ask before each thing that only the holder may do. True even after a freeze only if it is true."""
        if self._clock.monotonic() >= self._trusted_until:
            self.lost.set()
        return not self.lost.is_set()

    def extend(self, trusted_until: float) -> None:
        if self.is_valid():
            self._trusted_until = trusted_until


class Leases:
    """`life_seconds` is how long a holder that was killed keeps others waiting."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        life_seconds: float = LIFE_SECONDS,
        renew_seconds: float = RENEW_SECONDS,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._leases, self._clock = database["leases"], clock
        self._life_seconds, self._renew_seconds = life_seconds, renew_seconds
        self._look_seconds = look_seconds
        self._trust_seconds = life_seconds - min(MARGIN_SECONDS, life_seconds / 4)

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[Hold]:
        """Waits until nobody else holds `name`, the database away or not, and gives it back at the end.

        The block is not interrupted when the lease is lost: what is in flight may still be brought home.
        """
        holder = new_id()
        hold = await self._wait_for(name, holder)
        renewing = spawn(self._renew(hold, holder), name=f"renew the lease {name}")
        try:
            yield hold
        finally:
            hold.lost.set()
            await stop(renewing)
            await self._give_back(hold, holder)

    async def _wait_for(self, name: str, holder: str) -> Hold:
        while True:
            try:
                with within(self._life_seconds):
                    hold = None if await self._is_taken(name) else await self._take(name, holder)
            except (Unavailable, PyMongoError) as error:
                log.warning("lease cannot be asked for", lease=name, reason=str(error))
                hold = None
            if hold is not None:
                return hold
            await self._clock.sleep(self._look_seconds * random.uniform(0.8, 1.2))  # noqa: S311  nothing secret

    async def _is_taken(self, name: str) -> bool:
        """A look costs less than a try."""
        held = {"_id": name, "$expr": {"$gt": ["$until", "$$NOW"]}}
        return await self._leases.find_one(held, {"_id": 1}) is not None

    async def _take(self, name: str, holder: str) -> Hold | None:
        """None when somebody else was quicker. Nothing is changed then."""
        asked_at = self._clock.monotonic()
        free = {"$lte": [{"$ifNull": ["$until", NEVER]}, "$$NOW"]}
        taken = {
            "holder": {"$cond": [free, holder, "$holder"]},
            "epoch": {"$cond": [free, {"$add": [{"$ifNull": ["$epoch", 0]}, 1]}, "$epoch"]},
            "until": {"$cond": [free, self._end(), "$until"]},
        }
        try:
            lease = await self._leases.find_one_and_update(
                {"_id": name}, [{"$set": taken}], upsert=True, return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError:
            return None
        if lease is None or lease["holder"] != holder:
            return None
        return Hold(name, lease["epoch"], self._clock, asked_at + self._trust_seconds)

    def _end(self) -> dict[str, Any]:
        return {"$add": ["$$NOW", int(self._life_seconds * 1000)]}

    async def _renew(self, hold: Hold, holder: str) -> None:
        mine = {"_id": hold.name, "holder": holder, "epoch": hold.epoch}
        while hold.is_valid():
            await self._clock.sleep(self._renew_seconds)
            asked_at = self._clock.monotonic()
            try:
                with within(self._renew_seconds):
                    done = await self._leases.update_one(mine, [{"$set": {"until": self._end()}}])
            except (Unavailable, PyMongoError) as error:
                log.warning("lease could not be renewed", lease=hold.name, reason=str(error))
                continue
            if done.matched_count == 0:
                hold.lost.set()
                log.warning("lease lost", lease=hold.name, epoch=hold.epoch)
            hold.extend(asked_at + self._trust_seconds)

    async def _give_back(self, hold: Hold, holder: str) -> None:
        """The document stays, so that the next epoch is higher."""
        mine = {"_id": hold.name, "holder": holder, "epoch": hold.epoch}
        try:
            with within(self._renew_seconds):
                await self._leases.update_one(mine, {"$set": {"until": NEVER}})
        except (Unavailable, PyMongoError) as error:
            log.warning("lease could not be given back", lease=hold.name, reason=str(error))
