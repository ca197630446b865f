import asyncio

import pytest

from bot.clock import SystemClock
from bot.timers import Timers
from tests.waiting import wait_for


@pytest.fixture
async def timers():
    timers = Timers(SystemClock())
    yield timers
    await timers.stop()


async def test_look_comes_at_once_and_then_again_and_again(timers):
    looks = []

    async def look():
        looks.append(1)

    timers.every(0.05, look, name="look")
    await timers.start()
    await wait_for(lambda: len(looks) >= 3)


async def test_look_never_runs_twice_at_once(timers):
    inside, most, looks = 0, 0, 0

    async def look():
        nonlocal inside, most, looks
        inside, looks = inside + 1, looks + 1
        most = max(most, inside)
        await asyncio.sleep(0.1)
        inside -= 1

    timers.every(0.02, look, name="slow")
    await timers.start()
    await wait_for(lambda: looks >= 2)
    assert most == 1


async def test_look_that_fails_comes_again(timers, caplog):
    looks = []

    async def look():
        looks.append(1)
        raise ValueError

    timers.every(0.02, look, name="broken")
    await timers.start()
    await wait_for(lambda: len(looks) >= 2)
    assert "look failed" in caplog.text


async def test_stop_lets_a_look_finish(timers):
    began, finished = asyncio.Event(), False

    async def look():
        nonlocal finished
        began.set()
        await asyncio.sleep(0.1)
        finished = True

    timers.every(60, look, name="look")
    await timers.start()
    await began.wait()
    await timers.stop()
    assert finished


async def test_two_looks_of_one_name_are_refused(timers):
    async def look():
        return None

    timers.every(60, look, name="look")
    await timers.start()
    with pytest.raises(KeyError, match="look"):
        timers.every(60, look, name="look")
