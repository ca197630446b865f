"""The practice channel: there when somebody wants it, gone when they do not, and not back by itself."""

from dataclasses import replace

import pytest

from bot.sandbox.server import instant_config
from bot.store.lease import Leases
from inbox import people
from inbox.actions import accounts
from inbox.practice import Parts, PracticeChannel
from tests.inbox.builders import NOON
from tests.waiting import wait_for


@pytest.fixture
async def practising(house):
    """A house with a practice channel that nobody has asked for yet."""
    await people.ensure_first_team(house.db, name="Ventas", now=NOON)
    parts = Parts(
        db=house.db,
        vault=house.vault,
        accounts=house.accounts,
        channels=house.channels,
        leases=Leases(house.db, house.clock),
        clock=house.clock,
        port=0,
        config=instant_config(),
    )
    channel = PracticeChannel(parts)
    channel.listen_at("http://127.0.0.1:1")
    await channel.start()
    yield replace(house, practice=channel)
    await channel.stop()
    await house.db["meta"].delete_one({"_id": "practice"})


async def remove_all(house) -> None:
    for account in house.accounts.all():
        await accounts.remove(house, account)


async def test_what_was_taken_away_does_not_come_back_at_the_next_start(practising):
    await practising.practice.connect()
    assert {account.kind for account in practising.accounts.all()} == {"whatsapp", "messenger", "telegram"}
    await remove_all(practising)

    async def is_shut() -> bool:
        return practising.practice.sandbox is None

    await wait_for(is_shut, seconds=20)
    kept = await practising.db["meta"].find_one({"_id": "practice"})
    assert (kept["wanted"], practising.accounts.all()) == (False, ())


async def test_it_comes_back_when_it_is_wanted_again_at_once_or_later(practising):
    await practising.practice.connect()
    await remove_all(practising)
    assert not practising.practice.connected
    await practising.practice.connect()
    assert practising.practice.connected
