"""One inbound message: from when its webhook is posted until it is painted on another agent's screen."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from random import Random

import aiohttp
from playwright.async_api import Browser, Page

from benchmarks import volley
from benchmarks.bodies import Author
from benchmarks.browser import Seen, look, open_browser, open_page, wait_for
from benchmarks.company import Desk, greet, hire, share_out
from benchmarks.figures import Result, median, percentile
from benchmarks.place import Place, open_place
from benchmarks.programs import Program, running
from bot.tasks import spawn

BAR_IDLE, BAR_LOADED = 150.0, 500.0
COUNT, PAUSE_SECONDS = 60, (0.5, 0.8)
AGENTS, CONVERSATIONS = 50, 2000
RATE, LOADED_SECONDS = 200.0, 40.0
# By then the load has been on for so long that everything has its pace.
SETTLE_SECONDS = 5.0
THREAD, LIST, BARE = "flow", "rows", "bare"
Sent = Mapping[str, tuple[float, float]]


async def run(*, count: int = COUNT, seconds: float = LOADED_SECONDS) -> Result:
    result = Result("screen")
    async with open_place() as place, place.sandbox() as sandbox, open_browser() as browser:
        result.load = place.load
        place.connect(sandbox.told["accounts"])
        author = Author(sandbox.told["accounts"][0])
        async with place.bandeja("serve") as bandeja:
            desks = await hire(place, AGENTS)
            conversations = await greet(place, bandeja, author, CONVERSATIONS)
            await share_out(place, desks, conversations)
            stage = Stage(place, bandeja, author, desks, conversations)
            async with place.bare("screen", BARE_SECRET=author.secret) as bare:
                await _idle(result, stage, browser, bare, count)
            await _loaded(result, stage, browser, seconds)
    return result


class Stage:
    """The first agent watches the first conversation; its person is the one who writes what is looked for."""

    def __init__(
        self, place: Place, bandeja: Program, author: Author, desks: Sequence[Desk], conversations: Sequence[str]
    ) -> None:
        self.place, self.bandeja, self.author = place, bandeja, author
        self.desks, self.conversations = desks, conversations
        self.dice = Random(7)
        self.person = 0

    async def find_person(self) -> None:
        """Which customer it is whose conversation comes first."""
        contact = (await self.place.db["conversations"].find_one({"_id": self.conversations[0]})) or {}
        found = await self.place.db["contacts"].find_one({"_id": contact["contact"]}) or {}
        self.person = int(found["name"].split()[-1])

    @asynccontextmanager
    async def page(self, browser: Browser) -> AsyncIterator[Page]:
        url = f"{self.bandeja.address}/inbox/{self.conversations[0]}"
        async with open_page(browser, url, cookie=self.desks[0].cookie) as page:
            yield page

    async def post(self, session: aiohttp.ClientSession, address: str, word: str) -> tuple[float, float]:
        """When it was posted, and when it was acknowledged."""
        body = self.author.write(self.person, f"¿Todavía está disponible? {word}")
        headers = {
            "Content-Type": "application/json",
            "X-Hub-Signature-256": f"sha256={self.author.sign(body)}",
        }
        began = time.time()
        async with session.post(address + volley.HOOK, data=body, headers=headers) as answer:
            answer.raise_for_status()
        return began, time.time()

    async def pause(self) -> None:
        await asyncio.sleep(self.dice.uniform(*PAUSE_SECONDS))


async def _idle(result: Result, stage: Stage, browser: Browser, bare: Program, count: int) -> None:
    await stage.find_person()
    async with (
        stage.page(browser) as page,
        open_page(browser, bare.address + "/") as bare_page,
        aiohttp.ClientSession() as session,
    ):
        sent: dict[str, dict[str, tuple[float, float]]] = {BARE: {}, THREAD: {}}
        for number in range(count):
            word = f"zq{number}"
            sent[BARE][word] = await stage.post(session, bare.address, word)
            await wait_for(bare_page, BARE, word)
            await stage.pause()
            sent[THREAD][word] = await stage.post(session, stage.bandeja.address, word)
            await wait_for(page, THREAD, word)
            await stage.pause()
        seen, seen_bare = await look(page), await look(bare_page)
    slow = {place: _slow(sent[THREAD], seen, place) for place in (THREAD, LIST)}
    _tell(result, "idle", slow, BAR_IDLE, bare=_slow(sent[BARE], seen_bare, BARE))
    for hop, milliseconds in (await _hops(stage.place, sent[THREAD], seen)).items():
        result.add(f"idle, hop: {hop}, p50", milliseconds, "ms")


async def _loaded(result: Result, stage: Stage, browser: Browser, seconds: float) -> None:
    """Everybody's customers write while 49 more agents have their pages open."""
    people = (stage.dice.randrange(CONVERSATIONS) for _ in range(int(RATE * seconds)))
    bodies = volley.write(stage.place.folder, stage.author, people)
    sent: dict[str, tuple[float, float]] = {}
    async with (
        stage.page(browser) as page,
        _agents(stage) as agents,
        aiohttp.ClientSession() as session,
    ):
        posting = spawn(
            volley.pace(stage.bandeja.address, bodies, rate=RATE, seconds=seconds), name="the others' customers"
        )
        began, number = time.monotonic() + SETTLE_SECONDS, 0
        await asyncio.sleep(SETTLE_SECONDS)
        while time.monotonic() < began + seconds - 2 * SETTLE_SECONDS:
            word, number = f"zq{9000 + number}", number + 1
            sent[word] = await stage.post(session, stage.bandeja.address, word)
            await stage.pause()
        found = await posting
        await wait_for(page, THREAD, list(sent)[-1])
        seen = await look(page)
    _tell(result, f"{RATE:g}/s and {AGENTS} agents", {THREAD: _slow(sent, seen, THREAD)}, BAR_LOADED)
    told = json.loads(agents.said)
    result.samples["agents"] = told
    result.notes.append(
        f"Under load: {found.rate:.0f} webhooks/s acknowledged, p99 {found.p99:.0f} ms; the other {AGENTS - 1} agents "
        f"heard {told['nudges']} nudges and asked {told['asked']}, {told['failed']} of them in vain; "
        + ", ".join(f"{what} p95 {times['p95']:.0f} ms" for what, times in told["slow"].items())
        + "."
    )


