"""Group commit: many single writes of many requests become one acknowledged bulk write, at once when idle."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import bson
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pymongo.errors import BulkWriteError, PyMongoError

from bot.errors import N_, Overloaded, Unavailable
from bot.log import logger
from bot.store.database import AlreadyThere, Database, index_name, within
from bot.tasks import spawn

MOST_DOCUMENTS, MOST_BYTES = 500, 2_000_000
MOST_WAITING, MOST_WAITING_BYTES = 5_000, 64_000_000
# Larger ones would fail the whole batch inside the driver: manual, "MongoDB Limits and Thresholds", 16 MiB.
LARGEST_BYTES = 16 * 1024 * 1024 - 16 * 1024
DUPLICATE_KEY = 11000
# Errors of a document that are the server's state and not the document's fault: time is over, stepping down,
# shutting down, a write conflict, disk trouble.
PASSING = frozenset({50, 64, 89, 91, 112, 133, 134, 189, 262, 317, 9001, 10107, 11600, 11602, 13435, 13436, 14031})

log = logger(__name__)


class BadDocument(Exception):
    """MongoDB will never take this document; the others of its batch are not harmed."""


@dataclass(slots=True, eq=False)
class _Waiting:
    document: RawBSONDocument
    done: asyncio.Future[None] = field(repr=False)

    @property
    def size(self) -> int:
        return len(self.document.raw)

    def settle(self, error: Exception | None = None) -> None:
        """Nobody may be waiting any more."""
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


class Batch:
    """Inserts into one collection. While one bulk write is under way the next is collected.

    `patience_seconds` bounds each `add`: whoever waits for the answer will not wait longer.
    """

    def __init__(
        self,
        database: Database,
        collection: str,
        *,
        patience_seconds: float = 4.0,
        most_documents: int = MOST_DOCUMENTS,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._collection = database[collection]
        self._patience_seconds = patience_seconds
        self._most_documents, self._most_waiting = most_documents, most_waiting
        # In order of arrival; a dict, because whoever gives up is taken out of the middle.
        self._waiting: dict[_Waiting, None] = {}
        self._waiting_bytes = 0
        self._writing: asyncio.Task[None] | None = None

    async def add(self, document: Mapping[str, Any]) -> None:
        """Comes back when `document`, which has its `_id`, is durable.

        Raises AlreadyThere (a unique index), BadDocument, Overloaded (certainly not written), or
        Unavailable after `patience_seconds` (it may or may not be written).
        """
        item = _Waiting(_encoded(document), asyncio.get_running_loop().create_future())
        self._take_in(item)
        try:
            async with asyncio.timeout(self._patience_seconds):
                await item.done
        except TimeoutError:
            self._forget(item)
            raise _away() from None

    async def drain(self) -> None:
        """Comes back when nothing waits any more."""
        while self._writing is not None:
            await asyncio.wait([self._writing])

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def _take_in(self, item: _Waiting) -> None:
        if len(self._waiting) >= self._most_waiting or self._waiting_bytes + item.size > MOST_WAITING_BYTES:
            raise Overloaded(N_("Too much is waiting to be stored; try again in a moment."))
        self._waiting[item] = None
        self._waiting_bytes += item.size
        if self._writing is None:
            self._writing = spawn(self._write_all(), name="group commit")

    def _forget(self, item: _Waiting) -> None:
        """What nobody waits for any more need not be written, unless it is under way."""
        if item in self._waiting:
            del self._waiting[item]
            self._waiting_bytes -= item.size

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                await self._write(self._next_portion())
        finally:
            self._writing = None

    def _next_portion(self) -> list[_Waiting]:
        portion: list[_Waiting] = []
        size = 0
        for item in self._waiting:
            size += item.size
            if portion and (size > MOST_BYTES or len(portion) == self._most_documents):
                break
            portion.append(item)
        for item in portion:
            self._forget(item)
        return portion

    async def _write(self, portion: Sequence[_Waiting]) -> None:
        try:
            with within(self._patience_seconds):
                await self._collection.insert_many([item.document for item in portion], ordered=False)
        except BulkWriteError as error:
            _settle_each(portion, error.details)
        except (Unavailable, PyMongoError) as error:
            log.warning("group commit failed", documents=len(portion), reason=str(error.__cause__ or error))
            _fail_all(portion)
        except BaseException:
            _fail_all(portion)
            raise
        else:
            _settle_each(portion, {})


def _encoded(document: Mapping[str, Any]) -> RawBSONDocument:
    """Encoded once, here, so that a document that cannot be encoded harms its own caller only."""
    if "_id" not in document:
        raise BadDocument("it has no _id, so a repeated write would double it")
    try:
        encoded = bson.encode(document)
    except (BSONError, OverflowError) as error:
        raise BadDocument(str(error)) from error
    if len(encoded) > LARGEST_BYTES:
        raise BadDocument(f"{len(encoded)} bytes are too many")
    return RawBSONDocument(encoded)


def _away() -> Unavailable:
    return Unavailable(N_("The database does not answer; try again in a moment."), code="database_away")


def _fail_all(portion: Sequence[_Waiting]) -> None:
    for item in portion:
        item.settle(_away())


def _settle_each(portion: Sequence[_Waiting], details: Mapping[str, Any]) -> None:
    if details.get("writeConcernErrors"):
        # Written, but perhaps not where a fail-over keeps it: nobody may be told that it is safe.
        return _fail_all(portion)
    failed = {failure["index"]: failure for failure in details.get("writeErrors", ())}
    for index, item in enumerate(portion):
        item.settle(_error_of(failed[index]) if index in failed else None)
    return None


def _error_of(failure: Mapping[str, Any]) -> Exception:
    if failure.get("code") == DUPLICATE_KEY:
        return AlreadyThere(index_name(failure), failure.get("keyValue", {}))
    if failure.get("code") in PASSING:
        return _away()
    return BadDocument(str(failure.get("errmsg", failure.get("code"))))
