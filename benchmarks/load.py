"""Our own load generator, a program of its own: raw sockets on one event loop, every answer counted.

`flood` keeps every connection busy. `pace` posts at a fixed rate whatever happens, and counts the time from when each
request was due: a receiver that stalls is not spared the requests that would have come meanwhile.
"""

import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import orjson
import uvloop

from benchmarks.bodies import request
from benchmarks.figures import summary
from benchmarks.programs import Failed, until

END_SECONDS, END = 30.0, b"\r\n\r\n"


@dataclass(slots=True)
class Tally:
    """`slow` are the seconds each acknowledged request took; `refused` are answers other than 200."""

    slow: list[float] = field(default_factory=list)
    refused: int = 0
    broken: int = 0
    began: float = 0.0
    ended: float = 0.0

    def told(self) -> dict[str, Any]:
        found = summary(self.slow)
        return {
            "acknowledged": len(self.slow),
            "refused": self.refused,
            "errors": self.broken,
            "seconds": self.ended - self.began,
            **{key: found[key] for key in ("p50", "p95", "p99", "max")},
        }


class Connection(asyncio.Protocol):
    def __init__(self, tally: Tally, free: "Callable[[Connection], None]") -> None:
        self._tally, self._free = tally, free
        self._transport: Any = None
        self._received, self._due, self.is_busy = b"", 0.0, False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.is_busy:
            self._tally.broken += 1
            self.is_busy = False

    def send(self, data: bytes, due: float) -> None:
        self._due, self.is_busy = due, True
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not _is_whole(self._received):
            return
        self._tally.ended = time.perf_counter()
        if self._received.startswith(b"HTTP/1.1 200"):
            self._tally.slow.append(self._tally.ended - self._due)
        else:
            self._tally.refused += 1
        self._received, self.is_busy = b"", False
        self._free(self)

    def close(self) -> None:
        self._transport.close()


def _is_whole(data: bytes) -> bool:
    head, end, body = data.partition(END)
    if not end:
        return False
    at = head.lower().find(b"content-length:")
    length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    return len(body) >= length


async def flood(wanted: dict[str, Any], requests: list[bytes]) -> Tally:
    tally, waiting = Tally(), deque(requests)
    until = time.perf_counter() + wanted["seconds"]

    def go_on(connection: Connection) -> None:
        now = time.perf_counter()
        if waiting and now < until:
            connection.send(waiting.popleft(), now)

    connections = await _connect(wanted, tally, go_on)
    tally.began = time.perf_counter()
    for connection in connections:
        go_on(connection)
    await _finish(connections)
    return tally


async def pace(wanted: dict[str, Any], requests: list[bytes]) -> Tally:
    tally = Tally()
    idle: deque[Connection] = deque()
    due: deque[tuple[bytes, float]] = deque()

    def go_on(connection: Connection) -> None:
        if due:
            connection.send(*due.popleft())
        else:
            idle.append(connection)

    connections = await _connect(wanted, tally, go_on)
    idle.extend(connections)
    tally.began = time.perf_counter()
    for number, data in enumerate(requests[: int(wanted["rate"] * wanted["seconds"])]):
        at = tally.began + number / wanted["rate"]
        if (rest := at - time.perf_counter()) > 0:
            await asyncio.sleep(rest)
        due.append((data, at))
        if idle:
            go_on(idle.popleft())
    await _finish(connections)
    return tally


async def _connect(
    wanted: dict[str, Any], tally: Tally, free: Callable[[Connection], None]
) -> list[Connection]:
    loop, place = asyncio.get_running_loop(), urlsplit(wanted["url"])
    made = [
        await loop.create_connection(lambda: Connection(tally, free), place.hostname, place.port)
        for _ in range(wanted["connections"])
    ]
    return [connection for _, connection in made]


async def _finish(connections: list[Connection]) -> None:
    """Until everything sent is answered."""
    with suppress(Failed):
        await until(lambda: _are_idle(connections), "answers", seconds=END_SECONDS)
    for connection in connections:
        connection.close()


async def _are_idle(connections: list[Connection]) -> bool:
    return not any(connection.is_busy for connection in connections)


def read(wanted: dict[str, Any]) -> list[bytes]:
    place = urlsplit(wanted["url"])
    lines = Path(wanted["bodies"]).read_bytes().splitlines()
    parts = (line.split(b"\t", 1) for line in lines)
    return [request(place.netloc, place.path, body, signature.decode()) for signature, body in parts]


def main() -> None:
    wanted = json.loads(sys.argv[1])
    requests = read(wanted)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        tally = runner.run({"flood": flood, "pace": pace}[wanted["mode"]](wanted, requests))
    click.echo(orjson.dumps(tally.told()).decode())


if __name__ == "__main__":
    main()
