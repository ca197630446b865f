"""Small courtesies to the person: their message was seen, somebody is typing. Never worth waiting or failing for."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, Final

from bot.channels.contract import Account, Address, Channel, Signal
from bot.clock import Clock
from bot.log import logger
from bot.records.accounts import Accounts
from bot.records.windows import window_id
from bot.store.database import Database
from bot.tasks import spawn, stop

Document = dict[str, Any]

# Shown for five seconds on Telegram, up to 25 on WhatsApp; it ends by itself when the message arrives.
TYPING_EVERY_SECONDS: Final = 4.5
MOST_REMEMBERED: Final = 10_000
MOST_UNDER_WAY: Final = 50

log = logger(__name__)


class Signals:
    def __init__(self, db: Database, accounts: Accounts, channels: Mapping[str, Channel], clock: Clock) -> None:
        self._db, self._accounts, self._channels, self._clock = db, accounts, channels, clock
        self._typed: dict[str, float] = {}
        self._going: set[asyncio.Task[None]] = set()

    def read(self, conversation: Mapping[str, Any]) -> None:
        """An agent looks at it: the person's newest message on the channel last used is marked as read, once."""
        account, identity = conversation.get("account"), conversation.get("identity")
        if account and identity:
            self._begin(self._mark_read(account, identity), name="mark as read")

    def typing(self, conversation: Mapping[str, Any]) -> None:
        """An agent types an answer: call it as often as there are keys pressed."""
        account, identity = conversation.get("account"), conversation.get("identity")
        if account and identity and self._is_time(window_id(account, identity)):
            self._begin(self._show_typing(account, identity), name="show typing")

    def _is_time(self, key: str) -> bool:
        now = self._clock.monotonic()
        if now - self._typed.get(key, float("-inf")) < TYPING_EVERY_SECONDS:
            return False
        if len(self._typed) >= MOST_REMEMBERED:
            self._typed.clear()
        self._typed[key] = now
        return True

    async def stop(self) -> None:
        for task in tuple(self._going):
            await stop(task)

    def _begin(self, work: Coroutine[Any, Any, None], *, name: str) -> None:
        if len(self._going) >= MOST_UNDER_WAY:
            work.close()
            return
        task = spawn(work, name=name)
        self._going.add(task)
        task.add_done_callback(self._going.discard)

    async def _mark_read(self, account: str, identity: str) -> None:
        """Of all processes and pages that see it one tells the platform."""
        way = self._way(account)
        if way is None or not way[0].limits.can_mark_read:
            return
        window = await self._db["windows"].find_one_and_update(
            {
                "_id": window_id(account, identity),
                "last_in": {"$type": "string"},
                "$expr": {"$ne": ["$last_in", "$seen"]},
            },
            [{"$set": {"seen": "$last_in"}}],
        )
        if window is not None:
            await self._send(way, Signal("read", await self._to(identity), window["last_in"]))

    async def _show_typing(self, account: str, identity: str) -> None:
        way = self._way(account)
        if way is None or not way[0].limits.can_typing:
            return
        window = await self._db["windows"].find_one({"_id": window_id(account, identity)}, {"last_in": 1})
        if window is not None:
            await self._send(way, Signal("typing", await self._to(identity), window.get("last_in") or ""))

    def _way(self, account_id: str) -> tuple[Channel, Account] | None:
        record = self._accounts.find(account_id)
        if record is None or record.state != "active":
            return None
        return self._channels[record.kind], self._accounts.open(record)

    async def _to(self, identity: str) -> tuple[Address, ...]:
        found = await self._db["identities"].find_one({"_id": identity})
        return (Address(found["kind"], found["scope"], found["value"], found["reach"]),) if found else ()

    async def _send(self, way: tuple[Channel, Account], signal: Signal) -> None:
        channel, account = way
        if signal.to:
            await channel.signal(account, signal)
