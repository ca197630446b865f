"""Coming in and going out: sign-in, the one-time links, and the first start where the owner is created."""

from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, Field, ValidationError

from bot.errors import N_, DomainError, Forbidden, NotFound, Refused
from inbox import people, sessions
from inbox.gate import AGENT, COOKIE, HOUSE, SESSION, client_ip, current_session, is_secure, same_origin
from inbox.people import Agent, Role
from inbox.web.answers import local_path, page, problems, read_form, see_other


class SignIn(BaseModel):
    email: str = Field(max_length=254)
    password: str = Field(max_length=1000)
    next: str = ""


class Welcome(BaseModel):
    name: str = Field(max_length=80)
    email: str = Field(max_length=254)
    password: str = Field(max_length=1000)
    language: Literal["es", "en", "pt", ""] = ""


async def show_sign_in(request: web.Request) -> web.Response:
    if await current_session(request):
        return see_other("/inbox")
    return await _sign_in_page(request, target=request.query.get("next", ""), email="", wrong={})


async def _sign_in_page(request: web.Request, *, target: str, email: str, wrong: dict[str, str]) -> web.Response:
    status = 422 if wrong else 200
    return await page(request, "sign_in", status=status, next=local_path(target), form={"email": email}, errors=wrong)


async def sign_in(request: web.Request) -> web.Response:
    """The same sentence for an unknown address and a wrong password; tries are counted by address and by caller."""
    _check_origin(request)
    house = request.app[HOUSE]
    now = house.clock.now()
    form = await read_form(request, SignIn)
    keys = (f"email:{form.email.strip().lower()}", f"ip:{client_ip(request)}")
    try:
        await sessions.throttle(house.db, keys[0], now=now)
        await sessions.throttle(house.db, keys[1], now=now, most=sessions.TRIES_BY_IP)
        agent = await people.check_password(house.db, email=form.email, password=form.password)
        if agent is None:
            raise Refused(N_("E-mail or password is wrong."), code="wrong_password")
    except Refused as error:
        return await _sign_in_page(request, target=form.next, email=form.email, wrong=problems(error, request))
    for key in keys:
        await sessions.forget_tries(house.db, key)
    return await _let_in(request, agent, local_path(form.next) or "/inbox")


async def sign_out(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    await sessions.close_session(house.db, request[SESSION].id)
    await sessions.tell_sessions(house.db, request[AGENT].id)
    response = see_other("/sign-in")
    response.del_cookie(COOKIE, path="/")
    return response


async def show_welcome(request: web.Request) -> web.Response:
    await _peek(request, "setup")
    return await _welcome_page(request, form={"name": "", "email": ""}, wrong={})


async def _welcome_page(request: web.Request, *, form: dict[str, Any], wrong: dict[str, str]) -> web.Response:
    token = request.match_info["token"]
    return await page(request, "welcome", status=422 if wrong else 200, token=token, form=form, errors=wrong)


async def welcome(request: web.Request) -> web.Response:
    """Creates the owner, once. The link is used up only when that worked; then those of other starts are, too."""
    _check_origin(request)
    house = request.app[HOUSE]
    await _peek(request, "setup")
    form: dict[str, Any] = {}
    try:
        wanted = await read_form(request, Welcome)
        form = wanted.model_dump(exclude={"password"})
        agent = await _found(request, wanted)
    except (DomainError, ValidationError) as error:
        return await _welcome_page(request, form=form, wrong=problems(error, request))
    if wanted.language:
        agent = await people.change_agent(house.db, agent.id, {"language": wanted.language})
    return await _let_in(request, agent, "/inbox")


async def _found(request: web.Request, wanted: Welcome) -> Agent:
    """Whoever takes the link first is the owner; it is given back when there cannot be such a person."""
    house = request.app[HOUSE]
    now = house.clock.now()
    taken = await sessions.use_onetime(house.db, request.match_info["token"], purpose="setup", now=now)
    try:
        agent = await people.add_agent(
            house.db, email=wanted.email, name=wanted.name, role=Role.OWNER, password=wanted.password, now=now
        )
    except DomainError:
        await sessions.give_back_onetime(house.db, taken)
        raise
    await sessions.forget_onetime(house.db, purpose="setup")
    return agent


async def show_enter(request: web.Request) -> web.Response:
    """A button only: programs that open the links in e-mails must not use it up."""
    stored = await _peek(request, "signin")
    agent = await people.get_agent(request.app[HOUSE].db, stored["agent"])
    return await page(request, "enter", token=request.match_info["token"], name=agent.name, error="")


async def enter(request: web.Request) -> web.Response:
    _check_origin(request)
    house = request.app[HOUSE]
    stored = await sessions.use_onetime(house.db, request.match_info["token"], purpose="signin", now=house.clock.now())
    agent = await people.get_agent(house.db, stored["agent"])
    if not agent.active:
        raise NotFound(N_("This link was used already or has run out. Ask for a new one."))
    return await _let_in(
        request, agent, "/inbox" if await people.has_password(house.db, agent.id) else "/settings/profile"
    )


async def _peek(request: web.Request, purpose: str) -> Any:
    house = request.app[HOUSE]
    stored = await sessions.peek_onetime(house.db, request.match_info["token"], now=house.clock.now())
    is_late = purpose == "setup" and await people.has_owner(house.db)
    if stored is None or stored["purpose"] != purpose or is_late:
        raise NotFound(N_("This link was used already or has run out. Ask for a new one."))
    return stored


def _check_origin(request: web.Request) -> None:
    """There is no session yet whose secret a form could carry, so the browser must say where it comes from."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if not same_origin(request) or site not in ("same-origin", "none"):
        raise Forbidden(N_("This page is too old. Load it again."), code="csrf")


async def _let_in(request: web.Request, agent: Agent, target: str) -> web.Response:
    house = request.app[HOUSE]
    token = await sessions.open_session(
        house.db,
        agent,
        now=house.clock.now(),
        ip=client_ip(request),
        agent_string=request.headers.get("User-Agent", ""),
    )
    response = see_other(target)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(sessions.SESSION_LIFE.total_seconds()),
        httponly=True,
        samesite="Lax",
        secure=is_secure(request),
        path="/",
    )
    return response
