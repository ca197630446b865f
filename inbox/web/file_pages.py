"""Files of the composer and the thread: taken in, served, fetched again, thrown away."""

from typing import Any

from aiohttp import web

from bot.errors import N_, Conflict, NotFound
from bot.records import fetching
from bot.store import files
from inbox.actions.states import nudge
from inbox.api import files as served
from inbox.api.uploads import keep, received
from inbox.gate import AGENT, HOUSE, json_response
from inbox.permissions import access_conversation, access_media
from inbox.web.answers import done

show, show_thumb = served.show, served.show_thumb


async def upload(request: web.Request) -> web.StreamResponse:
    async with received(request) as posted:
        return json_response(_shown(await keep(request, posted)), status=201)


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    keys = ("name", "mime", "size", "kind", "seconds")
    return {**{key: record.get(key) for key in keys}, "id": record["_id"], "thumb": bool(record.get("thumb"))}


async def discard(request: web.Request) -> web.Response:
    """Only what the agent uploaded and has not sent."""
    db = request.app[HOUSE].db
    gone = await db["media"].find_one_and_delete(
        {"_id": request.match_info["media"], "owner": request[AGENT].id, "message": None}
    )
    if gone is None:
        raise NotFound(N_("There is no such file."))
    for key in ("file", "thumb"):
        if gone.get(key):
            await files.delete(db, gone[key])
    return web.Response(status=204)


async def fetch_again(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    record = await access_media(house.db, agent, request.match_info["media"])
    if record["state"] != "failed":
        raise Conflict(N_("This file did not fail."), code="not_failed")
    await fetching.retry(house.db, record["_id"], now=house.clock.now())
    house.fetching.wake()
    conversation = await access_conversation(house.db, agent, record["conversation"])
    await nudge(house.db, conversation)
    return await done(request, back=f"/inbox/{conversation['_id']}")
