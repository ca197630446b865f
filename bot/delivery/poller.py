"""Long-polls the accounts that are not pushed to. An update is in the journal before the platform may forget it."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from bot.channels.contract import AccountBroken, Channel, Poll, PollLost, SendProblem, TryLater
from bot.clock import Clock
from bot.delivery.acknowledge import acknowledge
from bot.errors import N_
from bot.log import logger
from bot.records.accounts import AccountRecord, Accounts
from bot.store.database import Database
from bot.tasks import Worker, spawn, stop, wait_for_event

LOOK_SECONDS = 1.0
# A poll answers within 50 seconds. A connection that hangs for longer without an error never recovers by itself.
STALL_SECONDS = 150.0
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
# Whoever else polls the same bot throws us out each time: to fight would lose updates to both.
LOST_SECONDS = 30.0
LOST = "poll_lost"
SOMEBODY_ELSE = N_("Another program receives this bot's messages. Stop it, or ask BotFather for a new token.")
WEBHOOK = N_("Another program has these messages sent to a web address, again and again. Stop it.")

log = logger(__name__)


class Journal(Protocol):
    async def write(self, channel: str, account_id: str, body: bytes) -> Any:
        """Comes back when it is durable."""
        ...


class Hold(Protocol):
    def is_valid(self) -> bool: ...


class Leases(Protocol):
    def hold(self, name: str) -> AbstractAsyncContextManager[Hold]:
        """Waits until nobody else holds `name`."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What polling needs of the rest."""

    db: Database
    leases: Leases
    accounts: Accounts
    channels: Mapping[str, Channel]
    journal: Journal
    clock: Clock
    stall_seconds: float = STALL_SECONDS


@dataclass(frozen=True, slots=True)
class _Follower:
    record: AccountRecord
    task: asyncio.Task[None]

    def follows(self, record: AccountRecord | None) -> bool:
        return record is not None and all(
            getattr(self.record, name) == getattr(record, name) for name in ("sealed", "api_url", "options")
        )


