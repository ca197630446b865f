"""How a bare program is served: as Bandeja is, on uvloop and without an access log."""

import asyncio
import sys

import uvloop
from aiohttp import web


def serve(app: web.Application) -> None:
    """On the port of the first argument, until it is told to stop."""
    port = int(sys.argv[1])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None, loop=runner.get_loop())
