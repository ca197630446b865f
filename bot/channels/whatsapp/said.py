"""What a WhatsApp message carries, as content. WhatsApp Cloud API, Webhooks, messages reference (2026-08)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.channels.contract import MediaRef
from bot.channels.fields import (
    Odd,
    a_dict,
    a_file_name,
    a_list,
    a_number,
    a_text,
    an_id,
    an_integer,
    load,
    storable,
)
from bot.channels.whatsapp.errors import find_remedy
from bot.content import (
    Card,
    Cards,
    Choice,
    Content,
    Form,
    Location,
    Media,
    MediaKind,
    Order,
    OrderItem,
    System,
    Text,
    Unsupported,
)

Item = Mapping[str, Any]
NOT_A_LETTER = re.compile(r"[^a-z0-9_.-]")
CODES_OF_INBOUND = frozenset({131051, 131052, 131060})
KINDS_OF_FILE: dict[str, MediaKind] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "voice": "voice",
    "document": "document",
    "sticker": "sticker",
}


@dataclass(frozen=True, slots=True)
class Shown:
    content: Content
    media: tuple[MediaRef, ...] = ()


def show(item: Item, errors: list[Any] | None = None) -> Shown:
    """Never fails: what cannot be shown is Unsupported, with the reason that WhatsApp gives in the message or,
    failing that, in `errors` beside it.
    """
    kind = a_text(item.get("type"))
    reader = _READERS.get(kind)
    if reader is None:
        return Shown(_unsupported(item, kind, errors))
    try:
        return reader(item)
    except ValueError:
        return Shown(_unsupported(item, kind, errors))


def _unsupported(item: Item, kind: str, errors: list[Any] | None) -> Unsupported:
    inner = a_text(a_dict(item.get("unsupported")).get("type"))
    named = inner or (kind if kind not in ("unsupported", "unknown") else "")
    return Unsupported(kind=named, reason=_reason_of(a_list(item.get("errors")) or errors or []))


def _reason_of(errors: list[Any]) -> str:
    """Our sentence where the code is one of messages that come in, else the platform's words."""
    error = a_dict(errors[0]) if errors else {}
    code = an_integer(error.get("code"))
    remedy = find_remedy(code) if code in CODES_OF_INBOUND else None
    return remedy.sentence if remedy else details_of(error)


def details_of(error: Item) -> str:
    """`error_data.details`, in old payloads `details`, else the title."""
    data = error.get("error_data")
    places = (a_dict(data).get("details"), data, error.get("details"), error.get("message"), error.get("title"))
    return next((place for place in places if isinstance(place, str) and place), "")


def _part(item: Item) -> dict[str, Any]:
    """The object that carries a type's own fields, which is named like the type."""
    part = item.get(a_text(item.get("type")))
    if not isinstance(part, dict):
        raise Odd("no content")
    return part


def _text(item: Item) -> Shown:
    body = _part(item).get("body")
    if not isinstance(body, str):
        raise Odd("no text")
    return Shown(Text(text=body))


def _file(item: Item) -> Shown:
    part = _part(item)
    kind = KINDS_OF_FILE[item["type"]]
    ref = MediaRef(
        id=an_id(part.get("id")),
        url=a_text(part.get("url")),
        mime=a_text(part.get("mime_type")).partition(";")[0].strip(),
        sha256=a_text(part.get("sha256")),
    )
    if not (ref.id or ref.url):
        raise Odd("no file")
    media = Media(
        kind="voice" if kind == "audio" and part.get("voice") is True else kind,
        caption=a_text(part.get("caption")),
        name=a_file_name(part.get("filename")),
        mime=ref.mime,
    )
    return Shown(media, (ref,))


def caption_only(item: Item) -> Shown:
    """An edited message. Of one with a file only the caption can change, and no file comes along."""
    kind = a_text(item.get("type"))
    if kind not in KINDS_OF_FILE:
        return show(item)
    part = a_dict(item.get(kind))
    return Shown(Media(kind=KINDS_OF_FILE[kind], caption=a_text(part.get("caption"))))


def _location(item: Item) -> Shown:
    part = _part(item)
    latitude, longitude = a_number(part.get("latitude")), a_number(part.get("longitude"))
    if latitude is None or longitude is None:
        raise Odd("no place")
    words = {key: a_text(part.get(key)) for key in ("name", "address", "url")}
    return Shown(Location(latitude=latitude, longitude=longitude, **words))


