"""What scripts may ask of the controls: the bodies of `/control/…`, and one sentence for a wrong one."""

from typing import Any, Literal, TypeVar

from aiohttp import web
from pydantic import Field, ValidationError

from bot.sandbox.world.acts import Act
from bot.sandbox.world.trouble import Channel, Faults, Limits, Strict, Timing

Body = TypeVar("Body", bound=Strict)
Settings = TypeVar("Settings", Faults, Limits, Timing)


class Refused(Exception):
    """Answered as one sentence, with 400 or 404."""

    def __init__(self, code: str, sentence: str, *, status: int = 400) -> None:
        super().__init__(sentence)
        self.code, self.status = code, status


class Newcomer(Strict):
    """Somebody who did not exist. Without `id` one is made of the name."""

    name: str = Field(min_length=1, max_length=120)
    id: str = Field(default="", max_length=64)
    phone: str = ""
    username: str = ""
    language: str = "es"
    country: str = Field(default="CO", pattern="^[A-Z]{2}$")
    hidden: bool = False


class Where(Strict):
    channel: Channel
    person: str | Newcomer
    account: str | None = None


class Saying(Where, Act):
    """What a person does, and where."""


class Bulk(Strict):
    items: list[Saying] = Field(min_length=1, max_length=10_000)


class Blocking(Where):
    blocked: bool = True


class Moving(Strict):
    person: str
    phone: str = Field(min_length=6)


class Marketing(Where):
    stop: bool = True


class Webhook(Strict):
    """Any change of the account kind, told as it is: `{"field": "account_update", "value": {…}}`."""

    channel: Literal["whatsapp"] = "whatsapp"
    account: str | None = None
    field: str
    value: dict[str, Any]


class TemplateNews(Strict):
    """A ready template when there is none of this name, else a change of its status or quality."""

    account: str | None = None
    name: str
    language: str
    status: str = ""
    reason: str = "NONE"
    quality: str = ""
    category: str = "UTILITY"
    components: list[dict[str, Any]] = Field(default_factory=list)
    parameter_format: Literal["POSITIONAL", "NAMED"] = "POSITIONAL"


class Handshake(Strict):
    channel: Literal["whatsapp", "messenger"]
    account: str | None = None


async def read_object(request: web.Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise Refused("not_json", "Send JSON, with Content-Type: application/json.")
    try:
        body = await request.json()
    except ValueError as error:
        raise Refused("not_json", "The body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise Refused("not_json", "The body must be a JSON object.")
    return body


async def read(request: web.Request, model: type[Body]) -> Body:
    return checked(model, await read_object(request))


def checked(model: type[Body], body: dict[str, Any]) -> Body:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        sentence = first["msg"].removeprefix("Value error, ")
        raise Refused("invalid", f"{where}: {sentence}." if where else f"{sentence}.") from error


async def changed(request: web.Request, settings: Settings) -> Settings:
    """The settings with what the body names put in place of what was."""
    return checked(type(settings), settings.model_dump() | await read_object(request))
