"""Starting: `bandeja serve` on a data directory that is in use, until it can store; and the help text."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks import machine
from benchmarks.bodies import Author
from benchmarks.company import greet
from benchmarks.figures import Result, median
from benchmarks.place import Place, mongod_of, new_folder, open_place, without_database
from benchmarks.programs import running

BAR = 5.0
ROUNDS, PEOPLE = 5, 5000
SERVE, BARE, HELP, BARE_HELP = "bandeja serve, ready", "bare", "bandeja --help", "bare --help"


async def run(*, rounds: int = ROUNDS) -> Result:
    result = Result("start")
    with new_folder() as folder:
        await _use(folder)
        place = without_database(folder)
        works: dict[str, Callable[[], Awaitable[float]]] = {
            SERVE: lambda: _serve(place),
            BARE: lambda: _bare(place),
            HELP: lambda: _ended("-m", "inbox", "--help"),
            BARE_HELP: lambda: _ended("-c", "import click; click.echo('help')"),
        }
        found: dict[str, list[float]] = {name: [] for name in works}
        with machine.watched(lambda: mongod_of(place.data)) as load:
            for _ in range(rounds):
                for name, work in works.items():
                    found[name].append(await work())
    result.load = load
    _tell(result, found)
    return result


async def _use(folder: Path) -> None:
    """A directory in which people have written, left as an operator leaves it."""
    async with open_place(folder) as place, place.sandbox() as sandbox:
        place.connect(sandbox.told["accounts"])
        author = Author(sandbox.told["accounts"][0])
        async with place.bandeja("serve") as program:
            await greet(place, program, author, PEOPLE)
    # The accounts of a sandbox that is gone would only be asked in vain.
    place.connect([])


async def _serve(place: Place) -> float:
    began = time.perf_counter()
    async with place.bandeja("serve"):
        return time.perf_counter() - began


async def _bare(place: Place) -> float:
    began = time.perf_counter()
    async with running(
        ["-m", "benchmarks.bare.starter", str(place.data)], log=place.log, port=0, ready=""
    ):
        return time.perf_counter() - began


async def _ended(*arguments: str) -> float:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.DEVNULL
    )
    await process.wait()
    return time.perf_counter() - began


def _tell(result: Result, found: dict[str, list[float]]) -> None:
    serve, bare = median(found[SERVE]), median(found[BARE])
    result.add(SERVE, serve, "s", bare=bare, bar=f"≤ {BAR:g} s", met=serve <= BAR)
    result.add("slowest of them", max(found[SERVE]), "s")
    result.add(HELP, median(found[HELP]), "s", bare=median(found[BARE_HELP]))
    result.samples = {name: [round(value, 2) for value in values] for name, values in found.items()}
    result.notes.append(
        f"{len(found[SERVE])} starts of each in turn, files in the system's cache, {PEOPLE:,} conversations; ready: "
        "/ready answers 200. The bare limit starts the same MongoDB on the same files, aiohttp, and asks for one ping."
    )
    result.notes.append("CPU of a MongoDB that has stopped again counts as foreign here.")
