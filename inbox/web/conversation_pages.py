"""One conversation, whole and in parts: what a click on a row fetches, and what an open page fetches after news."""

from aiohttp import web

from inbox import people, presence, thread
from inbox.gate import AGENT, HOUSE, translator
from inbox.permissions import Permission, access_conversation, may
from inbox.web.answers import fragment, zone_of
from inbox.web.conversation_panes import build_composer, build_head, build_items, build_pane
from inbox.web.person_pane import build_person
from inbox.web.rows import read_names
from inbox.web.times import snooze_presets

MOST_CHANGES = 200


async def show_conversation(request: web.Request) -> web.Response:
    return fragment(request, "conversation", **await build_pane(request, request.match_info["conversation"]))


async def show_changes(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    conversation = await access_conversation(house.db, agent, request.match_info["conversation"])
    names = await read_names(house.db)
    asked = request.query.get("limit", "")
    limit = min(int(asked), MOST_CHANGES) if asked.isdecimal() and int(asked) else thread.PAGE
    return fragment(
        request,
        "changes",
        conversation=await build_head(request, conversation, names),
        present=await presence.present(house.db, conversation["_id"], but=agent.id, now=house.clock.now()),
        composer=await build_composer(request, conversation),
        **await build_items(request, conversation, names, limit=limit),
    )


async def show_older(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    conversation = await access_conversation(house.db, request[AGENT], request.match_info["conversation"])
    names = await read_names(house.db)
    story = await build_items(request, conversation, names, before=request.query.get("before") or None)
    return fragment(request, "older", conversation=await build_head(request, conversation, names), **story)


async def show_present(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    conversation = await access_conversation(house.db, agent, request.match_info["conversation"])
    here = await presence.present(house.db, conversation["_id"], but=agent.id, now=house.clock.now())
    return fragment(request, "present", present=here)


async def show_person(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    conversation = await access_conversation(house.db, request[AGENT], request.match_info["conversation"])
    names = await read_names(house.db)
    person = await build_person(request, conversation["contact"], names, current=conversation["_id"])
    return fragment(request, "person", person=person, conversation=await build_head(request, conversation, names))


async def show_composer(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    conversation = await access_conversation(house.db, request[AGENT], request.match_info["conversation"])
    head = await build_head(request, conversation, await read_names(house.db))
    composer = await build_composer(request, conversation)
    return fragment(request, "composer_state", conversation=head, composer=composer)


async def show_assign_menu(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    conversation = await access_conversation(house.db, agent, request.match_info["conversation"])
    names = await read_names(house.db)
    online = house.live.agents_online()
    agents = [
        {"id": person.id, "name": person.name, "online": person.id in online, "mine": person.id == agent.id}
        for person in await people.list_agents(house.db)
    ]
    return fragment(
        request,
        "menu_assign",
        conversation=await build_head(request, conversation, names),
        agents=agents,
        teams=[{"id": team_id, "name": name} for team_id, name in names.teams.items()],
    )


async def show_label_menu(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    conversation = await access_conversation(house.db, agent, request.match_info["conversation"])
    names = await read_names(house.db)
    return fragment(
        request,
        "menu_labels",
        conversation=await build_head(request, conversation, names),
        labels=[
            {**label, "on": label_id in conversation.get("labels", ())} for label_id, label in names.labels.items()
        ],
        may_manage=may(agent, Permission.LABELS_MANAGE),
    )


async def show_snooze_menu(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    conversation = await access_conversation(house.db, request[AGENT], request.match_info["conversation"])
    return fragment(
        request,
        "menu_snooze",
        conversation=await build_head(request, conversation, await read_names(house.db)),
        presets=snooze_presets(house.clock.now(), zone_of(request), translator(request)),
    )
