"""Webhooks sent at a receiver: as fast as it takes them, by wrk where there is one, or at a fixed rate."""

import asyncio
import itertools
import json
import os
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.bodies import Author
from benchmarks.programs import Failed

CONNECTIONS = 32
# A flood leaves up to so many bodies over (`webhooks.lua`).
SPARE = 100
HOOK = "/hooks/whatsapp"
SCRIPT = Path(__file__).with_name("webhooks.lua")
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Volley:
    """`acknowledged` in `seconds`; percentiles in milliseconds."""

    acknowledged: int
    refused: int
    errors: int
    seconds: float
    p50: float
    p99: float
    p95: float = 0.0
    max: float = 0.0

    @property
    def rate(self) -> float:
        return self.acknowledged / self.seconds if self.seconds else 0.0


def tool() -> str:
    return "wrk" if shutil.which("wrk") else "our own raw-socket generator (wrk is not installed)"


def write(folder: Path, author: Author, people: Iterable[int]) -> Path:
    """A file of signed bodies, one for each of `people` in turn."""
    file = folder / f"bodies-{next(_numbers)}"
    with file.open("wb") as lines:
        for person in people:
            body = author.write(person)
            lines.write(author.sign(body).encode() + b"\t" + body + b"\n")
    return file


async def flood(address: str, bodies: Path, *, seconds: float, connections: int = CONNECTIONS) -> Volley:
    """Until `seconds` are over or the bodies are used up. The file of bodies is removed."""
    url = address + HOOK
    if shutil.which("wrk") is None:
        return await _own(
            {"mode": "flood", "url": url, "bodies": str(bodies), "seconds": seconds, "connections": connections}
        )
    wait = f"-d{int(seconds) + 2}s"
    command = ["wrk", "-t1", f"-c{connections}", wait, "--timeout", "30s", "--latency", "-s", str(SCRIPT), url]
    with _used_up(bodies):
        return await _ask(command, {"BODIES": str(bodies), "SECONDS": str(seconds)})


async def pace(
    address: str, bodies: Path, *, rate: float, seconds: float, connections: int = CONNECTIONS
) -> Volley:
    """`rate` a second for `seconds`; the times count from when each was due."""
    return await _own(
        {
            "mode": "pace",
            "url": address + HOOK,
            "bodies": str(bodies),
            "rate": rate,
            "seconds": seconds,
            "connections": connections,
        }
    )


async def _own(wanted: Mapping[str, Any]) -> Volley:
    with _used_up(Path(wanted["bodies"])):
        return await _ask([sys.executable, "-m", "benchmarks.load", json.dumps(wanted)], {})


@contextmanager
def _used_up(bodies: Path) -> Iterator[None]:
    try:
        yield
    finally:
        bodies.unlink()


async def _ask(command: list[str], env: Mapping[str, str]) -> Volley:
    """What a generator says in the line of JSON among its output."""
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, env={**os.environ, **env})
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    line = next((line for line in output.decode().splitlines() if line.startswith("{")), None)
    if line is None:
        raise Failed(f"{command[0]} ended with {process.returncode} and said nothing of its requests.")
    return Volley(**json.loads(line))
