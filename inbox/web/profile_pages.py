"""Settings of one's own: name and tastes, the password, and where one is signed in."""

from aiohttp import web

from bot.errors import N_, DomainError, Refused
from inbox import people, sessions
from inbox.gate import AGENT, HOUSE, SESSION
from inbox.web import forms
from inbox.web.answers import done, page, problems, read_form


async def show_profile(request: web.Request) -> web.Response:
    return await _profile_page(request, wrong={})


async def _profile_page(request: web.Request, *, wrong: dict[str, str]) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    prefs = {"theme": "auto", "enter": True, "sound": True, "keys": True, **agent.prefs}
    here = request[SESSION].id if SESSION in request else ""
    open_sessions = await sessions.list_sessions(house.db, agent.id)
    return await page(
        request,
        "settings_profile",
        status=422 if wrong else 200,
        form={"name": agent.name, "email": agent.email, "language": agent.language, **prefs},
        errors=wrong,
        sessions=[{**session, "here": session["_id"] == here} for session in open_sessions],
        has_password=await people.has_password(house.db, agent.id),
        done=request.query.get("done", ""),
    )


async def save_profile(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    form = await read_form(request, forms.Profile)
    prefs = {**agent.prefs, "theme": form.theme, "enter": form.enter, "sound": form.sound, "keys": form.keys}
    try:
        await people.change_agent(
            house.db, agent.id, {"name": form.name.strip() or agent.name, "language": form.language, "prefs": prefs}
        )
    except DomainError as error:
        return await _profile_page(request, wrong=problems(error, request))
    return await done(request, back="/settings/profile", code="saved")


async def save_password(request: web.Request) -> web.Response:
    """The present password is asked for when there is one; all other sessions end."""
    house, agent = request.app[HOUSE], request[AGENT]
    form = await read_form(request, forms.NewPassword)
    try:
        await _check_present(request, form.current)
        await people.set_password(house.db, agent.id, form.password)
    except DomainError as error:
        return await _profile_page(request, wrong=problems(error, request))
    await sessions.close_sessions(house.db, agent.id, but=_own_session(request))
    await sessions.tell_sessions(house.db, agent.id)
    return await done(request, back="/settings/profile", code="password")


async def _check_present(request: web.Request, password: str) -> None:
    """Counted as tries at signing in are: a browser left open is no way to guess it."""
    house, agent = request.app[HOUSE], request[AGENT]
    if not await people.has_password(house.db, agent.id):
        return
    key = f"email:{agent.email}"
    await sessions.throttle(house.db, key, now=house.clock.now())
    if not await people.check_password(house.db, email=agent.email, password=password):
        raise Refused(N_("The present password is wrong."), code="wrong_password", field="current")
    await sessions.forget_tries(house.db, key)


def _own_session(request: web.Request) -> str | None:
    return request[SESSION].id if SESSION in request else None


async def close_session(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    wanted = str((await request.post()).get("session", ""))
    if wanted == "all":
        await sessions.close_sessions(house.db, agent.id, but=_own_session(request))
    else:
        await sessions.close_one(house.db, agent.id, wanted)
    await sessions.tell_sessions(house.db, agent.id)
    return await done(request, back="/settings/profile", code="signed_out")
