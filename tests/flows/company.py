"""A whole company in several processes, with a proxy before its sites, and the traffic of a busy day."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from bson import ObjectId

from bot.config import Settings
from bot.sandbox.server import Sandbox, instant_config
from bot.sandbox.world.company import DEFAULT_PLANS, Plan
from inbox.people import Role
from inbox.wiring import open_house
from tests.flows.programs import Place, Program
from tests.flows.town import ARRIVED
from tests.office import Office, connect
from tests.waiting import wait_for

NAMES = ("worker1", "web1", "worker2", "web2")
LEASES = ("journal", "sender")
NORTH = Plan("whatsapp", "Sede norte", phone="576015550177")


class Proxy:
    """What stands before several sites: each request goes to the next one, and 502 says that it was not there."""

    def __init__(self, sites: list[str]) -> None:
        self._turns = itertools.cycle(sites)
        self.address = ""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=9)) as http:

            async def pass_on(request: web.Request) -> web.Response:
                headers = {key: value for key, value in request.headers.items() if key.lower() != "host"}
                url, body = next(self._turns) + request.path_qs, await request.read()
                try:
                    async with http.request(request.method, url, data=body, headers=headers) as answer:
                        return web.Response(status=answer.status, body=await answer.read())
                except (aiohttp.ClientError, TimeoutError):
                    return web.Response(status=502)

            app = web.Application(client_max_size=5 * 2**20)
            app.router.add_route("*", "/{path:.*}", pass_on)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
            try:
                yield self.address
            finally:
                await runner.cleanup()


@dataclass
class Company(Office):
    """An office that runs elsewhere: here is only what looks on."""

    programs: dict[str, Program] = field(default_factory=dict)

    @property
    def sites(self) -> list[str]:
        return [self.programs["web1"].address, self.programs["web2"].address]

    async def ask(self, site: str, method: str, path: str, **options: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.tokens['Marta']}"} | options.pop("headers", {})
        async with self.http.request(method, f"{site}/api/v1{path}", headers=headers, **options) as answer:
            return answer.status, await answer.json()

    async def is_at_work(self) -> bool:
        return all([(await self.lease(name))["epoch"] for name in LEASES])

    async def lease(self, name: str) -> dict[str, Any]:
        return await self.house.db["leases"].find_one({"_id": name}) or {"epoch": 0}


@asynccontextmanager
async def open_company(settings: Settings, folder: Path) -> AsyncIterator[Company]:
    """Two sites and two workers; worker1 is the one that works. Telegram and the northern number are not connected."""
    env = {
        "BANDEJA_MONGODB__URI": settings.mongodb.uri,
        "BANDEJA_MONGODB__DATABASE": settings.mongodb.database,
        "BANDEJA_DATA__DIRECTORY": str(settings.data.directory),
        "BANDEJA_DATA__RESERVE_MB": "1",
        "BANDEJA_SANDBOX__PORT": "0",
    }
    programs = {name: Program(Place(folder, env), name) for name in NAMES}
    proxy = Proxy([programs["web1"].address, programs["web2"].address])
    async with open_house(settings) as house, AsyncExitStack() as stack:
        stack.push_async_callback(stop_all, programs.values())
        await asyncio.gather(*(programs[name].start() for name in ("worker1", "web1", "web2")))
        base = await stack.enter_async_context(proxy.open())
        sandbox = Sandbox(instant_config(hook_connections=8, accounts=(*DEFAULT_PLANS, NORTH)), hook_base=base)
        await stack.enter_async_context(sandbox.serve())
        http = await stack.enter_async_context(aiohttp.ClientSession())
        company = Company(house, base, sandbox, http, programs=programs)
        await wait_for(company.is_at_work, seconds=30)
        await programs["worker2"].start()
        for one in sandbox.credentials():
            if one.kind != "telegram" and one.name != NORTH.name:
                await connect(house, one, base)
        await company.hire("Marta", Role.OWNER)
        yield company


async def stop_all(programs: Iterable[Program]) -> None:
    codes = await asyncio.gather(*(program.stop() for program in programs))
    assert {program.name: code for program, code in zip(programs, codes, strict=True) if code} == {}


class Traffic:
    """Customers who write and agents who answer, wherever they get through, until they are told to stop."""

    def __init__(self, company: Company, people: int = 10) -> None:
        self._company = company
        self._people = [f"Persona {ObjectId()}" for _ in range(people)]
        self._stopping = asyncio.Event()
        self._numbers = itertools.count()
        self._dice = random.Random(7)
        self.said: list[str] = []
        self.answered: dict[str, str] = {}
        self.unsure: list[str] = []

    async def go_on(self) -> None:
        await asyncio.gather(self._write(), self._answer(0), self._answer(1))

    def stop(self) -> None:
        self._stopping.set()

    async def _write(self) -> None:
        while not self._stopping.is_set():
            kind = self._dice.choice(("whatsapp", "messenger"))
            person = self._dice.choice(self._people)
            self.said.append(self._company.says(kind, f"{person} {kind}", f"Mensaje {next(self._numbers)}"))
            await asyncio.sleep(0.03)

    async def _answer(self, turn: int) -> None:
        while not self._stopping.is_set():
            open_ones = {"open": True, "name": {"$regex": "^Persona"}, "last.direction": "in"}
            found = await self._company.house.db["conversations"].find(open_ones).to_list(20)
            if found:
                await self._answer_one(self._dice.choice(found)["_id"], self._company.sites[turn])
            turn = 1 - turn
            await asyncio.sleep(0.05)

    async def _answer_one(self, conversation: str, site: str) -> None:
        text = f"Respuesta {next(self._numbers)}"
        path = f"/conversations/{conversation}/messages"
        try:
            status, sent = await self._company.ask(site, "POST", path, json={"text": text})
        except aiohttp.ClientError:
            self.unsure.append(text)
            return
        if status == 202:
            self.answered[sent["id"]] = text
        elif status == 503:
            self.unsure.append(text)
        else:
            assert sent["error"]["code"] == "window_closed", sent

    async def rises_by(self, said: int, answered: int) -> None:
        enough_said, enough_answered = len(self.said) + said, len(self.answered) + answered
        await wait_for(lambda: len(self.said) >= enough_said, seconds=30)
        await wait_for(lambda: len(self.answered) >= enough_answered, seconds=30)


async def everything_is_there_once(company: Company, traffic: Traffic, *, seconds: float = 30) -> None:
    """`seconds` is how long the platforms may take until they have come back with what they could not deliver."""
    db = company.house.db
    await company.sandbox.settle(seconds=seconds)
    accepted = Counter(entry.text for entry in company.sandbox.world.ledger.entries)

    async def is_quiet() -> bool:
        """What was taken is applied, what was put is sent, and what is uncertain was never accepted."""
        if await db["journal"].count_documents({"state": "new"}):
            return False
        if await db["outbox"].count_documents({"state": {"$ne": "settling"}}):
            return False
        accepted.update(Counter(entry.text for entry in company.sandbox.world.ledger.entries) - accepted)
        unsure = await db["messages"].find({"status": "uncertain"}, {"text": 1}).to_list()
        return not any(accepted[one["text"]] for one in unsure)

    await wait_for(is_quiet, seconds=40)
    stored = await db["messages"].find({"platform_id": {"$in": traffic.said}}).to_list()
    assert sorted(one["platform_id"] for one in stored) == sorted(traffic.said)
    conversations = {one["_id"]: one async for one in db["conversations"].find({"name": {"$regex": "^Persona"}})}
    assert {one["conversation"] for one in stored} == set(conversations)
    assert len({one["contact"] for one in conversations.values()}) == len(conversations)
    assert await db["aside"].count_documents({}) == 0
    outcomes = {one["_id"]: one async for one in db["messages"].find({"_id": {"$in": list(traffic.answered)}})}
    assert set(outcomes) == set(traffic.answered)
    for message, text in traffic.answered.items():
        went = outcomes[message]["status"] in ARRIVED
        assert went or outcomes[message]["status"] == "uncertain", outcomes[message]["error"]
        assert accepted[text] == (1 if went else 0), text
    for text in traffic.unsure:
        assert accepted[text] <= 1
    assert company.sandbox.world.ledger.doubled() == []
