import asyncio
import dataclasses

import pytest

from bot.delivery.signals import Signals
from tests.waiting import wait_for


@pytest.fixture
async def signals(shop):
    made = Signals(shop.db, shop.accounts, {"whatsapp": shop.channel}, shop.clock)
    yield made
    await made.stop()


@pytest.fixture
def conversation(shop, ana):
    return {"account": shop.account, "identity": ana.identity}


async def settled(shop, kinds: list[str]) -> None:
    await wait_for(lambda: [signal.kind for signal in shop.channel.signals] == kinds)


async def test_what_an_agent_looks_at_is_marked_as_read_once(shop, ana, signals, conversation):
    for _ in range(3):
        signals.read(conversation)
    await settled(shop, ["read"])
    assert shop.channel.signals[0].target == "wamid.in"
    assert shop.channel.signals[0].to[0].value == f"CO.{ana.identity}"
    await shop.db["windows"].update_one({}, {"$set": {"last_in": "wamid.newer"}})
    signals.read(conversation)
    await settled(shop, ["read", "read"])


async def test_two_processes_mark_it_once_together(shop, signals, conversation):
    other = Signals(shop.db, shop.accounts, {"whatsapp": shop.channel}, shop.clock)
    for which in (signals, other, signals, other):
        which.read(conversation)
    await settled(shop, ["read"])
    await asyncio.gather(signals.stop(), other.stop())
    assert len(shop.channel.signals) == 1


async def test_typing_is_told_every_few_seconds_however_many_keys_are_pressed(shop, signals, conversation):
    for _ in range(20):
        signals.typing(conversation)
    await settled(shop, ["typing"])
    await shop.clock.pass_by(seconds=5)
    signals.typing(conversation)
    await settled(shop, ["typing", "typing"])


async def test_a_channel_that_cannot_is_not_asked(shop, signals, conversation):
    shop.channel.limits = dataclasses.replace(shop.channel.limits, can_mark_read=False)
    signals.read(conversation)
    signals.typing(conversation)
    await settled(shop, ["typing"])


async def test_a_broken_account_is_left_alone(shop, signals, conversation):
    await shop.accounts.mark_broken(shop.account, {"code": "190", "message": "Token"})
    signals.read(conversation)
    await shop.accounts.mend(shop.account)
    await shop.db["windows"].update_one({}, {"$set": {"last_in": "wamid.newer"}})
    signals.read(conversation)
    await wait_for(lambda: shop.channel.signals)
    assert [signal.target for signal in shop.channel.signals] == ["wamid.newer"]


async def test_a_conversation_without_a_channel_has_nothing_to_tell(shop, signals, conversation):
    signals.read({"account": None, "identity": None})
    signals.typing({})
    signals.read(conversation)
    await settled(shop, ["read"])
