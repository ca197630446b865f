"""The door that platforms knock at: is it really them, write it down, 200. Nothing else happens before the answer."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from aiohttp import web
from prometheus_client import Counter

from bot.channels.contract import Channel, Malformed, NotFromPlatform
from bot.clock import Clock
from bot.config import Settings
from bot.delivery.acknowledge import acknowledge
from bot.delivery.meters import WEBHOOKS
from bot.errors import Unavailable
from bot.log import logger
from bot.records.accounts import AccountRecord, Accounts
from bot.store.batch import BadDocument
from bot.tasks import spawn

# A body of theirs has at most 3 MB: WhatsApp Cloud API, Webhooks, overview (2026-08).
MOST_BYTES = 4 * 2**20
RETRY_AFTER_SECONDS = 5
DISK_LOOK_SECONDS = 1.0

log = logger(__name__)


class Journal(Protocol):
    async def write(self, channel: str, account: str | None, body: bytes) -> str:
        """Comes back when it is durable. Raises Unavailable."""
        ...

    async def is_ready(self) -> bool:
        """Whether anything could be written now."""
        ...


class Disk:
    """Whether there is room to write, looked at once a second: a database dies of a full disk, we do not let it."""

    def __init__(self, directory: Path, reserve_mb: int, clock: Clock) -> None:
        self._directory, self._reserve_bytes, self._clock = directory, reserve_mb * 2**20, clock
        self._looked_at, self._has_room = float("-inf"), True

    def has_room(self) -> bool:
        now = self._clock.monotonic()
        if now - self._looked_at >= DISK_LOOK_SECONDS:
            self._looked_at = now
            self._look()
        return self._has_room

    def _look(self) -> None:
        disk = os.statvfs(self._directory)
        had_room, self._has_room = self._has_room, disk.f_bavail * disk.f_frsize >= self._reserve_bytes
        if had_room != self._has_room:
            log.warning("the disk has room again" if self._has_room else "the disk is below its reserve")


class Webhooks:
    """The routes that need no sign-in: the platforms prove themselves with each body."""

    def __init__(
        self,
        journal: Journal,
        accounts: Accounts,
        channels: Mapping[str, Channel],
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._journal, self._accounts, self._channels, self._clock = journal, accounts, channels, clock
        self._counters: dict[tuple[str, int], Counter] = {}
        # Of another machine's disk we know nothing.
        embedded = settings.mongodb.embedded
        self._disk = Disk(settings.data.directory, settings.data.reserve_mb, clock) if embedded else None

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/hooks/{channel}", self.shake_hands)
        app.router.add_post("/hooks/{channel}", self.take)
        app.router.add_post("/hooks/{channel}/{account}", self.take)
        app.router.add_get("/health", self.say_alive)
        app.router.add_get("/ready", self.say_ready)

    async def shake_hands(self, request: web.Request) -> web.Response:
        """Meta asks once, when the address is entered there."""
        channel = self._channel(request)
        if channel is None:
            return web.Response(status=403)
        challenge = channel.handshake(request.query, self._accounts.verify_tokens(channel.kind))
        if challenge is None:
            return web.Response(status=403)
        return web.Response(text=challenge)

    async def take(self, request: web.Request) -> web.Response:
        channel = self._channel(request)
        if channel is None:
            return web.Response(status=403)
        response = await self._take(request, channel)
        self._count(channel.kind, response.status)
        return response

    def _count(self, kind: str, status: int) -> None:
        counter = self._counters.get((kind, status))
        if counter is None:
            counter = self._counters[kind, status] = WEBHOOKS.labels(kind, str(status))
        counter.inc()

    async def _take(self, request: web.Request, channel: Channel) -> web.Response:
        body = await _read(request)
        if body is None:
            return web.Response(status=413)
        named = request.match_info.get("account")
        account = self._accounts.find_hook(channel.kind, named) if named else None
        allowed = self._accounts.connected(channel.kind) if named is None else [account] if account else []
        try:
            channel.verify(request.headers, body, self._accounts.proofs(allowed))
            channel.envelope(body)
        except NotFromPlatform:
            return web.Response(status=403)
        except Malformed:
            return web.Response(status=400)
        if self._disk is not None and not self._disk.has_room():
            return _later()
        return await self._keep(channel, account, body)

    async def _keep(self, channel: Channel, account: AccountRecord | None, body: bytes) -> web.Response:
        """200 means: in the journal, on disk, on a majority. After anything else the platform tells us again."""
        try:
            await self._journal.write(channel.kind, account.id if account else None, body)
        except Unavailable:
            return _later()
        except BadDocument:
            return web.Response(status=413)
        if account is not None:
            presses = acknowledge(channel, self._accounts.open(account), [body], now=self._clock.now())
            spawn(presses, name="acknowledge")
        return web.Response()

    def _channel(self, request: web.Request) -> Channel | None:
        """None where no account is connected: nobody can prove to be the platform, and nothing need be imported."""
        kind = request.match_info["channel"]
        return self._channels[kind] if self._accounts.connected(kind) else None

    async def say_alive(self, request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def say_ready(self, request: web.Request) -> web.Response:
        """Whether what came in now could be kept."""
        if (self._disk is None or self._disk.has_room()) and await self._journal.is_ready():
            return web.Response(text="ok")
        return _later()


async def _read(request: web.Request) -> bytes | None:
    """None when it is too large, whatever it said of itself."""
    if (request.content_length or 0) > MOST_BYTES:
        return None
    body = await request.content.readany()
    while not request.content.at_eof():
        body += await request.content.readany()
        if len(body) > MOST_BYTES:
            return None
    return body


def _later() -> web.Response:
    return web.Response(status=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
