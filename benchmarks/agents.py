"""Agents at their pages, without the pages: each holds its WebSocket and fetches what the page's scripts would.

The paces are those of `list.js`, `thread.js` and `inbox.js`. A program of its own; at the end it says what it asked.
"""

import asyncio
import json
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import click
import orjson
import uvloop

from benchmarks.figures import summary
from bot.tasks import spawn, stop

# list.js: VIEWS_EVERY, AT_ONCE, the shortest pause between two questions; thread.js: ASK_EXTRA, LOOK_EVERY.
VIEWS_SECONDS, AT_ONCE, PAUSE_SECONDS = 2.0, 60, 0.06
ASK_EXTRA, LOOK_SECONDS, FIRST_PAGE = 25, 25.0, 40
LIST = "tab=mine&status=open&sort=newest"


@dataclass(slots=True)
class Tally:
    asked: Counter[str] = field(default_factory=Counter)
    slow: dict[str, list[float]] = field(default_factory=dict)
    failed: int = 0
    nudges: int = 0

    def told(self) -> dict[str, Any]:
        return {
            "asked": dict(self.asked),
            "failed": self.failed,
            "nudges": self.nudges,
            "slow": {what: summary(values) for what, values in self.slow.items()},
        }


class Agent:
    def __init__(self, session: aiohttp.ClientSession, address: str, desk: dict[str, Any], tally: Tally) -> None:
        self._session, self._address, self._tally = session, address, tally
        self._headers, self._open = desk["headers"], desk["open"]
        self._waiting: set[str] = set()
        self._news, self._views, self._thread = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._whole = False

    async def work(self) -> None:
        async with self._session.ws_connect(f"{self._address}/live", headers=self._headers) as socket:
            loops = (self._rows, self._figures, self._changes)
            tasks = [spawn(each(), name="agent") for each in loops]
            tasks.append(spawn(self._look(socket), name="agent looks"))
            try:
                async for message in socket:
                    self._hear(json.loads(message.data).get("items", ()))
            finally:
                for task in tasks:
                    await stop(task)

    def _hear(self, items: list[dict[str, Any]]) -> None:
        self._tally.nudges += bool(items)
        about = {item["conversation"] for item in items if item.get("conversation")}
        self._waiting |= about
        self._whole = self._whole or any(item["what"] == "reload" for item in items) or len(self._waiting) > AT_ONCE
        if about or self._whole:
            self._news.set()
        if any(item["what"] != "presence" for item in items):
            self._views.set()
        if any(item.get("conversation") == self._open and item["what"] != "presence" for item in items):
            self._thread.set()

    async def _rows(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            began = time.perf_counter()
            only = "" if self._whole else f"&only={','.join(self._waiting)}"
            self._waiting, self._whole = set(), False
            await self._ask("rows", f"/ui/rows?{LIST}{only or f'&limit={FIRST_PAGE}'}")
            await asyncio.sleep(max(PAUSE_SECONDS, time.perf_counter() - began))

    async def _figures(self) -> None:
        while True:
            await self._views.wait()
            self._views.clear()
            await self._ask("views", f"/ui/views?{LIST}")
            await asyncio.sleep(VIEWS_SECONDS)

    async def _changes(self) -> None:
        """What the open conversation has new, and that it was seen."""
        while True:
            await self._thread.wait()
            self._thread.clear()
            await self._ask("changes", f"/ui/conversations/{self._open}/changes?limit={ASK_EXTRA + FIRST_PAGE}&route=")
            await self._ask("read", f"/inbox/{self._open}/read", method="POST")

    async def _look(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            await socket.send_json({"looking": self._open})
            await asyncio.sleep(LOOK_SECONDS)

    async def _ask(self, what: str, path: str, *, method: str = "GET") -> None:
        began = time.perf_counter()
        self._tally.asked[what] += 1
        async with self._session.request(method, self._address + path, headers=self._headers) as answer:
            await answer.read()
            self._tally.failed += answer.status >= 400
        self._tally.slow.setdefault(what, []).append(time.perf_counter() - began)


async def serve(wanted: dict[str, Any]) -> None:
    tally, stopped = Tally(), asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stopped.set)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        working = [
            spawn(Agent(session, wanted["address"], desk, tally).work(), name="agent") for desk in wanted["desks"]
        ]
        click.echo(json.dumps({"agents": len(working)}))
        await stopped.wait()
        for task in working:
            await stop(task)
    click.echo(orjson.dumps(tally.told()).decode())


def main() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(json.loads(sys.argv[1])))


if __name__ == "__main__":
    main()
