"""What WhatsApp accepts of a message: Cloud API, Messages, one check per type (2026-08). Raises GraphError."""

import re
from collections.abc import Callable
from typing import Any, NoReturn

from bot.sandbox.graph.errors import whatsapp

TYPES = (
    "audio",
    "contacts",
    "document",
    "image",
    "interactive",
    "location",
    "reaction",
    "sticker",
    "template",
    "text",
    "video",
)
MAX_TEXT, MAX_BODY, MAX_CAPTION, MAX_FOOTER, MAX_HEADER, MAX_CALLBACK = 4096, 1024, 1024, 60, 60, 512
MAX_CONTACTS, MAX_BUTTONS, MAX_ROWS, MAX_SECTIONS = 257, 3, 10, 10
USER_ID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
WEB = re.compile(r"https?://\S+", re.IGNORECASE)


def check(payload: dict[str, Any]) -> str:
    """The type of a message that Meta would accept, recipient and template contents apart."""
    if payload.get("messaging_product") != "whatsapp":
        missing("messaging_product")
    if payload.get("recipient_type", "individual") not in ("individual", "group"):
        refuse("recipient_type must be one of {individual, group}")
    kind = payload.get("type", "text")
    if kind not in CHECKS:
        refuse(f"Param type must be one of {{{', '.join(TYPES).upper()}}} - got {str(kind)[:40]!r}.")
    content = payload.get(kind)
    if content is None:
        missing(kind)
    CHECKS[kind](content)
    if (callback := payload.get("biz_opaque_callback_data")) is not None:
        text_of(callback, "biz_opaque_callback_data", MAX_CALLBACK)
    if (context := payload.get("context")) is not None:
        _context(context, kind)
    return str(kind)


def missing(name: str) -> NoReturn:
    raise whatsapp(100, f"(#100) The parameter {name} is required.")


def refuse(details: str) -> NoReturn:
    raise whatsapp(100, f"(#100) {details}")


def invalid(details: str) -> NoReturn:
    raise whatsapp(131009, details)


def text_of(value: Any, name: str, longest: int) -> str:
    if value is None or value == "":
        missing(name)
    if not isinstance(value, str):
        refuse(f"Param {name} must be a string.")
    if len(value) > longest:
        refuse(f"Param {name} must be at most {longest} characters long.")
    return value


def mapping_of(value: Any, name: str) -> dict[str, Any]:
    if value is None:
        missing(name)
    if not isinstance(value, dict):
        refuse(f"Param {name} must be a JSON object.")
    return value


def list_of(value: Any, name: str) -> list[Any]:
    if not value:
        missing(name)
    if not isinstance(value, list):
        refuse(f"Param {name} must be an array.")
    return value


def measured(value: Any, what: str, longest: int) -> str:
    """Inside interactive messages lengths are told apart with 131009."""
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        invalid(f"{what} length invalid. Min length: 1, Max length: {longest}")
    return value


def _context(context: Any, kind: str) -> None:
    text_of(mapping_of(context, "context").get("message_id"), "context.message_id", MAX_CALLBACK)
    if kind == "reaction":
        refuse("Reaction messages cannot be contextual.")


def _text(content: Any) -> None:
    text_of(mapping_of(content, "text").get("body"), "text['body']", MAX_TEXT)


def _media(kind: str, *, caption: bool) -> Callable[[Any], None]:
    def check_media(content: Any) -> None:
        media = mapping_of(content, kind)
        if bool(media.get("id")) == bool(media.get("link")):
            refuse(f"Exactly one of {kind}['id'] and {kind}['link'] is required.")
        if media.get("link") and not WEB.fullmatch(str(media["link"])):
            refuse(f"Param {kind}['link'] is not a valid URI.")
        if "caption" in media and not caption:
            refuse(f"Unexpected key 'caption' on param {kind}.")
        if media.get("caption"):
            text_of(media["caption"], f"{kind}['caption']", MAX_CAPTION)

    return check_media


def _location(content: Any) -> None:
    place = mapping_of(content, "location")
    for name, most in (("latitude", 90), ("longitude", 180)):
        try:
            value = float(place[name])
        except KeyError:
            missing(f"location.{name}")
        except (TypeError, ValueError):
            refuse(f"Param location['{name}'] must be a number.")
        if abs(value) > most:
            invalid(f"location['{name}'] must lie between -{most} and {most}")


def _contacts(content: Any) -> None:
    cards = list_of(content, "contacts")
    if len(cards) > MAX_CONTACTS:
        refuse(f"Param contacts must be at most {MAX_CONTACTS} items long.")
    for card in cards:
        name = mapping_of(mapping_of(card, "contacts[0]").get("name"), "contacts[0].name")
        text_of(name.get("formatted_name"), "contacts[0].name.formatted_name", MAX_TEXT)


