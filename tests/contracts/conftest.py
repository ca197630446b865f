"""A channel, and a local server that plays its platform."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.channels.contract import Account, Channel
from tests.contracts.case import NOW, Case
from tests.contracts.platform import FakePlatform

# Long enough for a busy machine to answer from loopback, short enough to wait for.
PATIENCE_SECONDS = 1.0


@pytest.fixture
async def platform() -> AsyncIterator[FakePlatform]:
    async with FakePlatform() as platform:
        yield platform


@pytest.fixture
async def channel(case: Case) -> AsyncIterator[Channel]:
    async with aiohttp.ClientSession() as session:
        channel = case.create(session, PATIENCE_SECONDS, NOW)
        yield channel
        await channel.close()


@pytest.fixture
def account(case: Case, platform: FakePlatform) -> Account:
    return case.account(platform.url)
