"""Templates as Meta lists them, in the form that every channel shares.

WhatsApp Cloud API, Templates; Messenger Platform, Utility messages (2026-08): the same shape.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from bot.channels.contract import Account, Template
from bot.channels.fields import a_dict, a_list, a_text, an_id
from bot.channels.meta_graph import Graph, GraphError

FIELDS = "id,name,status,category,language,components"
# A field the token may not read fails the whole list: these are asked for first, and left out then.
OPTIONAL_FIELDS = "parameter_format,quality_score,rejected_reason"
PLACE = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
HEADERS: dict[str, Literal["text", "image", "video", "document", "location"]] = {
    "TEXT": "text",
    "IMAGE": "image",
    "VIDEO": "video",
    "DOCUMENT": "document",
    "LOCATION": "location",
}


async def list_templates(graph: Graph, account: Account, owner: str) -> list[Template]:
    """All templates of `owner`. Raises what Graph.get raises."""
    try:
        return await _list(graph, account, owner, f"{FIELDS},{OPTIONAL_FIELDS}")
    except GraphError as error:
        if error.code not in (10, 100) or error.subcode:
            raise
    return await _list(graph, account, owner, FIELDS)


async def _list(graph: Graph, account: Account, owner: str, fields: str) -> list[Template]:
    items = [item async for item in graph.pages(account, f"{owner}/message_templates", fields=fields, limit="100")]
    return [read_template(item) for item in items if item.get("name")]


def read_template(item: Mapping[str, Any]) -> Template:
    components = {a_text(a_dict(part).get("type")).upper(): a_dict(part) for part in a_list(item.get("components"))}
    header, body, footer = (components.get(name, {}) for name in ("HEADER", "BODY", "FOOTER"))
    buttons = [a_dict(button) for button in a_list(components.get("BUTTONS", {}).get("buttons"))]
    reason = a_text(item.get("rejected_reason"))
    return Template(
        platform_id=an_id(item.get("id")),
        name=a_text(item.get("name")),
        language=a_text(item.get("language")),
        category=a_text(item.get("category")).upper(),
        status=a_text(item.get("status")).upper(),
        header=a_text(header.get("text")),
        header_kind=HEADERS.get(a_text(header.get("format")).upper(), ""),
        body=a_text(body.get("text")),
        footer=a_text(footer.get("text")),
        buttons=tuple(_button(button) for button in buttons),
        variables=(*_header_variables(header), *_body_variables(body), *_button_variables(buttons)),
        quality=a_text(a_dict(item.get("quality_score")).get("score")).upper(),
        reason="" if reason.upper() == "NONE" else reason,
    )


def _button(button: Mapping[str, Any]) -> dict[str, str]:
    words = {"type": a_text(button.get("type")).lower(), "text": a_text(button.get("text"))}
    rest = {key: a_text(button.get(key)) for key in ("url", "phone_number")}
    return {**words, **{key: value for key, value in rest.items() if value}}


def _header_variables(header: Mapping[str, Any]) -> Iterator[str]:
    for name in PLACE.findall(a_text(header.get("text"))):
        yield "header" if name.isdecimal() else f"header.{name}"


def _body_variables(body: Mapping[str, Any]) -> list[str]:
    """Numbered ones by number, named ones as they stand; each once."""
    names = list(dict.fromkeys(PLACE.findall(a_text(body.get("text")))))
    return [f"body.{name}" for name in sorted(names, key=lambda name: int(name) if name.isdecimal() else 0)]


def _button_variables(buttons: list[dict[str, Any]]) -> Iterator[str]:
    for index, button in enumerate(buttons):
        kind = a_text(button.get("type")).upper()
        if kind == "COPY_CODE":
            yield f"button.{index}.code"
        elif kind == "OTP" or PLACE.search(a_text(button.get("url"))):
            yield f"button.{index}"
