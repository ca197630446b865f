"""The connected accounts. Each process keeps them in memory, reads them anew when a nudge says so, and opens their
secrets only when a platform is spoken to.
"""

import secrets as randomness
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from bot.channels.contract import Account, AccountNotice, Health
from bot.errors import N_, NotFound
from bot.ids import new_id
from bot.log import hide, logger
from bot.nudges import publish
from bot.store.database import Database
from bot.store.secrets import CannotOpen, Vault

State = Literal["active", "broken", "off"]
Origin = Literal["config", "page", "practice"]
MOST_NOTICES = 50
# The first of these that an account has is what its platform proves itself with.
_PROOFS = ("app_secret", "webhook_secret")
_VERIFY_TOKEN = "verify_token"  # noqa: S105 - the name of a secret

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """One account as it is stored. `scope` is whose its people's ids are, `template_scope` whose its templates are."""

    id: str
    kind: str
    external_id: str
    name: str
    team: str
    scope: str
    api_url: str
    options: Mapping[str, Any]
    hook_key: str
    origin: Origin
    practice: bool
    state: State
    sealed: Mapping[str, bytes] = field(repr=False)
    problem: Mapping[str, Any] | None = None
    health: Mapping[str, Any] | None = None
    notices: tuple[Mapping[str, Any], ...] = ()
    last_event_at: datetime | None = None
    free: Mapping[str, Any] | None = None
    cursor: int = 0
    created_at: datetime | None = None

    @property
    def template_scope(self) -> str:
        """WhatsApp keeps templates by business account, even where a portfolio shares its people's ids."""
        return str(self.options.get("business_account_id") or self.scope)


@dataclass(frozen=True, slots=True)
class Connection:
    """What somebody gives to connect an account. `secrets` are open here: never log or store this object."""

    kind: str
    external_id: str
    scope: str
    name: str
    team: str
    secrets: Mapping[str, str] = field(repr=False)
    api_url: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin = "page"
    practice: bool = False


def _read(stored: Mapping[str, Any]) -> AccountRecord:
    known = {name: stored[name] for name in AccountRecord.__slots__ if name in stored}
    return AccountRecord(**{**known, "id": stored["_id"], "notices": tuple(stored.get("notices") or ())})


