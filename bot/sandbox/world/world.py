"""The stage itself: everything the platforms share, put together once and handed to each of them."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from bot.clock import Clock
from bot.sandbox.world.chats import Chat, Chats
from bot.sandbox.world.company import DEFAULT_PLANS, Account, Company, Plan
from bot.sandbox.world.files import Files
from bot.sandbox.world.ledger import Entry, Ledger
from bot.sandbox.world.pace import Buckets
from bot.sandbox.world.people import CAST, People, Person, cast
from bot.sandbox.world.timetable import Timetable
from bot.sandbox.world.trouble import CALM, Faults, Limits, Refusal, Timing

KEPT_CHATS, KEPT_LINES = 300, 30


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """`ledger` keeps accepted messages whole (the newest 50,000), not only their counts.

    `seed` makes faults and delays repeatable.
    """

    company: str = "Ferretería Sol"
    accounts: tuple[Plan, ...] = DEFAULT_PLANS
    people: int = len(CAST)
    timing: Timing = field(default_factory=Timing)
    limits: Limits = field(default_factory=Limits)
    ledger: bool = True
    seed: int | None = None
    lines_per_chat: int = 200
    max_chats: int = 20_000
    media_bytes: int = 256 * 2**20
    retry_seconds: float = 1.0
    hook_connections: int = 16


class World:
    def __init__(self, config: SandboxConfig, clock: Clock, saved: Mapping[str, Any] | None = None) -> None:
        self.config, self.clock = config, clock
        self.base_url = self.hook_base = ""
        self.dice = Random(config.seed)  # noqa: S311 (it plays, it keeps no secret)
        self.timing, self.limits = config.timing, config.limits
        self.faults, self.calm = CALM, True
        self.company = Company.restored(saved["company"]) if saved else Company.founded(config.company, config.accounts)
        people = [Person(**row) for row in saved["people"]] if saved else cast(config.people)
        self.people = People(self.company.accounts, people)
        self.chats = Chats(lines_per_chat=config.lines_per_chat, max_chats=config.max_chats)
        self.files = Files(max_bytes=config.media_bytes)
        self.ledger = Ledger(full=config.ledger)
        self.buckets = Buckets(clock)
        self.timetable = Timetable(clock)
        self.counters: dict[str, int] = {}
        self._serial, self._run = count(1), secrets.token_hex(8).upper()
        if saved:
            self.chats.restore(saved["chats"], self.company, self.people)

    def now(self) -> float:
        """Seconds since 1970."""
        return self.clock.now().timestamp()

    def serial(self) -> str:
        """Unique over all runs: the stem of every id the platforms make up."""
        return f"{self._run}{next(self._serial):012X}"

    def set_faults(self, faults: Faults) -> None:
        self.faults, self.calm = faults, faults.calm

    def chance(self, share: float, channel: str) -> bool:
        """Whether a fault of this share strikes now."""
        return share > 0 and self.faults.touches(channel) and self.dice.random() < share

    def tally(self, name: str, amount: int = 1) -> None:
        self.counters[name] = self.counters.get(name, 0) + amount

    def refusal(self, channel: str, *addresses: str) -> Refusal | None:
        """The scripted refusal that meets a send to one of these addresses, if any."""
        if self.calm or not self.faults.touches(channel):
            return None
        for refusal in self.faults.refusals:
            if refusal.to in ("", *addresses) and self.dice.random() < refusal.share:
                return refusal
        return None

    def accepted(self, account: Account, recipient: str, *, id: str, kind: str, text: str, callback: str) -> None:
        self.tally(f"accepted.{account.kind}")
        self.ledger.count(account.id, recipient)
        if self.ledger.full:
            self.ledger.enter(Entry(id, self.now(), account.id, recipient, kind, text, callback))

    def person_reads(self, chat: Chat) -> bool:
        """Whether they will read what just arrived by themself."""
        return not chat.viewers and not chat.blocked and self.dice.random() < self.timing.reads

    def dump(self) -> dict[str, Any]:
        """All that must outlive a restart, as plain JSON. It holds secrets: keep it where secrets may be kept."""
        return {
            "company": self.company.dump(),
            "people": self.people.dump(),
            "chats": self.chats.dump(chats=KEPT_CHATS, lines=KEPT_LINES),
        }
