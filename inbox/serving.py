"""Runs Bandeja until it is told to stop: the site, the workers, or both in one process."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import click
from aiohttp import web

from bot.config import Settings
from bot.errors import N_, Unavailable
from bot.log import logger
from bot.tasks import Services, spawn
from inbox import people, sessions
from inbox.house import House
from inbox.web.answers import RENDERER
from inbox.wiring import Works, build_app, build_works, heed_missing_secrets, open_house

SHUTDOWN_SECONDS = 5.0
log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What this process does."""

    web: bool
    worker: bool


async def serve(settings: Settings, parts: Parts) -> None:
    """Until SIGINT or SIGTERM. Raises Unavailable when the port is taken or the database does not come up."""
    stopping = asyncio.Event()
    _listen_for_signals(stopping)
    async with running(settings, parts, warm=True) as (house, address):
        if address:
            await _greet(house, address)
        settle_memory()
        log.info("ready", at=address, web=parts.web, worker=parts.worker)
        await stopping.wait()
        log.info("stopping")


@asynccontextmanager
async def running(
    settings: Settings, parts: Parts, *, demo: bool = False, warm: bool = False
) -> AsyncIterator[tuple[House, str]]:
    """The house with everything going, and the site's own address ("" without one). `warm` gets all pages ready beside
    it, so that nobody waits for a first one.
    """
    async with open_house(settings, demo=demo) as house, AsyncExitStack() as stack:
        await heed_missing_secrets(house)
        works = build_works(house)
        await stack.enter_async_context(Services(*works.always))
        address = await stack.enter_async_context(_site(house, works, warm=warm)) if parts.web else ""
        if address:
            house.practice.listen_at(address)
            await stack.enter_async_context(Services(*works.beside_site))
        if parts.worker:
            await stack.enter_async_context(Services(*works.background))
        yield house, address


def settle_memory() -> None:
    """What was built by now stays for good: the collector need not look at it again and again. A sixth of the work of
    taking messages in was its doing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _listen_for_signals(stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopping.set)


@asynccontextmanager
async def _site(house: House, works: Works, *, warm: bool) -> AsyncIterator[str]:
    server, app = house.settings.server, build_app(house, works)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=False, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await _bind(runner, server.host, server.port)
        if warm:
            spawn(asyncio.to_thread(app[RENDERER].prepare), name="get the pages ready")
        port = runner.addresses[0][1]
        host = "127.0.0.1" if server.host in ("0.0.0.0", "") else server.host  # noqa: S104 - what was configured
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


async def _bind(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
    except OSError as error:
        raise Unavailable(
            N_("Cannot listen on %(host)s, port %(port)s: %(reason)s. Choose another with --port."),
            code="port_taken",
            host=host,
            port=port,
            reason=error.strerror or str(error),
        ) from error


async def _greet(house: House, address: str) -> None:
    """The address, and on a first start the link by which the owner is created. This is the command's result."""
    base = house.settings.server.public_url or address
    click.echo(f"Bandeja: {base}")
    if await people.has_owner(house.db):
        return
    token = await sessions.make_onetime(house.db, purpose="setup", agent=None, now=house.clock.now())
    click.echo(f"Sign in once with this link: {base}/welcome/{token}")
