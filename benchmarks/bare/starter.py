"""A bare start: the same MongoDB on the same files, an aiohttp server, one answer from the database."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import click
import uvloop
from aiohttp import web
from pymongo import AsyncMongoClient

from bot.store import embedded


async def serve(data: Path) -> None:
    async with embedded.running(data, cache_gb=0.25) as uri, AsyncMongoClient[dict[str, object]](uri) as client:
        await client.admin.command("ping")
        runner = web.AppRunner(web.Application(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        click.echo(json.dumps({"ready": True}))
        stopped = asyncio.Event()
        for sign in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(sign, stopped.set)
        await stopped.wait()
        await runner.cleanup()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as run:
        run.run(serve(Path(sys.argv[1])))
