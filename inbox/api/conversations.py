"""Conversations by the API: the list, one, and what a person can do to it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.store.database import Database
from inbox import labels, search
from inbox.actions import states
from inbox.api import items, keyset, shapes
from inbox.api.bodies import AssignBody, ConversationsQuery, LabelsBody, NoteBody, Paging, SnoozeBody
from inbox.api.reading import read_body, read_query
from inbox.api.repeats import client_key
from inbox.conversations import Wanted, list_page
from inbox.gate import AGENT, HOUSE, json_response
from inbox.permissions import Permission, View, access_conversation, may, view_of

# How many conversations of people and how many messages a search looks at, the newest first: whoever would find
# more must ask for more words.
FOUND, SAID = 1000, 300


async def list_conversations(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    asked = read_query(request, ConversationsQuery)
    view = view_of(agent)
    only = await _find(house.db, view, asked.q) if asked.q and asked.q.strip() else None
    if only == []:
        return json_response(items.ListOf(list[items.Conversation]()))
    page = await list_page(
        house.db,
        view,
        await _wanted(house.db, asked, agent.id),
        now=house.clock.now(),
        limit=asked.limit,
        cursor=asked.cursor,
        only=only or (),
    )
    return json_response(items.ListOf(await _shape(request, page.items), page.next))


async def _wanted(db: Database, asked: ConversationsQuery, me: str) -> Wanted:
    return Wanted(
        status=asked.status,
        assignee=me if asked.assignee == "me" else asked.assignee,
        team=asked.team,
        account=asked.account,
        channel=asked.channel,
        label=(await labels.known_labels(db, [asked.label]))[0] if asked.label else None,
    )


async def _find(db: Database, view: View, text: str) -> list[str]:
    """Ids of conversations whose person is called so, or in which it was said."""
    people = await search.find_people(db, view, text, limit=FOUND)
    theirs = db["conversations"].find(
        {"contact": {"$in": [person["_id"] for person in people]}, "folded_into": None}, {"_id": 1}
    )
    found = [row["_id"] async for row in theirs.sort("at", -1).limit(FOUND)]
    said = await search.find_messages(db, view, text, limit=SAID)
    found += [message["conversation"] for message in said if message.get("conversation")]
    return list(dict.fromkeys(found))


async def _shape(request: web.Request, rows: Sequence[Mapping[str, Any]]) -> list[items.Conversation]:
    names = await label_names(request.app[HOUSE].db)
    view = view_of(request[AGENT])
    return [shapes.conversation(row, names, view) for row in rows]


async def label_names(db: Database) -> dict[str, str]:
    return {label["_id"]: label["name"] for label in await labels.list_labels(db)}


async def _access(request: web.Request) -> dict[str, Any]:
    return await access_conversation(request.app[HOUSE].db, request[AGENT], request.match_info["conversation"])


def scope_of(conversation: Mapping[str, Any]) -> dict[str, Any]:
    """What belongs to it, with all that was folded into it."""
    return {"conversation": {"$in": [conversation["_id"], *conversation.get("folds", ())]}}


async def _answer(request: web.Request, conversation: Mapping[str, Any]) -> web.Response:
    return json_response((await _shape(request, [conversation]))[0])


async def show_conversation(request: web.Request) -> web.Response:
    return await _answer(request, await _access(request))


async def assign(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    body = await read_body(request, AssignBody)
    conversation, now = await _access(request), house.clock.now()
    if body.team:
        return await _answer(
            request, await states.assign_team(house.db, conversation, to=body.team, by=agent, now=now)
        )
    to = agent.id if body.agent == "me" else body.agent
    return await _answer(request, await states.assign(house.db, conversation, to=to, by=agent, now=now))


async def resolve(request: web.Request) -> web.Response:
    house, conversation = request.app[HOUSE], await _access(request)
    changed = await states.resolve(house.db, conversation, by=request[AGENT], now=house.clock.now())
    return await _answer(request, changed)


async def reopen(request: web.Request) -> web.Response:
    house, conversation = request.app[HOUSE], await _access(request)
    changed = await states.reopen(house.db, conversation, by=request[AGENT], now=house.clock.now())
    return await _answer(request, changed)


async def snooze(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    body = await read_body(request, SnoozeBody)
    conversation = await _access(request)
    changed = await states.snooze(
        house.db, conversation, until=body.until, by=request[AGENT], now=house.clock.now()
    )
    return await _answer(request, changed)


async def set_labels(request: web.Request) -> web.Response:
    house, agent, now = request.app[HOUSE], request[AGENT], request.app[HOUSE].clock.now()
    body = await read_body(request, LabelsBody)
    conversation = await _access(request)
    wanted = await _label_ids(house.db, body.labels, may_add=may(agent, Permission.LABELS_MANAGE), now=now)
    return await _answer(request, await states.set_labels(house.db, conversation, wanted=wanted, by=agent, now=now))


async def _label_ids(db: Database, words: Sequence[str], *, may_add: bool, now: datetime) -> list[str]:
    """Whoever may manage labels makes a new one by naming it; what is left unknown is refused later, by its name."""
    every = await labels.list_labels(db)
    known = {word: label["_id"] for label in every for word in (label["_id"], _fold(label["name"]))}
    for word in words:
        if may_add and _fold(word) not in known:
            known[_fold(word)] = (await labels.add_label(db, name=word, colour="grey", now=now))["_id"]
    return [known.get(_fold(word), word) for word in words]


def _fold(name: str) -> str:
    """Labels are told apart as the unique index does: capitals do not count."""
    return " ".join(name.split())[: labels.NAME_LENGTH].casefold()


async def list_notes(request: web.Request) -> web.Response:
    asked = read_query(request, Paging)
    conversation, notes = await _access(request), request.app[HOUSE].db["notes"]
    found, older = await keyset.by_time(notes, scope_of(conversation), limit=asked.limit, cursor=asked.cursor)
    view = view_of(request[AGENT])
    return json_response(items.ListOf([shapes.note(note, view) for note in found], older))


async def write_note(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    body = await read_body(request, NoteBody)
    note = await states.write_note(
        house.db,
        await _access(request),
        text=body.text,
        mentions=body.mentions,
        key=client_key(request),
        by=agent,
        now=house.clock.now(),
    )
    return json_response(shapes.note(note, view_of(agent)), status=201)
