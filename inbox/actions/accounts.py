"""Connecting an account and keeping it well: what was given is tried at the platform before it counts."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot import net
from bot.channels.contract import EVERYWHERE, AccountBroken, Health, SendProblem
from bot.channels.contract import Account as ChannelAccount
from bot.errors import N_, Conflict, Refused
from bot.log import logger
from bot.records import templates
from bot.records.accounts import AccountRecord, Connection
from inbox import people
from inbox.house import House
from inbox.people import FIRST_TEAM

GRAPH = "https://graph.facebook.com/v26.0"
TELEGRAM = "https://api.telegram.org"
# How often subscriptions and tokens are looked at: Messenger drops a page after an hour of failures
# (Messenger Platform, Webhooks, "Webhook delivery failures").
LOOK_SECONDS = 3600.0
log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody typed to connect an account; which fields count depends on the kind."""

    kind: str
    name: str = ""
    team: str = ""
    api_url: str = ""
    mode: str = ""
    bot_token: str = ""
    phone_number_id: str = ""
    business_account_id: str = ""
    portfolio_id: str = ""
    page_id: str = ""
    access_token: str = ""
    app_secret: str = ""
    verify_token: str = ""


_NEEDED: Mapping[str, tuple[str, ...]] = {
    "telegram": ("bot_token",),
    "whatsapp": ("phone_number_id", "business_account_id", "access_token", "app_secret"),
    "messenger": ("page_id", "access_token", "app_secret"),
}


def connection(wish: Wish, *, public_url: str, origin: Any = "page", practice: bool = False) -> Connection:
    """Raises Refused naming the first field that is missing."""
    for name in _NEEDED[wish.kind]:
        if not getattr(wish, name).strip():
            raise Refused(N_("Fill in %(field)s."), code="field_missing", field=name)
    if wish.api_url and not net.origin(wish.api_url)[0]:
        sentence = N_("The field “%(field)s” is not right: %(reason)s.")
        raise Refused(sentence, code="address_invalid", field="api_url", reason=wish.api_url)
    return _READERS[wish.kind](wish, public_url, {"origin": origin, "practice": practice})


def _whatsapp(wish: Wish, public_url: str, more: Mapping[str, Any]) -> Connection:
    return Connection(
        kind="whatsapp",
        external_id=wish.phone_number_id,
        scope=wish.portfolio_id or wish.business_account_id,
        name=wish.name,
        team=wish.team,
        secrets=_secrets(wish, "access_token", "app_secret", "verify_token"),
        api_url=wish.api_url or GRAPH,
        options={"business_account_id": wish.business_account_id, "portfolio_id": wish.portfolio_id},
        **more,
    )


def _messenger(wish: Wish, public_url: str, more: Mapping[str, Any]) -> Connection:
    return Connection(
        kind="messenger",
        external_id=wish.page_id,
        scope=wish.page_id,
        name=wish.name,
        team=wish.team,
        secrets=_secrets(wish, "access_token", "app_secret", "verify_token"),
        api_url=wish.api_url or GRAPH,
        **more,
    )


def _telegram(wish: Wish, public_url: str, more: Mapping[str, Any]) -> Connection:
    """The bot's id is the number before the colon of its token (Telegram Bot API, "Authorizing your bot")."""
    bot_id, colon, rest = wish.bot_token.partition(":")
    if not (bot_id.isdecimal() and colon and rest and not any(sign.isspace() for sign in rest)):
        raise Refused(
            N_("That is not a bot token: it looks like 123456:ABC-DEF…"), code="token_invalid", field="bot_token"
        )
    return Connection(
        kind="telegram",
        external_id=bot_id,
        scope=EVERYWHERE,
        name=wish.name,
        team=wish.team,
        secrets=_secrets(wish, "bot_token"),
        api_url=wish.api_url or TELEGRAM,
        options={"mode": wish.mode or ("webhook" if public_url else "polling")},
        **more,
    )


_READERS = {"whatsapp": _whatsapp, "messenger": _messenger, "telegram": _telegram}


def _secrets(wish: Wish, *names: str) -> dict[str, str]:
    return {name: getattr(wish, name).strip() for name in names if getattr(wish, name).strip()}


def in_team(wanted: Connection, team: str) -> Connection:
    fields = {name: getattr(wanted, name) for name in Connection.__slots__}
    return Connection(**{**fields, "team": team})


async def connect(house: House, wanted: Connection, *, now: datetime) -> AccountRecord:
    """Asks the platform first; what it does not let in is not stored. Then templates and the subscription follow, and
    whatever is still missing stands in the account's health. Raises Refused.
    """
    channel = house.channels[wanted.kind]
    probe = ChannelAccount(
        "", wanted.kind, wanted.external_id, wanted.scope, wanted.api_url, wanted.secrets, wanted.options
    )
    origin = net.origin(wanted.api_url)
    house.trying.add(origin)
    try:
        health = await channel.check(probe)
    except SendProblem as error:
        raise Refused(error.message, code="credentials", detail=error.detail) from error
    finally:
        house.trying.discard(origin)
    team = wanted.team or FIRST_TEAM
    await people.get_team(house.db, team)
    account = await house.accounts.connect(_named(wanted, health, team), now=now)
    await house.accounts.record_health(account.id, health, now=now)
    await subscribe(house, account, quietly=True)
    await look_after(house, account, now=now)
    return house.accounts.get(account.id)


