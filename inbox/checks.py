"""Is everything well? Config, database, disk and every account, one line each."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.channels.contract import SendProblem
from bot.config import Settings
from bot.errors import N_, DomainError
from bot.records.accounts import AccountRecord
from inbox.house import House


@dataclass(frozen=True, slots=True)
class Line:
    """`name` and `text` are translation keys; their places are filled from `fields`."""

    name: str
    ok: bool
    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def say(self, translate: Callable[[str], str] = N_) -> tuple[str, str]:
        """Name and text as a person reads them."""
        fields = {key: translate(value) if isinstance(value, str) else value for key, value in self.fields.items()}
        return translate(self.name) % fields, translate(self.text) % fields


async def check_house(house: House) -> list[Line]:
    """What can be seen from here, without asking any platform."""
    return [await _database(house), _disk(house), *(_known(account) for account in house.accounts.all())]


async def _database(house: House) -> Line:
    try:
        await house.db.ping()
        build = await house.db.client.admin.command("buildInfo")
    except DomainError as error:
        return Line(N_("Database"), False, error.message, error.fields)
    embedded = house.settings.mongodb.embedded
    text = N_("MongoDB %(version)s, our own") if embedded else N_("MongoDB %(version)s, replica set")
    return Line(N_("Database"), True, text, {"version": build["version"]})


def _disk(house: House) -> Line:
    free = shutil.disk_usage(house.settings.data.directory).free // 2**20
    reserve = house.settings.data.reserve_mb
    text = N_("%(free)s MB are free; below %(reserve)s MB nothing more is taken in")
    return Line(N_("Disk"), free > reserve, text, {"free": free, "reserve": reserve})


def _known(account: AccountRecord) -> Line:
    problem = (account.problem or {}).get("message", "")
    text = {"active": N_("connected"), "off": N_("switched off")}.get(account.state, N_("broken: %(problem)s"))
    return Line(_ACCOUNT, account.state != "broken", text, {"name": account.name, "problem": problem})


_ACCOUNT = N_("Account %(name)s")


def check_secrets(settings: Settings, environ: Mapping[str, str]) -> list[Line]:
    """The accounts of config.toml that are off for want of a variable."""
    reasons = {table.name: table.missing(environ) for table in settings.accounts}
    broken = N_("broken: %(problem)s")
    return [
        Line(_ACCOUNT, False, broken, {"name": name, "problem": reason}) for name, reason in reasons.items() if reason
    ]


async def check_account(house: House, account: AccountRecord) -> Line:
    """Asks the platform itself."""
    fields = {"name": account.name}
    if account.state == "off":
        return Line(_ACCOUNT, True, N_("switched off"), fields)
    try:
        health = await house.channels[account.kind].check(house.accounts.open(account))
    except SendProblem as error:
        return Line(_ACCOUNT, False, N_("broken: %(problem)s"), fields | {"problem": error.message})
    if health.missing:
        return Line(_ACCOUNT, False, N_("missing: %(missing)s"), fields | {"missing": health.missing[0]})
    return Line(_ACCOUNT, True, N_("connected"), fields)
