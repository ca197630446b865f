"""Settings of the company: people, teams, labels, tokens, the permissions table."""

from dataclasses import asdict
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from bot.errors import N_, DomainError, Refused
from inbox import labels, people, sessions
from inbox.actions import staff
from inbox.gate import AGENT, HOUSE, translator
from inbox.permissions import ROLES, Permission, may
from inbox.web import forms, words
from inbox.web.answers import done, page, problems, read_form, see_other


async def home(request: web.Request) -> web.Response:
    return see_other("/settings/profile")


# --- people -----------------------------------------------------------------------------------------------------------


async def show_people(request: web.Request) -> web.Response:
    return await _people_page(request, invite=None, wrong={})


async def _people_page(
    request: web.Request, *, invite: dict[str, str] | None, wrong: dict[str, str], form: dict[str, Any] | None = None
) -> web.Response:
    house = request.app[HOUSE]
    teams = await people.list_teams(house.db)
    names = {team.id: team.name for team in teams}
    online = house.live.agents_online()
    seen = await sessions.last_seen(house.db)
    rows = [
        {
            **asdict(person),
            "role": str(person.role),
            "teams": [names[team] for team in person.teams if team in names],
            "online": person.id in online,
            "last_seen_at": seen.get(person.id),
        }
        for person in await people.list_agents(house.db, active=None)
    ]
    return await page(
        request,
        "settings_people",
        status=422 if wrong else 200,
        people=rows,
        teams=[asdict(team) for team in teams],
        invite=invite,
        errors=wrong,
        form=form or {},
        may_manage=may(request[AGENT], Permission.PEOPLE_MANAGE),
        done=request.query.get("done", ""),
    )


async def add_person(request: web.Request) -> web.Response:
    """The page comes back with a one-time link to hand over: a password is never told to anybody."""
    house = request.app[HOUSE]
    form: dict[str, Any] = {}
    try:
        wanted = await read_form(request, forms.PersonForm)
        form = wanted.model_dump()
        agent = await staff.invite(house.db, by=request[AGENT], now=house.clock.now(), **form)
    except (DomainError, ValidationError) as error:
        return await _people_page(request, invite=None, wrong=problems(error, request), form=form)
    return await _people_page(request, invite=await _make_link(request, agent), wrong={})


async def _make_link(request: web.Request, agent: people.Agent) -> dict[str, str]:
    house = request.app[HOUSE]
    token = await sessions.make_onetime(house.db, purpose="signin", agent=agent.id, now=house.clock.now())
    base = house.settings.server.public_url or f"{request.scheme}://{request.host}"
    return {"name": agent.name, "url": f"{base}/enter/{token}"}


async def show_person(request: web.Request) -> web.Response:
    return await _person_page(request, invite=None, wrong={})


async def _person_page(
    request: web.Request, *, invite: dict[str, str] | None, wrong: dict[str, str], form: dict[str, Any] | None = None
) -> web.Response:
    house = request.app[HOUSE]
    agent = await people.get_agent(house.db, request.match_info["agent"])
    teams = await people.list_teams(house.db)
    others = [person for person in await people.list_agents(house.db) if person.id != agent.id]
    return await page(
        request,
        "settings_person",
        status=422 if wrong else 200,
        agent={**asdict(agent), "role": str(agent.role)},
        teams=[{**asdict(team), "on": team.id in agent.teams} for team in teams],
        form=form or {**asdict(agent), "role": str(agent.role)},
        errors=wrong,
        open_count=await staff.open_count(house.db, agent.id),
        others=[{"id": person.id, "name": person.name} for person in others],
        invite=invite,
        is_me=agent.id == request[AGENT].id,
        done=request.query.get("done", ""),
    )


async def save_person(request: web.Request) -> web.Response:
    house, agent_id = request.app[HOUSE], request.match_info["agent"]
    form: dict[str, Any] = {}
    try:
        wanted = await read_form(request, forms.PersonForm)
        form = wanted.model_dump()
        await staff.change(house.db, agent_id, form)
    except (DomainError, ValidationError) as error:
        return await _person_page(request, invite=None, wrong=problems(error, request), form=form)
    return await done(request, back=f"/settings/people/{agent_id}", code="saved")


async def deactivate(request: web.Request) -> web.Response:
    house, agent_id = request.app[HOUSE], request.match_info["agent"]
    if agent_id == request[AGENT].id:
        raise Refused(N_("Nobody can deactivate themselves."), code="own_account")
    hand_to = str((await request.post()).get("hand_to", "")) or None
    await staff.deactivate(house.db, agent_id, hand_to=hand_to, by=request[AGENT], now=house.clock.now())
    return await done(request, back="/settings/people", code="deactivated")


async def activate(request: web.Request) -> web.Response:
    house, agent_id = request.app[HOUSE], request.match_info["agent"]
    await people.change_agent(house.db, agent_id, {"active": True})
    return await done(request, back=f"/settings/people/{agent_id}", code="activated")