def _contacts(item: Item) -> Shown:
    cards = [_card(a_dict(card)) for card in a_list(item.get("contacts"))]
    if not cards:
        raise Odd("no cards")
    return Shown(Cards(cards=tuple(cards), own=is_own_contact(item)))


def is_own_contact(item: Item) -> bool:
    """They pressed "share contact". The mark stands on the message or inside the card: documents differ."""
    return any(a_dict(place).get("origin") == "contact_request" for place in (item, *a_list(item.get("contacts"))))


def _card(card: Item) -> Card:
    name = a_dict(card.get("name"))
    parts = [a_text(name.get(key)) for key in ("first_name", "last_name")]
    return Card(
        name=a_text(name.get("formatted_name")) or " ".join(filter(None, parts)),
        phones=_each(card, "phones", "phone") or _each(card, "phones", "wa_id"),
        emails=_each(card, "emails", "email"),
        company=a_text(a_dict(card.get("org")).get("company")),
    )


def _each(card: Item, key: str, inner: str) -> tuple[str, ...]:
    values = (a_text(a_dict(entry).get(inner)) for entry in a_list(card.get(key)))
    return tuple(value for value in values if value)


def _button(item: Item) -> Shown:
    """The quick reply of a template."""
    part = _part(item)
    title, payload = a_text(part.get("text")), an_id(part.get("payload"))
    if not (title or payload):
        raise Odd("no choice")
    return Shown(Choice(id=payload or title, title=title or payload, target=quoted(item)))


def quoted(item: Item) -> str | None:
    return an_id(a_dict(item.get("context")).get("id")) or None


def _interactive(item: Item) -> Shown:
    part = _part(item)
    kind = a_text(part.get("type"))
    reader = _ANSWERS.get(kind)
    answer = part.get(kind)
    if reader is None or not isinstance(answer, dict):
        name = NOT_A_LETTER.sub("", kind)[:40]
        return Shown(_unsupported({}, f"interactive.{name}", None))
    return reader(item, answer)


def _choice(item: Item, answer: Item) -> Shown:
    title, chosen = a_text(answer.get("title")), an_id(answer.get("id"))
    if not (title or chosen):
        raise Odd("no choice")
    return Shown(Choice(id=chosen or title, title=title or chosen, target=quoted(item)))


def _form(item: Item, answer: Item) -> Shown:
    """`response_json` is a text that holds JSON, and not always an object."""
    given = answer.get("response_json")
    try:
        answers = storable(load(given)) if isinstance(given, str) else storable(given)
    except ValueError:
        answers = given
    return Shown(Form(name=a_text(answer.get("name")), answers=answers))


def _call_permission(item: Item, answer: Item) -> Shown:
    return Shown(Form(name="call_permission", answers=storable(dict(answer))))


def _order(item: Item) -> Shown:
    part = _part(item)
    items = [_order_item(a_dict(entry)) for entry in a_list(part.get("product_items"))]
    catalog = an_id(part.get("catalog_id"))
    return Shown(Order(items=tuple(items), text=a_text(part.get("text")), catalog=catalog))


def _order_item(entry: Item) -> OrderItem:
    quantity = a_number(entry.get("quantity"))
    return OrderItem(
        product=an_id(entry.get("product_retailer_id")),
        quantity=1 if quantity is None else quantity,
        price=a_number(entry.get("item_price")),
        currency=a_text(entry.get("currency")),
    )


def _system(item: Item) -> Shown:
    part = _part(item)
    return Shown(System(kind=a_text(part.get("type")) or "system", text=a_text(part.get("body"))))


_ANSWERS: dict[str, Callable[[Item, Item], Shown]] = {
    "button_reply": _choice,
    "list_reply": _choice,
    "nfm_reply": _form,
    "call_permission_reply": _call_permission,
}
_READERS: dict[str, Callable[[Item], Shown]] = {
    "text": _text,
    **dict.fromkeys(KINDS_OF_FILE, _file),
    "location": _location,
    "contacts": _contacts,
    "button": _button,
    "interactive": _interactive,
    "order": _order,
    "system": _system,
}
