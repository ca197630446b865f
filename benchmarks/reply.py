"""One reply: from when an agent presses enter until its request reaches the platform, on an idle machine."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import aiohttp

from benchmarks.company import Desk, hire, write_in
from benchmarks.figures import Result, median, percentile
from benchmarks.meters import mean_hops, read_hops
from benchmarks.place import Place, open_place
from benchmarks.programs import Program, until

BAR = 25.0
COUNT, PORTION, PAUSE_SECONDS = 200, 25, 0.06
PEOPLE = 100
BARE, PAGE = "bare", "page"
Send = Callable[[int], Awaitable[tuple[str, float, float]]]


async def run(*, count: int = COUNT) -> Result:
    result = Result("reply")
    async with open_place() as place:
        result.load = place.load
        async with place.sandbox(timed=True) as sandbox:
            place.connect(sandbox.told["accounts"])
            async with place.bandeja("serve") as bandeja:
                await point(sandbox, bandeja)
                await _measure(result, place, sandbox, bandeja, count)
    return result


async def point(sandbox: Program, bandeja: Program) -> None:
    """From now on the sandbox's people are heard by Bandeja."""
    async with aiohttp.ClientSession() as session:
        await session.post(f"{sandbox.address}/hooks", json={"address": bandeja.address})


async def _measure(result: Result, place: Place, sandbox: Program, bandeja: Program, count: int) -> None:
    account = sandbox.told["accounts"][0]
    desk = (await hire(place, 1))[0]
    await write_in(place, sandbox, PEOPLE, [account["external_id"]])
    token, api = account["secrets"]["access_token"], f"{account['api_url']}/{account['external_id']}/messages"
    bare = place.bare("replier", api, BARE_TOKEN=token)
    async with aiohttp.ClientSession() as session, bare as replier:
        sends: dict[str, Send] = {
            PAGE: Page(session, bandeja, desk, await _conversations(place)).send,
            BARE: Bare(session, replier).send,
        }
        before = await read_hops(bandeja)
        sent = await _in_turn(sends, count)
        hops = mean_hops(before, await read_hops(bandeja))
        arrivals = await _arrivals(session, sandbox, sum(map(len, sent.values())))
    _tell(result, sent, arrivals, hops)


async def _in_turn(sends: dict[str, Send], count: int) -> dict[str, list[tuple[str, float, float]]]:
    """The first few of each only warm up."""
    sent: dict[str, list[tuple[str, float, float]]] = {name: [] for name in sends}
    for number in range(10):
        for send in sends.values():
            await send(number)
    for start in range(0, count, PORTION):
        for name, send in sends.items():
            for number in range(start, min(start + PORTION, count)):
                await asyncio.sleep(PAUSE_SECONDS)
                sent[name].append(await send(number))
    return sent


async def _conversations(place: Place) -> list[dict[str, Any]]:
    shown = {"account": 1, "identity": 1, "last": 1}
    found: list[dict[str, Any]] = await place.db["conversations"].find({}, shown).sort("_id", 1).to_list()
    return found


class Page:
    """Posts as the composer does: session, form, what was last on the screen."""

    def __init__(
        self, session: aiohttp.ClientSession, bandeja: Program, desk: Desk, conversations: Sequence[dict[str, Any]]
    ) -> None:
        self._session, self._address, self._desk, self._conversations = session, bandeja.address, desk, conversations

    async def send(self, number: int) -> tuple[str, float, float]:
        """The message's id, when enter was pressed, and when the page was answered."""
        conversation = self._conversations[number % len(self._conversations)]
        form = {
            "text": f"Sí, con gusto. Abrimos hasta las seis. {number}",
            "client_key": f"{time.time_ns()}",
            "account": conversation["account"],
            "identity": conversation["identity"],
            "last_seen": conversation["last"]["id"],
        }
        headers = {**self._desk.headers, "Accept": "application/json"}
        url, pressed = f"{self._address}/inbox/{conversation['_id']}/reply", time.time()
        async with self._session.post(url, data=form, headers=headers) as answer:
            told = await answer.json()
            return told["message"], pressed, time.time()


class Bare:
    def __init__(self, session: aiohttp.ClientSession, replier: Program) -> None:
        self._session, self._address = session, replier.address

    async def send(self, number: int) -> tuple[str, float, float]:
        body = {"to": f"57320{number % PEOPLE:07d}", "text": f"Sí, con gusto. Abrimos hasta las seis. {number}"}
        pressed = time.time()
        async with self._session.post(f"{self._address}/reply", json=body) as answer:
            return (await answer.json())["message"], pressed, time.time()


async def _arrivals(session: aiohttp.ClientSession, sandbox: Program, count: int) -> dict[str, float]:
    """When each request reached the sandbox, by message."""

    async def have_come() -> dict[str, float] | None:
        async with session.get(f"{sandbox.address}/arrivals") as answer:
            found: dict[str, float] = await answer.json()
        return found if len(found) >= count else None

    found = await until(have_come, "every reply at the sandbox", seconds=60, every=0.2)
    return found or {}


def _tell(
    result: Result,
    sent: dict[str, list[tuple[str, float, float]]],
    arrivals: dict[str, float],
    hops: dict[str, float],
) -> None:
    slow = {
        name: [(arrivals[message] - pressed) * 1000 for message, pressed, _ in told] for name, told in sent.items()
    }
    for share in (0.5, 0.95, 0.99):
        value, bare = (percentile(slow[name], share) for name in (PAGE, BARE))
        bar = {"bar": f"≤ {BAR:g} ms", "met": value <= BAR} if share == 0.95 else {}
        result.add(f"enter → at the platform, p{share * 100:g}", value, "ms", bare=bare, **bar)
    answered = [(at - pressed) * 1000 for _, pressed, at in sent[PAGE]]
    result.add("enter → page answered, p50", median(answered), "ms")
    for hop, milliseconds in hops.items():
        result.add(f"hop: {hop}, mean", milliseconds, "ms")
    result.samples = {name: [round(each, 2) for each in values] for name, values in slow.items()}
    result.notes.append(
        f"{len(slow[PAGE])} replies each, in turns of {PORTION}, to {PEOPLE} people. The bare limit takes a request, "
        "stores the message journalled and posts it. Hops `leave` (put until it leaves) holds `wait`, `read`, `intent`."
    )
