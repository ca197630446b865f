"""What a Telegram message carries, as content. Telegram Bot API 10.3, Message (2026-08)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.channels.contract import MediaRef
from bot.channels.fields import a_dict, a_file_name, a_list, a_number, a_text, an_integer, load, storable
from bot.channels.telegram.names import ABOUT, SERVICE
from bot.content import Card, Cards, Content, Form, Link, Location, Media, MediaKind, Text, Unsupported

DEEPEST_RICH_TEXT = 30


@dataclass(frozen=True, slots=True)
class Shown:
    content: Content
    media: tuple[MediaRef, ...] = ()


def show(message: Mapping[str, Any]) -> Shown | None:
    """None for a service message. What is there but cannot be shown becomes Unsupported."""
    for kind, reader in _READERS.items():
        if message.get(kind) is not None:
            return reader(message) or Shown(Unsupported(kind=kind, reason="malformed"))
    left = [key for key in message if key not in ABOUT]
    if left and all(key in SERVICE for key in left):
        return None
    unknown = next((key for key in left if key not in SERVICE), "empty")
    return Shown(Unsupported(kind=unknown, reason="unknown"))


def service_kind(message: Mapping[str, Any]) -> str:
    return next((key for key in message if key in SERVICE), "service")


def _text(message: Mapping[str, Any]) -> Shown | None:
    text = message.get("text")
    return Shown(Text(text=text)) if isinstance(text, str) else None


def _file(key: str, kind: MediaKind, mime: str = "") -> "_Reader":
    def read(message: Mapping[str, Any]) -> Shown | None:
        return _media(message, a_dict(message.get(key)), kind, mime)

    return read


def _media(message: Mapping[str, Any], file: Mapping[str, Any], kind: MediaKind, mime: str) -> Shown | None:
    file_id = a_text(file.get("file_id"))
    if not file_id:
        return None
    mime, size = a_text(file.get("mime_type")) or mime, an_integer(file.get("file_size"))
    media = Media(
        kind=kind,
        caption=a_text(message.get("caption")),
        name=a_file_name(file.get("file_name")),
        mime=mime,
        size=size,
        seconds=a_number(file.get("duration")),
    )
    return Shown(media, (MediaRef(id=file_id, mime=mime, size=size),))


def _photo(message: Mapping[str, Any]) -> Shown | None:
    """The sizes come smallest first."""
    sizes = [size for size in a_list(message.get("photo")) if a_text(a_dict(size).get("file_id"))]
    return _media(message, sizes[-1], "image", "image/jpeg") if sizes else None


def _live_photo(message: Mapping[str, Any]) -> Shown | None:
    """Shown as the still picture it also is."""
    still = a_dict(message.get("live_photo")).get("photo") or message.get("photo")
    return _photo({**message, "photo": still}) or _file("live_photo", "video", "video/mp4")(message)


def _audio(message: Mapping[str, Any]) -> Shown | None:
    audio = a_dict(message.get("audio"))
    title = " – ".join(filter(None, (a_text(audio.get("performer")), a_text(audio.get("title")))))
    return _media(message, {**audio, "file_name": audio.get("file_name") or title}, "audio", "audio/mpeg")


def _sticker(message: Mapping[str, Any]) -> Shown | None:
    """A moving sticker (.tgs, .webm) is shown by its still picture, one without a picture by its emoji."""
    sticker = a_dict(message.get("sticker"))
    emoji = a_text(sticker.get("emoji"))
    moves = sticker.get("is_animated") is True or sticker.get("is_video") is True
    still = a_dict(sticker.get("thumbnail")) if moves else sticker
    shown = _media({"caption": emoji}, still, "sticker", "" if moves else "image/webp")
    return shown or (Shown(Text(text=emoji)) if emoji else None)


def _contact(message: Mapping[str, Any]) -> Shown | None:
    contact = a_dict(message.get("contact"))
    phone = a_text(contact.get("phone_number"))
    name = " ".join(filter(None, (a_text(contact.get("first_name")), a_text(contact.get("last_name")))))
    if not phone and not name:
        return None
    return Shown(Cards(cards=(Card(name=name, phones=(phone,) if phone else ()),), own=is_own_contact(message)))


def is_own_contact(message: Mapping[str, Any]) -> bool:
    """Anybody's card can be forwarded: only the id beside the number tells whose it is."""
    owner = an_integer(a_dict(message.get("contact")).get("user_id"))
    return owner is not None and owner == an_integer(a_dict(message.get("from")).get("id"))


def _location(message: Mapping[str, Any]) -> Shown | None:
    venue = a_dict(message.get("venue"))
    place = a_dict(venue.get("location") or message.get("location"))
    latitude, longitude = a_number(place.get("latitude")), a_number(place.get("longitude"))
    if latitude is None or longitude is None:
        return None
    name, address = a_text(venue.get("title")), a_text(venue.get("address"))
    return Shown(Location(latitude=latitude, longitude=longitude, name=name, address=address))


