"""How a bot's message looks on the phone, and how its files are told back."""

from collections.abc import Iterable, Mapping
from typing import Any

from bot.sandbox.telegram.errors import bad
from bot.sandbox.world.chats import Line
from bot.sandbox.world.files import Stored

MAX_CALLBACK_BYTES = 64
PHONE_KINDS = {"photo": "image", "video_note": "video"}


def drawn_file(kind: str, stored: Stored, caption: str) -> tuple[dict[str, Any], Line]:
    shown = PHONE_KINDS.get(kind, kind)
    media = {"kind": shown, "id": stored.id, "name": stored.name}
    content: dict[str, Any] = {kind: told_file(kind, stored)}
    if caption:
        content["caption"] = caption
    return content, Line("", "company", shown, 0.0, caption, data={"media": media})


def told_file(kind: str, stored: Stored, *, seconds: int = 0) -> Any:
    """A file as messages carry it. Pictures come in sizes; all of them are the same bytes here."""
    size = len(stored.data)
    known: dict[str, Any] = {"file_id": stored.id, "file_unique_id": f"u{stored.id}", "file_size": size}
    if kind == "photo":
        return [known | {"width": width, "height": width * 3 // 4} for width in (90, 320, 1280)]
    if kind in ("video", "animation", "video_note", "sticker"):
        known |= {"width": 512, "height": 512} if kind == "sticker" else {"width": 640, "height": 480}
    if kind in ("video", "animation", "voice", "audio", "video_note"):
        known["duration"] = seconds or 1
    if kind == "sticker":
        known |= {"type": "regular", "is_animated": False, "is_video": False}
    elif kind != "video_note":
        known["mime_type"] = stored.mime.split(";")[0]
    if stored.name and kind in ("document", "video", "audio", "animation"):
        known["file_name"] = stored.name
    return known


def buttons_of(markup: Mapping[str, Any]) -> list[dict[str, str]]:
    """The inline keyboard. Raises BotError when a button cannot be one."""
    found = []
    for button in _flat(markup.get("inline_keyboard")):
        data, url = str(button.get("callback_data", "")), str(button.get("url", ""))
        if not button.get("text") or not (data or url):
            raise bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
        if len(data.encode()) > MAX_CALLBACK_BYTES:
            raise bad("BUTTON_DATA_INVALID")
        found.append({"kind": "inline" if data else "url", "id": data, "title": str(button["text"]), "url": url})
    return found


def keyboard_of(markup: Mapping[str, Any]) -> list[dict[str, str]] | None:
    """The keyboard below the chat; empty takes it away, None leaves it as it was."""
    if markup.get("remove_keyboard"):
        return []
    if "keyboard" not in markup:
        return None
    return [_key(button) for button in _flat(markup["keyboard"])]


def _key(button: Mapping[str, Any]) -> dict[str, str]:
    title = str(button.get("text", ""))
    if not title:
        raise bad('can\'t parse keyboard button: Field "text" must be non-empty')
    kind = "contact" if button.get("request_contact") else "location" if button.get("request_location") else "key"
    return {"kind": kind, "id": title, "title": title}


def _flat(rows: Any) -> Iterable[Mapping[str, Any]]:
    for row in rows or ():
        for button in row:
            yield {"text": button} if isinstance(button, str) else button
