"""Files that people sent are fetched at once: what a platform gives as an address lives minutes (WhatsApp: five).

Any number of processes take from the same list. A record is leased while it is fetched; whoever dies is replaced when
the lease ends, and cannot write any more should it wake up.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import ReturnDocument

from bot import nudges
from bot.channels.contract import Channel, FetchProblem, MediaRef
from bot.clock import Clock
from bot.errors import N_, Conflict
from bot.ids import new_id
from bot.log import logger
from bot.records import media, mirrors
from bot.records.accounts import Accounts
from bot.records.spool import Spool, TooLarge
from bot.store.database import Database
from bot.tasks import Worker, spawn, stop, wait_for_event

Document = dict[str, Any]

LEASE: Final = timedelta(seconds=8)
POLL_SECONDS: Final = 1.0
SLOTS: Final = 6
# Between two pieces of a file, and for the whole of it.
STALL_SECONDS: Final = 30
WHOLE_SECONDS: Final = 15 * 60
# About a day in all: WhatsApp Cloud API, "Media" (2026-08) keeps what came in for seven.
PAUSES: Final = tuple(timedelta(seconds=seconds) for seconds in (2, 10, 60, 300, 1800, 3600, 10800, 21600, 43200))

log = logger(__name__)


class Fetching:
    """A service, in every process that works in the background."""

    def __init__(self, db: Database, accounts: Accounts, channels: Mapping[str, Channel], clock: Clock) -> None:
        self._db, self._accounts, self._channels, self._clock = db, accounts, channels, clock
        self._wake = asyncio.Event()
        self._going: set[asyncio.Task[None]] = set()
        self._worker = Worker(self._run, name="fetching")

    async def start(self) -> None:
        await self._worker.start()

    async def stop(self) -> None:
        await self._worker.stop()

    def wake(self) -> None:
        """Something new is wanted."""
        self._wake.set()

    async def _run(self, stopping: asyncio.Event) -> None:
        try:
            while not stopping.is_set():
                self._wake.clear()
                record = await self._claim() if len(self._going) < SLOTS else None
                if record is None:
                    await wait_for_event(self._wake, seconds=POLL_SECONDS)
                    continue
                task = spawn(self._fetch(record), name="fetch a file")
                self._going.add(task)
                task.add_done_callback(self._ended)
        finally:
            for task in tuple(self._going):
                await stop(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._going.discard(task)
        self._wake.set()

    async def _claim(self) -> Document | None:
        now = self._clock.now()
        return await self._db["media"].find_one_and_update(
            {"state": {"$in": ["wanted", "fetching"]}, "due_at": {"$lte": now}},
            {"$set": {"state": "fetching", "due_at": now + LEASE, "claim": new_id()}, "$inc": {"tries": 1}},
            sort=[("due_at", 1)],
            return_document=ReturnDocument.AFTER,
        )

    async def _fetch(self, record: Document) -> None:
        try:
            async with self._leased(record), asyncio.timeout(WHOLE_SECONDS):
                fields = await self._download(record)
        except FetchProblem as problem:
            await self._failed(record, problem)
        except TimeoutError:
            await self._failed(record, FetchProblem("timeout", N_("The platform did not deliver the file in time.")))
        except Exception as error:
            log.exception("fetching failed in an unexpected way", media=record["_id"], error=type(error).__name__)
            await self._failed(record, FetchProblem("unexpected", N_("The file could not be fetched.")))
        else:
            await self._write(record, {**fields, "state": "stored", "error": None, "stored_at": self._clock.now()})

    @asynccontextmanager
    async def _leased(self, record: Document) -> AsyncIterator[None]:
        renewing = spawn(self._renew(record), name="renew the lease of a file")
        try:
            yield
        finally:
            await stop(renewing)

    async def _renew(self, record: Document) -> None:
        while True:
            await self._clock.sleep(LEASE.total_seconds() / 4)
            until = self._clock.now() + LEASE
            await self._db["media"].update_one(_own(record), {"$set": {"due_at": until}})

    async def _download(self, record: Document) -> Document:
        account = self._accounts.find(record["account"])
        if account is None:
            raise FetchProblem("account_gone", N_("The account that this file came by is not connected."), final=True)
        ref = MediaRef(**record["ref"])
        fetched = await self._channels[account.kind].fetch(self._accounts.open(account), ref)
        async with Spool() as spool:
            try:
                await spool.fill(_unstalled(fetched.chunks), most_bytes=media.MOST_BYTES)
            except TooLarge:
                sentence = N_("The file is too large to be kept here.")
                raise FetchProblem("too_large", sentence, final=True) from None
            if not spool.size or not _is_whole(spool.sha256, ref.sha256):
                raise FetchProblem("damaged", N_("The file did not arrive whole."))
            claimed = fetched.mime or ref.mime or record["mime"]
            return await media.keep(self._db, spool, claimed=claimed, kind=record["kind"], name=record["name"])

    async def _failed(self, record: Document, problem: FetchProblem) -> None:
        """Tried again for about a day, in ever longer pauses; shown from the first time on."""
        log.warning("file not fetched", media=record["_id"], code=problem.code, tries=record["tries"])
        error = {"code": problem.code, "message": problem.message}
        if problem.final or record["tries"] > len(PAUSES):
            await self._write(record, {"state": "failed", "error": error})
            return
        due_at = self._clock.now() + PAUSES[record["tries"] - 1]
        await self._write(record, {"state": "wanted", "error": error, "due_at": due_at})

    async def _write(self, record: Document, changes: Document) -> None:
        after = await self._db["media"].find_one_and_update(
            _own(record), {"$set": changes}, return_document=ReturnDocument.AFTER
        )
        if after is not None:
            await show(self._db, after)


async def show(db: Database, record: Mapping[str, Any]) -> None:
    """On the message, and on the pages that are open."""
    place = {"_id": record["message"], "media.id": record["_id"]}
    await db["messages"].update_one(place, {"$set": {"media.$": media.entry(record)}})
    if record.get("conversation"):
        news = await mirrors.news(db, [record["conversation"]], what="media")
        await nudges.publish(db, [{**item, "media": record["_id"], "message": record["message"]} for item in news])


async def retry(db: Database, media_id: str, *, now: datetime) -> None:
    """Somebody asks for a file that was given up. Raises Conflict when it was not."""
    again = {"state": "wanted", "tries": 0, "due_at": now, "error": None}
    after = await db["media"].find_one_and_update(
        {"_id": media_id, "state": "failed"}, {"$set": again}, return_document=ReturnDocument.AFTER
    )
    if after is None:
        raise Conflict(N_("The file is being fetched already, or is there."), code="not_failed")
    await show(db, after)


def _own(record: Mapping[str, Any]) -> Document:
    return {"_id": record["_id"], "state": "fetching", "claim": record["claim"]}


async def _unstalled(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    iterator = aiter(chunks)
    while True:
        try:
            async with asyncio.timeout(STALL_SECONDS):
                chunk = await anext(iterator)
        except StopAsyncIteration:
            return
        yield chunk


def _is_whole(digest: str, told: str) -> bool:
    """`told` is the platform's SHA-256, in hexadecimal or base64; what is neither proves nothing."""
    if not told:
        return True
    wanted = told.lower() if len(told) == len(digest) else _base64_to_hex(told)
    return wanted is None or wanted == digest


def _base64_to_hex(text: str) -> str | None:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return raw.hex() if len(raw) == 32 else None