def _named(wanted: Connection, health: Health, team: str) -> Connection:
    fields = {name: getattr(wanted, name) for name in Connection.__slots__}
    return Connection(**{**fields, "name": wanted.name.strip() or health.name or wanted.external_id, "team": team})


def hook_url(house: House, account: AccountRecord) -> str:
    """Where the platform should send updates; empty while nobody outside can reach us."""
    base = house.settings.server.public_url.rstrip("/")
    if account.practice:
        base = house.practice.hook_base
    if not base:
        return ""
    path = f"/hooks/{account.kind}"
    return base + (f"{path}/{account.hook_key}" if house.channels[account.kind].limits.hook_per_account else path)


async def subscribe(house: House, account: AccountRecord, *, quietly: bool = False) -> None:
    """Raises Refused unless `quietly`; then the next look says what is missing."""
    is_polled = account.options.get("mode") == "polling"
    try:
        url = "" if is_polled else hook_url(house, account)
        await house.channels[account.kind].subscribe(house.accounts.open(account), url)
    except SendProblem as error:
        if not quietly:
            raise Refused(error.message, code="not_subscribed", detail=error.detail) from error
        log.warning("not subscribed", account=account.id, code=error.code)


async def look_after(house: House, account: AccountRecord, *, now: datetime) -> Health | None:
    """Credentials, subscription and templates as the platform has them now. A dropped subscription is renewed.

    None when the platform did not let us in: the account is marked broken then, with the reason. A platform that
    does not answer changes nothing: a failed look never stops sending.
    """
    channel, opened = house.channels[account.kind], house.accounts.open(account)
    try:
        health = await channel.check(opened)
        if health.subscribed is False:
            await subscribe(house, account, quietly=True)
            health = await channel.check(opened)
        await templates.sync(house.db, channel, opened, scope=account.template_scope, now=now)
    except AccountBroken as error:
        problem = {"code": error.code, "message": error.message, "detail": error.detail, "at": now}
        await house.accounts.mark_broken(account.id, problem)
        return None
    except SendProblem as error:
        log.warning("account could not be looked at", account=account.id, code=error.code)
        return None
    await house.accounts.record_health(account.id, health, now=now)
    return health


async def look_after_all(house: House, *, now: datetime) -> None:
    for account in house.accounts.all():
        if account.state != "off":
            await look_after(house, account, now=now)


async def mend(house: House, account: AccountRecord, secrets: Mapping[str, str], *, now: datetime) -> None:
    """New secrets for a connected account, tried first; what waited for it is sent then. Raises Refused."""
    opened = house.accounts.open(account)
    given = {name: value.strip() for name, value in secrets.items() if value.strip()}
    wanted = Connection(
        kind=account.kind,
        external_id=account.external_id,
        scope=account.scope,
        name=account.name,
        team=account.team,
        secrets={**opened.secrets, **given},
        api_url=account.api_url,
        options=account.options,
        origin=account.origin,
        practice=account.practice,
    )
    await connect(house, wanted, now=now)
    await house.accounts.mend(account.id)
    await house.outbox.release(account.id)


async def free_left(house: House, account: AccountRecord, *, now: datetime) -> int | None:
    """Answers the platform will still deliver without charge this month; None where it never charges. Counted from
    the messages themselves, in UTC: near the turn of the month the platform's own clock may differ by a few.
    """
    total = house.channels[account.kind].limits.free_a_month
    if not total:
        return None
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    used = await house.db["messages"].count_documents(
        {"account": account.id, "pricing.category": "service", "at": {"$gte": month}}, limit=total
    )
    return total - used


async def switch(house: House, account: AccountRecord, *, on: bool) -> None:
    await house.accounts.change(account.id, {"state": "active" if on else "off", "problem": None})
    if on:
        await house.outbox.release(account.id)


async def remove(house: House, account: AccountRecord) -> None:
    """Disconnected for good; what waited for it is cancelled. Its conversations and messages stay: the company's.

    With the last of its accounts the practice channel goes, until somebody wants it again.
    """
    async for row in house.db["outbox"].find({"account": account.id, "state": {"$in": ["queued", "held"]}}, {"_id": 1}):
        with suppress(Conflict):
            await house.outbox.cancel(row["_id"])
    await house.accounts.remove(account.id)
    if account.origin == "practice" and not any(one.origin == "practice" for one in house.accounts.all()):
        await house.practice.disconnect()
