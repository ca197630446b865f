"""Search over people and messages, and the dialog that begins a new conversation."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot import phones
from inbox import search
from inbox.gate import AGENT, HOUSE
from inbox.permissions import View, access_contact, view_of
from inbox.reach import Reach, way_to_number, ways_to
from inbox.web.answers import fragment, page
from inbox.web.conversation_panes import build_route
from inbox.web.person_pane import shown_address

PEOPLE, MESSAGES = 8, 20


async def show_results(request: web.Request) -> web.Response:
    return fragment(request, "search", **await _results(request))


async def show_search(request: web.Request) -> web.Response:
    return await page(request, "search", **await _results(request))


async def _results(request: web.Request) -> dict[str, Any]:
    house, view = request.app[HOUSE], view_of(request[AGENT])
    query = request.query.get("q", "").strip()[:200]
    people = await search.find_people(house.db, view, query, limit=PEOPLE)
    messages = await search.find_messages(house.db, view, query, limit=MESSAGES + 1)
    names = await _names_of(request, messages)
    return {
        "q": query,
        "people": await describe_people(request, people, view),
        "messages": [
            _hit(message, query, names, view) for message in messages[:MESSAGES] if message.get("conversation")
        ],
        "more": len(messages) > MESSAGES,
    }


async def _names_of(request: web.Request, messages: list[dict[str, Any]]) -> dict[str, str]:
    ids = list({message["contact"] for message in messages if message.get("contact")})
    found = request.app[HOUSE].db["contacts"].find({"_id": {"$in": ids}}, {"name": 1})
    return {contact["_id"]: contact.get("name", "") async for contact in found}


def _hit(message: Mapping[str, Any], query: str, names: Mapping[str, str], view: View) -> dict[str, Any]:
    before, match, after = search.snippet(view.text(message.get("text") or ""), query)
    return {
        "conversation": message["conversation"],
        "message": message["_id"],
        "name": view.text(names.get(message.get("contact") or "", "")),
        "before": before,
        "match": match,
        "after": after,
        "at": message["at"],
        "channel": message["channel"],
        "direction": message["direction"],
    }


async def describe_people(request: web.Request, contacts: list[dict[str, Any]], view: View) -> list[dict[str, Any]]:
    db = request.app[HOUSE].db
    ids = [contact["_id"] for contact in contacts]
    identities = await db["identities"].find({"contact": {"$in": ids}}).to_list()
    latest = {
        row["contact"]: row["_id"]
        async for row in db["conversations"].find({"contact": {"$in": ids}, **view.conversations()}).sort("at", 1)
    }
    return [
        {
            "id": contact["_id"],
            "name": view.text(contact.get("name") or ""),
            "detail": _detail(contact, identities, view),
            "channels": sorted({kind for kind in _kinds(contact["_id"], identities)}),
            "conversation": latest.get(contact["_id"]),
        }
        for contact in contacts
    ]


def _kinds(contact_id: str, identities: list[dict[str, Any]]) -> list[str]:
    kinds = [identity["kind"] for identity in identities if identity["contact"] == contact_id]
    return ["whatsapp" if kind == "phone" else kind for kind in kinds]


def _detail(contact: Mapping[str, Any], identities: list[dict[str, Any]], view: View) -> str:
    if contact.get("phone"):
        return view.phone(phones.display(contact["phone"]))
    mine = [identity for identity in identities if identity["contact"] == contact["_id"]]
    return shown_address(mine[0], view) if mine else contact.get("email") or ""


async def new_dialog(request: web.Request) -> web.Response:
    return fragment(request, "new", **await _new_context(request))


async def new_page(request: web.Request) -> web.Response:
    return await page(request, "new", **await _new_context(request))


async def _new_context(request: web.Request) -> dict[str, Any]:
    house, agent = request.app[HOUSE], request[AGENT]
    contact_id = request.query.get("contact", "")
    contact = await access_contact(house.db, agent, contact_id) if contact_id else None
    people = await describe_people(request, [contact], view_of(agent)) if contact else []
    return {
        "accounts": [
            {
                "id": account.id,
                "name": account.name,
                "kind": account.kind,
                "can_write_first": house.channels[account.kind].limits.can_write_first,
            }
            for account in house.accounts.all()
            if account.state != "off"
        ],
        "contact": {**people[0], "identities": people[0]["channels"]} if people else None,
        "to": request.query.get("to", ""),
        "may": True,
    }


async def new_people(request: web.Request) -> web.Response:
    house, view = request.app[HOUSE], view_of(request[AGENT])
    query = request.query.get("q", "").strip()[:100]
    found = await search.find_people(house.db, view, query, limit=PEOPLE)
    digits = phones.read_typed(query, house.settings.inbox.country)
    return fragment(
        request,
        "people",
        people=await describe_people(request, found, view),
        q=query,
        number=f"+{digits}" if digits else "",
    )


async def new_routes(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    now = house.clock.now()
    contact_id, to = request.query.get("contact", ""), request.query.get("to", "")
    ways: list[Reach] = []
    contact = None
    if contact_id:
        contact = await access_contact(house.db, agent, contact_id)
        ways = await ways_to(house, contact_id, now=now)
    elif digits := phones.read_typed(to, house.settings.inbox.country):
        ways = await way_to_number(house, digits, now=now)
    routes = [build_route(request, way, chosen=index == 0, last=index == 0) for index, way in enumerate(ways)]
    people = await describe_people(request, [contact], view_of(agent)) if contact else []
    return fragment(request, "new_routes", routes=routes, contact=people[0] if people else None, to=to)