async def make_link(request: web.Request) -> web.Response:
    agent = await people.get_agent(request.app[HOUSE].db, request.match_info["agent"])
    if not agent.active:
        raise Refused(N_("%(name)s does not work here any more."), code="agent_inactive", name=agent.name)
    return await _person_page(request, invite=await _make_link(request, agent), wrong={})


async def sign_person_out(request: web.Request) -> web.Response:
    house, agent_id = request.app[HOUSE], request.match_info["agent"]
    await sessions.close_sessions(house.db, agent_id)
    await sessions.tell_sessions(house.db, agent_id)
    return await done(request, back=f"/settings/people/{agent_id}", code="signed_out")


# --- teams and labels -------------------------------------------------------------------------------------------------


async def show_teams(request: web.Request) -> web.Response:
    return await _teams_page(request, wrong={})


async def _teams_page(
    request: web.Request, *, wrong: dict[str, str], form: dict[str, Any] | None = None
) -> web.Response:
    return await page(
        request,
        "settings_teams",
        status=422 if wrong else 200,
        teams=await staff.team_figures(request.app[HOUSE].db),
        errors=wrong,
        form=form or {},
        done=request.query.get("done", ""),
    )


async def add_team(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    form = await read_form(request, forms.NameForm)
    try:
        await people.add_team(house.db, name=form.name, now=house.clock.now())
    except DomainError as error:
        return await _teams_page(request, wrong=problems(error, request), form=form.model_dump())
    return await done(request, back="/settings/teams", code="added")


async def rename_team(request: web.Request) -> web.Response:
    form = await read_form(request, forms.NameForm)
    try:
        await people.rename_team(request.app[HOUSE].db, request.match_info["team"], name=form.name)
    except DomainError as error:
        return await _teams_page(request, wrong=problems(error, request))
    return await done(request, back="/settings/teams", code="saved")


async def delete_team(request: web.Request) -> web.Response:
    try:
        await people.delete_team(request.app[HOUSE].db, request.match_info["team"])
    except DomainError as error:
        return await _teams_page(request, wrong=problems(error, request))
    return await done(request, back="/settings/teams", code="removed")


async def show_labels(request: web.Request) -> web.Response:
    return await _labels_page(request, wrong={})


async def _labels_page(
    request: web.Request, *, wrong: dict[str, str], form: dict[str, Any] | None = None
) -> web.Response:
    return await page(
        request,
        "settings_labels",
        status=422 if wrong else 200,
        labels=await staff.label_figures(request.app[HOUSE].db),
        colours=labels.COLOURS,
        errors=wrong,
        form=form or {},
        may_manage=may(request[AGENT], Permission.LABELS_MANAGE),
        done=request.query.get("done", ""),
    )


async def add_label(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    form = await read_form(request, forms.LabelForm)
    try:
        await labels.add_label(house.db, name=form.name, colour=form.colour, now=house.clock.now())
    except DomainError as error:
        return await _labels_page(request, wrong=problems(error, request), form=form.model_dump())
    return await done(request, back="/settings/labels", code="added")


async def save_label(request: web.Request) -> web.Response:
    form = await read_form(request, forms.LabelForm)
    try:
        await labels.change_label(
            request.app[HOUSE].db, request.match_info["label"], name=form.name, colour=form.colour
        )
    except DomainError as error:
        return await _labels_page(request, wrong=problems(error, request))
    return await done(request, back="/settings/labels", code="saved")


async def delete_label(request: web.Request) -> web.Response:
    await labels.delete_label(request.app[HOUSE].db, request.match_info["label"])
    return await done(request, back="/settings/labels", code="removed")


# --- tokens and permissions -------------------------------------------------------------------------------------------


async def show_tokens(request: web.Request) -> web.Response:
    return await _tokens_page(request, made=None)


async def _tokens_page(request: web.Request, *, made: str | None) -> web.Response:
    tokens = await sessions.list_tokens(request.app[HOUSE].db, request[AGENT].id)
    return await page(request, "settings_tokens", tokens=tokens, made=made, done=request.query.get("done", ""))


async def make_token(request: web.Request) -> web.Response:
    """Only ever from a browser: a token opens the API alone, and could not be revoked for good if it made others."""
    house = request.app[HOUSE]
    form = await read_form(request, forms.NameForm)
    token = await sessions.create_token(house.db, request[AGENT], name=form.name, now=house.clock.now())
    return await _tokens_page(request, made=token)


async def revoke_token(request: web.Request) -> web.Response:
    await sessions.revoke_token(request.app[HOUSE].db, request[AGENT].id, request.match_info["key"])
    return await done(request, back="/settings/tokens", code="revoked")


async def show_permissions(request: web.Request) -> web.Response:
    return await page(
        request, "settings_permissions", table=words.permission_rows(ROLES, translator(request)), roles=list(ROLES)
    )
