"""The pages in front of a house, and people at browsers who are signed in there."""

from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestClient

from inbox.gate import COOKIE, ERROR_PAGE, HOUSE, add_headers, add_routes, errors
from inbox.house import House
from inbox.people import Agent
from inbox.sessions import find_session, open_session
from inbox.web import static_files
from inbox.web.answers import RENDERER, error_page
from inbox.web.render import Renderer
from inbox.web.routes import ROUTES


def build_site(house: House, renderer: Renderer) -> web.Application:
    app = web.Application(middlewares=[errors])
    app[HOUSE], app[RENDERER], app[ERROR_PAGE] = house, renderer, error_page
    app.on_response_prepare.append(add_headers)
    app.router.add_get("/static/{version}/{path:.+}", static_files.show)
    add_routes(app, ROUTES)
    return app


class Site:
    """`await site.get(agent, "/contacts")` answers the response, read to its end; `agent` None is a stranger."""

    def __init__(self, client: TestClient, house: House) -> None:
        self.client, self.house = client, house
        self._cookies: dict[str, tuple[str, str]] = {}

    async def sign_in(self, agent: Agent) -> tuple[str, str]:
        """The session's cookie, and the secret that its forms carry."""
        if agent.id not in self._cookies:
            now = self.house.clock.now()
            token = await open_session(self.house.db, agent, now=now, ip="", agent_string="")
            session = await find_session(self.house.db, token, now=now)
            assert session is not None
            self._cookies[agent.id] = (token, session.csrf)
        return self._cookies[agent.id]

    async def ask(self, method: str, agent: Agent | None, path: str, **more: Any) -> aiohttp.ClientResponse:
        headers = dict(more.pop("headers", {}))
        if agent:
            token, csrf = await self.sign_in(agent)
            headers = {"Cookie": f"{COOKIE}={token}", "X-CSRF-Token": csrf} | headers
        return await self.client.request(method, path, headers=headers, allow_redirects=False, **more)

    async def get(self, agent: Agent | None, path: str, **more: Any) -> aiohttp.ClientResponse:
        return await self.ask("GET", agent, path, **more)

    async def post(self, agent: Agent | None, path: str, **form: Any) -> aiohttp.ClientResponse:
        return await self.ask("POST", agent, path, data=form)

    async def text(self, agent: Agent, path: str) -> str:
        answer = await self.get(agent, path)
        assert answer.status == 200, await answer.text()
        return await answer.text()
