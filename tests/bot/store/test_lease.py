import asyncio
import sys

import pytest

from bot.clock import SystemClock
from bot.store.lease import Leases
from tests.waiting import wait_for


@pytest.fixture
def leases(store) -> Leases:
    """Short-lived, so that no test waits for seconds."""
    return Leases(store, SystemClock(), life_seconds=0.6, renew_seconds=0.1, look_seconds=0.05)


async def hold_for_ever(leases: Leases, name: str, holds: list) -> None:
    async with leases.hold(name) as hold:
        holds.append(hold)
        await asyncio.Event().wait()


async def test_only_one_holds_at_a_time(leases):
    inside, most = 0, 0

    async def work():
        nonlocal inside, most
        async with leases.hold("work") as hold:
            inside += 1
            most = max(most, inside)
            assert hold.is_valid()
            await asyncio.sleep(0.01)
            inside -= 1
            return hold.epoch

    epochs = await asyncio.gather(*(work() for _ in range(6)))
    assert most == 1
    assert sorted(epochs) == [1, 2, 3, 4, 5, 6]


async def test_different_names_do_not_wait_for_each_other(leases):
    async with leases.hold("a"), asyncio.timeout(2), leases.hold("b") as hold:
        assert hold.is_valid()


async def test_it_is_renewed_for_as_long_as_it_is_held(leases, store):
    async with leases.hold("work") as hold:
        first = (await store["leases"].find_one({"_id": "work"}))["until"]
        await wait_for(lambda: store["leases"].find_one({"_id": "work", "until": {"$gt": first}}))
        async with asyncio.timeout(2):
            await asyncio.sleep(1)
        assert hold.is_valid()


async def test_given_back_lease_is_free_at_once(leases):
    async with leases.hold("work"):
        pass
    async with asyncio.timeout(0.3), leases.hold("work") as hold:
        assert hold.epoch == 2


async def test_holder_that_is_frozen_is_replaced_and_knows_it(leases, store):
    """Its renewals stop, as in a process that was stopped or cut off."""
    old: list = []
    frozen = Leases(store, SystemClock(), life_seconds=0.6, renew_seconds=60)
    holding = asyncio.ensure_future(hold_for_ever(frozen, "work", old))
    await wait_for(lambda: old)
    async with asyncio.timeout(2), leases.hold("work") as new:
        assert not old[0].is_valid()
        assert old[0].lost.is_set()
        assert new.epoch == old[0].epoch + 1
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)
        assert new.is_valid(), "the old holder must not give back what is not its own"
        assert await store["leases"].find_one({"_id": "work", "epoch": new.epoch, "holder": {"$ne": None}})


async def test_holder_never_trusts_its_lease_as_long_as_others_respect_it(leases, store):
    frozen = Leases(store, SystemClock(), life_seconds=0.6, renew_seconds=60)
    async with frozen.hold("work") as hold:
        await wait_for(lambda: not hold.is_valid())
        assert await store["leases"].find_one({"_id": "work", "$expr": {"$gt": ["$until", "$$NOW"]}})


async def test_lease_taken_by_somebody_else_is_noticed_at_the_next_renewal(leases, store):
    async with leases.hold("work") as hold:
        await store["leases"].update_one({"_id": "work"}, {"$set": {"holder": "another"}, "$inc": {"epoch": 1}})
        async with asyncio.timeout(2):
            await hold.lost.wait()
        assert not hold.is_valid()
    assert (await store["leases"].find_one({"_id": "work"}))["holder"] == "another"


HOLDER = """
import asyncio, sys
from bot.clock import SystemClock
from bot.config import MongoDB, Settings
from bot.store.database import open_database
from bot.store.lease import Leases

async def main():
    async with open_database(Settings(mongodb=MongoDB(uri=sys.argv[1], database=sys.argv[2]))) as database:
        async with Leases(database, SystemClock()).hold("work") as hold:
            sys.stdout.write(f"{hold.epoch}\\n")
            sys.stdout.flush()
            await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_killed_process_is_replaced_within_ten_seconds(store, address):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, address, store.handle.name, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    epoch = int(await process.stdout.readline())
    process.kill()
    await process.wait()
    async with asyncio.timeout(10), Leases(store, SystemClock()).hold("work") as hold:
        assert hold.epoch == epoch + 1
