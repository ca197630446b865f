"""The description of the API, for programs and for the page: made from the table and the models that serve it."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any, Final

import orjson
from aiohttp import web
from pydantic import BaseModel, TypeAdapter

from inbox.api import items
from inbox.api.examples import example
from inbox.api.operation import PREFIX, Operation
from inbox.api.repeats import HEADER
from inbox.api.table import OPERATIONS
from inbox.gate import json_response

Json = dict[str, Any]
_REF = "#/components/schemas/{model}"
_PLACE = re.compile(r"\{(\w+)\}")
_NO: Final[Mapping[int, str]] = {
    400: "The request itself is wrong; the message names the field.",
    401: "No token, or not one of ours.",
    403: "The token's agent may not do this.",
    404: "There is no such thing, or not for this agent.",
    409: "Somebody else was first, or the Idempotency-Key was used for another request.",
    413: "Too large.",
    422: "Understood, and not possible as things stand; the code says why.",
    503: "Something we stand on does not answer now; try again.",
}
_INTRODUCTION: Final = (
    "Everything an agent can do, for programs. A token acts as the agent who made it: the same role, the same "
    "conversations, numbers masked alike. Times are RFC 3339 in UTC. Lists answer `items` and `next`; give `next` "
    f"back as `cursor` to go on. Writes take `{HEADER}`: the same key and body is done once and answered alike for "
    "24 hours; the same key with another body is refused with 409."
)
_UPLOAD: Final[Json] = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "contentMediaType": "application/octet-stream"},
        "kind": {"type": "string", "enum": ["voice"], "description": "For a recording to be sent as a voice note."},
    },
    "required": ["file"],
}


async def show_document(_: web.Request) -> web.Response:
    return json_response(document())


@cache
def document() -> Json:
    """OpenAPI 3.1."""
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Bandeja", "version": version("bandeja"), "description": _INTRODUCTION},
        "servers": [{"url": PREFIX}],
        "security": [{"token": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in OPERATIONS)],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


@cache
def _parts() -> tuple[dict[Any, Json], Json]:
    """What each body and answer refers to, and all schemas by name, so that two of one name stay apart."""
    wanted: dict[Any, Any] = {("Error", "serialization"): items.Error}
    for operation in OPERATIONS:
        if isinstance(operation.body, type):
            wanted[operation.body, "validation"] = operation.body
        if operation.answer is not None:
            wanted[operation.answer, "serialization"] = operation.answer
    inputs = [(key, mode, TypeAdapter(shape)) for (key, mode), shape in wanted.items()]
    found, whole = TypeAdapter.json_schemas(inputs, ref_template=_REF)
    return {key: dict(schema) for (key, _), schema in found.items()}, whole["$defs"]


def _schemas() -> Json:
    return _parts()[1]


def _describe(operation: Operation) -> Json:
    permission = f"Needs the permission `{operation.permission}`."
    described: Json = {
        "operationId": operation.handler.__module__.rpartition(".")[2] + "_" + operation.handler.__name__,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": f"{operation.note}\n\n{permission}" if operation.note else permission,
        "parameters": [_parameter(parameter) for parameter in _parameters(operation)],
        "responses": {str(operation.status): _answer(operation)} | _refusals(operation),
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _body(operation)}
    return described


def _body(operation: Operation) -> Json:
    if operation.body == "file":
        return {"multipart/form-data": {"schema": _UPLOAD}}
    return {"application/json": {"schema": _parts()[0][operation.body]}}


def _answer(operation: Operation) -> Json:
    if operation.answer is None:
        return {"description": "The file itself.", "content": {"*/*": {}}}
    return {"description": "Done.", "content": {"application/json": {"schema": _parts()[0][operation.answer]}}}


def _refusals(operation: Operation) -> Json:
    codes = {400, 401, 403, 503, *operation.says_no} | ({409} if operation.writes else set())
    error = {"application/json": {"schema": _parts()[0]["Error"]}}
    return {str(code): {"description": _NO[code], "content": error} for code in sorted(codes)}


def _parameters(operation: Operation) -> list[Json]:
    """As the page wants them; `schema` is for the document."""
    text = {"type": "string"}
    found = [
        {"name": name, "in": "path", "required": True, "text": "", "schema": text}
        for name in _PLACE.findall(operation.path)
    ]
    found += _query_parameters(operation.query) if operation.query else []
    if operation.writes:
        found.append({"name": HEADER, "in": "header", "required": False, "text": "", "schema": text})
    return found


def _query_parameters(model: type[BaseModel]) -> list[Json]:
    schema = model.model_json_schema()
    required = schema.get("required", ())
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "text": inner.get("description", ""),
            "schema": {key: value for key, value in inner.items() if key != "description"},
        }
        for name, inner in schema["properties"].items()
    ]


def _parameter(described: Json) -> Json:
    parameter = {key: described[key] for key in ("name", "in", "required", "schema")}
    return parameter | ({"description": described["text"]} if described["text"] else {})


# --- the page ---


def operations(translate: Callable[[str], str]) -> list[Json]:
    """What the page about the API shows, operation by operation."""
    return [
        {
            "tag": translate(operation.tag),
            "method": operation.method,
            "path": operation.path,
            "summary": translate(operation.summary),
            "description": translate(operation.note) if operation.note else "",
            "parameters": [_shown(parameter) for parameter in _parameters(operation)],
            "body": _example(operation.body) if isinstance(operation.body, type) else None,
            "answer": _example(operation.answer) if operation.answer is not None else None,
            "permission": str(operation.permission),
        }
        for operation in OPERATIONS
    ]


def _shown(parameter: Json) -> Json:
    return {key: parameter[key] for key in ("name", "in", "required", "text")}


def _example(shape: Any) -> str:
    found, schemas = _parts()
    return orjson.dumps(example(found[shape], schemas), option=orjson.OPT_INDENT_2).decode()
