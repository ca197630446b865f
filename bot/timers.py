"""Says "look" every few seconds. Due times live in documents; a timer remembers nothing and decides
nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC

from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.clock import Clock
from bot.log import logger

Look = Callable[[], Awaitable[None]]

log = logger(__name__)


class Timers:
    """A service. Looks registered before `start` begin with it, later ones at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._looking = 0
        self._idle = asyncio.Event()
        self._idle.set()
        # APScheduler's own defaults drop a job that is a second late and count doubles per process only, so
        # every late look runs, missed ones fold into one, and nothing is stored: user guide, "Missed job
        # executions" (3.11).
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            jobstores={"default": MemoryJobStore()},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def every(self, seconds: float, look: Look, *, name: str) -> None:
        """Call `look` now and then every `seconds`, never twice at once. A failure is logged; the next look
        comes.
        """
        self._scheduler.add_job(
            self._run,
            IntervalTrigger(seconds=seconds, timezone=UTC),
            args=(look, name),
            id=name,
            next_run_time=self._clock.now(),
        )

    async def start(self) -> None:
        self._scheduler.start()

    async def stop(self) -> None:
        """No look begins any more; those that run are waited for."""
        if not self._scheduler.running:
            return
        self._scheduler.pause()
        await self._idle.wait()
        self._scheduler.shutdown(wait=False)

    async def _run(self, look: Look, name: str) -> None:
        self._looking += 1
        self._idle.clear()
        try:
            await look()
        except Exception:
            log.exception("look failed", timer=name)
        finally:
            self._looking -= 1
            if self._looking == 0:
                self._idle.set()
