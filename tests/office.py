"""A whole company for a test: Bandeja with everything running, the platforms played beside it, people who sign in."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bot.config import Data, Journal, MongoDB, Server, Settings
from bot.config import Sandbox as SandboxSection
from bot.records import templates
from bot.records.accounts import Connection
from bot.sandbox.server import Sandbox, instant_config
from bot.sandbox.world.acts import Act
from inbox import people, sessions
from inbox.house import House
from inbox.people import FIRST_TEAM, Agent, Role
from inbox.serving import Parts, running
from tests.waiting import wait_for

PASSWORD = "una clave muy larga"  # noqa: S105


@dataclass
class Office:
    house: House
    address: str
    sandbox: Sandbox
    http: aiohttp.ClientSession
    tokens: dict[str, str] = field(default_factory=dict)

    async def hire(self, name: str, role: Role = Role.AGENT, **more: Any) -> Agent:
        """Somebody with a password and a token for the API."""
        house, now = self.house, self.house.clock.now()
        email = f"{name.lower()}@sol.example"
        agent = await people.add_agent(house.db, email=email, name=name, role=role, password=PASSWORD, now=now)
        if more:
            agent = await people.change_agent(house.db, agent.id, more)
        self.tokens[name] = await sessions.create_token(house.db, agent, name="test", now=now)
        return agent

    def says(self, channel: str, person: str, what: Act | str, **more: Any) -> str:
        """A customer writes; comes back at once with the platform's id."""
        if self.sandbox.world.people.find(person) is None:
            self.sandbox.world.people.add(a_person(person))
        return self.sandbox.say(channel, person, what, **more)

    async def api(self, agent: str, method: str, path: str, expect: int = 200, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.tokens[agent]}"} | options.pop("headers", {})
        async with self.http.request(method, f"{self.address}/api/v1{path}", headers=headers, **options) as answer:
            body = await answer.json(content_type=None) if answer.content_length != 0 else None
            assert answer.status == expect, (answer.status, body)
            return body

    async def conversation(self, **wanted: Any) -> dict[str, Any]:
        """Waits until there is one like this and all that came in has been applied, and gives the newest."""
        db = self.house.db

        async def find() -> dict[str, Any] | None:
            found = await db["conversations"].find_one(wanted, sort=[("at", -1)])
            return None if await db["journal"].find_one({"state": "new"}, {"_id": 1}) else found

        return dict(await wait_for(find, seconds=15))

    async def message(self, **wanted: Any) -> dict[str, Any]:
        async def find() -> dict[str, Any] | None:
            return await self.house.db["messages"].find_one(wanted, sort=[("at", -1), ("_id", -1)])

        return dict(await wait_for(find, seconds=15))


def a_person(name: str) -> Any:
    from bot.sandbox.world.people import Person

    digits = str(3_000_000_000 + sum(ord(letter) * 7919**place for place, letter in enumerate(name)) % 999_999_999)
    return Person(id=name, name=name, phone=f"57{digits}")


def office_settings(folder: Path, address: str, database: str) -> Settings:
    return Settings(
        server=Server(port=0),
        mongodb=MongoDB(uri=address, database=database),
        data=Data(directory=folder, reserve_mb=1),
        journal=Journal(),
        sandbox=SandboxSection(port=0),
    )


@asynccontextmanager
async def open_office(
    settings: Settings, *, kinds: Iterable[str] = ("whatsapp", "messenger"), parts: Parts | None = None, **config: Any
) -> AsyncIterator[Office]:
    """Telegram only where it is asked for: its library takes seconds to load."""
    async with running(settings, parts or Parts(web=True, worker=True)) as (house, address):
        sandbox = Sandbox(instant_config(**config), hook_base=address)
        async with sandbox.serve(), aiohttp.ClientSession() as http:
            for one in sandbox.credentials():
                if one.kind in kinds:
                    await connect(house, one, address)
            yield Office(house, address, sandbox, http)


async def connect(house: House, one: Any, address: str) -> None:
    options = dict(one.options) | ({"mode": "webhook"} if one.kind == "telegram" else {})
    account = await house.accounts.connect(
        Connection(
            kind=one.kind,
            external_id=one.external_id,
            scope=one.scope,
            name=one.name,
            team=FIRST_TEAM,
            secrets=one.secrets,
            api_url=one.api_url,
            options=options,
        ),
        now=house.clock.now(),
    )
    channel, opened = house.channels[one.kind], house.accounts.open(account)
    path = f"/hooks/{one.kind}" + (f"/{account.hook_key}" if channel.limits.hook_per_account else "")
    await channel.subscribe(opened, address + path)
    scope = account.template_scope
    await templates.sync(house.db, channel, opened, scope=scope, now=house.clock.now())
