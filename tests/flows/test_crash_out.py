"""Senders are killed and frozen in the middle of sending: nobody gets anything twice, and nothing is forgotten."""

import asyncio
import os
import random
import signal
import sys
from collections import Counter

import aiohttp
import pytest
from aiohttp import web

from bot.channels import Channels
from bot.clock import SystemClock
from bot.content import Text
from bot.delivery.lanes import Bell
from bot.delivery.outbox import Outbox
from bot.delivery.situations import Ways
from bot.ids import AccountId, ContactId, IdentityId, new_id
from bot.records import marks
from bot.records.accounts import Accounts, Connection
from bot.records.marks import Mark
from bot.records.outgoing import Author, Draft
from bot.store.secrets import Vault
from bot.tasks import spawn
from tests.flows.sending import LIFE_SECONDS
from tests.waiting import wait_for

ANN = Author("agent", "ann", "Ann")
PERSONS = 40
NOW = SystemClock().now


class Platform:
    """Counts what arrives, and takes its time, so that there is always something in flight."""

    def __init__(self) -> None:
        self.url = ""
        self.arrived: Counter[str] = Counter()

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.arrived[body["biz_opaque_callback_data"]] += 1
        await asyncio.sleep(random.uniform(0.02, 0.15))
        ids = [{"id": f"wamid.{body['biz_opaque_callback_data']}"}]
        return web.json_response({"messaging_product": "whatsapp", "messages": ids})

    async def hears(self, more: int) -> None:
        enough = self.arrived.total() + more
        await wait_for(lambda: self.arrived.total() >= enough, seconds=20)


