"""The API in front of a house with one WhatsApp number, and people with tokens."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.channels.contract import EVERYWHERE, Address, Sender
from bot.clock import SystemClock
from bot.ids import new_id
from bot.records.accounts import Connection
from bot.records.meeting import Meeting, meet
from bot.records.windows import Heard, open_windows
from inbox.api.routes import ROUTES
from inbox.gate import HOUSE, add_headers, add_routes, errors
from inbox.house import House
from inbox.people import FIRST_TEAM, Agent, Role, ensure_first_team
from inbox.sessions import create_token
from tests.inbox.builders import a_conversation, an_agent

PHONE = "573001112233"


@pytest.fixture
async def api(house) -> AsyncIterator["Api"]:
    app = web.Application(middlewares=[errors])
    app[HOUSE] = house
    app.on_response_prepare.append(add_headers)
    add_routes(app, ROUTES)
    async with TestClient(TestServer(app)) as client:
        yield Api(client, house)


class Api:
    """Asks as somebody. `await api.get(owner, "/contacts", q="ana")` answers status and JSON."""

    def __init__(self, client: TestClient, house: House) -> None:
        self.client, self.house = client, house
        self._tokens: dict[str, str] = {}

    async def token(self, agent: Agent) -> str:
        if agent.id not in self._tokens:
            self._tokens[agent.id] = await create_token(
                self.house.db, agent, name="test", now=self.house.clock.now()
            )
        return self._tokens[agent.id]

    async def ask(self, method: str, agent: Agent | None, path: str, **more: Any) -> aiohttp.ClientResponse:
        headers = dict(more.pop("headers", {}))
        if agent:
            headers["Authorization"] = f"Bearer {await self.token(agent)}"
        return await self.client.request(method, "/api/v1" + path, headers=headers, **more)

    async def call(self, method: str, agent: Agent | None, path: str, **more: Any) -> tuple[int, Any]:
        answer = await self.ask(method, agent, path, **more)
        return answer.status, await answer.json()

    async def get(self, agent: Agent, path: str, **params: Any) -> tuple[int, Any]:
        return await self.call("GET", agent, path, params=params)

    async def pages(self, agent: Agent, path: str, **params: Any) -> list[Any]:
        """The items of all pages, one after another."""
        found: list[Any] = []
        asked = dict(params)
        while True:
            _, body = await self.get(agent, path, **asked)
            found += body["items"]
            if body["next"] is None:
                return found
            assert len(body["items"]) == params["limit"]
            asked["cursor"] = body["next"]

    async def post(self, agent: Agent, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        return await self.call("POST", agent, path, json=body, **more)


@pytest.fixture
async def team(store):
    return await ensure_first_team(store, name="Sales", now=SystemClock().now())


@pytest.fixture
async def owner(store, team) -> Agent:
    return await an_agent(store, "Olga", role=str(Role.OWNER))


@pytest.fixture
async def masked(store, team) -> Agent:
    return await an_agent(store, "Milo", numbers="masked")


@pytest.fixture
async def number(house, team):
    """A connected WhatsApp number."""
    connection = Connection(
        kind="whatsapp",
        external_id="106540352242922",
        scope="2042",
        name="Sales",
        team=FIRST_TEAM,
        secrets={"access_token": "t", "app_secret": "s", "verify_token": "v"},
        api_url="http://127.0.0.1:1/v26.0",
        options={"business_account_id": "2042"},
    )
    return await house.accounts.connect(connection, now=house.clock.now())


@pytest.fixture
async def ana(house, number) -> dict[str, Any]:
    """Somebody who wrote five minutes ago, with her conversation: `contact`, `identity`, `conversation`."""
    now = house.clock.now()
    heard_at = now - timedelta(minutes=5)
    sender = Sender((Address("phone", EVERYWHERE, PHONE),), name="Ana Rojas")
    (met,) = await meet(house.db, [Meeting(sender, number.id)], now=now)
    await open_windows(house.db, [Heard(number.id, met.identity, met.contact["_id"], heard_at, "wamid.1")])
    conversation = await a_conversation(
        house.db,
        contact=met.contact["_id"],
        name="Ana Rojas",
        account=number.id,
        accounts=[number.id],
        identity=met.identity,
        at=heard_at,
        created_at=heard_at,
        waiting_since=heard_at,
        window_closes_at=heard_at + timedelta(hours=24),
        unread=1,
        last={"id": new_id(), "text": "Hola", "type": "text", "kind": None, "direction": "in", "at": heard_at},
    )
    return {"contact": met.contact["_id"], "identity": met.identity, "conversation": conversation["_id"]}
