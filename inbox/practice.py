"""The practice channel: platforms played on this machine, connected like real ones and plainly marked."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bot.channels.contract import Channel, SendProblem
from bot.clock import Clock
from bot.errors import N_, Unavailable
from bot.log import logger
from bot.records import templates
from bot.records.accounts import Accounts, Connection
from bot.sandbox.server import Sandbox
from bot.sandbox.world.company import Credentials
from bot.sandbox.world.world import SandboxConfig
from bot.store.database import Database
from bot.store.lease import Leases
from bot.store.secrets import CannotOpen, Vault
from bot.tasks import Worker, wait_for_event
from inbox.people import FIRST_TEAM

DOCUMENT, LEASE, HOST = "practice", "practice", "127.0.0.1"
LOOK_SECONDS, START_SECONDS = 2.0, 20.0

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What it needs of the rest. `demo` makes its people count like real ones."""

    db: Database
    vault: Vault
    accounts: Accounts
    channels: Mapping[str, Channel]
    leases: Leases
    clock: Clock
    port: int
    config: SandboxConfig | None = None
    demo: bool = False


class PracticeChannel:
    """A service. Of all processes one plays the platforms; its people and secrets are kept in the database, sealed."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._hook_base = ""
        self._wanted, self._playing = asyncio.Event(), asyncio.Event()
        self._worker = Worker(self._run, name="practice channel")
        self._phone_url: str | None = None
        self.sandbox: Sandbox | None = None

    @property
    def connected(self) -> bool:
        return any(account.origin == "practice" and account.state != "off" for account in self._parts.accounts.all())

    @property
    def phone_url(self) -> str | None:
        return self._phone_url if self.connected else None

    @property
    def hook_base(self) -> str:
        return self._hook_base

    def listen_at(self, hook_base: str) -> None:
        """Where Bandeja itself listens; known once it does."""
        self._hook_base = hook_base
        if self.sandbox is not None:
            self.sandbox.hook_base = hook_base

    async def start(self) -> None:
        if await self._find() is not None:
            self._wanted.set()
        await self._worker.start()

    async def stop(self) -> None:
        await self._worker.stop()

    async def connect(self) -> None:
        """Comes back when its accounts are connected. Raises Unavailable when it does not come up."""
        if not self._has_accounts():
            self._playing.clear()
        await self._parts.db["meta"].update_one({"_id": DOCUMENT}, {"$set": {"wanted": True}}, upsert=True)
        self._wanted.set()
        if not await wait_for_event(self._playing, seconds=START_SECONDS) and not self.connected:
            raise Unavailable(
                N_("The practice channel did not start. Is port %(port)s taken?"),
                code="practice_down",
                port=self._parts.port,
            )

    async def disconnect(self) -> None:
        """Its accounts are gone: the next start does not bring them back."""
        await self._parts.db["meta"].update_one({"_id": DOCUMENT}, {"$set": {"wanted": False}})

    async def _find(self) -> dict[str, Any] | None:
        return await self._parts.db["meta"].find_one({"_id": DOCUMENT, "wanted": True})

    async def _run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            await self._learn_where()
            if self._wanted.is_set():
                await self._play(stopping)
            await wait_for_event(stopping, seconds=LOOK_SECONDS)
            if not self._wanted.is_set() and await self._find() is not None:
                self._wanted.set()

    async def _learn_where(self) -> None:
        """Another process may be playing."""
        stored = await self._find()
        self._phone_url = (stored or {}).get("phone_url")

    async def _play(self, stopping: asyncio.Event) -> None:
        """Until it is time to stop, or somebody took all its accounts away."""
        async with self._parts.leases.hold(LEASE) as hold, self._serving() as sandbox:
            while not stopping.is_set() and hold.is_valid() and await self._is_wanted():
                if not self._playing.is_set():
                    await self._join(sandbox.credentials())
                    self._playing.set()
                    log.info("practice channel is open", phone_page=self._phone_url)
                await wait_for_event(stopping, seconds=LOOK_SECONDS)
        self._playing.clear()

    async def _is_wanted(self) -> bool:
        if self._has_accounts() or await self._find() is not None:
            return True
        self._wanted.clear()
        return False

    def _has_accounts(self) -> bool:
        return any(account.origin == "practice" for account in self._parts.accounts.all())

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[Sandbox]:
        parts = self._parts
        sandbox = Sandbox(
            parts.config, hook_base=self._hook_base, saved=await self._saved(), save=self._save, clock=parts.clock
        )
        async with sandbox.serve(HOST, parts.port) as address:
            self.sandbox, self._phone_url = sandbox, f"{address}/"
            await parts.db["meta"].update_one({"_id": DOCUMENT}, {"$set": {"phone_url": self._phone_url}}, upsert=True)
            try:
                yield sandbox
            finally:
                self.sandbox = None

    async def _saved(self) -> dict[str, Any] | None:
        stored = await self._find()
        if not stored or "sealed" not in stored:
            return None
        try:
            saved: dict[str, Any] = json.loads(self._parts.vault.open(stored["sealed"]))
        except CannotOpen:
            log.warning("the practice people were kept with another key and are forgotten")
            return None
        return saved

    async def _save(self, state: dict[str, Any]) -> None:
        sealed = self._parts.vault.seal(json.dumps(state))
        await self._parts.db["meta"].update_one({"_id": DOCUMENT}, {"$set": {"sealed": sealed}}, upsert=True)

    async def _join(self, company: list[Credentials]) -> None:
        """Connected like real accounts, through the same calls; unchanged ones stay as they are."""
        parts = self._parts
        now = parts.clock.now()
        for one in company:
            account = await parts.accounts.connect(_connection(one, demo=parts.demo), now=now)
            channel, opened = parts.channels[account.kind], parts.accounts.open(account)
            try:
                url = f"{self._hook_base}/hooks/{account.kind}"
                per_account = channel.limits.hook_per_account
                await channel.subscribe(opened, f"{url}/{account.hook_key}" if per_account else url)
                await parts.accounts.record_health(account.id, await channel.check(opened), now=now)
                await templates.sync(parts.db, channel, opened, scope=account.template_scope, now=now)
            except SendProblem as error:
                log.warning("practice account could not be joined", kind=account.kind, code=error.code)


def _connection(one: Credentials, *, demo: bool) -> Connection:
    return Connection(
        kind=one.kind,
        external_id=one.external_id,
        scope=one.scope,
        name=one.name,
        team=FIRST_TEAM,
        secrets=one.secrets,
        api_url=one.api_url,
        options={**one.options, "mode": "webhook"} if one.kind == "telegram" else dict(one.options),
        origin="practice",
        practice=not demo,
    )
