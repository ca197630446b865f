"""Work in the background that is kept, named and reported; and the order in which parts start and stop."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from bot.clock import Clock, SystemClock
from bot.log import logger

Result = TypeVar("Result")
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
CANCEL_AGAIN_SECONDS = 3.0

log = logger(__name__)
_running: set[asyncio.Task[Any]] = set()


def spawn(work: Coroutine[Any, Any, Result], *, name: str) -> asyncio.Task[Result]:
    """Run `work` beside us. It is kept until it ends, and an exception that nobody awaits is logged under
    `name`.
    """
    task = asyncio.create_task(work, name=name)
    _running.add(task)
    task.add_done_callback(_report)
    return task


def _report(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("task failed", task=task.get_name(), exc_info=error)


async def stop(task: asyncio.Task[Any], *, again_seconds: float = CANCEL_AGAIN_SECONDS) -> None:
    """Cancel and wait until it has ended, however it ends. Cleaning up may take a few seconds."""
    while not task.done():
        task.cancel()
        # Before Python 3.12 asyncio.wait_for, which the database driver uses, loses a cancellation that
        # comes at the moment of its result (CPython issue 81839): it is said again then.
        await asyncio.wait([task], timeout=again_seconds)


class Service(Protocol):
    """A part of the program with a life. `stop` drains: it comes back when nothing of it runs any more, and
    may be called after a `start` that failed.
    """

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Services:
    """Starts its parts in the order given and stops them in reverse; a part that fails to start stops those
    before.
    """

    def __init__(self, *services: Service) -> None:
        self._services = services
        self._started: list[Service] = []

    async def __aenter__(self) -> Self:
        try:
            for service in self._services:
                self._started.append(service)
                await service.start()
        except BaseException:
            await self._stop_all()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop_all()

    async def _stop_all(self) -> None:
        while self._started:
            service = self._started.pop()
            try:
                await service.stop()
            except Exception:
                log.exception("part did not stop cleanly", part=type(service).__name__)


class Worker:
    """A service that runs `work` for as long as the program lives: when it fails it is logged and begun
    again after a pause that doubles up to half a minute. `work` gets an event that says "finish and
    return"; if it has not returned `drain_seconds` later it is cancelled.
    """

    def __init__(
        self,
        work: Callable[[asyncio.Event], Awaitable[None]],
        *,
        name: str,
        drain_seconds: float = 5.0,
        pause_seconds: float = PAUSE_SECONDS,
        clock: Clock | None = None,
    ) -> None:
        self._work, self.name = work, name
        self._drain_seconds, self._pause_seconds = drain_seconds, pause_seconds
        self._clock = clock or SystemClock()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._stopping.clear()
        self._task = spawn(self._run(), name=self.name)

    async def stop(self) -> None:
        self._stopping.set()
        if self._task is None:
            return
        await asyncio.wait([self._task], timeout=self._drain_seconds)
        await stop(self._task)
        self._task = None

    async def _run(self) -> None:
        pause = self._pause_seconds
        while not self._stopping.is_set():
            began = self._clock.monotonic()
            try:
                await self._work(self._stopping)
            except Exception:
                log.exception("worker failed and begins again", worker=self.name)
            else:
                return
            pause = self._pause_seconds if self._clock.monotonic() - began > LONGEST_PAUSE_SECONDS else pause
            await wait_for_event(self._stopping, seconds=pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


async def wait_for_event(event: asyncio.Event, *, seconds: float) -> bool:
    """Sleep that an event cuts short; True when the event is set."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return event.is_set()
    return True
