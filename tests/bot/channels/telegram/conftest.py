"""A bot, its channel, and a local server that plays the Bot API."""

from urllib.parse import parse_qs

import aiohttp
import pytest

from bot.channels.contract import EVERYWHERE, Account, Address, Outbound
from bot.channels.telegram.channel import Telegram
from bot.content import Text
from tests.contracts.platform import FakePlatform

TOKEN, ANA = "7000000001:AAtesttokentesttokentesttokentesttok", "5218896347"


@pytest.fixture
async def platform():
    async with FakePlatform() as platform:
        yield platform


@pytest.fixture
async def channel():
    async with aiohttp.ClientSession() as session:
        channel = Telegram(session, answer_seconds=1.0)
        yield channel
        await channel.close()


@pytest.fixture
def account(platform):
    return an_account(platform.url)


def an_account(url, mode="polling"):
    secrets = {"bot_token": TOKEN, "webhook_secret": "s3cret-s3cret"}
    return Account("a" * 24, "telegram", "7000000001", EVERYWHERE, url, secrets, {"mode": mode})


def an_outbound(content=None, to=ANA, **fields):
    address = Address("telegram", EVERYWHERE, to, to)
    return Outbound("b" * 24, (address,), content or Text(text="Buenos días"), **fields)


def form(asked):
    """The fields of a call without files."""
    return {key: values[0] for key, values in parse_qs(asked.body.decode()).items()}