class Accounts:
    """`load` first, and again whenever a nudge with `what: "account"` comes."""

    def __init__(self, db: Database, vault: Vault) -> None:
        self._db, self._vault = db, vault
        self._records: dict[str, AccountRecord] = {}
        self._secrets: dict[str, dict[str, str]] = {}
        self._connected: dict[str, tuple[AccountRecord, ...]] = {}
        self._external: dict[tuple[str, str], AccountRecord] = {}
        self._begun = self._loaded = 0

    async def load(self) -> None:
        """Of several at once the one begun last counts: it saw the most."""
        self._begun += 1
        turn = self._begun
        stored = await self._db["accounts"].find().sort([("name", 1), ("_id", 1)]).to_list()
        if turn < self._loaded:
            return
        self._loaded = turn
        records = [_read(one) for one in stored]
        self._secrets = {record.id: self._opened(record) for record in records}
        self._records = {record.id: record for record in records}
        connected = [record for record in records if record.state != "off"]
        kinds = {record.kind for record in connected}
        self._connected = {kind: tuple(one for one in connected if one.kind == kind) for kind in kinds}
        self._external = {(record.kind, record.external_id): record for record in connected}

    def _opened(self, record: AccountRecord) -> dict[str, str]:
        before = self._records.get(record.id)
        if before is not None and before.sealed == record.sealed:
            return self._secrets[record.id]
        try:
            opened = {name: self._vault.open(sealed) for name, sealed in record.sealed.items()}
        except CannotOpen:
            log.error("secrets of an account cannot be opened", account=record.id)
            return {}
        for value in opened.values():
            hide(value)
        return opened

    def all(self) -> tuple[AccountRecord, ...]:
        return tuple(self._records.values())

    def find(self, account_id: str) -> AccountRecord | None:
        return self._records.get(account_id)

    def get(self, account_id: str) -> AccountRecord:
        """Raises NotFound."""
        found = self.find(account_id)
        if found is None:
            raise NotFound(N_("There is no such account."))
        return found

    def connected(self, kind: str) -> Sequence[AccountRecord]:
        """Those of one kind that are not switched off."""
        return self._connected.get(kind, ())

    def find_external(self, kind: str, external_id: str) -> AccountRecord | None:
        """By the platform's own id."""
        return self._external.get((kind, external_id))

    def in_scope(self, kind: str, scope: str) -> list[AccountRecord]:
        """By whom the platform says they belong to."""
        return [record for record in self.connected(kind) if scope and scope in (record.scope, record.template_scope)]

    def find_hook(self, kind: str, hook_key: str) -> AccountRecord | None:
        keys = {record.hook_key: record for record in self.connected(kind)}
        return keys.get(hook_key)

    def scopes(self, kind: str) -> dict[str, str]:
        """The platform's account ids, each with the scope of its people's ids."""
        return {record.external_id: record.scope for record in self.connected(kind)}

    def proofs(self, records: Iterable[AccountRecord]) -> list[str]:
        """What a platform signs with, or repeats, so that we know it by it."""
        found = (self._proof(record) for record in records)
        return list(dict.fromkeys(proof for proof in found if proof))

    def _proof(self, record: AccountRecord) -> str:
        opened = self._secrets.get(record.id, {})
        return next((opened[name] for name in _PROOFS if opened.get(name)), "")

    def verify_tokens(self, kind: str) -> list[str]:
        tokens = (self._secrets.get(record.id, {}).get(_VERIFY_TOKEN, "") for record in self.connected(kind))
        return [token for token in tokens if token]

    def is_open(self, record: AccountRecord) -> bool:
        """Whether its secrets can be read with the key of this installation."""
        return bool(self._secrets.get(record.id)) or not record.sealed

    def verify_token(self, record: AccountRecord) -> str:
        """What this account's platform must repeat at the handshake; for the page where a person copies it."""
        return self._secrets.get(record.id, {}).get(_VERIFY_TOKEN, "")

    def open(self, record: AccountRecord) -> Account:
        """The account as its channel wants it, secrets included: never log or store it."""
        return Account(
            id=record.id,
            kind=record.kind,
            external_id=record.external_id,
            scope=record.scope,
            api_url=record.api_url,
            secrets=self._secrets.get(record.id, {}),
            options=record.options,
        )

    async def connect(self, connection: Connection, *, now: datetime) -> AccountRecord:
        """Connects an account, or the same one anew; connecting it unchanged changes nothing, not even its state."""
        key = {"kind": connection.kind, "external_id": connection.external_id}
        before = await self._db["accounts"].find_one(key)
        if before is None or self._differs(before, connection):
            first = {"_id": new_id(), "hook_key": randomness.token_urlsafe(24), "created_at": now}
            changes = {**self._stored(connection, before), "state": "active", "problem": None}
            await self._db["accounts"].update_one(key, {"$set": changes, "$setOnInsert": first}, upsert=True)
        await self._changed()
        return next(record for record in self.all() if (record.kind, record.external_id) == tuple(key.values()))

    def _differs(self, before: Mapping[str, Any], connection: Connection) -> bool:
        opened = self._opened(_read(before))
        told = {name: value for name, value in self._stored(connection, before).items() if name != "sealed"}
        return any(before.get(name) != value for name, value in told.items()) or any(
            opened.get(name) != value for name, value in connection.secrets.items()
        )

    def _stored(self, connection: Connection, before: Mapping[str, Any] | None) -> dict[str, Any]:
        """Secrets that we make ourselves are made once: the platform was told them."""
        made = {name: randomness.token_urlsafe(24) for name in ("webhook_secret", _VERIFY_TOKEN)}
        kept = (before or {}).get("sealed") or {}
        fresh = {name: value for name, value in made.items() if name not in kept} | dict(connection.secrets)
        return {
            **{name: getattr(connection, name) for name in ("name", "team", "scope", "api_url", "origin", "practice")},
            "options": dict(connection.options),
            "sealed": kept | {name: self._vault.seal(value) for name, value in fresh.items()},
        }

    async def change(self, account_id: str, changes: Mapping[str, Any]) -> None:
        """`name`, `team` or `state`; an account that is switched off neither sends nor receives."""
        await self._update(account_id, {"$set": dict(changes)})

    async def mark_broken(self, account_id: str, problem: Mapping[str, Any]) -> None:
        """`problem` is {code, message, detail, at}. What is switched off stays off."""
        await self._update(account_id, {"$set": {"state": "broken", "problem": dict(problem)}}, state="active")

    async def remove(self, account_id: str) -> None:
        await self._db["accounts"].delete_one({"_id": account_id})
        await self._changed()

    async def mend(self, account_id: str) -> None:
        await self._update(account_id, {"$set": {"state": "active", "problem": None}}, state="broken")

    async def record_health(self, account_id: str, health: Health, *, now: datetime) -> None:
        found = {
            "name": health.name,
            "details": dict(health.details),
            "subscribed": health.subscribed,
            "missing": list(health.missing),
            "expires_at": health.expires_at,
            "checked_at": now,
        }
        await self._update(account_id, {"$set": {"health": found}})

    async def record_notice(self, account_id: str, notice: AccountNotice) -> None:
        """Once each, however often it is told."""
        told = {"kind": notice.kind, "severity": notice.severity, "at": notice.at, "data": dict(notice.data)}
        new = {"notices": {"$not": {"$elemMatch": {"kind": notice.kind, "at": notice.at}}}}
        await self._update(account_id, {"$push": {"notices": {"$each": [told], "$slice": -MOST_NOTICES}}}, **new)
        if notice.broken:
            sentence = N_("The platform says that this account cannot be used now.")
            problem = {"code": notice.kind, "message": sentence, "detail": "", "at": notice.at}
            await self.mark_broken(account_id, problem)
        elif notice.broken is False:
            await self.mend(account_id)

    async def touch(self, account_ids: Iterable[str], *, at: datetime) -> None:
        """Something came in for these accounts."""
        chosen = {"_id": {"$in": list(account_ids)}}
        await self._db["accounts"].update_many(chosen, {"$max": {"last_event_at": at}})

    async def _update(self, account_id: str, update: Mapping[str, Any], **only_if: Any) -> None:
        done = await self._db["accounts"].update_one({"_id": account_id, **only_if}, update)
        if done.modified_count:
            await self._changed()

    async def _changed(self) -> None:
        await self.load()
        await publish(self._db, [{"what": "account"}])
