"""The gate of every route: who is asking, may they, and how a "no" is said. Pages and the API stand behind it alike."""

import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
from aiohttp import web
from pydantic import ValidationError
from pymongo.errors import ConnectionFailure, ExecutionTimeout

from bot.errors import N_, Conflict, DomainError, Forbidden, NotFound, Refused, Unavailable
from bot.log import logger
from inbox.house import House
from inbox.people import Agent
from inbox.permissions import Permission, require
from inbox.sessions import Session, csrf_matches, find_session, find_token
from inbox.translation import pick_language

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
HOUSE = web.AppKey("house", House)
ERROR_PAGE: web.AppKey[Callable[[web.Request, int, str], web.Response]] = web.AppKey("error_page")
# How the API describes itself, for the page that shows it: given by wiring, as pages and API do not know each other.
OPERATIONS: web.AppKey[Callable[[Callable[[str], str]], list[dict[str, Any]]]] = web.AppKey("operations")
AGENT = web.RequestKey("agent", Agent)
SESSION = web.RequestKey("session", Session)
TOKEN = web.RequestKey("token", str)
COOKIE = "bandeja"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_STATUS: tuple[tuple[type[DomainError], int], ...] = (
    (NotFound, 404),
    (Forbidden, 403),
    (Conflict, 409),
    (Unavailable, 503),
    (Refused, 422),
)
_HTTP_WORDS = {404: N_("There is no such page."), 405: N_("That cannot be done here."), 413: N_("That is too large.")}
_STATUS_BY_CODE = {"too_many_tries": 429, "cursor_invalid": 400, "too_large": 413}
log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Route:
    """One row of a route table. `permission` None is for what strangers may ask: each such path is listed in PUBLIC."""

    method: str
    path: str
    handler: Handler
    permission: Permission | None


class SignInNeeded(Exception):
    """Nobody is signed in, or the session was revoked."""


def add_routes(app: web.Application, rows: Iterable[Route]) -> None:
    for row in rows:
        handler = row.handler if row.permission is None else _guarded(row.handler, row.permission)
        app.router.add_route(row.method, row.path, handler, name=None)


def _guarded(handler: Handler, permission: Permission) -> Handler:
    async def behind_the_gate(request: web.Request) -> web.StreamResponse:
        agent = await _identify(request)
        require(agent, permission)
        request[AGENT] = agent
        return await handler(request)

    return behind_the_gate


async def _identify(request: web.Request) -> Agent:
    house = request.app[HOUSE]
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    # Pages are for people: a token that came through there could make itself a sign-in link, and outlive its end.
    if scheme.lower() == "bearer" and request.path.startswith("/api/"):
        found = await find_token(house.db, token.strip(), now=house.clock.now())
        if found is None:
            raise SignInNeeded
        request[TOKEN] = found[0]
        return found[1]
    session = await current_session(request)
    if session is None:
        raise SignInNeeded
    if request.method not in SAFE_METHODS:
        await _check_csrf(request, session)
    return session.agent


async def current_session(request: web.Request) -> Session | None:
    house = request.app[HOUSE]
    token = request.cookies.get(COOKIE)
    session = await find_session(house.db, token, now=house.clock.now()) if token else None
    if session:
        request[SESSION] = session
    return session


async def _check_csrf(request: web.Request, session: Session) -> None:
    given = request.headers.get("X-CSRF-Token", "")
    if not given and request.content_type in ("application/x-www-form-urlencoded",):
        given = str((await request.post()).get("csrf", ""))
    if not csrf_matches(session, given):
        raise Forbidden(N_("This page is too old. Load it again."), code="csrf")


def same_origin(request: web.Request) -> bool:
    """Whether a browser says that this comes from one of our own pages; for sockets, which have no CSRF field."""
    origin = request.headers.get("Origin")
    ours = (request.host, urlsplit(request.app[HOUSE].settings.server.public_url).netloc)
    return origin is None or _netloc(origin) in ours


def _netloc(address: str) -> str | None:
    try:
        return urlsplit(address).netloc or None
    except ValueError:
        return None


