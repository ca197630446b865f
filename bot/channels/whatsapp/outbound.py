"""Content as the bodies that WhatsApp takes. WhatsApp Cloud API, Messages and Templates references (2026-08)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.channels.contract import Attachment, Outbound, Rejected
from bot.channels.splitting import length, split
from bot.channels.template_values import text_value, text_values
from bot.channels.whatsapp.rules import (
    BUTTON_TITLE,
    DOCUMENT_BYTES,
    LIMITS,
    LONGEST_BUTTONS_TEXT,
    REPLY_BUTTONS,
    ROW_DESCRIPTION,
    ROW_TITLE,
    fits,
)
from bot.content import (
    Button,
    Buttons,
    Card,
    Cards,
    Content,
    Emoji,
    Link,
    Location,
    Media,
    TemplateUse,
    Text,
)
from bot.errors import N_

Body = dict[str, Any]
LONGEST_CALLBACK = 512
MENU = "☰"


def bodies(outbound: Outbound, media_id: str = "") -> list[Body]:
    """One body, or several where a limit asks for it; the first carries the quote. `media_id` is the uploaded
    file. Raises Rejected for what WhatsApp can never send.
    """
    parts = _parts(outbound.content, outbound.attachment, media_id)
    envelope = {**_recipient(outbound), "biz_opaque_callback_data": outbound.callback[:LONGEST_CALLBACK]}
    ready = [{**envelope, **part} for part in parts]
    if outbound.reply_to and not isinstance(outbound.content, TemplateUse | Emoji):
        ready[0]["context"] = {"message_id": outbound.reply_to}
    return ready


def _recipient(outbound: Outbound) -> Body:
    """The phone where it is known (it keeps the phone visible to the business), else the user id."""
    base = {"messaging_product": "whatsapp", "recipient_type": "individual"}
    for kind, key, sign in (("phone", "to", "+"), ("whatsapp", "recipient", "")):
        for address in outbound.to:
            if address.kind == kind:
                return {**base, key: f"{sign}{address.reach or address.value}"}
    raise Rejected("no_address", N_("This person has no WhatsApp address."))


def _parts(content: Content, attachment: Attachment | None, media_id: str) -> list[Body]:
    verdict = fits(content)
    if not verdict.allowed:
        raise Rejected(verdict.code, verdict.message % verdict.fields if verdict.fields else verdict.message)
    match content:
        case Text():
            return _texts(content.text)
        case Media():
            return _media(content, attachment, media_id)
        case Location():
            return [{"type": "location", "location": _location(content)}]
        case Cards():
            return [{"type": "contacts", "contacts": [_card(card) for card in content.cards]}]
        case Buttons():
            return _buttons(content)
        case Link():
            return _texts(f"{content.title}\n{content.url}".strip())
        case Emoji():
            return [{"type": "reaction", "reaction": {"message_id": content.target, "emoji": content.emoji}}]
        case TemplateUse():
            return [{"type": "template", "template": _template(content, attachment, media_id)}]
        case _:
            raise Rejected("unsupported", N_("WhatsApp cannot send this kind of message."))


def _texts(text: str) -> list[Body]:
    return [
        {"type": "text", "text": {"body": piece, "preview_url": "http" in piece}} for piece in split(text, LIMITS.text)
    ]


def _media(content: Media, attachment: Attachment | None, media_id: str) -> list[Body]:
    if attachment is None:
        raise Rejected("no_file", N_("The file of this message is missing."))
    if attachment.size > DOCUMENT_BYTES:
        raise Rejected("too_large", N_("This file is too large for WhatsApp."))
    mime = attachment.mime
    kind = wire_kind(content, mime, attachment.size)
    part: Body = {"id": media_id}
    if kind == "audio" and content.kind == "voice" and mime.startswith("audio/ogg"):
        part["voice"] = True
    if kind == "document":
        part["filename"] = content.name or attachment.name or "document"
    body: Body = {"type": kind, kind: part}
    if not content.caption:
        return [body]
    if kind in ("audio", "sticker") or length(content.caption) > LIMITS.caption:
        return [body, *_texts(content.caption)]
    part["caption"] = content.caption
    return [body]


def wire_kind(content: Media, mime: str, size: int) -> str:
    """WhatsApp's type for the file. What a picture, sound or film of this kind may not be goes as a document."""
    mime = mime.partition(";")[0].strip().lower()
    allowed = LIMITS.mimes["audio" if content.kind == "voice" else content.kind]
    if content.kind == "document" or mime not in allowed or size > LIMITS.media_bytes[content.kind]:
        return "document"
    return {"voice": "audio", "animation": "video"}.get(content.kind, content.kind)


def _location(content: Location) -> Body:
    words = {"name": content.name, "address": content.address}
    place: Body = {"latitude": content.latitude, "longitude": content.longitude}
    return {**place, **{key: value for key, value in words.items() if value}}


