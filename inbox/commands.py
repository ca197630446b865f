"""What the commands do that neither serve nor stay: add, list, check, back up, restore."""

import os
from collections.abc import Mapping
from pathlib import Path

from bot.clock import SystemClock
from bot.config import Settings
from bot.delivery.sweep import RESTORED
from bot.errors import N_, DomainError, Refused
from bot.store import backup
from bot.store.database import Database
from bot.store.secrets import BAD_KEY, keep_key
from inbox import people, sessions
from inbox.actions import accounts, erasure
from inbox.checks import Line, check_account, check_house, check_secrets
from inbox.people import Role
from inbox.wiring import open_house, open_store


async def add_agent(settings: Settings, *, email: str, name: str, role: str, password: str) -> str:
    async with open_store(settings) as db:
        now = SystemClock().now()
        agent = await people.add_agent(db, email=email, name=name, role=Role(role), password=password, now=now)
        return agent.id


async def create_token(settings: Settings, *, email: str, name: str) -> str:
    async with open_store(settings) as db:
        agent = await people.find_agent_by_email(db, email)
        if agent is None or not agent.active:
            raise Refused(N_("Nobody with the address %(email)s works here."), code="agent_unknown", email=email)
        return await sessions.create_token(db, agent, name=name, now=SystemClock().now())


async def connect_account(
    settings: Settings, *, kind: str, secrets: Mapping[str, str], options: Mapping[str, str]
) -> list[str]:
    """What to do next, one line each: the address and token to copy, and what is still missing."""
    async with open_house(settings) as house:
        team = await _team(house.db, options.get("team", ""))
        fields = {**options, **secrets, "kind": kind, "team": team}
        wanted = accounts.connection(accounts.Wish(**fields), public_url=settings.server.public_url)
        account = await accounts.connect(house, wanted, now=house.clock.now())
        lines = [f"account: {account.id} {account.name}"]
        if address := accounts.hook_url(house, account):
            lines.append(f"webhook address: {address}")
        if token := house.accounts.verify_token(account):
            lines.append(f"verify token: {token}")
        return lines + [f"missing: {sentence}" for sentence in (account.health or {}).get("missing", ())]


async def _team(db: Database, name: str) -> str:
    if not name:
        return ""
    for team in await people.list_teams(db):
        if team.name.casefold() == name.casefold():
            return team.id
    raise Refused(N_("There is no team called %(name)s."), code="team_unknown", name=name)


async def list_accounts(settings: Settings) -> list[str]:
    async with open_house(settings) as house:
        return [f"{one.id} {one.kind} {one.state} {one.name}" for one in house.accounts.all()]


async def check_all(settings: Settings) -> list[Line]:
    """Without a database there is nothing more to look at, and that is said in its line."""
    read = Line(N_("Settings"), True, N_("read"))
    try:
        return [read, *await _check_house(settings)]
    except DomainError as error:
        if error.code == BAD_KEY:
            raise
        return [read, Line(N_("Database"), False, error.message, error.fields)]


async def _check_house(settings: Settings) -> list[Line]:
    async with open_house(settings) as house:
        lines = [line for line in await check_house(house) if "name" not in line.fields]
        unset = check_secrets(settings, os.environ)
        off = {line.fields["name"] for line in unset}
        asked = [await check_account(house, account) for account in house.accounts.all() if account.name not in off]
        return [*lines, *unset, *asked]


async def check_accounts(settings: Settings, wanted: str) -> list[Line]:
    async with open_house(settings) as house:
        chosen = [one for one in house.accounts.all() if wanted in ("", one.id, one.name)]
        if wanted and not chosen:
            raise Refused(N_("There is no account %(name)s."), code="account_unknown", name=wanted)
        return [await check_account(house, account) for account in chosen]


async def write_backup(settings: Settings, path: Path) -> str:
    async with open_store(settings) as db:
        counts = await backup.write_backup(db, path, now=SystemClock().now())
        return f"{path}: {sum(counts.values())} documents, {counts.get('messages', 0)} of them messages"


async def read_backup(settings: Settings, path: Path, *, key: str | None) -> str:
    """With the old installation's key its accounts go on working; without it they must be connected anew."""
    async with open_store(settings) as db:
        await backup.refuse_filled(db)
        if key:
            keep_key(settings.data.directory, key)
        counts = await backup.read_backup(db, path, changed={"outbox": RESTORED})
    async with open_house(settings) as house:
        locked = [one.name for one in house.accounts.all() if not house.accounts.is_open(one)]
        forgotten = await erasure.forget_again(house, now=house.clock.now())
        restored = f"{sum(counts.values())} documents restored"
        if forgotten:
            restored += f"; {forgotten} people erased since the backup were erased again"
        return restored + (f"; connect anew: {', '.join(locked)}" if locked else "")