def client_ip(request: web.Request) -> str:
    """The peer, or what a configured proxy says of it: the right-most address that is not a proxy of ours."""
    proxies = request.app[HOUSE].settings.server.trusted_proxies
    address = request.remote or ""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    while hops and _is_among(address, proxies):
        address = hops.pop()
    return address


def is_secure(request: web.Request) -> bool:
    """Whether the browser came by https: the cookie may then say so."""
    return request.secure or request.app[HOUSE].settings.server.public_url.startswith("https://")


def _is_among(address: str, networks: Iterable[Any]) -> bool:
    try:
        return any(ipaddress.ip_address(address) in network for network in networks)
    except ValueError:
        return False


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The one place where a domain "no" becomes an answer."""
    try:
        return await handler(request)
    except SignInNeeded:
        return _sign_in(request)
    except DomainError as error:
        status = _STATUS_BY_CODE.get(error.code) or next(
            (code for kind, code in _STATUS if isinstance(error, kind)), 400
        )
        return answer_no(request, status, error.code, error.sentence(translator(request)), **error.fields)
    except ValidationError as error:
        return answer_no(request, 400, "invalid", _say_invalid(error), fields=_invalid_fields(error))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        code = error.reason.lower().replace(" ", "_")
        return answer_no(request, error.status, code, translator(request)(_HTTP_WORDS.get(error.status, error.reason)))
    except (ConnectionFailure, ExecutionTimeout):
        sentence = translator(request)(N_("The database does not answer right now. Try again in a moment."))
        return answer_no(request, 503, "unavailable", sentence)
    except Exception:
        log.exception("request failed", method=request.method, route=_route(request))
        sentence = translator(request)(N_("Something went wrong on our side. It was written down."))
        return answer_no(request, 500, "internal", sentence)


def _route(request: web.Request) -> str:
    """The path as it stands in the table: the real one may hold a one-time link."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""


def _sign_in(request: web.Request) -> web.Response:
    if wants_json(request):
        response = answer_no(request, 401, "sign_in", translator(request)(N_("Sign in first.")))
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    back = f"?next={quote(request.path_qs, safe='')}" if request.method == "GET" and request.path != "/" else ""
    return web.Response(status=303, headers={"Location": f"/sign-in{back}"})


def answer_no(request: web.Request, status: int, code: str, message: str, **fields: Any) -> web.Response:
    if wants_json(request):
        error = {"code": code, "message": message} | {key: value for key, value in fields.items() if key != "code"}
        response = json_response({"error": error}, status=status)
    else:
        response = request.app[ERROR_PAGE](request, status, message)
        response.headers["X-Error-Code"] = code
    if status == 503:
        response.headers["Retry-After"] = "5"
    return response


def wants_json(request: web.Request) -> bool:
    """Programs always; a page's scripts, which show the sentence beside what was tried and act upon the code."""
    for_programs = request.path.startswith(("/api/", "/hooks/")) and request.path != "/api/docs"
    return for_programs or wants_script_answer(request)


def wants_script_answer(request: web.Request) -> bool:
    return "HX-Request" in request.headers or "application/json" in request.headers.get("Accept", "")


def json_response(body: Any, *, status: int = 200) -> web.Response:
    return web.Response(
        body=orjson.dumps(body, default=str, option=orjson.OPT_UTC_Z), status=status, content_type="application/json"
    )


def language_of(request: web.Request) -> str:
    """The agent's own language, else the browser's, else the installation's."""
    house = request.app[HOUSE]
    agent = request.get(AGENT)
    asked = request.headers.get("Accept-Language", "")
    return pick_language(asked or house.settings.inbox.language, agent.language if agent else "")


def translator(request: web.Request) -> Callable[[str], str]:
    return request.app[HOUSE].translations.translate(language_of(request))


def _say_invalid(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else str(first["msg"])


def _invalid_fields(error: ValidationError) -> list[str]:
    return [".".join(str(part) for part in problem["loc"]) for problem in error.errors(include_url=False)]


_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
}


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler: what every answer carries unless it said otherwise itself. Platforms need none of it."""
    if request.path.startswith("/hooks/"):
        return
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if not request.path.startswith(("/static/", "/media/")):
        response.headers.setdefault("Cache-Control", "no-store")
