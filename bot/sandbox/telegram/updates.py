"""What a bot has yet to hear: kept until it is confirmed by polling, or taken by its webhook."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bot.sandbox.graph.hooks import encode
from bot.sandbox.telegram.errors import BotError, bad
from bot.sandbox.world.company import Account
from bot.sandbox.world.world import World
from bot.tasks import spawn, stop

MAX_POLL_SECONDS, MAX_UPDATES, KEPT, LONGEST_RETRY_SECONDS, ANSWER_SECONDS = 50, 100, 20_000, 60.0, 60
# Left out unless they are asked for by name: Bot API, getUpdates, allowed_updates (10.3, 2026-08).
ONLY_BY_NAME = frozenset(("chat_member", "message_reaction", "message_reaction_count"))


@dataclass(slots=True, eq=False)
class Update:
    id: int
    kind: str
    chat: int
    content: dict[str, Any]
    done: Callable[[], None] | None

    def body(self) -> dict[str, Any]:
        return {"update_id": self.id, self.kind: self.content}


@dataclass(slots=True)
class Webhook:
    url: str
    secret: str = ""
    connections: int = 40
    failed_at: int = 0
    failure: str = ""


@dataclass(slots=True)
class Mailbox:
    """One bot's. `poll` is the poll that is open now, ended by whoever comes after it."""

    account: Account
    next_id: int
    waiting: deque[Update] = field(default_factory=lambda: deque(maxlen=KEPT))
    allowed: tuple[str, ...] = ()
    webhook: Webhook | None = None
    poll: "asyncio.Future[str] | None" = None
    pushing: dict[int, asyncio.Task[None]] = field(default_factory=dict)


