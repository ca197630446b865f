"""A clock that stands still until a test lets time pass."""

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday morning


class StillClock:
    def __init__(self, now: datetime = START) -> None:
        self._now, self._passed = now, 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, seconds: float) -> None:
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._passed + seconds, next(self._order), waking))
        await waking

    async def pass_by(self, **amount: float) -> None:
        """`pass_by(hours=25)`. Whoever sleeps wakes at the time asked for, in order, and gets to run."""
        await _let_others_run()
        end = self._passed + timedelta(**amount).total_seconds()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, waking = heapq.heappop(self._sleepers)
            self._move_to(due)
            if not waking.done():
                waking.set_result(None)
                await _let_others_run()
        self._move_to(end)

    def set(self, now: datetime) -> None:
        """Put the hands elsewhere without waking anybody, as when a machine's clock is corrected."""
        self._now = now

    def _move_to(self, passed: float) -> None:
        self._now += timedelta(seconds=passed - self._passed)
        self._passed = passed


async def _let_others_run() -> None:
    for _ in range(10):
        await asyncio.sleep(0)
