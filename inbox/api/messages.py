"""Messages by the API: a conversation's, a person's whole thread, and writing."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from inbox import thread
from inbox.actions import replies
from inbox.actions.replies import TemplateWish
from inbox.api import items, shapes
from inbox.api.bodies import Paging, SendBody, StartBody, TemplateBody
from inbox.api.conversations import label_names, scope_of
from inbox.api.reading import read_body, read_query
from inbox.api.repeats import client_key
from inbox.gate import AGENT, HOUSE, json_response, translator
from inbox.permissions import access_contact, access_conversation, access_message, view_of

Stored = Mapping[str, Any]


async def of_conversation(request: web.Request) -> web.Response:
    asked = read_query(request, Paging)
    conversation = await access_conversation(
        request.app[HOUSE].db, request[AGENT], request.match_info["conversation"]
    )
    return await _list(request, scope_of(conversation), asked)


async def of_contact(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    asked = read_query(request, Paging)
    contact = await access_contact(house.db, agent, request.match_info["contact"])
    return await _list(request, await thread.story(house.db, view_of(agent), contact["_id"]), asked)


async def _list(request: web.Request, scope: Stored, asked: Paging) -> web.Response:
    found, older = await thread.messages_page(
        request.app[HOUSE].db, scope, limit=asked.limit, before=asked.cursor
    )
    files = await _files(request, found)
    view, translate = view_of(request[AGENT]), translator(request)
    return json_response(items.ListOf([shapes.message(one, files, view, translate) for one in found], older))


async def show(request: web.Request) -> web.Response:
    message, _ = await access_message(request.app[HOUSE].db, request[AGENT], request.match_info["message"])
    files = await _files(request, [message])
    return json_response(shapes.message(message, files, view_of(request[AGENT]), translator(request)))


async def _files(request: web.Request, messages: Sequence[Stored]) -> dict[str, Stored]:
    """The media records of all of them, in one question."""
    ids = [file["id"] for message in messages for file in message.get("media", ())]
    if not ids:
        return {}
    wanted = {"state": 1, "name": 1, "mime": 1, "size": 1}
    return {file["_id"]: file async for file in request.app[HOUSE].db["media"].find({"_id": {"$in": ids}}, wanted)}


async def write(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    body = await read_body(request, SendBody)
    conversation = await access_conversation(house.db, agent, request.match_info["conversation"])
    messages = await replies.reply(
        house,
        conversation,
        by=agent,
        now=house.clock.now(),
        text=body.words,
        media=body.files,
        voice=body.voice,
        template=_wish(body.template),
        account=body.account,
        reply_to=body.reply_to,
        last_seen=body.last_seen,
        client_key=client_key(request),
    )
    further = [message["_id"] for message in messages[1:]]
    files = await _files(request, messages[:1])
    sent = shapes.sent(messages[0], files, view_of(agent), translator(request), further)
    return json_response(sent, status=202)


async def write_first(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    body = await read_body(request, StartBody)
    if body.contact:
        await access_contact(house.db, agent, body.contact)
    conversation, messages = await replies.write_first(
        house,
        by=agent,
        now=house.clock.now(),
        contact=body.contact,
        account=body.account,
        to=body.to,
        text=body.words,
        template=_wish(body.template),
        client_key=client_key(request),
    )
    # As it stands now, with what was just said.
    conversation = await house.db["conversations"].find_one({"_id": conversation["_id"]}) or conversation
    view = view_of(agent)
    first = shapes.message(messages[0], await _files(request, messages[:1]), view, translator(request))
    return json_response(shapes.started(conversation, await label_names(house.db), view, first), status=201)


def _wish(template: TemplateBody | None) -> TemplateWish | None:
    if template is None:
        return None
    return TemplateWish(
        name=template.name,
        language=template.language,
        variables=template.variables,
        header_media=template.header_media,
    )