class Updates:
    def __init__(self, world: World, saved: Mapping[str, Any] | None = None) -> None:
        self._world = world
        self._boxes: dict[str, Mailbox] = {}
        self._session: aiohttp.ClientSession | None = None
        for account in world.company.of("telegram"):
            known = (saved or {}).get(account.id) or {}
            box = Mailbox(account, known.get("next_id") or world.dice.randrange(10**8, 2 * 10**8))
            box.allowed = tuple(known.get("allowed", ()))
            if known.get("webhook"):
                box.webhook = Webhook(known["webhook"], known.get("secret", ""))
            self._boxes[account.id] = box

    def dump(self) -> dict[str, Any]:
        return {
            bot: {
                "next_id": box.next_id,
                "allowed": list(box.allowed),
                "webhook": box.webhook.url if box.webhook else "",
                "secret": box.webhook.secret if box.webhook else "",
            }
            for bot, box in self._boxes.items()
        }

    # --- filling --------------------------------------------------------------------------------------------------

    def offer(
        self,
        account: Account,
        kind: str,
        content: dict[str, Any],
        *,
        chat: int,
        done: Callable[[], None] | None = None,
    ) -> None:
        box = self._boxes[account.id]
        if not _wanted(box, kind):
            return self._world.tally("unsubscribed")
        update = Update(box.next_id, kind, chat, content, done)
        box.next_id += 1
        if not self._world.calm and self._world.chance(self._world.faults.reordering, "telegram"):
            box.waiting.appendleft(update)
        else:
            box.waiting.append(update)
        if box.poll and not box.poll.done():
            box.poll.set_result("news")
        return self._push(box)

    def waiting(self, account: Account) -> int:
        return len(self._boxes[account.id].waiting)

    def is_polled(self, account: Account) -> bool:
        """Whether somebody waits for news right now."""
        return self._boxes[account.id].poll is not None

    def _confirm(self, updates: list[Update]) -> None:
        for update in updates:
            if update.done:
                update.done()

    # --- polling --------------------------------------------------------------------------------------------------

    async def get(self, account: Account, *, offset: int, limit: int, seconds: float) -> list[dict[str, Any]]:
        """Confirms everything below `offset`, then waits up to `seconds` for something to give."""
        box = self._boxes[account.id]
        if box.webhook:
            raise BotError(409, "can't use getUpdates method while webhook is active; use deleteWebhook to delete it")
        self._end_poll(box, "other getUpdates request; make sure that only one bot instance is running")
        self._forget(box, offset)
        if not box.waiting and seconds > 0:
            await self._wait(box, min(seconds, MAX_POLL_SECONDS))
        found = [update.body() for update in list(box.waiting)[: max(1, min(limit, MAX_UPDATES))]]
        if found and self._world.chance(self._world.faults.duplicates, "telegram"):
            found.append(found[-1])
        return found

    def _forget(self, box: Mailbox, offset: int) -> None:
        if offset == 0:
            return
        waiting = list(box.waiting)
        edge = offset
        if offset < 0:
            edge = min(sorted(update.id for update in waiting)[offset:], default=0)
        box.waiting.clear()
        box.waiting.extend(update for update in waiting if update.id >= edge)
        self._confirm([update for update in waiting if update.id < edge])

    async def _wait(self, box: Mailbox, seconds: float) -> None:
        box.poll = mine = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                reason = await mine
        except TimeoutError:
            return
        finally:
            if box.poll is mine:
                box.poll = None
        if reason != "news":
            raise BotError(409, f"terminated by {reason}")

    def _end_poll(self, box: Mailbox, reason: str) -> None:
        if box.poll and not box.poll.done():
            box.poll.set_result(reason)
        box.poll = None

    def allow(self, account: Account, kinds: list[str] | None) -> None:
        """`None` leaves the setting as it was, an empty list is the default one."""
        if kinds is not None:
            self._boxes[account.id].allowed = tuple(kinds)

    # --- pushing --------------------------------------------------------------------------------------------------

    def set_webhook(self, account: Account, webhook: Webhook | None, *, drop: bool) -> None:
        box = self._boxes[account.id]
        self._end_poll(box, "setWebhook request")
        box.webhook = webhook
        if drop:
            gone = list(box.waiting)
            box.waiting.clear()
            self._confirm(gone)
        self._push(box)

    def info(self, account: Account) -> dict[str, Any]:
        box = self._boxes[account.id]
        found: dict[str, Any] = {"url": "", "has_custom_certificate": False, "pending_update_count": len(box.waiting)}
        if box.allowed:
            found["allowed_updates"] = list(box.allowed)
        if hook := box.webhook:
            found |= {"url": hook.url, "max_connections": hook.connections, "ip_address": "127.0.0.1"}
            if hook.failed_at:
                found |= {"last_error_date": hook.failed_at, "last_error_message": hook.failure}
        return found

    def _push(self, box: Mailbox) -> None:
        """One sender per chat: the next update of a chat waits for the one before; chats do not wait for others."""
        if box.webhook is None or self._session is None:
            return
        for chat in {update.chat for update in box.waiting} - box.pushing.keys():
            if len(box.pushing) >= box.webhook.connections:
                return
            task = spawn(self._push_chat(box, chat), name="sandbox telegram push")
            box.pushing[chat] = task

    async def _push_chat(self, box: Mailbox, chat: int) -> None:
        try:
            while box.webhook and (update := next((each for each in box.waiting if each.chat == chat), None)):
                await self._insist(box, update)
        finally:
            box.pushing.pop(chat, None)
        self._push(box)

    async def _insist(self, box: Mailbox, update: Update) -> None:
        pause = self._world.config.retry_seconds
        while box.webhook and not await self._post(box.webhook, update):
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_RETRY_SECONDS)
        if update in box.waiting and box.webhook:
            box.waiting.remove(update)
            self._confirm([update])

    async def _post(self, hook: Webhook, update: Update) -> bool:
        if self._session is None:
            return False
        headers = {"Content-Type": "application/json"}
        if hook.secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = hook.secret
        copies = 2 if self._world.chance(self._world.faults.duplicates, "telegram") else 1
        answers = [await self._post_once(self._session, hook, encode(update.body()), headers) for _ in range(copies)]
        return any(answers)

    async def _post_once(
        self, session: aiohttp.ClientSession, hook: Webhook, body: bytes, headers: dict[str, str]
    ) -> bool:
        self._world.tally("webhooks.posted")
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        try:
            async with session.post(hook.url, data=body, headers=headers, timeout=timeout) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            hook.failed_at, hook.failure = int(self._world.now()), type(error).__name__
            return False
        if not 200 <= status < 300:
            hook.failed_at = int(self._world.now())
            hook.failure = f"Wrong response from the webhook: {status}"
        self._world.tally("webhooks.taken" if status < 300 else "webhooks.refused")
        return 200 <= status < 300

    async def run(self, stopping: asyncio.Event) -> None:
        """Holds the connections to the company's program; polls end with it."""
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            self._session = session
            for box in self._boxes.values():
                self._push(box)
            try:
                await stopping.wait()
            finally:
                self._session = None
                await self._end_all()

    async def _end_all(self) -> None:
        for box in self._boxes.values():
            self._end_poll(box, "shutdown")
            for task in tuple(box.pushing.values()):
                await stop(task)


def _wanted(box: Mailbox, kind: str) -> bool:
    return kind in box.allowed if box.allowed else kind not in ONLY_BY_NAME


def webhook_of(url: str, secret: str, connections: int) -> Webhook | None:
    """What setWebhook asks for; None takes it away. Raises BotError."""
    if not url:
        return None
    local = url.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]"))
    if not url.startswith("https://") and not local:
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    if secret and (len(secret) > 256 or not secret.replace("_", "").replace("-", "").isalnum()):
        raise bad("secret token contains unallowed characters")
    return Webhook(url, secret, max(1, min(connections, 100)))
