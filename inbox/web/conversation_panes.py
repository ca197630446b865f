"""What the thread and the panes beside it show: one conversation joined with its story, composer and person."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from inbox import drafts, presence, thread
from inbox.actions.guard import newest_of_others
from inbox.gate import AGENT, HOUSE, language_of, translator
from inbox.people import list_agents
from inbox.permissions import Permission, View, access_conversation, access_message, may, view_of
from inbox.reach import Reach, choose, ways_to
from inbox.web import timeline
from inbox.web.answers import zone_of
from inbox.web.person_pane import build_person, shown_address
from inbox.web.rows import Names, build_rows, read_names

MOST_SINCE = 200


async def build_pane(request: web.Request, conversation_id: str, names: Names | None = None) -> dict[str, Any]:
    """Everything fragments/conversation.html needs. Raises NotFound."""
    house, agent = request.app[HOUSE], request[AGENT]
    names = names or await read_names(house.db)
    conversation = await access_conversation(house.db, agent, conversation_id)
    highlight = request.query.get("message")
    limit = await _reach_back_to(request, highlight) if highlight else thread.PAGE
    story = await build_items(request, conversation, names, limit=limit)
    return {
        "conversation": await build_head(request, conversation, names),
        "present": await presence.present(house.db, conversation["_id"], but=agent.id, now=house.clock.now()),
        **story,
        "highlight": highlight,
        "composer": await build_composer(request, conversation),
        "person": await build_person(request, conversation["contact"], names, current=conversation["_id"]),
        "me": {"id": agent.id, "name": agent.name},
    }


async def build_head(request: web.Request, conversation: Mapping[str, Any], names: Names) -> dict[str, Any]:
    agent = request[AGENT]
    row = (await build_rows(request, [conversation], names))[0]
    return {
        **row,
        "contact_id": conversation["contact"],
        "snoozed_until": conversation.get("snoozed_until"),
        "may": {
            "reply": may(agent, Permission.CONVERSATIONS_REPLY),
            "note": may(agent, Permission.NOTES_WRITE),
            "assign": may(agent, Permission.CONVERSATIONS_ASSIGN),
            "resolve": may(agent, Permission.CONVERSATIONS_REPLY),
            "label": may(agent, Permission.CONVERSATIONS_REPLY),
        },
    }


async def build_items(
    request: web.Request,
    conversation: Mapping[str, Any],
    names: Names,
    *,
    limit: int = thread.PAGE,
    before: str | None = None,
) -> dict[str, Any]:
    """`{"items", "older"}`, laid out for fragments/items.html."""
    house, agent = request.app[HOUSE], request[AGENT]
    view = view_of(agent)
    stretch = await thread.read_stretch(house.db, view, conversation["contact"], limit=limit, before=before)
    media = await _media_of(request, stretch.items)
    for item in stretch.items:
        if item.kind == "message":
            _join(item.document, media, view)
        elif view.masked and item.kind == "note":
            item.document["text"] = view.text(item.document["text"])
    items = timeline.lay_out(
        stretch.items,
        timeline.Names(
            zone=zone_of(request),
            now=house.clock.now(),
            language=language_of(request),
            translate=translator(request),
            me=agent.id,
            agents=names.agents,
            labels={label_id: label["name"] for label_id, label in names.labels.items()},
        ),
        new_since=conversation.get("looked", {}).get(agent.id),
    )
    return {"items": items, "older": stretch.older}


async def _media_of(request: web.Request, items: Sequence[thread.Item]) -> dict[str, dict[str, Any]]:
    ids = [file["id"] for item in items if item.kind == "message" for file in item.document.get("media", ())]
    if not ids:
        return {}
    found = await request.app[HOUSE].db["media"].find({"_id": {"$in": ids}}).to_list()
    return {file["_id"]: file for file in found}


def _join(message: dict[str, Any], media: Mapping[str, Mapping[str, Any]], view: View) -> None:
    # The page knows its own keys, by which it tells that a bubble it drew ahead of time has become a message.
    key, mine = message.get("client_key") or "", f"{view.agent}:"
    message["client_key"] = key.removeprefix(mine) if key.startswith(mine) else ""
    message["media"] = [_shown_file(file, media.get(file["id"], {})) for file in message.get("media", ())]
    shown = ("text", "content", "quoted", "author", "media", "edits", "referral")
    message |= {name: view.texts(message[name]) for name in shown if message.get(name)}


def _shown_file(file: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("name", "mime", "size", "width", "height", "seconds", "peaks", "error")
    return {
        **file,
        **{key: stored[key] for key in keys if stored.get(key) is not None},
        "state": stored.get("state", "wanted"),
        "thumb": bool(stored.get("thumb")),
    }


async def _reach_back_to(request: web.Request, message_id: str) -> int:
    """How many messages of the story to show so that this one, found by a search, is among them."""
    house, agent = request.app[HOUSE], request[AGENT]
    message, _ = await access_message(house.db, agent, message_id)
    newer = {"contact": message["contact"], "at": {"$gte": message["at"]}}
    since = await house.db["messages"].count_documents(newer, limit=MOST_SINCE)
    return max(thread.PAGE, since + 5)


async def build_composer(request: web.Request, conversation: dict[str, Any]) -> dict[str, Any]:
    house, agent = request.app[HOUSE], request[AGENT]
    now = house.clock.now()
    ways = await ways_to(house, conversation["contact"], now=now)
    chosen = _choose(request, conversation, ways)
    routes = [build_route(request, way, chosen=way is chosen, last=way is ways[0]) for way in ways]
    begun = await drafts.find_drafts(house.db, conversation["_id"], agent.id)
    people = await list_agents(house.db)
    return {
        "routes": routes,
        "chosen": next((route for route in routes if route["chosen"]), None),
        "draft": begun["reply"],
        "note_draft": begun["note"],
        "may_reply": may(agent, Permission.CONVERSATIONS_REPLY),
        "may_note": may(agent, Permission.NOTES_WRITE),
        "enter": agent.prefs.get("enter", True),
        "last_seen": await newest_of_others(house.db, conversation, agent.id),
        "agents": [{"id": person.id, "name": person.name} for person in people if person.id != agent.id],
        "practice": conversation.get("practice", False),
    }


def _choose(request: web.Request, conversation: Mapping[str, Any], ways: Sequence[Reach]) -> Reach | None:
    """The page's own choice, else the account the conversation last used, else wherever they wrote last."""
    asked = request.query.get("route", "")
    for way in ways:
        if way.id == asked:
            return way
    for way in ways:
        if way.account.id == conversation.get("account"):
            return way
    return choose(ways) if ways else None


def build_route(request: web.Request, way: Reach, *, chosen: bool, last: bool) -> dict[str, Any]:
    house, view = request.app[HOUSE], view_of(request[AGENT])
    limits = house.channels[way.account.kind].limits
    return {
        "id": way.id,
        "account": way.account.id,
        "identity": way.identity["_id"],
        "kind": way.account.kind,
        "name": way.account.name,
        "to": shown_address(way.identity, view),
        "state": way.state,
        "closes_at": way.window.closes_at,
        "human_until": way.window.human_until,
        "sentence": translator(request)(way.sentence),
        "templates": limits.can_write_first == "template",
        "last": last and way.heard_at is not None,
        "chosen": chosen,
        "can_write_first": limits.can_write_first,
        "limits": {
            "text": limits.text,
            "caption": limits.caption,
            "can_quote": limits.can_quote,
            "can_react": limits.can_react,
            "media_bytes": dict(limits.media_bytes),
            "mimes": {kind: list(mimes) for kind, mimes in limits.mimes.items()},
            "voice_mime": limits.voice_mime,
        },
    }