@asynccontextmanager
async def _agents(stage: Stage) -> AsyncIterator[Program]:
    desks = [
        {"headers": desk.headers, "open": stage.conversations[number]}
        for number, desk in enumerate(stage.desks)
        if number
    ]
    wanted = json.dumps({"address": stage.bandeja.address, "desks": desks})
    async with running(["-m", "benchmarks.agents", wanted], log=stage.place.log, port=0, ready="") as program:
        yield program


def _slow(sent: Sent, seen: Seen, place: str) -> list[float]:
    """Milliseconds from post to paint. What was replaced before it could be painted has no time of its own."""
    return [(seen.painted[place, word] - at) * 1000 for word, (at, _) in sent.items() if (place, word) in seen.painted]


async def _hops(place: Place, sent: Sent, seen: Seen) -> dict[str, float]:
    """Where the time goes: milliseconds from each mark to the next, medians. Applied is counted from the post."""
    found: dict[str, list[float]] = {}
    for word, (posted, acknowledged) in sent.items():
        if (THREAD, word) not in seen.painted:
            continue
        marks = [("post → acknowledged", acknowledged), *_marks(seen, posted, seen.painted[THREAD, word])]
        for (_, start), (name, at) in pairwise([("", posted), *marks]):
            found.setdefault(name, []).append(at - start)
        if applied := await _applied_at(place, word):
            found.setdefault("post → applied", []).append(applied - posted)
    return {name: median(values) * 1000 for name, values in found.items()}


async def _applied_at(place: Place, word: str) -> float | None:
    """Of the message that says this word."""
    message = await place.db["messages"].find_one({"words": word}, {"arrived_at": 1})
    entry = await place.db["journal"].find_one({"at": message["arrived_at"]}) if message else None
    return entry["applied_at"].timestamp() if entry and entry.get("applied_at") else None


def _marks(seen: Seen, posted: float, painted: float) -> list[tuple[str, float]]:
    """What the page did between."""
    heard = min((at for at in seen.heard if at > posted), default=posted)
    asked = (one for one in seen.fetched if "/changes" in one[0] and one[1] >= heard and one[2] <= painted)
    _, began, ended = next(asked, ("", heard, heard))
    return [("→ nudge heard in the page", heard), ("→ asked", began), ("→ answered", ended), ("→ painted", painted)]


def _tell(
    result: Result, when: str, slow: Mapping[str, list[float]], bar: float, *, bare: Sequence[float] = ()
) -> None:
    names = {THREAD: "in the open thread", LIST: "in the list"}
    for place, values in slow.items():
        for share in (0.5, 0.95):
            value = percentile(values, share)
            more = {"bar": f"≤ {bar:g} ms", "met": value <= bar} if share == 0.95 else {}
            limit = percentile(bare, share) if bare else None
            result.add(f"{when}: {names[place]}, p{share * 100:g}", value, "ms", bare=limit, **more)
        result.samples[f"{when}: {names[place]}"] = [round(value, 1) for value in values]
    result.notes.append(f"{when}: {', '.join(f'{len(values)} {names[place]}' for place, values in slow.items())}.")
