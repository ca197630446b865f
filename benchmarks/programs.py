"""Programs under measurement: each started as its own process, awaited until it answers, stopped by its own id."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

Found = TypeVar("Found")
START_SECONDS, STOP_SECONDS, LOOK_SECONDS = 60.0, 30.0, 0.01


class Failed(Exception):
    """A sentence: what could not be measured, and why."""


@dataclass(slots=True)
class Program:
    """`told` is its first line of output, `said` all after that, once it has ended."""

    pid: int
    address: str
    told: Mapping[str, Any]
    said: str = ""


async def until(
    condition: Callable[[], Awaitable[Found]], what: str, *, seconds: float, every: float = LOOK_SECONDS
) -> Found:
    """What `condition` answers once it is true. Raises Failed."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                if found := await condition():
                    return found
                await asyncio.sleep(every)
    except TimeoutError:
        raise Failed(f"{what}: not within {seconds:g} s.") from None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def running(
    arguments: Sequence[str],
    *,
    log: Path,
    port: int,
    env: Mapping[str, str] | None = None,
    ready: str | None = "/ready",
) -> AsyncIterator[Program]:
    """`python ARGUMENTS`, from when `ready` answers 200 until the block is left. An empty `ready` waits for a line of
    JSON on standard output instead, which becomes `told`; None waits for nothing.
    """
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdout=PIPE, stderr=errors, env={**os.environ, **(env or {})}, limit=2**24
        )
    try:
        address = f"http://127.0.0.1:{port}"
        told = await _told(process, log) if ready == "" else {}
        if ready:
            await until(lambda: _answers(address + ready, process, log), f"{arguments}", seconds=START_SECONDS)
        program = Program(process.pid, told.get("address", address), told)
        try:
            yield program
        finally:
            program.said = await end(process)
    finally:
        await end(process)


async def _told(process: Process, log: Path) -> dict[str, Any]:
    assert process.stdout is not None
    async with asyncio.timeout(START_SECONDS):
        line = await process.stdout.readline()
    if not line:
        raise Failed(f"It ended before it was ready; see {log}.")
    told: dict[str, Any] = json.loads(line)
    return told


async def _answers(url: str, process: Process, log: Path) -> bool:
    if process.returncode is not None:
        raise Failed(f"It ended with {process.returncode} before it was ready; see {log}.")
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def end(process: Process) -> str:
    """As an operator would; what does not listen is killed. What it still said."""
    if process.returncode is not None:
        return ""
    process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        output, _ = await process.communicate()
    return output.decode()
