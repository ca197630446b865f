"""What happens later: one heap, one worker, and a way to wait until nothing is left to do."""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

from bot.clock import Clock
from bot.log import logger

log = logger(__name__)
Deed = Callable[[], None]
# Due deeds that lie this close together are done in one turn: at hundreds of messages a second the worker would
# otherwise wake for every single status.
GRAIN_SECONDS = 0.01


class Timetable:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Deed]] = []
        self._order = count()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, seconds: float, deed: Deed) -> None:
        """`deed` runs after `seconds`, in order of time, then of arrival. It must not block."""
        due = self._clock.monotonic() + seconds
        earliest = not self._heap or due < self._heap[0][0]
        heapq.heappush(self._heap, (due, next(self._order), deed))
        self._idle.clear()
        if earliest:
            self._wake.set()

    async def idle(self) -> None:
        await self._idle.wait()

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            self._wake.clear()
            self._do_due()
            await self._pause()

    def _do_due(self) -> None:
        now = self._clock.monotonic()
        while self._heap and self._heap[0][0] <= now:
            self._do(heapq.heappop(self._heap)[2])
        if not self._heap:
            self._idle.set()

    def _do(self, deed: Deed) -> None:
        try:
            deed()
        except Exception:
            log.exception("a planned deed failed")

    async def _pause(self) -> None:
        until = max(GRAIN_SECONDS, self._heap[0][0] - self._clock.monotonic()) if self._heap else None
        try:
            async with asyncio.timeout(until):
                await self._wake.wait()
        except TimeoutError:
            return
