"""The WebSocket of an open page: nudges go out (ids only), signs of life come in (looking at, typing in)."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

from aiohttp import WSMsgType, web
from pydantic import BaseModel, ConfigDict, ValidationError

from bot.errors import N_, Forbidden, NotFound
from bot.log import logger
from bot.tasks import spawn
from inbox import presence
from inbox.gate import AGENT, HOUSE, SESSION, current_session, same_origin
from inbox.live import Subscription
from inbox.permissions import access_conversation

HEARTBEAT_SECONDS = 20.0
RECHECK = timedelta(seconds=30)
SIGNED_OUT, COME_BACK = 4401, 4408
log = logger(__name__)


class Sign(BaseModel):
    """What a page tells about its person: one of these, each a conversation's id; or that it lives."""

    model_config = ConfigDict(extra="ignore")

    ping: bool = False
    looking: str | None = None
    typing: str | None = None
    left: str | None = None


async def stream(request: web.Request) -> web.StreamResponse:
    if not same_origin(request):
        raise Forbidden(N_("This page is too old. Load it again."), code="origin")
    if SESSION not in request:
        raise Forbidden(N_("Only a signed-in browser has live pages."), code="session_only")
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_SECONDS, max_msg_size=4096, compress=False)
    try:
        await socket.prepare(request)
    except ConnectionResetError:
        return socket  # the page went away while it asked
    page = request.app[HOUSE].live.subscribe(request[AGENT])
    sender = spawn(_tell(request, socket, page), name="live page")
    try:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await _hear(request, socket, message.data)
    finally:
        request.app[HOUSE].live.unsubscribe(page)
        sender.cancel()
        with suppress(asyncio.CancelledError):
            await sender
    return socket


async def _tell(request: web.Request, socket: web.WebSocketResponse, page: Subscription) -> None:
    """A page that is told nothing more must not believe that all is well: whatever ends the telling ends the line."""
    try:
        await _send(request, socket, page)
    except Exception as error:
        log.warning("a live page is asked to come back", error=type(error).__name__)
        await socket.close(code=COME_BACK, message=b"come back")


async def _send(request: web.Request, socket: web.WebSocketResponse, page: Subscription) -> None:
    """Until the page goes or the session is revoked: then the socket closes at once and the page asks to sign in."""
    items: list[dict[str, Any]] = []
    while not socket.closed:
        kinds = {item["what"] for item in items}
        # Just subscribed, long in silence, or behind the news: a revocation may have been missed.
        if (not items or kinds & {"session", "reload"}) and await current_session(request) is None:
            await socket.close(code=SIGNED_OUT, message=b"signed out")
            return
        if "session" in kinds:
            # The rights may be others now; the page comes back with a subscription that has them.
            await socket.close(code=COME_BACK, message=b"rights changed")
            return
        if items:
            with suppress(ConnectionResetError):
                await socket.send_json({"items": items})
        items = []
        with suppress(TimeoutError):
            items = await asyncio.wait_for(page.next_items(), RECHECK.total_seconds())


async def _hear(request: web.Request, socket: web.WebSocketResponse, text: str) -> None:
    """A sign about a conversation this agent may not see, or one we cannot read, is passed over."""
    try:
        sign = Sign.model_validate_json(text)
    except ValidationError:
        return
    if sign.ping:
        await socket.send_json({"pong": True})
    if sign.left:
        await presence.leave(request.app[HOUSE].db, sign.left, request[AGENT].id)
    if about := sign.typing or sign.looking:
        with suppress(NotFound):
            await _note_presence(request, about, typing=sign.typing is not None)


async def _note_presence(request: web.Request, conversation_id: str, *, typing: bool) -> None:
    house, agent = request.app[HOUSE], request[AGENT]
    conversation = await access_conversation(house.db, agent, conversation_id)
    now = house.clock.now()
    if not typing:
        await presence.look(house.db, conversation, agent, now=now)
        return
    await presence.type_in(house.db, conversation, agent, now=now)
    house.signals.typing(conversation)
