"""What other processes wrote, as it happens: one change stream per process, handed to whoever asked."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo.asynchronous.change_stream import AsyncChangeStream
from pymongo.errors import OperationFailure, PyMongoError

from bot.errors import N_, Unavailable
from bot.log import logger
from bot.store.database import Database, Document, is_away, within
from bot.tasks import spawn, stop

# The server answers an idle stream this often; news come at once.
AWAIT_MILLISECONDS = 1000
PAUSE_SECONDS, OPENING_SECONDS = 0.5, 15.0
# Capped position lost, invalid resume token, change stream fatal error, change stream history lost.
THREAD_LOST = frozenset({136, 260, 280, 286})
KINDS = ("insert", "update", "replace", "delete")

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """`fields` are those asked for, as they were written by this change; empty for a delete."""

    collection: str
    kind: str
    id: Any
    fields: Mapping[str, Any]


Listener = Callable[[Change], Awaitable[None] | None]
Missed = Callable[[], Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class _Subscription:
    collection: str
    fields: tuple[str, ...]
    listener: Listener
    missed: Missed


class Changes:
    """A service. Subscribe before `start`; what is written after `start` has returned is heard.

    It takes up its thread after a fail-over. When that is impossible every `missed` is called: anything
    may have changed meanwhile. A listener that fails is logged and harms nobody else; a slow one delays
    all.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscriptions: list[_Subscription] = []
        self._token: Mapping[str, Any] | None = None
        self._opened = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def subscribe(self, collection: str, listener: Listener, *, missed: Missed, fields: Sequence[str] = ()) -> None:
        """Name the fields that are needed: nothing else of the document is sent, and other people's
        words cost.
        """
        self._subscriptions.append(_Subscription(collection, tuple(fields), listener, missed))

    async def start(self) -> None:
        self._task = spawn(self._follow(), name="change stream")
        try:
            async with asyncio.timeout(OPENING_SECONDS):
                await self._opened.wait()
        except TimeoutError:
            raise Unavailable(N_("The database does not answer; try again in a moment.")) from None

    async def stop(self) -> None:
        self._stopping = True
        if self._task is not None:
            await stop(self._task)

    async def _follow(self) -> None:
        while not self._stopping:
            try:
                async with await self._open() as stream:
                    await self._hear(stream)
            except PyMongoError as error:
                log.warning("change stream broke", reason=str(error))
            await asyncio.sleep(PAUSE_SECONDS)

    async def _open(self) -> AsyncChangeStream[Document]:
        token = self._token
        # Forgotten until the stream is open: a thread that cannot be taken up must not be tried for ever.
        self._token = None
        try:
            with within(None):
                stream = await self._database.handle.watch(
                    self._pipeline(), start_after=token, max_await_time_ms=AWAIT_MILLISECONDS
                )
        except PyMongoError as error:
            if is_away(error):
                self._token = token
            raise
        if self._opened.is_set() and token is None:
            await self._tell_missed()
        self._opened.set()
        return stream

    async def _hear(self, stream: AsyncChangeStream[Document]) -> None:
        """Ends by itself, its thread forgotten, only when the whole database was dropped."""
        try:
            while stream.alive and not self._stopping:
                event = await stream.try_next()
                if event is not None:
                    await self._hand_out(event)
        except PyMongoError as error:
            if not isinstance(error, OperationFailure) or error.code not in THREAD_LOST:
                self._token = stream.resume_token
            raise

    def _pipeline(self) -> list[Document]:
        names = sorted({subscription.collection for subscription in self._subscriptions})
        fields = {field for subscription in self._subscriptions for field in subscription.fields}
        shown = ["operationType", "ns", "documentKey"]
        shown += [f"{part}.{field}" for field in fields for part in ("fullDocument", "updateDescription.updatedFields")]
        return [
            {"$match": {"ns.coll": {"$in": names}, "operationType": {"$in": list(KINDS)}}},
            {"$project": dict.fromkeys(shown, 1)},
        ]

    async def _hand_out(self, event: Mapping[str, Any]) -> None:
        written = event.get("fullDocument") or event.get("updateDescription", {}).get("updatedFields", {})
        change = Change(event["ns"]["coll"], event["operationType"], event["documentKey"]["_id"], written)
        for subscription in self._subscriptions:
            if subscription.collection == change.collection:
                await _call(subscription.listener, change)

    async def _tell_missed(self) -> None:
        for subscription in self._subscriptions:
            await _call(subscription.missed)


async def _call(listener: Callable[..., Awaitable[None] | None], *arguments: object) -> None:
    try:
        answer = listener(*arguments)
        if answer is not None:
            await answer
    except Exception:
        log.exception("listener of changes failed", listener=getattr(listener, "__qualname__", "?"))