@pytest.fixture
async def platform():
    played = Platform()
    app = web.Application()
    app.router.add_post("/{path:.*}", played.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    played.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v26.0"
    yield played
    await runner.cleanup()


class Agents:
    """Puts messages, and knows in the end what became of each."""

    def __init__(self, db, outbox: Outbox, account: str) -> None:
        self.db, self.outbox, self.account = db, outbox, account
        self.people: list[tuple[str, str]] = []

    async def meet(self, count: int) -> None:
        for number in range(count):
            contact, identity = new_id(), new_id()
            value = f"CO.{number}"
            await self.db["identities"].insert_one(
                {
                    "_id": identity, "kind": "whatsapp", "scope": "portfolio", "value": value, "reach": value,
                    "contact": contact, "current": True, "reachable": True, "gone": None,
                }
            )  # fmt: skip
            window = {"identity": identity, "heard_at": NOW()}
            await self.db["windows"].insert_one({"_id": f"{self.account}:{identity}", **window})
            self.people.append((contact, identity))

    async def put(self, per_person: int) -> None:
        for number in range(per_person):
            for contact, identity in self.people:
                draft = Draft(
                    AccountId(self.account), ContactId(contact), IdentityId(identity), Text(text=f"{number}"), ANN
                )
                await self.outbox.put(draft, now=NOW())

    async def is_done(self) -> bool:
        return not await self.db["outbox"].count_documents({"state": {"$ne": "settling"}})

    async def is_settled(self) -> bool:
        """What is left in the outbox is what nobody knows, and nothing else."""
        left = {row["_id"] async for row in self.db["outbox"].find()}
        return left == (await self.by_status()).get("uncertain", set())

    async def by_status(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        async for message in self.db["messages"].find({}, {"status": 1}):
            found.setdefault(message["status"], set()).add(message["_id"])
        return found


@pytest.fixture
async def agents(store, platform):
    accounts = Accounts(store, Vault(bytes(32)))
    secrets = {"access_token": "a" * 30, "app_secret": "b" * 30}
    connection = Connection("whatsapp", "1001", "portfolio", "Sales", "team", secrets, api_url=platform.url)
    account = await accounts.connect(connection, now=NOW())
    async with aiohttp.ClientSession() as session:
        yield Agents(store, Outbox(store, Ways(store, accounts, Channels(session)), Bell(store)), account.id)


class Senders:
    """Processes that send, of which one at a time may."""

    def __init__(self, directory: str, database: str) -> None:
        self._place = (directory, database)
        self.processes: list[asyncio.subprocess.Process] = []

    async def start(self) -> None:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.flows.sending", *self._place, stderr=asyncio.subprocess.DEVNULL
        )
        self.processes.append(child)

    async def kill(self, child: asyncio.subprocess.Process) -> None:
        child.kill()
        await child.wait()
        self.processes.remove(child)

    async def stop(self) -> None:
        for child in list(self.processes):
            os.kill(child.pid, signal.SIGCONT)
            await self.kill(child)


@pytest.fixture
async def senders(settings):
    started = Senders(str(settings.data.directory), settings.mongodb.database)
    yield started
    await started.stop()


async def tally(agents: Agents, platform: Platform) -> dict[str, set[str]]:
    """Nobody twice, and everybody accounted for: sent, or said to be uncertain."""
    await wait_for(agents.is_settled, seconds=10)
    by_status = await agents.by_status()
    assert not {message: count for message, count in platform.arrived.items() if count > 1}
    assert set(by_status) <= {"sent", "uncertain"}
    assert by_status.get("sent", set()) <= set(platform.arrived)
    return by_status


@pytest.mark.parametrize("kills", [3, pytest.param(25, marks=pytest.mark.torture)])
async def test_senders_are_killed_and_nobody_hears_anything_twice(agents, platform, senders, kills):
    await agents.meet(PERSONS)
    await agents.put(3)
    await senders.start()
    for _ in range(kills):
        await senders.start()
        hearing = spawn(platform.hears(15), name="hears")
        await agents.put(1)
        await hearing
        await senders.kill(senders.processes[0])
    await wait_for(agents.is_done, seconds=60)
    by_status = await tally(agents, platform)
    assert sum(map(len, by_status.values())) == PERSONS * (3 + kills)
    # At most one of each person was in flight at each kill.
    assert len(by_status.get("uncertain", ())) <= PERSONS * kills


async def test_another_process_takes_over_soon(agents, platform, senders):
    await agents.meet(5)
    await senders.start()
    await agents.put(1)
    await wait_for(lambda: len(platform.arrived) == 5, seconds=20)
    await senders.start()
    await senders.kill(senders.processes[0])
    began = asyncio.get_running_loop().time()
    await agents.put(1)
    await wait_for(lambda: len(platform.arrived) == 10, seconds=20)
    assert asyncio.get_running_loop().time() - began < LIFE_SECONDS + 4
    await wait_for(agents.is_done)
    await tally(agents, platform)


async def test_a_sender_that_was_frozen_wakes_and_sends_nothing_twice(agents, platform, senders):
    await agents.meet(PERSONS)
    await agents.put(4)
    await senders.start()
    await platform.hears(20)
    frozen = senders.processes[0]
    os.kill(frozen.pid, signal.SIGSTOP)
    await senders.start()
    await platform.hears(20)
    os.kill(frozen.pid, signal.SIGCONT)
    await wait_for(agents.is_done, seconds=60)
    await tally(agents, platform)


async def test_what_was_in_flight_is_settled_by_the_platforms_own_word(agents, platform, senders):
    await agents.meet(5)
    await agents.put(1)
    await senders.start()
    await wait_for(lambda: platform.arrived, seconds=20)
    await senders.kill(senders.processes[0])
    await senders.start()
    await wait_for(agents.is_done, seconds=20)
    uncertain = (await tally(agents, platform)).get("uncertain", set())
    told = [
        Mark("climbed", agents.account, "", f"wamid.{message}", NOW(), {"status": "delivered"}, callback=message)
        for message in uncertain & set(platform.arrived)
    ]
    await marks.apply(agents.db, told)
    by_status = await agents.by_status()
    assert by_status.get("delivered", set()) == {mark.callback for mark in told}
    assert await agents.db["outbox"].count_documents({}) == len(uncertain - set(platform.arrived))
