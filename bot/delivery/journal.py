"""What platforms told us, written down first, then applied. What stands here is never lost.

One process at a time applies, by a lease; all may write.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from bson import ObjectId
from pymongo.errors import PyMongoError

from bot import nudges
from bot.channels.contract import Channel
from bot.clock import Clock
from bot.delivery import aside
from bot.delivery.applier import LeaseLost, Parts, Turn
from bot.delivery.arrivals import Handler
from bot.delivery.reading import Reader
from bot.errors import N_, Refused
from bot.log import logger
from bot.records.accounts import Accounts
from bot.store.batch import Batch
from bot.store.database import Database
from bot.store.lease import Leases
from bot.tasks import Worker, spawn, stop, wait_for_event

LEASE = "journal"
# Whoever posts to us waits no longer than this.
PATIENCE_SECONDS, READY_SECONDS = 4.0, 1.0
# Other processes are told at most this often that there is something to read.
TELL_SECONDS = 0.05

log = logger(__name__)


class Journal:
    """Writing works at once; as a service, in every process that works in the background, it also applies. `handler` is
    what takes the facts.
    """

    def __init__(
        self,
        db: Database,
        leases: Leases,
        accounts: Accounts,
        channels: Mapping[str, Channel],
        handler: Handler,
        clock: Clock,
    ) -> None:
        self._db, self._leases, self._clock = db, leases, clock
        self._parts = Parts(db, Reader(accounts, channels), handler, clock, self._wait)
        self._batch = Batch(db, "journal", patience_seconds=PATIENCE_SECONDS)
        self._worker = Worker(self._run, name="journal")
        self._rung = asyncio.Event()
        self._telling: asyncio.Task[None] | None = None
        self._is_untold = self._is_applying = False

    async def start(self) -> None:
        await self._worker.start()

    async def stop(self) -> None:
        await self._worker.stop()

    def wake(self) -> None:
        """A nudge says that something was written elsewhere."""
        self._rung.set()

    async def _run(self, stopping: asyncio.Event) -> None:
        """Whoever waits for the lease when it is time to stop does not wait on."""
        turns = spawn(self._take_turns(stopping), name="apply in turn")
        told = spawn(stopping.wait(), name="told to stop applying")
        try:
            await asyncio.wait((turns, told), return_when=asyncio.FIRST_COMPLETED)
            self.wake()
            if turns.done() or self._is_applying:
                await turns
        finally:
            await stop(turns)
            await stop(told)

    async def _take_turns(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            async with self._leases.hold(LEASE) as hold:
                self._is_applying = True
                log.info("applying from here", epoch=hold.epoch)
                try:
                    await Turn(self._parts, hold).go(stopping)
                except LeaseLost:
                    log.warning("another process applies the journal now", epoch=hold.epoch)
                finally:
                    self._is_applying = False

    async def _wait(self, seconds: float) -> bool:
        rung = await wait_for_event(self._rung, seconds=seconds)
        self._rung.clear()
        return rung

    async def write(self, channel: str, account: str | None, body: bytes) -> str:
        """Comes back when `body` is durable, with its id. `account` is ours, where the address it came by says whose
        it is. Raises what `bot.store.batch.Batch.add` raises.
        """
        return await self._write(channel, account, body, self._clock.now())

    async def _write(self, channel: str, account: str | None, body: bytes, now: datetime) -> str:
        journal_id = ObjectId()
        entry = {"_id": journal_id, "channel": channel, "account": account, "body": body, "at": now, "state": "new"}
        await self._batch.add(entry)
        self._ring()
        return str(journal_id)

    def _ring(self) -> None:
        """Wakes whoever applies: at once when that is this process, else by a nudge."""
        self.wake()
        self._is_untold = not self._is_applying
        if self._is_untold and (self._telling is None or self._telling.done()):
            self._telling = spawn(self._tell(), name="tell of the journal")

    async def _tell(self) -> None:
        """A nudge that is lost costs a second: then the other looks by itself."""
        while self._is_untold and not self._is_applying:
            self._is_untold = False
            try:
                await nudges.publish(self._db, [{"what": "journal"}])
            except PyMongoError:
                log.warning("others could not be told of the journal")
            await self._clock.sleep(TELL_SECONDS)

    async def is_ready(self) -> bool:
        return await self._db.is_available(seconds=READY_SECONDS)

    async def drain(self) -> None:
        """Comes back when all that was taken is durable."""
        await self._batch.drain()

    async def replay(self, entry_id: str, *, now: datetime) -> None:
        """Lets something that was set aside be read again. Raises NotFound, and Refused when its text is gone."""
        entry = await aside.get_entry(self._db, entry_id)
        body = (entry["raw"] or "").encode() or await self._body(entry["journal"])
        await self._write(entry["channel"], entry["account"], body, now)
        await aside.mark_replayed(self._db, entry)

    async def _body(self, journal_id: str) -> bytes:
        stored = await self._db["journal"].find_one({"_id": ObjectId(journal_id)}, {"body": 1})
        if stored is None:
            raise Refused(N_("The text of this update is not kept any more."), code="raw_gone")
        return bytes(stored["body"])

    async def replay_all(self, *, state: str | None = None, now: datetime) -> int:
        """Lets all be read again that stands aside (`state` "aside" or "unknown", None for both), and with what was
        unknown also messages that could not be shown. How many there were.
        """
        standing = {"state": state or {"$in": ["aside", "unknown"]}}
        count = 0
        async for entry in self._db["aside"].find(standing, {"_id": 1}):
            try:
                await self.replay(entry["_id"], now=now)
            except Refused:
                log.warning("cannot be read again: its text is not kept any more", update=entry["_id"])
                continue
            count += 1
        return count + (0 if state == "aside" else await self._replay_unsupported(now))

    async def _replay_unsupported(self, now: datetime) -> int:
        count = 0
        unsupported = {"type": "unsupported", "raw": {"$type": "string"}}
        async for message in self._db["messages"].find(unsupported, {"channel": 1, "account": 1, "raw": 1}):
            await self._write(message["channel"], message["account"], message["raw"].encode(), now)
            count += 1
        return count