def _card(card: Card) -> Body:
    name = card.name or next(iter(card.phones), "?")
    body: Body = {"name": {"formatted_name": name, "first_name": name}}
    if card.phones:
        body["phones"] = [{"phone": phone, "type": "CELL"} for phone in card.phones]
    if card.emails:
        body["emails"] = [{"email": email, "type": "WORK"} for email in card.emails]
    if card.company:
        body["org"] = {"company": card.company}
    return body


# --- buttons ----------------------------------------------------------------------------------------------------------


def _buttons(content: Buttons) -> list[Body]:
    """Up to three as buttons, more as a list; one link as a link button, links among others as lines of text."""
    choices = [button for button in content.buttons if not button.url]
    links = [button for button in content.buttons if button.url]
    if len(links) == 1 and not choices:
        return _interactive(content, content.text, "cta_url", _link_action(links[0]))
    text = "\n".join([content.text, *(f"{link.title}: {link.url}" for link in links)])
    if not choices:
        return _texts(text)
    is_short = len(choices) <= REPLY_BUTTONS and all(len(choice.title) <= BUTTON_TITLE for choice in choices)
    if is_short and not any(choice.description for choice in choices):
        action: Body = {"buttons": [_reply_button(choice) for choice in choices]}
        return _interactive(content, text, "button", action)
    action = {"button": (content.menu or MENU)[:BUTTON_TITLE], "sections": [{"rows": [_row(one) for one in choices]}]}
    return _interactive(content, text, "list", action)


def _interactive(content: Buttons, text: str, kind: str, action: Body) -> list[Body]:
    """Only the last piece of a long text can carry the buttons."""
    *before, last = split(text, LONGEST_BUTTONS_TEXT)
    interactive: Body = {"type": kind, "body": {"text": last}, "action": action}
    if content.footer:
        interactive["footer"] = {"text": content.footer[:60]}
    return [*(body for piece in before for body in _texts(piece)), {"type": "interactive", "interactive": interactive}]


def _link_action(button: Button) -> Body:
    parameters = {"display_text": button.title[:BUTTON_TITLE], "url": button.url}
    return {"name": "cta_url", "parameters": parameters}


def _reply_button(choice: Button) -> Body:
    return {"type": "reply", "reply": {"id": choice.id or choice.title, "title": choice.title}}


def _row(choice: Button) -> Body:
    row = {"id": choice.id or choice.title, "title": choice.title[:ROW_TITLE]}
    rest = choice.description or (choice.title if len(choice.title) > ROW_TITLE else "")
    return {**row, "description": rest[:ROW_DESCRIPTION]} if rest else row


# --- templates --------------------------------------------------------------------------------------------------------


def _template(content: TemplateUse, attachment: Attachment | None, media_id: str) -> Body:
    components = [
        *_header(content.variables, attachment, media_id),
        *_component("body", text_values(content.variables, "body")),
        *_button_components(content.variables),
    ]
    body: Body = {"name": content.name, "language": {"code": content.language}}
    return {**body, "components": components} if components else body


def _component(kind: str, parameters: Sequence[Body]) -> list[Body]:
    return [{"type": kind, "parameters": list(parameters)}] if parameters else []


def _header(variables: Mapping[str, str], attachment: Attachment | None, media_id: str) -> list[Body]:
    if media_id and attachment is not None:
        return _component("header", [_file_value(attachment, media_id)])
    if "header" in variables:
        return _component("header", [text_value(variables["header"])])
    return _component("header", text_values(variables, "header"))


def _file_value(attachment: Attachment, media_id: str) -> Body:
    family = attachment.mime.partition("/")[0]
    kind = family if family in ("image", "video") else "document"
    file = {"id": media_id}
    return {"type": kind, kind: {**file, "filename": attachment.name} if kind == "document" else file}


def _button_components(variables: Mapping[str, str]) -> list[Body]:
    """`button.0` is the end of a link; `button.1.payload`, `button.2.code` and `button.3.flow` say what they are."""
    named = [key.split(".", 2) for key in variables if key.startswith("button.")]
    parts = sorted((int(index), "".join(kind)) for _, index, *kind in named if index.isdecimal())
    return [_button(index, kind, variables) for index, kind in parts]


def _button(index: int, kind: str, variables: Mapping[str, str]) -> Body:
    value = variables[f"button.{index}.{kind}" if kind else f"button.{index}"]
    sub_type, parameter = _BUTTON_KINDS.get(kind, _BUTTON_KINDS[""])(value)
    return {"type": "button", "sub_type": sub_type, "index": str(index), "parameters": [parameter]}


_BUTTON_KINDS: dict[str, Callable[[str], tuple[str, Body]]] = {
    "": lambda value: ("url", {"type": "text", "text": value.strip()}),
    "payload": lambda value: ("quick_reply", {"type": "payload", "payload": value}),
    "code": lambda value: ("copy_code", {"type": "coupon_code", "coupon_code": value}),
    "flow": lambda value: ("flow", {"type": "action", "action": {"flow_token": value}}),
}
