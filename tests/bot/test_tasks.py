import asyncio
from contextlib import suppress

import pytest

from bot.tasks import Services, Worker, spawn, stop, wait_for_event
from tests.waiting import wait_for


class Part:
    def __init__(self, name: str, said: list[str], *, broken: str = "") -> None:
        self.name, self.said, self.broken = name, said, broken

    async def start(self) -> None:
        self.said.append(f"start {self.name}")
        if self.broken == "start":
            raise RuntimeError("no")

    async def stop(self) -> None:
        self.said.append(f"stop {self.name}")
        if self.broken == "stop":
            raise RuntimeError("no")


async def test_task_nobody_keeps_still_runs_and_its_failure_is_reported(caplog):
    async def fail():
        await asyncio.sleep(0)
        raise ValueError("why")

    spawn(fail(), name="lonely")
    await wait_for(lambda: "task failed" in caplog.text)
    assert "lonely" in caplog.text


async def test_stop_waits_for_the_end_even_when_a_cancellation_was_lost():
    ended = False

    async def deaf_once():
        nonlocal ended
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        try:
            await asyncio.sleep(60)
        finally:
            ended = True

    task = spawn(deaf_once(), name="deaf")
    await asyncio.sleep(0)
    await stop(task, again_seconds=0.02)
    assert ended


async def test_services_start_in_order_and_stop_in_reverse():
    said: list[str] = []
    async with Services(Part("a", said), Part("b", said)):
        said.append("work")
    assert said == ["start a", "start b", "work", "stop b", "stop a"]


async def test_service_that_does_not_start_stops_those_before_it():
    said: list[str] = []
    with pytest.raises(RuntimeError):
        async with Services(Part("a", said), Part("b", said, broken="start"), Part("c", said)):
            said.append("work")
    assert said == ["start a", "start b", "stop b", "stop a"]


async def test_service_that_does_not_stop_cleanly_keeps_no_other_from_stopping():
    said: list[str] = []
    async with Services(Part("a", said), Part("b", said, broken="stop")):
        pass
    assert said[-2:] == ["stop b", "stop a"]


async def test_worker_that_fails_begins_again():
    runs = 0

    async def work(stopping: asyncio.Event) -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise ValueError
        await stopping.wait()

    worker = Worker(work, name="stubborn", pause_seconds=0.01)
    await worker.start()
    await wait_for(lambda: runs == 3)
    await worker.stop()
    assert runs == 3


async def test_worker_is_let_finish_before_it_is_cancelled():
    finished = False

    async def work(stopping: asyncio.Event) -> None:
        nonlocal finished
        await stopping.wait()
        await asyncio.sleep(0.02)
        finished = True

    worker = Worker(work, name="careful")
    await worker.start()
    await asyncio.sleep(0)
    await worker.stop()
    assert finished


async def test_worker_that_does_not_finish_is_cancelled():
    cancelled = False

    async def work(stopping: asyncio.Event) -> None:
        nonlocal cancelled
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled = True
            raise

    worker = Worker(work, name="deaf", drain_seconds=0.02)
    await worker.start()
    await asyncio.sleep(0)
    await worker.stop()
    assert cancelled


async def test_event_cuts_a_sleep_short():
    event = asyncio.Event()
    assert not await wait_for_event(event, seconds=0.01)
    asyncio.get_running_loop().call_later(0.01, event.set)
    async with asyncio.timeout(5):
        assert await wait_for_event(event, seconds=60)
