import asyncio
import time

import pytest

from bot.channels.contract import Limits
from bot.delivery.pacing import Grant, Pacing
from tests.waiting import wait_for


def limits(per_second: float = 10, per_person_seconds: float = 6, person_burst: int = 2) -> Limits:
    return Limits(
        text=4096, caption=1024, buttons=3, button_title=20, media_bytes={}, mimes={},
        per_second=per_second, per_person_seconds=per_person_seconds, person_burst=person_burst,
    )  # fmt: skip


@pytest.fixture
def pacing(store, clock):
    return Pacing(store, clock)


async def test_a_full_bucket_gives_one_second_of_sends_and_then_says_when(pacing):
    grant = await pacing.take("a", limits(10), 25)
    assert grant.count == 10
    assert 0.05 < grant.wait_seconds <= 0.11


async def test_many_who_take_at_once_never_get_more_than_the_rate(pacing, store, clock):
    other = Pacing(store, clock)
    began = time.monotonic()
    granted = 0
    while time.monotonic() - began < 1:
        grants = await asyncio.gather(*(who.take("a", limits(50), 20) for who in (pacing, other, pacing, other)))
        granted += sum(grant.count for grant in grants)
    allowed = 50 + 50 * (time.monotonic() - began)
    assert allowed - 6 <= granted <= allowed + 1


async def test_one_account_does_not_wait_for_another(pacing):
    await pacing.take("a", limits(10), 10)
    assert (await pacing.take("b", limits(10), 10)).count == 10


async def test_bulk_leaves_what_replies_may_need(pacing):
    assert (await pacing.take("a", limits(10), 10, leave=4)).count == 6
    assert (await pacing.take("a", limits(10), 10, leave=4)).count == 0
    assert (await pacing.take("a", limits(10), 4)).count == 4


async def test_too_fast_blocks_the_account_for_everybody_and_halves_its_rate_once(pacing, store, clock):
    await asyncio.gather(*(pacing.slow_down("a", limits(10), seconds=3) for _ in range(5)))
    grant = await Pacing(store, clock).take("a", limits(10), 1)
    assert grant.count == 0
    assert 2 < grant.wait_seconds <= 3
    assert (await store["pace"].find_one({"_id": "account:a"}))["rate"] == pytest.approx(5, abs=0.2)


async def test_a_shorter_pause_does_not_lift_a_longer_one(pacing):
    await pacing.slow_down("a", limits(10), seconds=60)
    await pacing.slow_down("a", limits(10), seconds=1)
    assert (await pacing.take("a", limits(10), 1)).wait_seconds > 50


async def test_the_rate_comes_back_slowly(pacing, store):
    await pacing.slow_down("a", limits(10), seconds=0)
    hour = 3600_000
    aged = {"at": {"$subtract": ["$at", hour]}, "blocked_until": None}
    await store["pace"].update_one({"_id": "account:a"}, [{"$set": aged}])
    await pacing.take("a", limits(10), 1)
    assert (await store["pace"].find_one({"_id": "account:a"}))["rate"] == 10


async def test_a_person_gets_a_burst_and_then_waits(pacing, clock):
    pair = limits(per_person_seconds=6, person_burst=2)
    for _ in range(2):
        assert pacing.wait_for_person("a", "ana", pair) == 0
        pacing.spend_on_person("a", "ana", pair)
    assert pacing.wait_for_person("a", "ana", pair) == 6
    assert pacing.wait_for_person("a", "luis", pair) == 0
    await clock.pass_by(seconds=4)
    assert pacing.wait_for_person("a", "ana", pair) == pytest.approx(2)
    await clock.pass_by(seconds=2)
    assert pacing.wait_for_person("a", "ana", pair) == 0


async def test_a_reply_takes_from_what_is_in_hand_and_that_was_taken_before(pacing, store):
    assert (await pacing.take_at_once("a", limits(50), 1)).count == 1

    async def refilled():
        bucket = await store["pace"].find_one({"_id": "account:a"})
        return bucket["granted"] == 5

    await wait_for(refilled)
    before = await store["pace"].find_one({"_id": "account:a"})
    assert (await pacing.take_at_once("a", limits(50), 2)) == Grant(2, 0)
    assert (await store["pace"].find_one({"_id": "account:a"}))["at"] == before["at"]


async def test_what_is_in_hand_adds_nothing_to_the_rate(pacing):
    granted, began = 0, time.monotonic()
    while time.monotonic() - began < 1:
        granted += (await pacing.take_at_once("a", limits(50), 3)).count
    allowed = 50 + 50 * (time.monotonic() - began)
    assert granted <= allowed + 6


async def test_after_too_fast_nothing_is_in_hand(pacing):
    await pacing.take_at_once("a", limits(50), 1)
    await pacing.slow_down("a", limits(50), seconds=5)
    assert (await pacing.take_at_once("a", limits(50), 1)).count == 0
