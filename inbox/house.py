"""Everything a handler may need, built once by wiring and handed around; nothing in it is set afterwards."""

from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import ClientSession

from bot.channels import Channels
from bot.clock import Clock
from bot.config import Settings
from bot.delivery.journal import Journal
from bot.delivery.lanes import Bell
from bot.delivery.outbox import Outbox
from bot.delivery.signals import Signals
from bot.events import Bus
from bot.records.accounts import Accounts
from bot.records.fetching import Fetching
from bot.store.database import Database
from bot.store.lease import Leases
from bot.store.secrets import Vault
from inbox.live import Live
from inbox.translation import Translations


class Practice(Protocol):
    """The practice channel: platforms played on this machine, and a phone page to be the customer on."""

    @property
    def connected(self) -> bool: ...

    @property
    def phone_url(self) -> str | None: ...

    @property
    def hook_base(self) -> str: ...

    def listen_at(self, hook_base: str) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def connect(self) -> None:
        """Starts it and connects its accounts; doing it twice is the same as once."""
        ...

    async def disconnect(self) -> None:
        """Its accounts are gone: the next start does not bring them back."""
        ...


@dataclass(frozen=True, slots=True)
class House:
    settings: Settings
    db: Database
    clock: Clock
    bus: Bus
    vault: Vault
    session: ClientSession
    leases: Leases
    accounts: Accounts
    channels: Channels
    journal: Journal
    bell: Bell
    outbox: Outbox
    signals: Signals
    fetching: Fetching
    live: Live
    translations: Translations
    practice: Practice
    demo: bool = False
    # Host and port of addresses that somebody is connecting an account to at this moment (`bot.net`).
    trying: set[tuple[str, int]] = field(default_factory=set)
