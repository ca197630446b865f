"""A browser without a screen: it has a session's cookie, and posts with the page's own secret."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bot.clock import SystemClock
from bot.store.database import Database
from inbox import people, sessions
from inbox.gate import COOKIE

AT_ONCE_SECONDS = 2.0
CSRF = re.compile(r'<meta name="csrf" content="([^"]+)">')


class Browser:
    def __init__(self, http: aiohttp.ClientSession, home: str) -> None:
        self.http, self.home = http, home
        self._csrf = ""

    async def load(self, path: str, expect: int = 200) -> str:
        """A page's HTML."""
        async with self.http.get(self.home + path) as answer:
            text = await answer.text()
            assert answer.status == expect, (answer.status, text[:500])
            return text

    async def post(self, path: str, **form: Any) -> tuple[int, Any]:
        """As a script of the page posts: status, and the JSON that came back, if any."""
        if not self._csrf:
            found = CSRF.search(await self.load("/settings/profile"))
            assert found is not None
            self._csrf = found[1]
        headers = {"Accept": "application/json", "X-CSRF-Token": self._csrf}
        async with self.http.post(self.home + path, data=form, headers=headers, allow_redirects=False) as answer:
            body = await answer.read()
            return answer.status, await answer.json() if answer.content_type == "application/json" else body.decode()

    async def done(self, path: str, **form: Any) -> Any:
        status, body = await self.post(path, **form)
        assert status in (200, 201, 204), (status, body)
        return body

    def live(self) -> Any:
        """The WebSocket of an open page, to be used with `async with`."""
        return self.http.ws_connect(f"{self.home}/live", origin=self.home, autoclose=False)


async def farewell(page: aiohttp.ClientWebSocketResponse, *, seconds: float = AT_ONCE_SECONDS) -> int:
    """The code with which the server ends this page, whatever news come before."""
    async with asyncio.timeout(seconds):
        while (message := await page.receive()).type is not aiohttp.WSMsgType.CLOSE:
            assert message.type is aiohttp.WSMsgType.TEXT, message
    return int(message.data)


@asynccontextmanager
async def signed_in(db: Database, home: str, name: str) -> AsyncIterator[Browser]:
    """Somebody as `Office.hire` made them, at a browser of their own. `home` is any of the site's addresses."""
    agent = await people.find_agent_by_email(db, f"{name.lower()}@sol.example")
    assert agent is not None
    now = SystemClock().now()
    token = await sessions.open_session(db, agent, now=now, ip="127.0.0.1", agent_string="test")
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookies={COOKIE: token}, cookie_jar=jar) as http:
        yield Browser(http, home)
