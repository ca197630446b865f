"""A bare webhook receiver: the same signature checked, each body stored by group commit, journalled, then 200."""

import asyncio
import hashlib
import hmac
import os
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from bson import ObjectId
from pymongo import AsyncMongoClient, WriteConcern

from benchmarks.bare.program import serve

MOST = 500


class Store:
    """While one insert is under way, the next bodies gather."""

    def __init__(self, collection: Any) -> None:
        self._collection = collection
        self._waiting: list[tuple[dict[str, Any], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, document: dict[str, Any]) -> None:
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((document, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await done

    async def _write(self) -> None:
        while self._waiting:
            portion, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            await self._collection.insert_many([document for document, _ in portion], ordered=False)
            for _, done in portion:
                done.set_result(None)
        self._writing = None


def build() -> web.Application:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(os.environ["BARE_URI"])
    bodies = client["bare"].get_collection("bodies", write_concern=WriteConcern(w="majority", j=True))
    secret, store = os.environ["BARE_SECRET"].encode(), Store(bodies)

    async def receive(request: web.Request) -> web.Response:
        body = await request.read()
        expected = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, request.headers.get("X-Hub-Signature-256", "")):
            return web.Response(status=403)
        await store.add({"_id": ObjectId(), "body": body, "at": datetime.now(UTC)})
        return web.Response()

    async def ready(request: web.Request) -> web.Response:
        await client.admin.command("ping")
        return web.Response()

    app = web.Application()
    app.router.add_post("/hooks/whatsapp", receive)
    app.router.add_get("/ready", ready)
    return app


if __name__ == "__main__":
    serve(build())
