"""Webhooks as Meta sends them: signed, batched, repeated until somebody answers 200, and never quite in order."""

import asyncio
import hashlib
import hmac
import json
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp

from bot.log import logger
from bot.sandbox.world.company import Account
from bot.sandbox.world.world import World
from bot.tasks import spawn

OBJECTS = {"whatsapp": "whatsapp_business_account", "messenger": "page"}
ANSWER_SECONDS = {"whatsapp": 10, "messenger": 5}
LONGEST_RETRY_SECONDS, MAX_TRIES, MAX_RETRYING = 300.0, 40, 10_000
# A page is unsubscribed after an hour of failures: Messenger Platform, Webhooks, performance requirements (2026-06).
PATIENCE_SECONDS = 3600.0

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class News:
    """One change or messaging event. `done` runs when the company's program has taken it."""

    account: Account
    content: dict[str, Any]
    done: Callable[[], None] | None = None


class Hooks:
    def __init__(self, world: World) -> None:
        self._world = world
        self._queues: dict[str, deque[News]] = {kind: deque() for kind in OBJECTS}
        self._wake, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._free = asyncio.Semaphore(world.config.hook_connections)
        self._posting: set[asyncio.Task[None]] = set()
        self._failing_since: dict[str, float] = {}
        self._session: aiohttp.ClientSession | None = None
        self._reordered = 0

    def offer(self, account: Account, content: dict[str, Any], *, done: Callable[[], None] | None = None) -> None:
        """Tell the company, if it has subscribed."""
        if not account.subscribed:
            return self._world.tally("unsubscribed")
        news = News(account, content, done)
        self._idle.clear()
        faults = self._world.faults
        if not self._world.calm and self._world.chance(faults.reordering, account.kind):
            self._reordered += 1
            late = self._world.dice.uniform(0, faults.reorder_seconds)
            return self._world.timetable.add(late, partial(self._release, news))
        return self._queue(news)

    def _release(self, news: News) -> None:
        self._reordered -= 1
        self._queue(news)

    def _queue(self, news: News) -> None:
        self._queues[news.account.kind].append(news)
        self._wake.set()

    async def idle(self) -> None:
        await self._idle.wait()

    def waiting(self) -> int:
        return sum(map(len, self._queues.values())) + len(self._posting) + self._reordered

    async def run(self, stopping: asyncio.Event) -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            self._session = session
            try:
                await self._pump(stopping)
            finally:
                await self._abandon()

    async def _pump(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            self._wake.clear()
            for queue in self._queues.values():
                while queue and not stopping.is_set():
                    await self._free.acquire()
                    self._start(self._batch(queue))
            self._rest()
            await self._wake.wait()

    def _batch(self, queue: deque[News]) -> list[News]:
        """The next few that go to one address together."""
        first = queue.popleft()
        batch, address = [first], self.address(first.account)
        while queue and len(batch) < self._world.timing.batch and self.address(queue[0].account) == address:
            batch.append(queue.popleft())
        return batch

    def _start(self, batch: list[News]) -> None:
        task = spawn(self._tell(batch), name="sandbox webhook")
        self._posting.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._posting.discard(task)
        self._rest()

    def _rest(self) -> None:
        if self.waiting() == 0:
            self._idle.set()

    async def _abandon(self) -> None:
        for task in tuple(self._posting):
            task.cancel()
        await asyncio.gather(*self._posting, return_exceptions=True)
        self._session = None

    def address(self, account: Account) -> str:
        return account.callback or f"{self._world.hook_base}/hooks/{account.kind}"

    async def _tell(self, batch: list[News]) -> None:
        """The first try holds a connection; what fails waits on its own and lets others pass."""
        account, body = batch[0].account, body_of(batch, self._world.now())
        try:
            copies = 2 if self._world.chance(self._world.faults.duplicates, account.kind) else 1
            tries = await asyncio.gather(*(self._post(account, body) for _ in range(copies)))
        finally:
            self._free.release()
        if not any(tries) and not await self._repeat(account, body):
            return self._world.tally("webhooks.dropped", len(batch))
        for news in batch:
            if news.done:
                news.done()
        return None

    async def _repeat(self, account: Account, body: bytes) -> bool:
        pause = self._world.config.retry_seconds
        for _ in range(MAX_TRIES):
            if len(self._posting) > MAX_RETRYING or not self._patient(account):
                return False
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_RETRY_SECONDS)
            if await self._post(account, body):
                return True
        return False

    def _patient(self, account: Account) -> bool:
        since = self._failing_since.setdefault(account.id, self._world.clock.monotonic())
        if account.kind == "messenger" and self._world.clock.monotonic() - since > PATIENCE_SECONDS:
            account.subscribed = False
        return account.subscribed

    async def _post(self, account: Account, body: bytes) -> bool:
        if self._session is None or not self.address(account).startswith("http"):
            return False
        self._world.tally("webhooks.posted")
        headers = {"Content-Type": "application/json", "User-Agent": "facebookexternalua"}
        headers["X-Hub-Signature-256"] = self._sign(account, body)
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS[account.kind])
        try:
            async with self._session.post(
                self.address(account), data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                taken = answer.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            taken = False
        if taken:
            self._failing_since.pop(account.id, None)
        self._world.tally("webhooks.taken" if taken else "webhooks.refused")
        return taken

    def _sign(self, account: Account, body: bytes) -> str:
        secret = account.app_secret
        if self._world.chance(self._world.faults.bad_signatures, account.kind):
            secret = "wrong" + secret
        return sign(secret, body)

    async def shake_hands(self, account: Account, address: str = "", verify_token: str = "") -> bool:
        """The GET that proves an address is the company's: WhatsApp Cloud API, Webhooks, verification (2026-08)."""
        if self._session is None:
            return False
        challenge = str(self._world.dice.randrange(10**8, 10**9))
        query = {
            "hub.mode": "subscribe",
            "hub.challenge": challenge,
            "hub.verify_token": verify_token or account.verify_token,
        }
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS[account.kind])
        try:
            async with self._session.get(address or self.address(account), params=query, timeout=timeout) as answer:
                return answer.status == 200 and await answer.text() == challenge
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return False


def body_of(batch: Iterable[News], now: float) -> bytes:
    """One envelope. Entries of the account kind carry a time in seconds, Messenger's one in milliseconds."""
    entries: dict[tuple[str, bool], dict[str, Any]] = {}
    kind: str = "whatsapp"
    for news in batch:
        kind = news.account.kind
        timed = kind == "messenger" or news.content.get("field") != "messages"
        entry = entries.setdefault((news.account.owner, timed), _entry(news.account, timed=timed, now=now))
        part = "standby" if news.content.get("standby") else "messaging" if kind == "messenger" else "changes"
        entry.setdefault(part, []).append({key: value for key, value in news.content.items() if key != "standby"})
    return encode({"object": OBJECTS[kind], "entry": list(entries.values())})


def _entry(account: Account, *, timed: bool, now: float) -> dict[str, Any]:
    if not timed:
        return {"id": account.owner}
    return {"id": account.owner, "time": int(now * 1000) if account.kind == "messenger" else int(now)}


def encode(value: Any) -> bytes:
    """JSON as Meta writes it: lower-case escapes for all that is not ASCII, and for the slash."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


def sign(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