class Poller:
    """A service. Of all processes that run it, one polls an account at a time."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._following: dict[str, _Follower] = {}
        self._worker = Worker(self._run, name="poller")

    async def start(self) -> None:
        await self._worker.start()

    async def stop(self) -> None:
        await self._worker.stop()

    async def _run(self, stopping: asyncio.Event) -> None:
        try:
            while not stopping.is_set():
                await self._look()
                await wait_for_event(stopping, seconds=LOOK_SECONDS)
        finally:
            await self._drop(list(self._following))

    async def _look(self) -> None:
        """An account that was connected anew, with another token say, is followed anew."""
        channels = self._parts.channels
        polled = {record.id: record for record in self._parts.accounts.all() if _is_polled(record, channels)}
        await self._drop([key for key, one in self._following.items() if not one.follows(polled.get(key))])
        for account_id in polled.keys() - self._following.keys():
            task = spawn(self._follow(account_id), name=f"poll {account_id}")
            self._following[account_id] = _Follower(polled[account_id], task)

    async def _drop(self, account_ids: Sequence[str]) -> None:
        followers = [self._following.pop(account_id) for account_id in account_ids]
        await asyncio.gather(*(stop(follower.task) for follower in followers))

    async def _follow(self, account_id: str) -> None:
        """Waits for its turn, leads until that is lost, and begins again, until it is cancelled."""
        failures = 0
        while True:
            try:
                async with self._parts.leases.hold(f"poll:{account_id}") as hold:
                    pause, failures = await _Lead(self._parts, account_id, hold).go(), 0
            except Exception:
                log.exception("polling failed and begins again", account=account_id)
                pause, failures = _backoff(failures), failures + 1
            await self._parts.clock.sleep(_jittered(pause))


class _Lead:
    """The polling of one account, for as long as the right to it is held."""

    def __init__(self, parts: Parts, account_id: str, hold: Hold) -> None:
        self._parts, self._account_id, self._hold = parts, account_id, hold
        self._failures = 0
        self._took_webhook_away = False

    async def go(self) -> float:
        """Seconds to wait before asking for the lead again."""
        cursor = await self._stored_cursor()
        while self._hold.is_valid() and (record := self._polled()) is not None:
            try:
                poll = await self._ask(record, cursor)
            except PollLost as lost:
                if not await self._takes_webhook_away(record, lost):
                    return LOST_SECONDS
            except SendProblem as problem:
                await self._bear(record, problem)
            else:
                if poll is None:
                    return LONGEST_PAUSE_SECONDS
                cursor = await self._keep(record, poll, cursor)
                await self._recover(record)
        return SHORTEST_PAUSE_SECONDS

    def _polled(self) -> AccountRecord | None:
        record = self._parts.accounts.find(self._account_id)
        return record if record is not None and _is_polled(record, self._parts.channels) else None

    async def _ask(self, record: AccountRecord, cursor: int) -> Poll | None:
        channel = self._parts.channels[record.kind]
        try:
            async with asyncio.timeout(self._parts.stall_seconds):
                return await channel.poll(self._parts.accounts.open(record), cursor)
        except TimeoutError:
            log.warning("a poll hung and begins again with new connections", account=record.id)
            return Poll((), cursor)

    async def _keep(self, record: AccountRecord, poll: Poll, cursor: int) -> int:
        """The next poll with the new cursor is what makes the platform forget: it comes after the journal."""
        write = self._parts.journal.write
        await asyncio.gather(*(write(record.kind, record.id, body) for body in poll.updates))
        if poll.cursor != cursor:
            chosen = {"_id": record.id}
            await self._parts.db["accounts"].update_one(chosen, {"$set": {"cursor": poll.cursor}})
        if poll.updates:
            channel, account = self._parts.channels[record.kind], self._parts.accounts.open(record)
            presses = acknowledge(channel, account, poll.updates, now=self._parts.clock.now())
            spawn(presses, name=f"acknowledge {record.id}")
        return poll.cursor

    async def _stored_cursor(self) -> int:
        """Another process may have moved it since our accounts were loaded."""
        stored = await self._parts.db["accounts"].find_one({"_id": self._account_id}, {"cursor": 1})
        return int((stored or {}).get("cursor") or 0)

    async def _takes_webhook_away(self, record: AccountRecord, lost: PollLost) -> bool:
        """Once: it may be an old one that nobody uses. A second one was set on purpose."""
        await self._parts.accounts.load()
        current = self._polled()
        if current is None or not self._hold.is_valid():
            return False
        if lost.webhook and not self._took_webhook_away:
            self._took_webhook_away = True
            log.warning("a webhook is taken away, because the account is polled", account=record.id)
            return await self._without_webhook(current)
        await self._tell(current, WEBHOOK if lost.webhook else SOMEBODY_ELSE)
        return False

    async def _without_webhook(self, record: AccountRecord) -> bool:
        try:
            channel = self._parts.channels[record.kind]
            await channel.subscribe(self._parts.accounts.open(record), "")
        except SendProblem as problem:
            await self._bear(record, problem)
        return True

    async def _tell(self, record: AccountRecord, sentence: str) -> None:
        log.warning("somebody else receives the updates", account=record.id)
        problem = {"code": LOST, "message": sentence, "detail": "", "at": self._parts.clock.now()}
        if record.problem is None:
            await self._parts.accounts.change(record.id, {"problem": problem})

    async def _bear(self, record: AccountRecord, problem: SendProblem) -> None:
        """A broken account is asked now and then: its token may work again."""
        pause = _backoff(self._failures)
        self._failures += 1
        if isinstance(problem, TryLater):
            pause = max(pause, problem.after.total_seconds())
        if isinstance(problem, AccountBroken):
            pause = LONGEST_PAUSE_SECONDS
            await self._break(record, problem)
        log.warning("a poll failed", account=record.id, code=problem.code, detail=problem.detail)
        await self._parts.clock.sleep(_jittered(pause))

    async def _break(self, record: AccountRecord, problem: AccountBroken) -> None:
        """Unless the account was connected anew, with another token, while the old one was asked with."""
        await self._parts.accounts.load()
        current = self._parts.accounts.find(record.id)
        if current is None or current.sealed != record.sealed:
            return
        told = {"code": problem.code, "message": problem.message, "detail": problem.detail}
        await self._parts.accounts.mark_broken(record.id, told | {"at": self._parts.clock.now()})

    async def _recover(self, record: AccountRecord) -> None:
        self._failures = 0
        current = self._parts.accounts.find(record.id) or record
        if current.state == "broken":
            await self._parts.accounts.mend(record.id)
        elif current.problem is not None and current.problem.get("code") == LOST:
            await self._parts.accounts.change(record.id, {"problem": None})


def _is_polled(record: AccountRecord, channels: Mapping[str, Channel]) -> bool:
    """A broken account too: polling is how we learn that it works again."""
    if record.state == "off" or record.options.get("mode") == "webhook":
        return False
    return channels[record.kind].limits.can_poll


def _backoff(failures: int) -> float:
    return float(min(SHORTEST_PAUSE_SECONDS * 2 ** min(failures, 10), LONGEST_PAUSE_SECONDS))


def _jittered(seconds: float) -> float:
    """So that processes that failed together do not come back together."""
    return seconds * random.uniform(0.75, 1.25)  # noqa: S311 - nothing secret
