"""How an answer goes wrong on its way: slow, refused at the edge, lost after the platform had accepted."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from bot.sandbox.world.world import World

GATEWAY = "<html><body><center><h1>502 Bad Gateway</h1></center></body></html>"
JSON = "application/json"


def json(value: Any, *, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type=JSON, charset="utf-8")


async def before(world: World, channel: str, too_many: Callable[[], web.Response]) -> web.Response | None:
    """What keeps a call from being heard at all. `too_many` makes the platform's own 429."""
    faults = world.faults
    if world.chance(faults.slow, channel):
        await asyncio.sleep(faults.slow_seconds)
    if world.chance(faults.http_429, channel):
        world.tally("faults.http_429")
        return too_many()
    if world.chance(faults.http_500, channel):
        world.tally("faults.http_500")
        return json({"error": {"message": "An unknown error occurred", "code": 1}}, status=500)
    return None


async def after(world: World, channel: str, request: web.Request, answer: web.Response) -> web.StreamResponse:
    """What happens to the answer of a message that was accepted."""
    faults = world.faults
    if world.chance(faults.lost_answers, channel):
        world.tally("faults.lost_answers")
        return await _lose(world, request, answer)
    if world.chance(faults.garbage, channel):
        world.tally("faults.garbage")
        return web.Response(text="<!doctype html>\ufffd\x00{", content_type="text/html")
    if world.chance(faults.gateway_errors, channel):
        world.tally("faults.gateway_errors")
        return web.Response(text=GATEWAY, status=502, content_type="text/html")
    return answer


async def _lose(world: World, request: web.Request, answer: web.Response) -> web.StreamResponse:
    if world.faults.lost_how == "silence":
        await asyncio.sleep(world.faults.lost_seconds)
    if request.transport is not None:
        request.transport.abort()
    return answer
