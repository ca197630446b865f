"""A burst of webhooks, each acknowledged only when durable: Bandeja beside a bare receiver on the same database."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection

from benchmarks import machine, volley
from benchmarks.bodies import Author
from benchmarks.figures import Result, median
from benchmarks.place import Place, mongod_of, open_place
from benchmarks.programs import Failed, Program, until
from benchmarks.volley import Volley

BAR = 0.6
WARM_UP, SECONDS, ROUNDS = 3000, 6.0, 3
# More than any receiver takes in the time, so that the time decides.
MOST_A_SECOND = 17_000
PEOPLE = 20_000
DRAIN_SECONDS = 300.0
WEB, SERVE, BARE = "bandeja web", "bandeja serve", "bare receiver"


@dataclass(frozen=True, slots=True)
class Burst:
    """With microseconds of processor time for each request: in the receiving process, and in MongoDB."""

    volley: Volley
    cpu: float
    cpu_mongod: float


async def run(*, seconds: float = SECONDS, rounds: int = ROUNDS) -> Result:
    result = Result("ingest")
    bursts: dict[str, list[Burst]] = {WEB: [], BARE: [], SERVE: []}
    async with open_place() as place, place.sandbox() as sandbox:
        result.load = place.load
        accounts = sandbox.told["accounts"]
        place.connect(accounts)
        author = Author(accounts[0])
        for _ in range(rounds):
            for name in bursts:
                bursts[name].append(await _once(place, author, name, seconds))
        applied = await place.db["messages"].count_documents({})
    _tell(result, bursts, seconds)
    result.notes.append(f"Stored documents equal acknowledged requests in every round; {applied:,} became messages.")
    return result


async def _once(place: Place, author: Author, name: str, seconds: float) -> Burst:
    """A fresh process, warmed up, takes one burst; what it acknowledged must stand in the database, neither less nor
    more.
    """
    stored = place.database("bare")["bodies"] if name == BARE else place.db["journal"]
    async with _program(place, author, name) as program:
        await volley.flood(program.address, volley.write(place.folder, author, range(WARM_UP)), seconds=10)
        before = await stored.count_documents({})
        people = (number % PEOPLE for number in range(int(seconds * MOST_A_SECOND)))
        bodies = volley.write(place.folder, author, people)
        pids = ((program.pid,), mongod_of(place.data))
        used = [machine.cpu(each) for each in pids]
        found = await volley.flood(program.address, bodies, seconds=seconds)
        spent = [machine.cpu(each) - earlier for each, earlier in zip(pids, used, strict=True)]
        _compare(name, found, await stored.count_documents({}) - before)
        if name == SERVE:
            await until(lambda: _is_applied(stored), "applying", seconds=DRAIN_SECONDS, every=0.5)
    if name != WEB:
        await stored.delete_many({})
    return Burst(found, *(seconds_used / found.acknowledged * 1e6 for seconds_used in spent))


def _program(place: Place, author: Author, name: str) -> AbstractAsyncContextManager[Program]:
    if name == BARE:
        return place.bare("receiver", BARE_SECRET=author.secret)
    return place.bandeja(name.split()[1])


def _compare(name: str, found: Volley, stored: int) -> None:
    if found.refused or found.errors or stored != found.acknowledged:
        raise Failed(
            f"{name}: {found.acknowledged} acknowledged, {stored} stored, {found.refused} refused, "
            f"{found.errors} broken: nothing measured here counts."
        )


async def _is_applied(journal: AsyncCollection[dict[str, Any]]) -> bool:
    return await journal.find_one({"state": "new"}, {"_id": 1}) is None


def _tell(result: Result, bursts: Mapping[str, list[Burst]], seconds: float) -> None:
    rates = {name: [each.volley.rate for each in found] for name, found in bursts.items()}
    bare = median(rates[BARE])
    for name in (WEB, SERVE):
        rate = median(rates[name])
        result.add(f"{name}, acknowledged", rate, "/s", bare=bare, bar=f"≥ {BAR} × bare", met=rate >= BAR * bare)
    for name, found in bursts.items():
        result.add(f"{name}, p50", median([each.volley.p50 for each in found]), "ms")
        result.add(f"{name}, p99", median([each.volley.p99 for each in found]), "ms")
    for what, of in (("process", "cpu"), ("MongoDB", "cpu_mongod")):
        limit = median([getattr(each, of) for each in bursts[BARE]])
        for name in (WEB, SERVE):
            used = median([getattr(each, of) for each in bursts[name]])
            result.add(f"{name}, processor time a request, {what}", used, "µs", bare=limit)
    result.samples = {name: [round(rate) for rate in found] for name, found in rates.items()}
    result.notes.append(
        f"{volley.CONNECTIONS} connections, {seconds:g} s each, in turn, {len(rates[BARE])} rounds; {volley.tool()}. "
        "`serve` applies what it takes at the same time; `web` leaves that to workers, and none runs here."
    )
