"""The sandbox for measuring: any number of WhatsApp numbers, and when each request reached it.

`python -m benchmarks.sandbox '{"numbers": 1, "silent": true}'` prints its address and credentials as one line of JSON.
"""

import asyncio
import json
import signal
import sys
import time
from dataclasses import asdict
from typing import Any

import click
import orjson
import uvloop
from aiohttp import web

from bot.sandbox.server import Sandbox
from bot.sandbox.world.company import Plan
from bot.sandbox.world.trouble import Limits, Timing
from bot.sandbox.world.world import SandboxConfig

TELEGRAM = Plan("telegram", "Bot", username="benchmark_bot")


class TimedSandbox(Sandbox):
    """Remembers by callback when a message's request came: its head, before its body is looked at."""

    def __init__(self, config: SandboxConfig, *, hook_base: str, timed: bool) -> None:
        super().__init__(config, hook_base=hook_base)
        self._timed = timed
        self._arrivals: dict[str, float] = {}

    def app(self) -> web.Application:
        app = super().app()
        if self._timed:
            app.middlewares.append(self._note)
        app.router.add_get("/arrivals", self._tell)
        app.router.add_post("/hooks", self._point)
        return app

    async def _point(self, request: web.Request) -> web.Response:
        """Bandeja tells its address only once it listens, which it does after us."""
        self.hook_base = (await request.json())["address"]
        return web.Response()

    @web.middleware
    async def _note(self, request: web.Request, handler: Any) -> web.StreamResponse:
        at = time.time()
        if request.path.startswith("/graph/") and request.path.endswith("/messages") and request.method == "POST":
            body = orjson.loads(await request.read())
            self._arrivals.setdefault(body.get("biz_opaque_callback_data", ""), at)
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _tell(self, request: web.Request) -> web.Response:
        return web.Response(body=orjson.dumps(self._arrivals), content_type="application/json")


async def serve(wanted: dict[str, Any]) -> None:
    numbers = [Plan("whatsapp", "Ventas", phone=f"5760155{50100 + each}") for each in range(wanted.get("numbers", 1))]
    plans = (*numbers, TELEGRAM) if wanted.get("telegram") else tuple(numbers)
    config = SandboxConfig(
        accounts=plans,
        timing=Timing(statuses=not wanted.get("silent", True), disorder=0),
        limits=Limits(on=False),
        lines_per_chat=20,
    )
    sandbox = TimedSandbox(config, hook_base=wanted.get("hooks", ""), timed=wanted.get("timed", False))
    async with sandbox.serve() as address:
        accounts = [asdict(each) for each in sandbox.credentials()]
        click.echo(json.dumps({"address": address, "accounts": accounts}))
        stopped = asyncio.Event()
        for sign in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(sign, stopped.set)
        await stopped.wait()


def main() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(json.loads(sys.argv[1])))


if __name__ == "__main__":
    main()
