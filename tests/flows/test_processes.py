"""Two sites and two workers on one MongoDB: together they are one Bandeja, also when any of them is killed."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from bson import ObjectId

from bot.sandbox.server import Sandbox, instant_config
from bot.sandbox.world.company import DEFAULT_PLANS, Plan
from bot.sandbox.world.trouble import Faults
from bot.tasks import spawn
from inbox.people import Role
from inbox.wiring import open_house
from tests.flows.browsing import signed_in
from tests.flows.posting import poster, text_of
from tests.flows.programs import Place, Program
from tests.flows.town import ARRIVED
from tests.office import Office, connect, office_settings
from tests.waiting import wait_for

NAMES = ("worker1", "web1", "worker2", "web2")
TAKEN_OVER_SECONDS = 10.0
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

    async def lease(self, name: str) -> dict[str, Any]:
        return await self.house.db["leases"].find_one({"_id": name}) or {"epoch": 0}


@pytest.fixture(scope="module")
async def company(server, address, tmp_path_factory):
    settings = office_settings(tmp_path_factory.mktemp("company"), address, f"processes_{ObjectId()}")
    env = {
        "BANDEJA_MONGODB__URI": address,
        "BANDEJA_MONGODB__DATABASE": settings.mongodb.database,
        "BANDEJA_DATA__DIRECTORY": str(settings.data.directory),
        "BANDEJA_SANDBOX__PORT": "0",
    }
    place = Place(tmp_path_factory.mktemp("run"), env)
    programs = {name: Program(place, name) for name in NAMES}
    proxy = Proxy([programs["web1"].address, programs["web2"].address])
    async with open_house(settings) as house, AsyncExitStack() as stack:
        stack.push_async_callback(stop_all, programs.values())
        await programs["worker1"].start()
        await asyncio.gather(programs["web1"].start(), programs["web2"].start())
        base = await stack.enter_async_context(proxy.open())
        sandbox = Sandbox(instant_config(hook_connections=8, accounts=(*DEFAULT_PLANS, NORTH)), hook_base=base)
        await stack.enter_async_context(sandbox.serve())
        http = await stack.enter_async_context(aiohttp.ClientSession())
        company = Company(house, base, sandbox, http, programs=programs)
        # So that the first to be killed is the one that works.
        await wait_for(lambda: _works(company), seconds=30)
        await programs["worker2"].start()
        for one in sandbox.credentials():
            if one.kind != "telegram" and one.name != NORTH.name:
                await connect(house, one, base)
        await company.hire("Marta", Role.OWNER)
        yield company
    await server.client.drop_database(settings.mongodb.database)


async def stop_all(programs: Iterable[Program]) -> None:
    codes = await asyncio.gather(*(program.stop() for program in programs))
    assert {program.name: code for program, code in zip(programs, codes, strict=True) if code} == {}


async def _works(company: Company) -> bool:
    return all([(await company.lease(name))["epoch"] for name in ("journal", "sender")])


async def test_webhooks_over_both_sites_and_answers_by_either_are_one_story(company):
    conversations = {}
    for kind in ("whatsapp", "messenger"):
        for number in range(4):
            for turn in range(3):
                company.says(kind, f"Ana {number} {kind}", f"Pregunta {turn}")
            conversations[f"Ana {number} {kind}"] = await company.conversation(name=f"Ana {number} {kind}", unread=3)
    for turn, (person, conversation) in enumerate(conversations.items()):
        path = f"/conversations/{conversation['_id']}/messages"
        status, sent = await company.ask(company.sites[turn % 2], "POST", path, json={"text": f"Para {person}"})
        assert status == 202
        await company.message(_id=sent["id"], status="read")
        seen = [await company.ask(site, "GET", path) for site in company.sites]
        assert seen[0] == seen[1]
        # What was written within one second came in by several doors at once: its order is nobody's promise.
        newest, *before = [item["text"] for item in seen[0][1]["items"]]
        assert (newest, sorted(before)) == (f"Para {person}", ["Pregunta 0", "Pregunta 1", "Pregunta 2"])
    assert company.sandbox.world.ledger.doubled() == []


async def test_the_same_webhook_at_both_sites_at_once_is_one_message(company):
    platform = poster(company.http, "", company.sandbox.credentials(), "whatsapp")
    messages = [text_of(f"Hola {number}", sender="573008880001") for number in range(20)]

    async def post(site: str, raw: bytes) -> int:
        headers = {"X-Hub-Signature-256": platform.signature(raw)}
        async with company.http.post(f"{site}/hooks/whatsapp", data=raw, headers=headers) as answer:
            return answer.status

    bodies = [platform.body(message) for message in messages]
    answers = await asyncio.gather(*(post(site, raw) for raw in bodies for site in company.sites * 2))
    assert set(answers) == {200}
    conversation = await company.conversation(name="573008880001", unread=20)
    assert await company.house.db["messages"].count_documents({"conversation": conversation["_id"]}) == 20


async def hears(page: aiohttp.ClientWebSocketResponse, conversation: str) -> None:
    """Comes back when this page is told of this conversation."""
    async with asyncio.timeout(10):
        async for message in page:
            if any(item.get("conversation") == conversation for item in message.json()["items"]):
                return
    raise AssertionError(f"the page was closed with {page.close_code}")


async def test_pages_of_both_sites_hear_what_happens_on_either(company):
    company.says("whatsapp", "Beto", "¿Hola?")
    conversation = (await company.conversation(name="Beto", unread=1))["_id"]
    path = f"/conversations/{conversation}"
    async with AsyncExitStack() as stack:
        browsers = [await stack.enter_async_context(signed_in(company.house.db, s, "Marta")) for s in company.sites]
        pages = [await stack.enter_async_context(browser.live()) for browser in browsers]
        company.says("whatsapp", "Beto", "¿Hay alguien?")
        for page in pages:
            await hears(page, conversation)
        await company.conversation(name="Beto", unread=2)
        for site in company.sites:
            assert (await company.ask(site, "POST", f"{path}/notes", json={"text": "La llamo yo"}))[0] == 201
            for page in pages:
                await hears(page, conversation)


async def test_a_session_revoked_at_one_site_closes_its_page_at_the_other(company):
    db, (here, there) = company.house.db, company.sites
    async with signed_in(db, here, "Marta") as mine, signed_in(db, there, "Marta") as other, other.live() as page:
        await mine.done("/settings/sessions/close", session="all")
        async with asyncio.timeout(2):
            async for _ in page:
                pass
        assert page.close_code == 4401


async def test_an_account_connected_at_one_site_is_known_at_the_other_and_to_the_workers(company):
    told = next(one for one in company.sandbox.credentials() if one.name == NORTH.name)
    platform = poster(company.http, company.sites[1], [told], "whatsapp")
    message = text_of("¿Ya abrieron?", sender="573008880002")
    raw = platform.body(message)
    async with signed_in(company.house.db, company.sites[0], "Marta") as browser:
        form = {"kind": told.kind, "name": told.name, "api_url": told.api_url, "phone_number_id": told.external_id}
        await browser.done("/settings/accounts", **form, **told.options, **told.secrets)
    assert await platform.post(raw) == 200
    came = await company.message(platform_id=message["id"])
    shown = [(await company.ask(site, "GET", "/accounts"))[1]["items"] for site in company.sites]
    assert [[one["id"] for one in items if one["name"] == NORTH.name] for items in shown] == [[came["account"]]] * 2


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
        else:
            assert sent["error"]["code"] == "window_closed", sent

    async def rises_by(self, said: int, answered: int) -> None:
        enough = (len(self.said) + said, len(self.answered) + answered)
        await wait_for(lambda: (len(self.said), len(self.answered)) >= enough, seconds=30)
        await wait_for(lambda: len(self.answered) >= enough[1], seconds=30)


async def test_each_of_the_four_is_killed_in_turn_and_nothing_is_lost_or_doubled(company):
    """A site goes while a worker's leases still lie with the dead."""
    company.sandbox.world.set_faults(Faults(duplicates=0.1, reordering=0.1, reorder_seconds=0.5))
    traffic = Traffic(company)
    going = spawn(traffic.go_on(), name="traffic")
    for worker, site in (("worker1", "web1"), ("worker2", "web2")):
        await traffic.rises_by(60, 20)
        taken_over = await kill_the_holder(company, worker)
        await company.programs[site].kill()
        await traffic.rises_by(20, 5)
        await company.programs[site].start()
        await taken_over
        await company.programs[worker].start()
    await traffic.rises_by(60, 20)
    traffic.stop()
    await going
    await everything_is_there_once(company, traffic)


async def kill_the_holder(company: Company, worker: str) -> asyncio.Task[Any]:
    """What it held is held by another within ten seconds, says the task."""
    before = {lease: (await company.lease(lease))["epoch"] for lease in ("journal", "sender")}
    await company.programs[worker].kill()

    async def is_held_by_another() -> bool:
        return all([(await company.lease(lease))["epoch"] > epoch for lease, epoch in before.items()])

    return spawn(wait_for(is_held_by_another, seconds=TAKEN_OVER_SECONDS), name="taken over")


async def everything_is_there_once(company: Company, traffic: Traffic) -> None:
    db = company.house.db
    await company.sandbox.settle(seconds=30)

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
