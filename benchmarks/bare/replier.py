"""A bare reply: take it, store it journalled, hand it to the platform; nobody is asked who they are or may."""

import os
import sys
from typing import Any

from aiohttp import ClientSession, web
from bson import ObjectId
from pymongo import AsyncMongoClient, WriteConcern

from benchmarks.bare.program import serve
from bot.tasks import spawn


def build(api: str) -> web.Application:
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(os.environ["BARE_URI"])
    messages = client["bare"].get_collection("replies", write_concern=WriteConcern(w="majority", j=True))
    headers = {"Authorization": f"Bearer {os.environ['BARE_TOKEN']}"}
    sessions: list[ClientSession] = []

    async def reply(request: web.Request) -> web.Response:
        asked, message = await request.json(), str(ObjectId())
        await messages.insert_one({"_id": message, **asked})
        spawn(send(message, asked), name="send")
        return web.json_response({"message": message})

    async def send(message: str, asked: dict[str, Any]) -> None:
        body = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": asked["to"],
            "type": "text",
            "text": {"body": asked["text"]},
            "biz_opaque_callback_data": message,
        }
        async with sessions[0].post(api, json=body, headers=headers) as answer:
            await answer.read()

    async def ready(request: web.Request) -> web.Response:
        await client.admin.command("ping")
        return web.Response()

    async def open_session(app: web.Application) -> None:
        sessions.append(ClientSession())

    async def close_session(app: web.Application) -> None:
        await sessions[0].close()

    app = web.Application()
    app.on_startup.append(open_session)
    app.on_cleanup.append(close_session)
    app.router.add_post("/reply", reply)
    app.router.add_get("/ready", ready)
    return app


if __name__ == "__main__":
    serve(build(sys.argv[2]))
