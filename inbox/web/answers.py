"""How a handler answers: a whole page, a fragment of one, or "done" after a write. And how it reads a form."""

from typing import Any, TypeVar, get_origin
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import web
from pydantic import BaseModel, ValidationError

from bot.errors import DomainError
from inbox.conversations import unread_count
from inbox.gate import (
    AGENT,
    HOUSE,
    SESSION,
    current_session,
    json_response,
    language_of,
    translator,
    wants_script_answer,
)
from inbox.permissions import ROLES, view_of
from inbox.web.alarms import alerts_for
from inbox.web.render import Renderer, Viewer

Form = TypeVar("Form", bound=BaseModel)
RENDERER = web.AppKey("renderer", Renderer)


def viewer_of(request: web.Request, **more: Any) -> Viewer:
    agent, session = request.get(AGENT), request.get(SESSION)
    return Viewer(
        now=request.app[HOUSE].clock.now(),
        language=language_of(request),
        zone=zone_of(request),
        csrf=session.csrf if session else "",
        agent=agent,
        may=frozenset(str(permission) for permission in ROLES[agent.role]) if agent else frozenset(),
        path=request.path_qs,
        demo=request.app[HOUSE].demo,
        **more,
    )


def zone_of(request: web.Request) -> ZoneInfo:
    """The browser's time zone, which the page's script puts into a cookie; UTC until then."""
    try:
        return ZoneInfo(request.cookies.get("tz", "UTC"))
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return ZoneInfo("UTC")


async def page(request: web.Request, name: str, /, *, status: int = 200, **context: Any) -> web.Response:
    """A whole page, with the figures and alarms every page shows around its own matter."""
    more: dict[str, Any] = {}
    if agent := request.get(AGENT):
        house = request.app[HOUSE]
        more = {"badge": await unread_count(house.db, view_of(agent)), "alerts": alerts_for(house, translator(request))}
    elif SESSION not in request:
        await current_session(request)
    html = request.app[RENDERER].render(f"pages/{name}.html", viewer_of(request, **more), **context)
    return web.Response(text=html, status=status, content_type="text/html")


def fragment(request: web.Request, name: str, /, *, status: int = 200, **context: Any) -> web.Response:
    html = request.app[RENDERER].render(f"fragments/{name}.html", viewer_of(request), **context)
    return web.Response(text=html, status=status, content_type="text/html")


def error_page(request: web.Request, status: int, sentence: str) -> web.Response:
    html = request.app[RENDERER].render(
        "pages/error.html", viewer_of(request), code=status, sentence=sentence, detail=None, retry=status >= 500
    )
    return web.Response(text=html, status=status, content_type="text/html")


async def done(request: web.Request, *, back: str, code: str = "") -> web.Response:
    """After a write: nothing more for a script, the way back for a browser without one."""
    if wants_script_answer(request):
        return web.Response(status=204)
    target = local_path(str((await request.post()).get("next", ""))) or back
    mark = ("&" if "?" in target else "?") + f"done={code}" if code else ""
    return see_other(target + mark)


def made(request: web.Request, body: dict[str, Any], *, back: str) -> web.Response:
    return json_response(body, status=201) if wants_script_answer(request) else see_other(back)


def see_other(path: str) -> web.Response:
    return web.Response(status=303, headers={"Location": quote(path, safe="/?&=%:#")})


def local_path(text: str) -> str:
    """`text` if it is a path of ours, else nothing: nobody is sent to a foreign site from here."""
    parts = urlsplit(text)
    is_ours = text.startswith("/") and not text.startswith(("//", "/\\")) and not parts.netloc
    return text if is_ours and "\\" not in text and "\n" not in text else ""


async def read_form(request: web.Request, model: type[Form]) -> Form:
    """The posted form as its model. Raises pydantic.ValidationError, which the gate turns into a sentence."""
    posted = await request.post()
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        key = field.alias or name
        if key in posted:
            is_many = get_origin(field.annotation) in (list, tuple)
            values[key] = posted.getall(key) if is_many else posted[key]
    return model.model_validate(values)


def problems(error: DomainError | ValidationError, request: web.Request) -> dict[str, str]:
    """Sentences by field, for the form that is shown again; "" is the form as a whole."""
    if isinstance(error, DomainError):
        return {str(error.fields.get("field", "")): error.sentence(translator(request))}
    return {".".join(map(str, problem["loc"])): str(problem["msg"]) for problem in error.errors(include_url=False)}