def _reaction(content: Any) -> None:
    reaction = mapping_of(content, "reaction")
    text_of(reaction.get("message_id"), "reaction.message_id", MAX_CALLBACK)
    emoji = reaction.get("emoji")
    if not isinstance(emoji, str):
        missing("reaction.emoji")
    if len(emoji) > 16 or emoji.isascii() and emoji:
        invalid("The emoji is not valid")


def _interactive(content: Any) -> None:
    message = mapping_of(content, "interactive")
    kind = str(message.get("type"))
    if kind not in INTERACTIVE:
        invalid(f"Interactive type {kind[:40]!r} is not supported")
    measured(mapping_of(message.get("body"), "interactive.body").get("text"), "Body text", MAX_BODY)
    if message.get("footer"):
        measured(mapping_of(message["footer"], "interactive.footer").get("text"), "Footer text", MAX_FOOTER)
    if message.get("header"):
        _header(message["header"], text_only=kind == "list")
    INTERACTIVE[kind](mapping_of(message.get("action"), "interactive.action"))


def _header(header: Any, *, text_only: bool) -> None:
    kind = mapping_of(header, "interactive.header").get("type")
    if kind == "text":
        measured(header.get("text"), "Header text", MAX_HEADER)
        return
    if text_only or kind not in ("image", "video", "document"):
        invalid(f"Header type {str(kind)[:40]!r} is not allowed here")
    _media(str(kind), caption=False)(header.get(kind))


def _buttons(action: dict[str, Any]) -> None:
    buttons = list_of(action.get("buttons"), "interactive.action.buttons")
    if len(buttons) > MAX_BUTTONS:
        invalid(f"Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: {MAX_BUTTONS}")
    replies = [mapping_of(button, "button").get("reply") or {} for button in buttons]
    for reply in replies:
        measured(reply.get("title"), "Button title", 20)
        measured(reply.get("id"), "Button id", 256)
    _distinct([reply["title"] for reply in replies], "Button titles")
    _distinct([reply["id"] for reply in replies], "Button ids")


def _list(action: dict[str, Any]) -> None:
    measured(action.get("button"), "List button", 20)
    sections = list_of(action.get("sections"), "interactive.action.sections")
    if len(sections) > MAX_SECTIONS:
        invalid(f"Max number of sections is {MAX_SECTIONS}")
    rows = [row for section in sections for row in list_of(section.get("rows"), "rows")]
    if len(rows) > MAX_ROWS:
        invalid(f"Total row count exceed max allowed count: {MAX_ROWS}")
    for section in sections if len(sections) > 1 else ():
        measured(section.get("title"), "Section title", 24)
    for row in rows:
        measured(row.get("title"), "Row title", 24)
        measured(row.get("id"), "Row id", 200)
        if row.get("description"):
            measured(row["description"], "Row description", 72)
    _distinct([row["id"] for row in rows], "Row ids")


def _cta_url(action: dict[str, Any]) -> None:
    parameters = mapping_of(action.get("parameters"), "interactive.action.parameters")
    measured(parameters.get("display_text"), "Display text", 20)
    if not WEB.fullmatch(str(parameters.get("url"))):
        invalid("The url is not valid")


def _named(name: str) -> Callable[[dict[str, Any]], None]:
    def check_name(action: dict[str, Any]) -> None:
        if action.get("name") != name:
            invalid(f"Action name must be {name}")

    return check_name


def _flow(action: dict[str, Any]) -> None:
    _named("flow")(action)
    parameters = mapping_of(action.get("parameters"), "interactive.action.parameters")
    measured(parameters.get("flow_cta"), "Flow CTA", 30)


def _distinct(values: list[str], what: str) -> None:
    if len(set(values)) < len(values):
        invalid(f"{what} must be unique")


def _template(content: Any) -> None:
    template = mapping_of(content, "template")
    text_of(template.get("name"), "template['name']", 512)
    text_of(mapping_of(template.get("language"), "template['language']").get("code"), "language['code']", 10)
    if not isinstance(template.get("components", []), list):
        refuse("Param template['components'] must be an array.")


INTERACTIVE: dict[str, Callable[[dict[str, Any]], None]] = {
    "button": _buttons,
    "list": _list,
    "cta_url": _cta_url,
    "location_request_message": _named("send_location"),
    "request_contact_info": _named("request_contact_info"),
    "flow": _flow,
}
CHECKS: dict[str, Callable[[Any], None]] = {
    "text": _text,
    "image": _media("image", caption=True),
    "video": _media("video", caption=True),
    "audio": _media("audio", caption=False),
    "document": _media("document", caption=True),
    "sticker": _media("sticker", caption=False),
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "interactive": _interactive,
    "template": _template,
}
