"""The same way to a screen that shows nothing else: signed webhook, journalled insert, change stream, nudge, fetch."""

import asyncio
import hashlib
import hmac
import json
import os
from typing import Any

from aiohttp import web
from bson import ObjectId
from pymongo import AsyncMongoClient, WriteConcern

from benchmarks.bare.program import serve

PAGE = """<!doctype html><html><body><ol id="bare"></ol><script>
const socket = new WebSocket(location.href.replace("http", "ws") + "live");
socket.onmessage = async ({ data }) => {
  const answer = await fetch("/message/" + JSON.parse(data).id);
  const line = document.createElement("li");
  line.textContent = await answer.text();
  document.getElementById("bare").append(line);
};
</script></body></html>"""


class Screen:
    def __init__(self) -> None:
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(os.environ["BARE_URI"])
        self._client, self._secret = client, os.environ["BARE_SECRET"].encode()
        self._messages = client["bare"].get_collection("screen", write_concern=WriteConcern(w="majority", j=True))
        self._sockets: set[web.WebSocketResponse] = set()

    def build(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/hooks/whatsapp", self.receive)
        app.router.add_get("/live", self.live)
        app.router.add_get("/message/{id}", self.show)
        app.router.add_get("/ready", self.ready)
        app.router.add_get("/", self.page)
        app.on_startup.append(self.start)
        return app

    async def start(self, app: web.Application) -> None:
        self._telling = asyncio.create_task(self.tell())

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        expected = "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, request.headers.get("X-Hub-Signature-256", "")):
            return web.Response(status=403)
        told = json.loads(body)["entry"][0]["changes"][0]["value"]["messages"][0]
        await self._messages.insert_one({"_id": str(ObjectId()), "text": told["text"]["body"]})
        return web.Response()

    async def tell(self) -> None:
        async with await self._messages.watch([{"$match": {"operationType": "insert"}}]) as changes:
            async for change in changes:
                news = json.dumps({"id": change["documentKey"]["_id"]})
                await asyncio.gather(*(socket.send_str(news) for socket in self._sockets), return_exceptions=True)

    async def live(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.add(socket)
        async for _ in socket:
            pass
        self._sockets.discard(socket)
        return socket

    async def show(self, request: web.Request) -> web.Response:
        found = await self._messages.find_one({"_id": request.match_info["id"]})
        return web.Response(text=found["text"] if found else "")

    async def page(self, request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def ready(self, request: web.Request) -> web.Response:
        await self._client.admin.command("ping")
        return web.Response()


if __name__ == "__main__":
    serve(Screen().build())
