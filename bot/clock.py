"""The only place that asks what time it is. Everything else is given a clock, or the time itself."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC, cut to milliseconds: exactly what the database gives back."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back and go on while the machine sleeps. For deadlines and durations."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> datetime:
        return to_milliseconds(datetime.now(UTC))

    def monotonic(self) -> float:
        return _monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def to_milliseconds(moment: datetime) -> datetime:
    """MongoDB keeps milliseconds: what is compared with a stored time must be cut the same way."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _monotonic() -> float:
    # Linux's CLOCK_MONOTONIC stands still during suspend, so a laptop that wakes would trust an expired
    # lease.
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
