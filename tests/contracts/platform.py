"""Plays a platform over real HTTP: answers what it was told to, remembers what it was asked."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import orjson
from aiohttp import web

Manner = Literal["answer", "hang", "drop"]


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` bytes as they are, anything else as JSON. To "hang" is to read the request and never answer; to
    "drop" is to read it and close the connection."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    manner: Manner = "answer"

    def raw(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else orjson.dumps(self.body)


HANG, DROP = Answer(manner="hang"), Answer(manner="drop")


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class FakePlatform:
    """`answer("/messages", a, b)`: what is asked at a path that ends so is answered by a, then by b ever after."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._answers: dict[str, list[Answer]] = {}
        self._gone = asyncio.Event()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *problem: object) -> None:
        self._gone.set()
        await self._runner.cleanup()

    def answer(self, path_end: str, *answers: Answer) -> None:
        self._answers[path_end] = list(answers)

    def asked_at(self, path_end: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path.endswith(path_end)]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.asked.append(Asked(request.method, request.path, dict(request.query), dict(request.headers), body))
        answer = self._next(request.path)
        if answer.manner == "hang":
            await self._gone.wait()
        if answer.manner != "answer" and request.transport is not None:
            request.transport.close()
        headers = {"Content-Type": "application/json", **answer.headers}
        return web.Response(status=answer.status, body=answer.raw(), headers=headers)

    def _next(self, path: str) -> Answer:
        fitting = [end for end in self._answers if path.endswith(end)]
        if not fitting:
            return Answer({"error": {"message": f"Nothing at {path}", "code": 2500}}, status=400)
        answers = self._answers[max(fitting, key=len)]
        return answers.pop(0) if len(answers) > 1 else answers[0]
