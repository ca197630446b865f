"""The accounts: connecting one step by step, how each is doing, and what a person must still do."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from pydantic import Field

from bot.errors import N_, DomainError, NotFound
from bot.records.accounts import AccountRecord
from inbox import people
from inbox.actions import accounts
from inbox.gate import AGENT, HOUSE, translator
from inbox.permissions import Permission, may
from inbox.web.answers import done, page, problems, read_form, see_other
from inbox.web.forms import MaybeId, NameForm, Posted

KINDS = ("telegram", "whatsapp", "messenger")
SHOWN_ALARMS = 5


class ConnectForm(Posted):
    kind: str = Field(pattern="^(telegram|whatsapp|messenger)$")
    name: str = Field(default="", max_length=80)
    team: MaybeId = ""
    api_url: str = Field(default="", pattern=r"^(https?://\S{1,300})?$")
    mode: str = Field(default="", pattern="^(polling|webhook)?$")
    bot_token: str = Field(default="", max_length=200)
    phone_number_id: str = Field(default="", max_length=40, pattern=r"^\s*\d*\s*$")
    business_account_id: str = Field(default="", max_length=40, pattern=r"^\s*\d*\s*$")
    portfolio_id: str = Field(default="", max_length=40, pattern=r"^\s*\d*\s*$")
    page_id: str = Field(default="", max_length=40, pattern=r"^\s*\d*\s*$")
    access_token: str = Field(default="", max_length=1000)
    app_secret: str = Field(default="", max_length=200)
    verify_token: str = Field(default="", max_length=200)


class SecretsForm(Posted):
    access_token: str = Field(default="", max_length=1000)
    app_secret: str = Field(default="", max_length=200)
    bot_token: str = Field(default="", max_length=200)


class NameAndTeam(NameForm):
    team: MaybeId = ""


async def show_accounts(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    teams = {team.id: team.name for team in await people.list_teams(house.db)}
    waiting = await _waiting(request)
    return await page(
        request,
        "settings_accounts",
        accounts=[await _shown(request, account, teams, waiting) for account in house.accounts.all()],
        may_manage=may(request[AGENT], Permission.ACCOUNTS_MANAGE),
        practice={"connected": house.practice.connected, "phone_url": house.practice.phone_url},
        public_url=house.settings.server.public_url,
        done=request.query.get("done", ""),
    )


async def _waiting(request: web.Request) -> dict[str, int]:
    rows = await request.app[HOUSE].db["outbox"].aggregate([{"$group": {"_id": "$account", "count": {"$sum": 1}}}])
    return {row["_id"]: row["count"] async for row in rows}


async def _shown(
    request: web.Request, account: AccountRecord, teams: Mapping[str, str], waiting: Mapping[str, int]
) -> dict[str, Any]:
    """Everything about an account but its secrets."""
    house = request.app[HOUSE]
    free_left = await accounts.free_left(house, account, now=house.clock.now())
    translate = translator(request)
    problem = account.problem
    alarms = [
        {"severity": notice["severity"], "text": _notice_text(notice, translate), "at": notice["at"]}
        for notice in reversed(account.notices)
        if notice["severity"] != "info"
    ]
    return {
        "id": account.id,
        "kind": account.kind,
        "name": account.name,
        "external_id": account.external_id,
        "team": {"id": account.team, "name": teams.get(account.team, "")},
        "state": account.state,
        "practice": account.practice,
        "origin": account.origin,
        "mode": account.options.get("mode", ""),
        "problem": {**problem, "message": translate(problem["message"])} if problem else None,
        "health": account.health,
        "alarms": alarms[:SHOWN_ALARMS],
        "last_event_at": account.last_event_at,
        "created_at": account.created_at,
        "waiting": waiting.get(account.id, 0),
        "free_left": free_left,
        "free_total": request.app[HOUSE].channels[account.kind].limits.free_a_month or None,
    }


def _notice_text(notice: Mapping[str, Any], translate: Callable[[str], str]) -> str:
    details = ", ".join(
        f"{key}: {value}" for key, value in notice.get("data", {}).items() if isinstance(value, str | int)
    )
    word = str(notice["kind"]).replace("_", " ")
    return f"{word} ({details})" if details else word


async def show_new(request: web.Request) -> web.Response:
    kind = request.query.get("kind", "")
    return await _new_page(request, kind if kind in KINDS else "", form={}, wrong={})


async def _new_page(request: web.Request, kind: str, *, form: dict[str, Any], wrong: dict[str, str]) -> web.Response:
    house = request.app[HOUSE]
    base = house.settings.server.public_url.rstrip("/")
    secret_fields = ("access_token", "app_secret", "bot_token")
    return await page(
        request,
        "settings_account_new",
        status=422 if wrong else 200,
        kind=kind,
        teams=[{"id": team.id, "name": team.name} for team in await people.list_teams(house.db)],
        form={key: value for key, value in form.items() if key not in secret_fields},
        errors=wrong,
        hook_url=f"{base}/hooks/{kind}" if base and kind else "",
        verify_token=form.get("verify_token") or secrets.token_urlsafe(18),
        public_url=base,
    )


async def connect(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    form = await read_form(request, ConnectForm)
    values = {key: value.strip() for key, value in form.model_dump().items()}
    try:
        wanted = accounts.connection(accounts.Wish(**values), public_url=house.settings.server.public_url)
        account = await accounts.connect(house, wanted, now=house.clock.now())
    except DomainError as error:
        return await _new_page(request, form.kind, form=values, wrong=problems(error, request))
    return await done(request, back=f"/settings/accounts/{account.id}", code="connected")


async def connect_practice(request: web.Request) -> web.Response:
    await request.app[HOUSE].practice.connect()
    return await done(request, back="/inbox", code="practice")


async def show_account(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    account = house.accounts.get(request.match_info["account"])
    teams = {team.id: team.name for team in await people.list_teams(house.db)}
    may_manage = may(request[AGENT], Permission.ACCOUNTS_MANAGE)
    token = house.accounts.verify_token(account)
    return await page(
        request,
        "settings_account",
        account=await _shown(request, account, teams, await _waiting(request)),
        hook_url=accounts.hook_url(house, account),
        verify_token=token if may_manage else "",
        steps=_steps(request, account),
        health=account.health,
        notices=[{**notice, "text": _notice_text(notice, translator(request))} for notice in reversed(account.notices)],
        teams=[{"id": team_id, "name": name} for team_id, name in teams.items()],
        templates_count=await house.db["templates"].count_documents(
            {"scope": account.template_scope, "status": "APPROVED"}
        ),
        may_manage=may_manage,
        done=request.query.get("done", ""),
    )


def _steps(request: web.Request, account: AccountRecord) -> list[dict[str, Any]]:
    """What is done and what is missing, as the last look at the platform found it."""
    translate = translator(request)
    health = account.health or {}
    polled = account.options.get("mode") == "polling"
    steps: list[dict[str, Any]] = [
        {"text": translate(N_("The credentials work")), "done": account.state != "broken", "detail": ""},
        {
            "text": translate(N_("Bandeja asks the platform for new messages"))
            if polled
            else translate(N_("The platform sends new messages to this address")),
            "done": True if polled else health.get("subscribed"),
            "detail": "" if polled else accounts.hook_url(request.app[HOUSE], account),
        },
        {
            "text": translate(N_("A first message has come in")),
            "done": account.last_event_at is not None or None,
            "detail": "",
        },
    ]
    return steps + [{"text": translate(missing), "done": False, "detail": ""} for missing in health.get("missing", ())]


async def save(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    account = house.accounts.get(request.match_info["account"])
    form = await read_form(request, NameAndTeam)
    team = form.team or account.team
    await people.get_team(house.db, team)
    await house.accounts.change(account.id, {"name": form.name.strip()[:80] or account.name, "team": team})
    return await done(request, back=f"/settings/accounts/{account.id}", code="saved")


async def act(request: web.Request) -> web.Response:
    """The buttons of an account's page, each by its word in the address."""
    work = _ACTS.get(request.match_info["act"])
    if work is None:
        raise NotFound(N_("There is no such page."))
    account = request.app[HOUSE].accounts.get(request.match_info["account"])
    return await work(request, account)


