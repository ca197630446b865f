"""Memory: one process with everything, without and with a Telegram account, idle and after many messages."""

import asyncio
from dataclasses import dataclass

from benchmarks import machine, volley
from benchmarks.bodies import Author
from benchmarks.figures import Result
from benchmarks.place import Place, mongod_of, open_place
from benchmarks.programs import Program, until

BAR_PLAIN, BAR_TELEGRAM, BAR_ALL = 150.0, 250.0, 400.0
MESSAGES, PEOPLE, RATE = 20_000, 5000, 600.0
REST_SECONDS, SETTLE_SECONDS = 10.0, 300.0


@dataclass(frozen=True, slots=True)
class Reading:
    """Megabytes of 2**20, resident: the process, its children, and MongoDB. `own` leaves out what is shared."""

    process: float
    own: float
    children: float
    mongod: float
    peak: float


async def run(*, messages: int = MESSAGES) -> Result:
    result = Result("memory")
    for telegram, bar in ((False, BAR_PLAIN), (True, BAR_TELEGRAM)):
        # A new place for each: MongoDB too begins empty.
        async with open_place() as place, place.sandbox(telegram=telegram) as sandbox:
            result.load = place.load
            place.connect(sandbox.told["accounts"])
            author = Author(sandbox.told["accounts"][0])
            bare = await _bare(place, author)
            async with place.bandeja("serve") as program:
                await asyncio.sleep(REST_SECONDS)
                idle = _read(place, program)
                await _write(place, program, author, messages)
                busy = _read(place, program)
        _tell(result, "with Telegram" if telegram else "without Telegram", messages, (idle, busy), bare, bar)
    result.notes.append(
        "Resident sizes, MiB of 2**20. The bare limit is an aiohttp receiver with PyMongo in it. `In all` adds MongoDB "
        f"(cache bounded to 256 MiB) and children; the {messages:,} messages came at {RATE:g} a second."
    )
    return result


async def _bare(place: Place, author: Author) -> float:
    async with place.bare("receiver", BARE_SECRET=author.secret) as program:
        return machine.memory(program.pid)[0]


async def _write(place: Place, program: Program, author: Author, messages: int) -> None:
    bodies = volley.write(place.folder, author, (number % PEOPLE for number in range(messages)))
    await volley.pace(program.address, bodies, rate=RATE, seconds=messages / RATE)

    async def are_applied() -> bool:
        return await place.db["messages"].count_documents({}) >= messages

    await until(are_applied, "applying", seconds=SETTLE_SECONDS, every=0.5)
    await asyncio.sleep(REST_SECONDS)


def _read(place: Place, program: Program) -> Reading:
    resident, own = machine.memory(program.pid)
    children = sum(machine.memory(child)[0] for child in machine.children(program.pid))
    mongod = sum(machine.memory(pid)[0] for pid in mongod_of(place.data))
    return Reading(resident, own, children, mongod, machine.peak(program.pid))


def _tell(
    result: Result, how: str, messages: int, readings: tuple[Reading, Reading], bare: float, bar: float
) -> None:
    for when, reading in zip(("idle", f"after {messages:,}"), readings, strict=True):
        process, everything = reading.process, reading.process + reading.children + reading.mongod
        result.add(
            f"{how}, {when}: process", process, "MiB", bare=bare, bar=f"≤ {bar:g} MiB", met=process <= bar,
            note=f"peak {reading.peak:.0f}, shared by others {reading.process - reading.own:.0f}",
        )  # fmt: skip
        limit = {"bar": f"≤ {BAR_ALL:g} MiB", "met": everything <= BAR_ALL} if when == "idle" else {}
        result.add(f"{how}, {when}: in all", everything, "MiB", note=f"MongoDB {reading.mongod:.0f}", **limit)
