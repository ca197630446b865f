"""Bandeja as an operator runs it: real processes, told what to do by their environment."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
START_SECONDS, STOP_SECONDS = 60.0, 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Result:
    code: int
    output: str
    errors: str


@dataclass(frozen=True, slots=True)
class Place:
    """A folder to run in, so that no other config.toml is found, and the settings of all who run there."""

    folder: Path
    env: Mapping[str, str]

    async def start(self, *arguments: str, port: int = 0, **streams: Any) -> asyncio.subprocess.Process:
        own = {"PYTHONPATH": str(ROOT), "BANDEJA_SERVER__PORT": str(port), **self.env}
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "inbox", *arguments, cwd=self.folder, env={**os.environ, **own}, **streams
        )

    async def run(self, *arguments: str, told: str = "") -> Result:
        """A command that comes to an end; `told` is its standard input."""
        pipe = asyncio.subprocess.PIPE
        process = await self.start(*arguments, stdin=pipe, stdout=pipe, stderr=pipe)
        async with asyncio.timeout(START_SECONDS):
            output, errors = await process.communicate(told.encode())
        assert process.returncode is not None
        return Result(process.returncode, output.decode(), errors.decode())


class Program:
    """One that stays: `serve`, `web` or `worker`. Its port is the same after every start."""

    def __init__(self, place: Place, name: str) -> None:
        self.place, self.name, self.port = place, name, free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.told, self._log = place.folder / f"{name}.out", place.folder / f"{name}.log"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """`name` is the command, perhaps with a number: web1, worker2. Comes back when it says that it is ready."""
        begins_at = self._log.stat().st_size if self._log.exists() else 0
        with self.told.open("wb") as output, self._log.open("ab") as log:
            command = self.name.rstrip("0123456789")
            self._process = await self.place.start(command, port=self.port, stdout=output.fileno(), stderr=log.fileno())
        await wait_for(lambda: self._is_ready(begins_at), seconds=START_SECONDS)

    def _is_ready(self, begins_at: int) -> bool:
        told = self._log.read_bytes()[begins_at:]
        assert self._process is not None
        assert self._process.returncode is None, told[-3000:].decode()
        return b'"event": "ready"' in told

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """As an operator would. Its exit code."""
        return await self._end(signal.SIGTERM)

    async def _end(self, sign: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(sign)
        async with asyncio.timeout(STOP_SECONDS):
            return await process.wait()
