"""Builds every part and joins them: the one file that sees everything. Long and dull on purpose."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from bot import net
from bot.channels import Channels
from bot.clock import SystemClock
from bot.config import Account as AccountTable
from bot.config import MissingSecret, Settings, TelegramAccount, WhatsAppAccount
from bot.delivery import parcels, poller
from bot.delivery.journal import Journal
from bot.delivery.lanes import Bell
from bot.delivery.outbox import Outbox
from bot.delivery.outcomes import Outcomes
from bot.delivery.pacing import Pacing
from bot.delivery.sender import Sender
from bot.delivery.signals import Signals
from bot.delivery.situations import Ways
from bot.delivery.webhooks import Webhooks
from bot.errors import N_, Refused
from bot.events import Bus, TemplatesOutdated
from bot.log import logger
from bot.records.accounts import Accounts, Connection
from bot.records.fetching import Fetching
from bot.store.changes import Change, Changes
from bot.store.database import Database, open_database
from bot.store.indexes import ensure
from bot.store.lease import Leases
from bot.store.secrets import open_vault
from bot.tasks import Service, Worker, wait_for_event
from bot.timers import Timers
from inbox import people, practice
from inbox.actions import accounts as account_actions
from inbox.actions import states
from inbox.api.openapi import operations
from inbox.api.routes import ROUTES as API_ROUTES
from inbox.desk import Desk
from inbox.gate import ERROR_PAGE, HOUSE, OPERATIONS, add_headers, add_routes, errors
from inbox.house import House
from inbox.live import Live
from inbox.translation import load_translations
from inbox.web import static_files
from inbox.web.answers import RENDERER, error_page
from inbox.web.render import Renderer
from inbox.web.routes import ROUTES as PAGE_ROUTES

SNOOZE_SECONDS = 15.0
HTTP_CONNECTIONS = 200
# What a form of ours may have; uploads are read in pieces and webhooks have a limit of their own.
FORM_BYTES = 4 * 2**20 + 64 * 2**10

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Works:
    """What runs: in every process, beside the site, and in the background."""

    always: tuple[Service, ...]
    beside_site: tuple[Service, ...]
    background: tuple[Service, ...]
    webhooks: Webhooks


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Database]:
    """The database with its indexes and the first team: enough for most commands."""
    async with open_database(settings) as db:
        await ensure(db, settings)
        await people.ensure_first_team(db, name=FIRST_TEAM_NAMES[settings.inbox.language], now=SystemClock().now())
        yield db


FIRST_TEAM_NAMES: Mapping[str, str] = {"en": "Team", "es": "Equipo", "pt": "Equipe"}


@asynccontextmanager
async def open_house(settings: Settings, *, demo: bool = False) -> AsyncIterator[House]:
    """Everything a handler may need; nothing of it runs yet."""
    async with open_store(settings) as db:
        clock, vault = SystemClock(), open_vault(settings.data.directory)
        accounts = Accounts(db, vault)
        await accounts.load()
        await connect_configured(db, accounts, settings)
        trying: set[tuple[str, int]] = set()
        session = aiohttp.ClientSession(
            connector=net.connector(
                lambda: trying | {net.origin(one.api_url) for one in accounts.all()}, limit=HTTP_CONNECTIONS
            )
        )
        channels, bus = Channels(session), Bus()
        desk = Desk(db, accounts, channels, clock=clock, bus=bus, reopen=timedelta(hours=settings.inbox.reopen_hours))
        leases = Leases(db, clock)
        playing = practice.Parts(
            db=db,
            vault=vault,
            accounts=accounts,
            channels=channels,
            leases=leases,
            clock=clock,
            port=settings.sandbox.port,
            demo=demo,
        )
        house = House(
            settings=settings,
            db=db,
            clock=clock,
            bus=bus,
            vault=vault,
            session=session,
            leases=leases,
            accounts=accounts,
            channels=channels,
            journal=Journal(db, leases, accounts, channels, desk.receive, clock),
            bell=(bell := Bell(db)),
            outbox=Outbox(db, Ways(db, accounts, channels), bell),
            signals=Signals(db, accounts, channels, clock),
            fetching=Fetching(db, accounts, channels, clock),
            live=Live(clock),
            translations=load_translations(),
            practice=practice.PracticeChannel(playing),
            demo=demo,
            trying=trying,
        )
        try:
            yield house
        finally:
            await house.signals.stop()
            await channels.close()
            await session.close()


async def connect_configured(db: Database, accounts: Accounts, settings: Settings) -> None:
    """The accounts of config.toml. One whose secret is missing or none is passed over, and nobody else is harmed."""
    for table in settings.accounts:
        try:
            wanted = _connection(table, settings)
        except (MissingSecret, Refused) as reason:
            log.error("account is off", account=table.name, reason=str(reason))
            continue
        team = await people.team_named(db, table.team, now=SystemClock().now())
        account = await accounts.connect(account_actions.in_team(wanted, team), now=SystemClock().now())
        if account.state == "off" and (account.problem or {}).get("code") == SECRET_MISSING:
            await accounts.change(account.id, {"state": "active", "problem": None})


def _connection(table: AccountTable, settings: Settings) -> Connection:
    """Raises MissingSecret, and Refused for what cannot be right."""
    secrets = table.secrets(os.environ)
    wish = account_actions.Wish(kind=table.kind, name=table.name, api_url=table.api_url, **_fields(table), **secrets)
    return account_actions.connection(wish, public_url=settings.server.public_url, origin="config")


SECRET_MISSING = "secret_missing"  # noqa: S105 - the code of a problem


async def heed_missing_secrets(house: House) -> None:
    """An account of config.toml that was connected before and has lost its variable is off, until it has it again.

    For processes that stay: a command typed in another shell, without the variables, switches nothing off.
    """
    for table in house.settings.accounts:
        if missing := table.missing(os.environ):
            sentence = N_("This account is switched off.")
            problem = {"code": SECRET_MISSING, "message": sentence, "detail": missing, "at": house.clock.now()}
            for account in house.accounts.all():
                if (account.origin, account.kind, account.name) == ("config", table.kind, table.name):
                    await house.accounts.change(account.id, {"state": "off", "problem": problem})


def _fields(table: AccountTable) -> dict[str, Any]:
    if isinstance(table, TelegramAccount):
        return {"mode": table.mode}
    if isinstance(table, WhatsAppAccount):
        keys = ("phone_number_id", "business_account_id", "portfolio_id")
        return {key: getattr(table, key) for key in keys}
    return {"page_id": table.page_id}


def build_works(house: House) -> Works:
    timers = Timers(house.clock)
    timers.every(SNOOZE_SECONDS, lambda: _wake(house), name="wake what was snoozed")
    delivery = parcels.Parts(
        db=house.db,
        accounts=house.accounts,
        ways=Ways(house.db, house.accounts, house.channels),
        pacing=Pacing(house.db, house.clock),
        outcomes=Outcomes(house.db, house.accounts),
        clock=house.clock,
    )
    sender = Sender(delivery, house.leases, house.bell)
    polling = poller.Poller(
        poller.Parts(
            db=house.db,
            leases=house.leases,
            accounts=house.accounts,
            channels=house.channels,
            journal=house.journal,
            clock=house.clock,
        )
    )
    watch = Worker(lambda stopping: _watch_accounts(house, stopping), name="watch over accounts")
    house.bus.subscribe(TemplatesOutdated, lambda event: _refresh_templates(house, event))
    return Works(
        always=(_news(house, sender),),
        beside_site=(house.practice,),
        background=(house.fetching, sender, house.journal, polling, timers, watch),
        webhooks=Webhooks(house.journal, house.accounts, house.channels, house.settings, house.clock),
    )


def _news(house: House, sender: Sender) -> Changes:
    """The change stream of nudges: pages hear of what concerns them, workers of what there is to do."""
    changes = Changes(house.db)

    async def hear(change: Change) -> None:
        items = change.fields.get("items") or []
        kinds = {item["what"] for item in items}
        if "account" in kinds:
            await house.accounts.load()
            sender.wake()
        if "outbox" in kinds:
            sender.wake()
        if "journal" in kinds:
            house.journal.wake()
        if "wanted" in kinds:
            house.fetching.wake()
        house.live.tell([item for item in items if item["what"] not in WORK])

    async def missed() -> None:
        await house.accounts.load()
        for part in (sender, house.journal, house.fetching):
            part.wake()
        house.live.tell_reload()

    changes.subscribe("nudges", hear, missed=missed, fields=("items",))
    return changes


WORK = frozenset({"outbox", "journal", "wanted"})


async def _wake(house: House) -> None:
    await states.wake_due(house.db, now=house.clock.now())


async def _watch_accounts(house: House, stopping: Any) -> None:
    """One process looks at every account now and then every hour."""
    async with house.leases.hold("accounts") as hold:
        while hold.is_valid() and not stopping.is_set():
            await account_actions.look_after_all(house, now=house.clock.now())
            for _ in range(int(account_actions.LOOK_SECONDS / 5)):
                if await wait_for_event(stopping, seconds=5.0) or not hold.is_valid():
                    break


async def _refresh_templates(house: House, event: TemplatesOutdated) -> None:
    for account in house.accounts.all():
        if account.template_scope in event.scopes and account.state != "off":
            await account_actions.look_after(house, account, now=house.clock.now())


async def _show_metrics(request: web.Request) -> web.Response:
    """Figures of this process; no names, no words, no numbers of people. A proxy keeps strangers from it."""
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def build_app(house: House, works: Works) -> web.Application:
    app = web.Application(middlewares=[errors], client_max_size=FORM_BYTES)
    app[HOUSE], app[RENDERER], app[ERROR_PAGE] = house, Renderer(house.translations), error_page
    app[OPERATIONS] = operations
    app.on_response_prepare.append(add_headers)
    works.webhooks.add_routes(app)
    app.router.add_get("/metrics", _show_metrics)
    app.router.add_get("/static/{version}/{path:.+}", static_files.show)
    add_routes(app, API_ROUTES)
    add_routes(app, PAGE_ROUTES)
    return app
