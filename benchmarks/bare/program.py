"""How a bare program is served: as Bandeja is, on uvloop and without an access log."""

import asyncio
import signal
import sys

import uvloop
from aiohttp import web


def serve(app: web.Application) -> None:
    """On the port of the first argument, until it is told to stop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(app, int(sys.argv[1])))


async def _serve(app: web.Application, port: int) -> None:
    stopped = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stopped.set)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
        await stopped.wait()
    finally:
        await runner.cleanup()
