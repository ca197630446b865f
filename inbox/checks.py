"""Is everything well? Config, database, disk and every account, one line each."""

import shutil
from dataclasses import dataclass

from bot.channels.contract import SendProblem
from bot.errors import DomainError
from bot.records.accounts import AccountRecord
from inbox.house import House


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    ok: bool
    text: str


async def check_house(house: House) -> list[Line]:
    """What can be seen from here, without asking any platform."""
    return [await _database(house), _disk(house), *(_known(account) for account in house.accounts.all())]


async def _database(house: House) -> Line:
    try:
        await house.db.ping()
        build = await house.db.client.admin.command("buildInfo")
    except DomainError as error:
        return Line("database", False, str(error))
    where = "embedded" if house.settings.mongodb.embedded else "replica set"
    return Line("database", True, f"MongoDB {build['version']}, {where}")


def _disk(house: House) -> Line:
    free = shutil.disk_usage(house.settings.data.directory).free // 1_000_000
    reserve = house.settings.data.reserve_mb
    return Line("disk", free > reserve, f"{free} MB free, {reserve} MB are kept in reserve")


def _known(account: AccountRecord) -> Line:
    problem = (account.problem or {}).get("message", "")
    text = f"{account.kind}, {account.state}" + (f": {problem}" if problem else "")
    return Line(f"account {account.name}", account.state != "broken", text)


async def check_account(house: House, account: AccountRecord) -> Line:
    """Asks the platform itself."""
    name = f"account {account.name}"
    if account.state == "off":
        return Line(name, True, f"{account.kind}, switched off")
    try:
        health = await house.channels[account.kind].check(house.accounts.open(account))
    except SendProblem as error:
        return Line(name, False, error.message)
    missing = " ".join(health.missing)
    return Line(name, not missing, missing or f"{account.kind}, {health.name}")
