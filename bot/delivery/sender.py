"""Runs the lanes. Of all processes one sends, by a lease; another takes over within ten seconds of its death."""

import asyncio
from typing import Final

from bot.delivery.deliver import Hold
from bot.delivery.lanes import DRAIN_SECONDS, Bell, ReplyLane
from bot.delivery.parcels import Parts
from bot.delivery.sweep import sweep
from bot.log import logger
from bot.store.lease import Leases
from bot.tasks import Worker, spawn, stop

LEASE: Final = "sender"
SWEEP_SECONDS: Final = 5.0

log = logger(__name__)


class Sender:
    """A service, in every process that works in the background."""

    def __init__(self, parts: Parts, leases: Leases, bell: Bell) -> None:
        self._parts, self._leases, self._bell = parts, leases, bell
        self._worker = Worker(self._run, name="sender", drain_seconds=2 * DRAIN_SECONDS)

    async def start(self) -> None:
        await self._worker.start()

    async def stop(self) -> None:
        """What is in flight lands first, or is left to whoever takes over."""
        await self._worker.stop()

    def wake(self) -> None:
        """A nudge says that something was put elsewhere, or that an account was mended."""
        self._bell.ring_here()

    async def _run(self, stopping: asyncio.Event) -> None:
        """Whoever waits for the lease when it is time to stop does not wait on."""
        turns = spawn(self._take_turns(stopping), name="send in turn")
        told = spawn(stopping.wait(), name="told to stop sending")
        try:
            await asyncio.wait((turns, told), return_when=asyncio.FIRST_COMPLETED)
            if turns.done() or self._bell.is_heard_here:
                await turns
        finally:
            await stop(turns)
            await stop(told)

    async def _take_turns(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            async with self._leases.hold(LEASE) as hold:
                await self._lead(hold, stopping)

    async def _lead(self, hold: Hold, stopping: asyncio.Event) -> None:
        lane = ReplyLane(self._parts, self._bell)
        sweeping = spawn(self._sweep(hold, lane), name="sweep the outbox")
        self._bell.is_heard_here = True
        log.info("sending from here", epoch=hold.epoch)
        try:
            await lane.run(hold, stopping)
        finally:
            self._bell.is_heard_here = False
            await stop(sweeping)

    async def _sweep(self, hold: Hold, lane: ReplyLane) -> None:
        """At once, for what the last holder left, and then every few seconds."""
        parts = self._parts
        while hold.is_valid():
            try:
                now = parts.clock.now()
                await sweep(parts.db, parts.accounts, epoch=hold.epoch, in_flight=lane.in_flight(), now=now)
            except Exception:
                log.exception("the outbox could not be swept")
            self._bell.ring_here()
            await parts.clock.sleep(SWEEP_SECONDS)
