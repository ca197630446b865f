"""What a request says, checked: the body and the query become models, or one sentence that names the field."""

from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from bot.errors import N_, DomainError, Refused

Model = TypeVar("Model", bound=BaseModel)
MOST_BYTES = 1024 * 1024


class Invalid(DomainError):
    """The request itself is wrong: the same again will never do. Answered with 400."""

    code = "invalid"


class Body(BaseModel):
    """A JSON body. A key nobody knows is refused: it is a typing mistake whose effect would be missed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Query(BaseModel):
    """The part of the address after the question mark."""

    model_config = ConfigDict(extra="forbid", frozen=True)


async def read_body(request: web.Request, model: type[Model]) -> Model:
    """Raises Invalid."""
    raw = await read_raw(request)
    try:
        return model.model_validate_json(raw or b"{}")
    except ValidationError as error:
        raise _say(error) from error


async def read_raw(request: web.Request) -> bytes:
    """The body's bytes; kept by the request, so that they can be read again. Raises Refused for a large one."""
    if (request.content_length or 0) > MOST_BYTES:
        raise too_large(MOST_BYTES)
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large(MOST_BYTES) from None
    if len(raw) > MOST_BYTES:
        raise too_large(MOST_BYTES)
    return raw


def too_large(most_bytes: int) -> Refused:
    return Refused(N_("Too large: %(most)s MB at most."), code="too_large", most=most_bytes // (1024 * 1024))


def read_query(request: web.Request, model: type[Model]) -> Model:
    """Raises Invalid; a name given twice is read once, the last time."""
    try:
        return model.model_validate(dict(request.query))
    except ValidationError as error:
        raise _say(error) from error


def _say(error: ValidationError) -> Invalid:
    problem = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in problem["loc"])
    match problem["type"]:
        case "json_invalid":
            return Invalid(N_("The body is not valid JSON."), code="bad_json")
        case "model_type" | "model_attributes_type" | "dataclass_type" if not field:
            return Invalid(N_("The body must be a JSON object."), code="bad_json")
        case "extra_forbidden":
            return Invalid(N_("There is no field “%(field)s” here."), field=field)
        case "missing":
            return Invalid(N_("The field “%(field)s” is missing."), field=field)
    return _say_value(field, problem)


def _say_value(field: str, problem: Any) -> Invalid:
    reason = str(problem["msg"]).removeprefix("Value error, ")
    if not field:
        return Invalid(N_("This is not right: %(reason)s."), reason=reason.rstrip("."))
    return Invalid(N_("The field “%(field)s” is not right: %(reason)s."), field=field, reason=reason.rstrip("."))