async def _check(request: web.Request, account: AccountRecord) -> web.Response:
    house = request.app[HOUSE]
    if await accounts.look_after(house, account, now=house.clock.now()) and account.state == "broken":
        await house.accounts.mend(account.id)
        await house.outbox.release(account.id)
    return await done(request, back=f"/settings/accounts/{account.id}", code="checked")


async def _subscribe(request: web.Request, account: AccountRecord) -> web.Response:
    house = request.app[HOUSE]
    await accounts.subscribe(house, account)
    await accounts.look_after(house, account, now=house.clock.now())
    return await done(request, back=f"/settings/accounts/{account.id}", code="subscribed")


async def _secrets(request: web.Request, account: AccountRecord) -> web.Response:
    house = request.app[HOUSE]
    form = await read_form(request, SecretsForm)
    await accounts.mend(house, account, form.model_dump(), now=house.clock.now())
    return await done(request, back=f"/settings/accounts/{account.id}", code="connected")


async def _off(request: web.Request, account: AccountRecord) -> web.Response:
    await accounts.switch(request.app[HOUSE], account, on=False)
    return await done(request, back=f"/settings/accounts/{account.id}", code="saved")


async def _on(request: web.Request, account: AccountRecord) -> web.Response:
    await accounts.switch(request.app[HOUSE], account, on=True)
    return await done(request, back=f"/settings/accounts/{account.id}", code="saved")


async def _remove(request: web.Request, account: AccountRecord) -> web.Response:
    """Its conversations and messages stay: they are the company's."""
    if (await request.post()).get("confirm") != "yes":
        return see_other(f"/settings/accounts/{account.id}")
    await accounts.remove(request.app[HOUSE], account)
    return await done(request, back="/settings/accounts", code="removed")


_ACTS: Mapping[str, Callable[[web.Request, AccountRecord], Awaitable[web.Response]]] = {
    "check": _check,
    "subscribe": _subscribe,
    "secrets": _secrets,
    "off": _off,
    "on": _on,
    "remove": _remove,
}
