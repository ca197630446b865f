"""A house whose handlers work and from which nothing leaves: no sender, no worker runs in it."""

from collections.abc import AsyncIterator
from dataclasses import fields

import aiohttp
import pytest

from bot.channels import Channels
from bot.clock import Clock, SystemClock
from bot.delivery.lanes import Bell
from bot.delivery.outbox import Outbox
from bot.delivery.signals import Signals
from bot.delivery.situations import Ways
from bot.records.accounts import Accounts
from bot.store.secrets import open_vault
from inbox.house import House
from inbox.live import Live
from inbox.translation import load_translations


@pytest.fixture(scope="session")
def translations():
    return load_translations()


@pytest.fixture
def house_clock() -> Clock:
    return SystemClock()


@pytest.fixture
async def house(store, settings, translations, tmp_path, house_clock, bus) -> AsyncIterator[House]:
    settings = settings.model_copy(update={"data": settings.data.model_copy(update={"directory": tmp_path})})
    async with aiohttp.ClientSession() as session:
        vault, channels, bell = open_vault(tmp_path), Channels(session), Bell(store)
        accounts = Accounts(store, vault)
        await accounts.load()
        parts = {
            "settings": settings,
            "db": store,
            "clock": house_clock,
            "bus": bus,
            "vault": vault,
            "session": session,
            "accounts": accounts,
            "channels": channels,
            "bell": bell,
            "outbox": Outbox(store, Ways(store, accounts, channels), bell),
            "signals": (signals := Signals(store, accounts, channels, house_clock)),
            "live": Live(house_clock),
            "translations": translations,
        }
        yield House(**{field.name: parts.get(field.name) for field in fields(House)})  # type: ignore[arg-type]
        await signals.stop()
        await channels.close()
