import asyncio
from datetime import UTC, timedelta

from bot.clock import SystemClock, to_milliseconds
from tests.clocks import START, StillClock


def test_now_is_aware_utc_and_has_whole_milliseconds():
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert now == to_milliseconds(now)


async def test_sleep_takes_its_time_and_monotonic_tells_it():
    clock = SystemClock()
    started = clock.monotonic()
    await clock.sleep(0.05)
    assert 0.04 < clock.monotonic() - started < 2


async def test_still_clock_wakes_sleepers_in_order_at_their_times():
    clock, woken = StillClock(), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.now() - START))

    tasks = [asyncio.ensure_future(sleeper(seconds)) for seconds in (30, 10, 90)]
    await clock.pass_by(minutes=1)
    assert woken == [(10, timedelta(seconds=10)), (30, timedelta(seconds=30))]
    assert clock.now() == START + timedelta(minutes=1)
    await clock.pass_by(minutes=1)
    await asyncio.gather(*tasks)
