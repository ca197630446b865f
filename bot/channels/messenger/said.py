"""What a Messenger message carries, as contents: text, and each attachment as one of its own.

Messenger Platform, Webhooks, messages and message_echoes references (2026-06).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from bot.channels.contract import MediaRef
from bot.channels.fields import Odd, a_dict, a_file_name, a_list, a_number, a_text, an_id, storable
from bot.content import Button, Buttons, Choice, Content, Form, Link, Location, Media, MediaKind, Text, Unsupported

Item = Mapping[str, Any]
# The three sizes of Messenger's own thumbs-up.
THUMBS_UP = frozenset({"369239263222822", "369239343222814", "369239383222810"})
KINDS: dict[str, MediaKind] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "file": "document",
    "sticker": "sticker",
}
LINKS = ("fallback", "share", "post", "reel", "ig_post", "ig_reel")


@dataclass(frozen=True, slots=True)
class Shown:
    content: Content
    media: tuple[MediaRef, ...] = ()


def show(message: Item) -> list[Shown]:
    """At least one. Text becomes the first attachment's caption where that is a file, else it comes before."""
    text = a_text(message.get("text"))
    reply = message.get("quick_reply")
    if isinstance(reply, dict):
        return [Shown(Choice(id=an_id(reply.get("payload")) or text, title=text or an_id(reply.get("payload"))))]
    attachments = [_attachment(a_dict(item)) for item in _without_twins(a_list(message.get("attachments")))]
    if not text:
        return attachments or [Shown(Unsupported(kind=_unknown(message)))]
    if attachments and isinstance(first := attachments[0].content, Media):
        captioned = Shown(first.model_copy(update={"caption": text}), attachments[0].media)
        return [captioned, *attachments[1:]]
    return [Shown(Text(text=text)), *(one for one in attachments if not _repeats(one, text))]


def _unknown(message: Item) -> str:
    known = {"mid", "is_echo", "app_id", "metadata", "reply_to", "attachments", "text", "referral", "commands"}
    return next((key for key in message if key not in known), "empty")


def _repeats(one: Shown, text: str) -> bool:
    """The preview of a link that stands in the text."""
    return isinstance(one.content, Link) and (not one.content.url or one.content.url in text)


def _without_twins(attachments: list[Any]) -> list[Any]:
    """In the summer of 2026 one sticker came both as an image and as a sticker."""
    stickers = {_sticker_id(a_dict(item)) for item in attachments if a_dict(item).get("type") == "sticker"}
    return [
        item
        for item in attachments
        if a_dict(item).get("type") != "image" or _sticker_id(a_dict(item)) not in stickers - {""}
    ]


def _sticker_id(attachment: Item) -> str:
    return an_id(a_dict(attachment.get("payload")).get("sticker_id"))


def _attachment(item: Item) -> Shown:
    kind = a_text(item.get("type"))
    reader = _READERS.get(kind)
    try:
        if reader is None:
            raise Odd("unknown type")
        return reader(item, a_dict(item.get("payload")))
    except ValueError:
        return Shown(Unsupported(kind=kind[:60] or "attachment"))


def _file(item: Item, payload: Item) -> Shown:
    sticker, url = _sticker_id(item), a_text(payload.get("url"))
    if sticker in THUMBS_UP:
        return Shown(Text(text="👍"))
    if not url:
        raise Odd("no file")
    kind = "sticker" if sticker else KINDS[item["type"]]
    name = a_file_name(unquote(urlsplit(url).path)) if kind == "document" else ""
    return Shown(Media(kind=kind, name=name), (MediaRef(url=url),))


def _link(item: Item, payload: Item) -> Shown:
    """Old payloads have title and address beside the type."""
    url, title = (a_text(payload.get(key)) or a_text(item.get(key)) for key in ("url", "title"))
    if not (url or title):
        raise Odd("no link")
    return Shown(Link(url=url, title=title))


def _location(item: Item, payload: Item) -> Shown:
    point = a_dict(payload.get("coordinates"))
    latitude, longitude = a_number(point.get("lat")), a_number(point.get("long"))
    if latitude is None or longitude is None:
        raise Odd("no place")
    return Shown(Location(latitude=latitude, longitude=longitude, name=a_text(item.get("title"))))


def _appointment(item: Item, payload: Item) -> Shown:
    return Shown(Form(name="appointment", answers=storable(dict(payload))))


def _template(item: Item, payload: Item) -> Shown:
    """A shared product, or what a page sent as a card."""
    elements = list(_elements(payload))
    text = a_text(payload.get("text")) or "\n".join(filter(None, map(_words, elements)))
    buttons = [_button(a_dict(button)) for source in (payload, *elements) for button in a_list(source.get("buttons"))]
    if buttons:
        return Shown(Buttons(text=text, buttons=tuple(buttons)))
    first = elements[0] if elements else {}
    url = a_text(first.get("item_url")) or a_text(first.get("url")) or a_text(first.get("image_url"))
    if not (url or text):
        raise Odd("an empty card")
    return Shown(Link(url=url, title=text))


def _elements(payload: Item) -> Iterator[Item]:
    for source in (payload, a_dict(payload.get("product"))):
        yield from map(a_dict, a_list(source.get("elements")))


def _words(element: Item) -> str:
    return "\n".join(filter(None, (a_text(element.get("title")), a_text(element.get("subtitle")))))


def _button(button: Item) -> Button:
    title = a_text(button.get("title"))
    return Button(id=an_id(button.get("payload")) or title, title=title, url=a_text(button.get("url")))


_READERS: dict[str, Callable[[Item, Item], Shown]] = {
    **dict.fromkeys(KINDS, _file),
    **dict.fromkeys(LINKS, _link),
    "location": _location,
    "appointment_booking": _appointment,
    "template": _template,
}
