"""People by the API: found, written down, changed, erased."""

from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from bot.store.database import Database
from inbox.actions import contacts, erasure
from inbox.api import items, keyset, shapes
from inbox.api.bodies import ChangeContactBody, ContactsQuery, NewContactBody
from inbox.api.reading import read_body, read_query
from inbox.contacts import wanted_people
from inbox.gate import AGENT, HOUSE, json_response
from inbox.permissions import access_contact, view_of

Stored = Mapping[str, Any]


async def list_contacts(request: web.Request) -> web.Response:
    db, view = request.app[HOUSE].db, view_of(request[AGENT])
    asked = read_query(request, ContactsQuery)
    condition = await wanted_people(db, view, text=asked.q or "", tag=asked.tag or "")
    if condition is None:
        return json_response(items.ListOf(list[items.Contact]()))
    found, older = await keyset.by_id(db["contacts"], condition, limit=asked.limit, cursor=asked.cursor)
    theirs = await _identities(db, found)
    return json_response(items.ListOf([shapes.contact(one, theirs[one["_id"]], view) for one in found], older))


async def _identities(db: Database, people: Iterable[Stored]) -> dict[str, list[Stored]]:
    """Of all of them, in one question."""
    theirs: dict[str, list[Stored]] = {person["_id"]: [] for person in people}
    async for identity in db["identities"].find({"contact": {"$in": list(theirs)}}).sort("_id", 1):
        theirs[identity["contact"]].append(identity)
    return theirs


async def _access(request: web.Request) -> dict[str, Any]:
    return await access_contact(request.app[HOUSE].db, request[AGENT], request.match_info["contact"])


async def _answer(request: web.Request, contact: Stored, *, status: int = 200) -> web.Response:
    theirs = await _identities(request.app[HOUSE].db, [contact])
    return json_response(shapes.contact(contact, theirs[contact["_id"]], view_of(request[AGENT])), status=status)


async def show(request: web.Request) -> web.Response:
    return await _answer(request, await _access(request))


async def create(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    body = await read_body(request, NewContactBody)
    contact = await contacts.create(
        house.db,
        body.model_dump(exclude_unset=True),
        country=house.settings.inbox.country,
        by=agent,
        now=house.clock.now(),
    )
    return await _answer(request, contact, status=201)


async def change(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    body = await read_body(request, ChangeContactBody)
    contact = await contacts.edit(
        house.db,
        await _access(request),
        body.model_dump(exclude_unset=True),
        country=house.settings.inbox.country,
        by=agent,
        now=house.clock.now(),
    )
    return await _answer(request, contact)


async def erase(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    receipt = await erasure.erase(house, await _access(request), by=agent, now=house.clock.now())
    return json_response(
        items.Receipt(
            id=receipt["_id"],
            contact=receipt["contact"],
            erased_at=receipt["at"],
            by=items.Somebody(agent.id, agent.name),
            counts=receipt["counts"],
        )
    )
