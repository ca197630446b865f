"""The rate of webhooks that can be held: all of it applied, the journal never more than a second behind."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from benchmarks import volley
from benchmarks.bare import applier
from benchmarks.bodies import Author
from benchmarks.figures import Result
from benchmarks.place import Place, open_place
from benchmarks.programs import Failed, Program, until
from benchmarks.volley import Volley
from bot.store.database import Database
from bot.tasks import spawn, stop

BAR_RATE, BAR_P99, BAR_LAG = 1500.0, 50.0, 1.0
SECONDS, STEP_SECONDS = 60.0, 10.0
FIRST, GROWTH, BACK = 1500.0, 1.25, 0.9
PEOPLE = 20_000
LOOK_SECONDS, SETTLE_SECONDS, BARE_SECONDS = 0.1, 120.0, 5.0


@dataclass(frozen=True, slots=True)
class Trial:
    """`lag` is the most seconds that anything stood in the journal unapplied."""

    rate: float
    volley: Volley
    lag: float

    @property
    def held(self) -> bool:
        kept_up = self.volley.rate > 0.98 * self.rate
        return kept_up and not self.volley.refused and self.volley.p99 <= BAR_P99 and self.lag <= BAR_LAG

    def told(self) -> str:
        return f"{self.rate:.0f}/s: ack p99 {self.volley.p99:.1f} ms, lag {self.lag:.2f} s"


async def run(*, seconds: float = SECONDS, rate: float = 0.0) -> Result:
    """`rate` is tried alone; without it the highest is searched for in short steps and then held for `seconds`."""
    result = Result("sustained")
    trials: list[Trial] = []
    async with open_place() as place, place.sandbox() as sandbox:
        result.load = place.load
        place.connect(sandbox.told["accounts"])
        author = Author(sandbox.told["accounts"][0])
        async with place.bandeja("serve") as program:
            await _warm_up(place, program, author)
            wanted = rate or await _search(place, program, author, trials)
            best = await _hold(place, program, author, wanted, seconds, trials, once=bool(rate))
            await _verify(place, author, trials)
        bare = await applier.rate(Database(place.client, "bare"), seconds=BARE_SECONDS)
    _tell(result, best, bare, trials, seconds)
    return result


async def _warm_up(place: Place, program: Program, author: Author) -> None:
    await _try(place, program, author, rate=300, seconds=5)


async def _search(place: Place, program: Program, author: Author, trials: list[Trial]) -> float:
    """The highest of growing steps that was held for a moment."""
    rate = FIRST
    while True:
        trials.append(await _try(place, program, author, rate=rate, seconds=STEP_SECONDS))
        if not trials[-1].held:
            return rate / GROWTH if rate > FIRST else rate
        rate *= GROWTH


async def _hold(
    place: Place, program: Program, author: Author, rate: float, seconds: float, trials: list[Trial], *, once: bool
) -> Trial:
    """For the whole time; a little slower each time that is too much."""
    while True:
        trials.append(await _try(place, program, author, rate=rate, seconds=seconds))
        if trials[-1].held or once or rate < BAR_RATE / 3:
            return trials[-1]
        rate *= BACK


async def _try(place: Place, program: Program, author: Author, *, rate: float, seconds: float) -> Trial:
    """People write at random, one in three of them for the first time at the beginning, later all are known."""
    dice = Random(author.made)
    people = (dice.randrange(PEOPLE) for _ in range(int(rate * seconds)))
    bodies = volley.write(place.folder, author, people)
    watch = Watch(place)
    watching = spawn(watch.look(), name="watch the journal")
    found = await volley.pace(program.address, bodies, rate=rate, seconds=seconds)
    await until(watch.is_applied, "applying", seconds=SETTLE_SECONDS, every=LOOK_SECONDS)
    await stop(watching)
    return Trial(rate, found, watch.lag)


class Watch:
    """How old the oldest entry of the journal is that was not applied yet."""

    def __init__(self, place: Place) -> None:
        self._journal = place.db["journal"]
        self.lag = 0.0

    async def look(self) -> None:
        while True:
            await self.is_applied()
            await asyncio.sleep(LOOK_SECONDS)

    async def is_applied(self) -> bool:
        oldest = await self._journal.find_one({"state": "new"}, {"at": 1}, sort=[("_id", 1)])
        if oldest is not None:
            self.lag = max(self.lag, (datetime.fromtimestamp(time.time(), UTC) - oldest["at"]).total_seconds())
        return oldest is None


async def _verify(place: Place, author: Author, trials: list[Trial]) -> None:
    """Every acknowledged message is a message, once, in a conversation of its person."""
    messages = await place.db["messages"].count_documents({"conversation": {"$type": "string"}})
    people = await place.db["contacts"].count_documents({})
    conversations = await place.db["conversations"].count_documents({"open": True})
    told = sum(trial.volley.acknowledged for trial in trials)
    if messages != author.made or people != conversations or told > messages:
        raise Failed(
            f"{author.made} were sent, {messages} stand in conversations; {people} people have {conversations}."
        )


def _tell(result: Result, best: Trial, bare: float, trials: list[Trial], seconds: float) -> None:
    held, enough = best.rate if best.held else 0.0, best.held and best.rate >= BAR_RATE
    result.add(f"held for {seconds:g} s", held, "/s", bare=bare, bar=f"≥ {BAR_RATE:g}/s", met=enough)
    result.add("acknowledgement p50", best.volley.p50, "ms")
    result.add("acknowledgement p99", best.volley.p99, "ms", bar=f"≤ {BAR_P99:g} ms", met=best.volley.p99 <= BAR_P99)
    result.add("journal behind, most", best.lag, "s", bar=f"≤ {BAR_LAG:g} s", met=best.lag <= BAR_LAG)
    result.samples = {"trials": [trial.told() for trial in trials]}
    result.notes.append("Tried: " + "; ".join(trial.told() for trial in trials))
    result.notes.append(
        f"{volley.CONNECTIONS} connections, one message each, from {PEOPLE:,} people at random; times count from when "
        "each was due. Every message sent stands in the one open conversation of its person. The bare limit writes the "
        "same three documents with the same indexes, 200 at a time, and neither receives, reads nor decides anything."
    )