def _poll(message: Mapping[str, Any]) -> Shown | None:
    poll = a_dict(message.get("poll"))
    options = [f"• {a_text(a_dict(option).get('text'))}" for option in a_list(poll.get("options"))]
    return Shown(Text(text="\n".join([f"📊 {a_text(poll.get('question'))}", *options])))


def _checklist(message: Mapping[str, Any]) -> Shown | None:
    checklist = a_dict(message.get("checklist"))
    tasks = [a_dict(task) for task in a_list(checklist.get("tasks"))]
    lines = [f"{'☑' if task.get('completion_date') else '☐'} {a_text(task.get('text'))}" for task in tasks]
    return Shown(Text(text="\n".join([a_text(checklist.get("title")), *lines])))


def _dice(message: Mapping[str, Any]) -> Shown | None:
    dice = a_dict(message.get("dice"))
    value = an_integer(dice.get("value"))
    return None if value is None else Shown(Text(text=f"{a_text(dice.get('emoji'))} {value}".strip()))


def _story(message: Mapping[str, Any]) -> Shown | None:
    story = a_dict(message.get("story"))
    chat, number = a_dict(story.get("chat")), an_integer(story.get("id"))
    owner = a_text(chat.get("username"))
    if not owner or number is None:
        return Shown(Unsupported(kind="story", reason="private"))
    return Shown(Link(url=f"https://t.me/{owner}/s/{number}", title=f"@{owner}"))


def _game(message: Mapping[str, Any]) -> Shown | None:
    title = a_text(a_dict(message.get("game")).get("title"))
    return Shown(Text(text=f"🎮 {title}")) if title else None


def _web_app(message: Mapping[str, Any]) -> Shown | None:
    app = a_dict(message.get("web_app_data"))
    data = a_text(app.get("data"))
    try:
        answers = storable(load(data))
    except ValueError:
        answers = data
    return Shown(Form(name=a_text(app.get("button_text")), answers=answers))


def _rich_message(message: Mapping[str, Any]) -> Shown | None:
    blocks = a_dict(message.get("rich_message")).get("blocks")
    text = "\n".join(line for line in _rich_lines(blocks, 0) if line)
    return Shown(Text(text=text)) if text else None


def _rich_lines(blocks: Any, depth: int) -> Iterator[str]:
    """The words of a rich message, a line for each block, in reading order."""
    for block in a_list(blocks):
        if depth > DEEPEST_RICH_TEXT or not isinstance(block, dict):
            continue
        yield from (_rich_text(block.get(key), 0) for key in ("summary", "text", "expression"))
        for row in a_list(block.get("cells")):
            yield " | ".join(_rich_text(cell, 0) for cell in a_list(row))
        for item in map(a_dict, a_list(block.get("items"))):
            words = (a_text(item.get("label")), *_rich_lines(item.get("blocks"), depth + 1))
            yield " ".join(filter(None, words))
        yield from _rich_lines(block.get("blocks"), depth + 1)
        yield from (_rich_text(block.get(key), 0) for key in ("buttons", "caption", "credit"))


def _rich_text(text: Any, depth: int) -> str:
    if isinstance(text, str):
        return text
    if depth > DEEPEST_RICH_TEXT:
        return ""
    if isinstance(text, list):
        return "".join(_rich_text(piece, depth + 1) for piece in text)
    if not isinstance(text, dict):
        return ""
    inner = next((text[key] for key in ("text", "alternative_text", "expression", "button") if text.get(key)), "")
    return _rich_text(inner, depth + 1)


def _not_yet(kind: str) -> "_Reader":
    return lambda message: Shown(Unsupported(kind=kind, reason="later"))


_Reader = Callable[[Mapping[str, Any]], Shown | None]
# The specific before the general: an animation also sets `document`, a live photo `photo`, a venue
# `location`.
_READERS: dict[str, _Reader] = {
    "text": _text,
    "rich_message": _rich_message,
    "live_photo": _live_photo,
    "photo": _photo,
    "animation": _file("animation", "animation", "video/mp4"),
    "video": _file("video", "video", "video/mp4"),
    "video_note": _file("video_note", "video", "video/mp4"),
    "voice": _file("voice", "voice", "audio/ogg"),
    "audio": _audio,
    "document": _file("document", "document"),
    "sticker": _sticker,
    "contact": _contact,
    "venue": _location,
    "location": _location,
    "poll": _poll,
    "checklist": _checklist,
    "dice": _dice,
    "story": _story,
    "game": _game,
    "web_app_data": _web_app,
    **{kind: _not_yet(kind) for kind in ("paid_media", "invoice", "gift", "unique_gift", "giveaway")},
}
