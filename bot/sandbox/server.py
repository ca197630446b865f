"""The sandbox itself: the stage served on one port, with its phone page and its controls."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from bot.clock import Clock, SystemClock
from bot.log import logger
from bot.sandbox.control import Control
from bot.sandbox.graph.door import Door as GraphDoor
from bot.sandbox.graph.edges import Edges
from bot.sandbox.phone import Phone
from bot.sandbox.stage import Stage
from bot.sandbox.telegram.door import Door as TelegramDoor
from bot.sandbox.telegram.methods import Methods
from bot.sandbox.world.company import Credentials, credentials
from bot.sandbox.world.trouble import Limits, Timing
from bot.sandbox.world.world import SandboxConfig
from bot.tasks import spawn, stop

MAX_BODY_BYTES = 160 * 2**20
SAVE_SECONDS = 5.0

log = logger(__name__)
Saver = Callable[[dict[str, Any]], Awaitable[None] | None]


class Sandbox(Stage):
    """`saved` is what an earlier one gave to `save`, which is called now and then with everything worth keeping.

    What is saved holds secrets. `hook_base` is where Bandeja listens and may be set later: until then nothing is told.
    """

    def __init__(
        self,
        config: SandboxConfig | None = None,
        *,
        hook_base: str = "",
        saved: Mapping[str, Any] | None = None,
        save: Saver | None = None,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(config or SandboxConfig(), clock or SystemClock(), saved)
        self.hook_base = hook_base
        self._save, self._dirty = save, asyncio.Event()
        self.world.chats.listen(lambda chat: self._dirty.set())

    @property
    def hook_base(self) -> str:
        return self.world.hook_base

    @hook_base.setter
    def hook_base(self, address: str) -> None:
        self.world.hook_base = address.rstrip("/")

    def credentials(self) -> list[Credentials]:
        """What connects each account. Only while it serves: the addresses hold its port."""
        return [credentials(account, self.world.base_url) for account in self.world.company.accounts]

    def app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        edges = Edges(self.world, self.hooks, self.templates, self.messenger)
        app.add_routes(GraphDoor(self.world, self.whatsapp, self.messenger, edges).routes())
        app.add_routes(TelegramDoor(self.world, Methods(self.world), self.updates).routes())
        app.add_routes(Control(self).routes())
        app.add_routes(Phone(self).routes())
        return app

    @asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0, *, anywhere: bool = False) -> AsyncIterator[str]:
        """Yields the base address. Only a loopback host is taken, unless `anywhere`: nobody signs in here."""
        if not anywhere and not _is_loopback(host):
            raise ValueError("The sandbox has no sign-in: it listens on a loopback address only.")
        runner = web.AppRunner(self.app(), access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port, backlog=1024).start()
            self.world.base_url = f"http://{f'[{host}]' if ':' in host else host}:{runner.addresses[0][1]}"
            async with self._working():
                yield self.world.base_url
        finally:
            await runner.cleanup()

    @asynccontextmanager
    async def _working(self) -> AsyncIterator[None]:
        stopping = asyncio.Event()
        parts = (self.world.timetable.run, self.hooks.run, self.updates.run, self._keep_saved)
        tasks = [spawn(part(stopping), name="sandbox") for part in parts]
        try:
            yield
        finally:
            stopping.set()
            for task in tasks:
                await stop(task)
            await self._save_now()

    async def _keep_saved(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            await self._dirty.wait()
            await asyncio.sleep(SAVE_SECONDS)
            await self._save_now()

    async def _save_now(self) -> None:
        self._dirty.clear()
        if self._save is None:
            return
        try:
            if (saving := self._save(self.dump())) is not None:
                await saving
        except Exception:
            log.exception("the practice people could not be kept")


def instant_config(**changes: Any) -> SandboxConfig:
    """For tests: nothing takes time, nothing is out of order, no limits, everybody reads, everything is kept."""
    settings: dict[str, Any] = {
        "timing": Timing(instant=True, disorder=0, reads=1, batch=1),
        "limits": Limits(on=False),
        "seed": 1,
        "retry_seconds": 0.05,
        "hook_connections": 1,
    }
    return SandboxConfig(**settings | changes)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
