"""Content as the requests that Messenger's Send API takes. Messenger Platform, Send API reference (2026-06)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from bot.channels.contract import Attachment, Outbound, Rejected
from bot.channels.messenger.errors import WINDOW
from bot.channels.messenger.rules import (
    BUTTON_TITLE,
    FILE_BYTES,
    LIMITS,
    LONGEST_CARD_TEXT,
    TEMPLATE_BUTTONS,
    TOO_LATE,
    TOO_LATE_FOR_BOTS,
    fits,
    window,
)
from bot.channels.splitting import split
from bot.channels.template_values import text_values
from bot.content import Button, Buttons, Card, Cards, Content, Emoji, Link, Location, Media, TemplateUse, Text
from bot.errors import N_

Body = dict[str, Any]
HUMAN = {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
RESPONSE = {"messaging_type": "RESPONSE"}
UTILITY = {"messaging_type": "UTILITY"}
LONGEST_METADATA = 999


@dataclass(frozen=True, slots=True)
class Request:
    """`file` goes along as an upload in the same request."""

    body: Body
    file: Attachment | None = None

    def fields(self) -> dict[str, str]:
        """The body as the fields of a form: objects are JSON text."""
        return {
            key: value if isinstance(value, str) else orjson.dumps(value).decode() for key, value in self.body.items()
        }


def requests(outbound: Outbound, now: datetime) -> list[Request]:
    """One request, or several where a limit asks for it; the first carries the quote. Raises Rejected for what
    may not be sent, now or ever.
    """
    recipient = {"recipient": {"id": _person(outbound)}}
    if isinstance(outbound.content, Emoji):
        return [Request({**recipient, **_reaction(outbound.content)})]
    way = policy(outbound, now)
    found = []
    for message, file in _messages(outbound.content, outbound.attachment):
        message["metadata"] = outbound.callback[:LONGEST_METADATA]
        found.append(Request({**recipient, **way, "message": message}, file))
    if outbound.reply_to and way is not UTILITY:
        found[0].body["reply_to"] = {"mid": outbound.reply_to.partition("#")[0]}
    return found


def _person(outbound: Outbound) -> str:
    for address in outbound.to:
        if address.kind == "messenger":
            return address.reach or address.value
    raise Rejected("no_address", N_("This person has no Messenger address."))


def policy(outbound: Outbound, now: datetime) -> dict[str, str]:
    """Decided at the moment of sending: inside 24 hours an answer, until 7 days only a person's, then nothing."""
    if isinstance(outbound.content, TemplateUse):
        return UTILITY
    found = window(outbound.heard_at, now)
    if found.is_open:
        return RESPONSE
    if not outbound.human:
        raise Rejected("window_closed", TOO_LATE_FOR_BOTS, window=True)
    if found.human_until is None or now >= found.human_until:
        raise Rejected("window_closed", TOO_LATE if found.human_until else WINDOW.sentence, window=True)
    return HUMAN


def _reaction(content: Emoji) -> Body:
    payload = {"message_id": content.target.partition("#")[0]}
    if not content.emoji:
        return {"sender_action": "unreact", "payload": payload}
    return {"sender_action": "react", "payload": {**payload, "reaction": content.emoji}}


def _messages(content: Content, attachment: Attachment | None) -> list[tuple[Body, Attachment | None]]:
    verdict = fits(content)
    if not verdict.allowed:
        raise Rejected(verdict.code, verdict.message)
    if isinstance(content, Media):
        return _media(content, attachment)
    return [(message, None) for message in _worded(content)]


def _worded(content: Content) -> list[Body]:
    match content:
        case Text():
            return _texts(content.text)
        case Location():
            point = f"https://maps.google.com/?q={content.latitude},{content.longitude}"
            return _texts("\n".join(filter(None, (content.name, content.address, point))))
        case Cards():
            return _texts("\n\n".join(_card(card) for card in content.cards))
        case Link():
            return _texts(f"{content.title}\n{content.url}".strip())
        case Buttons():
            return _buttons(content)
        case TemplateUse():
            return [{"template": _template(content)}]
        case _:
            raise Rejected("unsupported", N_("Messenger cannot send this kind of message."))


def _texts(text: str) -> list[Body]:
    return [{"text": piece} for piece in split(text, LIMITS.text)]


def _card(card: Card) -> str:
    return "\n".join(filter(None, (card.name, card.company, *card.phones, *card.emails)))


def _media(content: Media, attachment: Attachment | None) -> list[tuple[Body, Attachment | None]]:
    """Messenger has no captions: the words follow as a message of their own."""
    if attachment is None:
        raise Rejected("no_file", N_("The file of this message is missing."))
    if attachment.size > FILE_BYTES:
        raise Rejected("too_large", N_("This file is too large: Messenger takes up to 25 MB."))
    file: Body = {"attachment": {"type": wire_kind(content, attachment), "payload": {}}}
    words = _texts(content.caption) if content.caption.strip() else []
    return [(file, attachment), *((message, None) for message in words)]


def wire_kind(content: Media, file: Attachment) -> str:
    """Messenger's type for the file. What a picture, sound or film of this kind may not be goes as a plain file."""
    mime = file.mime.partition(";")[0].strip().lower()
    if mime not in LIMITS.mimes[content.kind] or file.size > LIMITS.media_bytes[content.kind]:
        return "file"
    return {"voice": "audio", "sticker": "image", "animation": "image"}.get(content.kind, content.kind)


# --- buttons and templates --------------------------------------------------------------------------------------------


def _buttons(content: Buttons) -> list[Body]:
    """Choices as quick replies; with links among them as a card of up to three, further links as lines of text."""
    choices = [button for button in content.buttons if not button.url]
    links = [button for button in content.buttons if button.url]
    text = "\n\n".join(filter(None, (content.text, content.footer)))
    if links and len(content.buttons) <= TEMPLATE_BUTTONS:
        return _with_card(text, content.buttons)
    text = "\n".join([text, *(f"{link.title}: {link.url}" for link in links)])
    messages = _texts(text)
    if choices:
        messages[-1]["quick_replies"] = [_quick_reply(choice) for choice in choices]
    return messages


def _with_card(text: str, buttons: Sequence[Button]) -> list[Body]:
    *before, last = split(text, LONGEST_CARD_TEXT)
    payload = {"template_type": "button", "text": last, "buttons": [_card_button(button) for button in buttons]}
    card: Body = {"attachment": {"type": "template", "payload": payload}}
    return [*(message for piece in before for message in _texts(piece)), card]


def _card_button(button: Button) -> Body:
    title = shortened(button.title)
    if button.url:
        return {"type": "web_url", "title": title, "url": button.url}
    return {"type": "postback", "title": title, "payload": button.id or button.title}


def _quick_reply(choice: Button) -> Body:
    return {"content_type": "text", "title": shortened(choice.title), "payload": choice.id or choice.title}


def shortened(title: str) -> str:
    return title if len(title) <= BUTTON_TITLE else f"{title[: BUTTON_TITLE - 1]}…"


def _template(content: TemplateUse) -> Body:
    """A utility template: Messenger's only way past the window."""
    header, body = text_values(content.variables, "header"), text_values(content.variables, "body")
    parts: list[Body] = [
        {"type": kind, "parameters": found} for kind, found in (("header", header), ("body", body)) if found
    ]
    buttons = sorted((key, value) for key, value in content.variables.items() if key.startswith("button."))
    if buttons:
        parts.append({"type": "buttons", "parameters": [{"type": "URL", "url": value} for _, value in buttons]})
    template: Body = {"name": content.name, "language": {"code": content.language}}
    return {**template, "components": parts} if parts else template
