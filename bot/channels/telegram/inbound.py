"""One Telegram update as facts, by plain guarded reading: nothing it holds can make it, or another, get lost.

Telegram Bot API 10.3, Update (2026-08).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.channels.contract import (
    EVERYWHERE,
    Address,
    Edited,
    Ignored,
    Inbound,
    PhoneShared,
    Reachable,
    Reacted,
    Said,
    Sender,
    Unrecognised,
)
from bot.channels.fields import Odd, a_dict, a_list, a_text, an_integer, load, moment, storable
from bot.channels.telegram import contents
from bot.channels.telegram.names import UNUSED_UPDATES
from bot.content import Choice, Unsupported
from bot.phones import fold

BLOCKED, PRESENT = {"kicked", "left"}, {"member", "restricted", "administrator", "creator"}
# A reaction that has no character of its own.
CUSTOM_EMOJI, PAID_EMOJI = "✨", "⭐"


@dataclass(frozen=True, slots=True)
class _Update:
    account: str
    kind: str
    body: Mapping[str, Any]
    now: datetime


@dataclass(frozen=True, slots=True)
class _Chat:
    id: str
    group: str | None
    title: str
    itself: Mapping[str, Any]


def read(raw: bytes, account: str, now: datetime) -> list[Inbound]:
    try:
        update = load(raw)
    except ValueError:
        return [Unrecognised(account, "garbage", "not JSON", raw.decode(errors="replace"))]
    kinds = [key for key in update if key != "update_id"] if isinstance(update, dict) else []
    if not kinds:
        return [Unrecognised(account, "empty", "an update without content", storable(update))]
    return [fact for kind in kinds for fact in _read_kind(account, kind, update[kind], now)]


def _read_kind(account: str, kind: str, body: Any, now: datetime) -> list[Inbound]:
    if kind in UNUSED_UPDATES:
        return [Ignored(account, kind)]
    reader = _READERS.get(kind)
    if reader is None:
        return [Unrecognised(account, kind, "unknown kind", storable({kind: body}))]
    try:
        return reader(_Update(account, kind, _needed(body, "a body"), now))
    except Odd as error:
        return [Unrecognised(account, kind, str(error), storable({kind: body}))]


def _message(update: _Update) -> list[Inbound]:
    message = update.body
    shown, chat = contents.show(message), _chat_of(message)
    sender = _sender_of(message, chat)
    if shown is None:
        return [Ignored(update.account, contents.service_kind(message))]
    if sender.addresses[0].value == update.account:
        return [Ignored(update.account, "own message")]
    said = Said(
        account=update.account,
        chat=chat.id,
        platform_id=_platform_id(chat, message),
        sender=sender,
        content=shown.content,
        sent_at=_at(message.get("date"), update),
        media=shown.media,
        reply_to=_reply_to(chat, message),
        referral=None if chat.group else _start_payload(message),
        forwarded=any(message.get(key) for key in ("forward_origin", "forward_date")),
        group=chat.group,
        group_title=chat.title,
        album=_album(message),
        raw=storable(dict(message)) if isinstance(shown.content, Unsupported) else None,
    )
    return [said, *_shared_phone(said, message)]


def _shared_phone(said: Said, message: Mapping[str, Any]) -> list[Inbound]:
    number = a_text(a_dict(message.get("contact")).get("phone_number"))
    digits = "".join(filter(str.isdecimal, number))
    if said.group or not fold(digits) or not contents.is_own_contact(message):
        return []
    phone = Address("phone", EVERYWHERE, fold(digits), digits)
    return [PhoneShared(said.account, said.sender, phone, said.sent_at)]


def _edited(update: _Update) -> list[Inbound]:
    """Also sent when nothing visible changed, and every few seconds for a live location: whoever keeps the
    message compares.
    """
    message = update.body
    shown, chat = contents.show(message), _chat_of(message)
    if shown is None:
        return [Ignored(update.account, contents.service_kind(message))]
    at = _at(message.get("edit_date"), update)
    target = _platform_id(chat, message)
    return [Edited(update.account, chat.id, target, shown.content, at, media=shown.media)]


def _callback_query(update: _Update) -> list[Inbound]:
    """A press of one of our buttons. One below an inline-mode message, which we never send, names no chat."""
    query, message = update.body, a_dict(update.body.get("message"))
    token, data = a_text(query.get("id")), query.get("data")
    sender = _person(_needed(query.get("from"), "who pressed"))
    if not token:
        raise Odd("without its id")
    if not message or not isinstance(data, str):
        return [Ignored(update.account, "callback without message or data")]
    chat = _chat_of(message)
    choice = Choice(id=data, title=_button_title(message, data), target=_platform_id(chat, message))
    said = Said(
        account=update.account,
        chat=chat.id,
        platform_id=f"{chat.id}:cb:{token}",
        sender=sender,
        content=choice,
        sent_at=update.now,
        group=chat.group,
        group_title=chat.title,
        acknowledge=token,
    )
    return [said]


def _button_title(message: Mapping[str, Any], data: str) -> str:
    rows = a_list(a_dict(message.get("reply_markup")).get("inline_keyboard"))
    buttons = [a_dict(button) for row in rows for button in a_list(row)]
    return next((a_text(button.get("text")) for button in buttons if button.get("callback_data") == data), data)


def _my_chat_member(update: _Update) -> list[Inbound]:
    """In a private chat: the person blocked the bot, or started it (again)."""
    chat = _chat_of(update.body)
    status = a_text(a_dict(update.body.get("new_chat_member")).get("status"))
    if chat.group:
        return [Ignored(update.account, "membership of a group")]
    if status not in BLOCKED | PRESENT:
        raise Odd(f"unknown status {status[:40]!r}")
    at = _at(update.body.get("date"), update)
    return [Reachable(update.account, _address(chat.id), status in PRESENT, at)]


def _message_reaction(update: _Update) -> list[Inbound]:
    reaction, chat = update.body, _chat_of(update.body)
    by = reaction.get("user") or reaction.get("actor_chat")
    new = [_emoji(a_dict(item)) for item in a_list(reaction.get("new_reaction"))]
    at = _at(reaction.get("date"), update)
    sender = _person(_needed(by, "who reacted"))
    return [Reacted(update.account, chat.id, _platform_id(chat, reaction), sender, "".join(new) or None, at)]


def _emoji(reaction: Mapping[str, Any]) -> str:
    if reaction.get("type") == "paid":
        return PAID_EMOJI
    return a_text(reaction.get("emoji")) or CUSTOM_EMOJI


def _at(value: Any, update: _Update) -> datetime:
    return moment(value, update.now, update.now)


def _needed(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Odd(f"without {what}")
    return value


def _chat_of(body: Mapping[str, Any]) -> _Chat:
    chat = _needed(body.get("chat"), "a chat")
    number = an_integer(chat.get("id"))
    if not number:
        raise Odd("without a chat id")
    # Only people's chats have positive ids (Telegram Bot API, Dialog ids).
    is_group = number < 0 or chat.get("type") in ("group", "supergroup", "channel")
    title = a_text(chat.get("title")) if is_group else ""
    return _Chat(str(number), str(number) if is_group else None, title, chat)


def _platform_id(chat: _Chat, message: Mapping[str, Any]) -> str:
    """Ids count per chat. An ephemeral message's own id is always 0: its second id tells it apart."""
    number = an_integer(message.get("message_id"))
    if number:
        return f"{chat.id}:{number}"
    passing = an_integer(message.get("ephemeral_message_id"))
    if passing:
        return f"{chat.id}:e{passing}"
    raise Odd("without a message id")


def _sender_of(message: Mapping[str, Any], chat: _Chat) -> Sender:
    """A channel's post names no person: its sender is the channel."""
    by = message.get("from") or message.get("sender_chat") or chat.itself
    return _person(_needed(by, "a sender"))


def _person(user: Mapping[str, Any]) -> Sender:
    number = an_integer(user.get("id"))
    if not number:
        raise Odd("without the sender's id")
    names = (a_text(user.get("first_name")), a_text(user.get("last_name")))
    return Sender(
        addresses=(_address(str(number)),),
        name=" ".join(filter(None, names)) or a_text(user.get("title")),
        username=a_text(user.get("username")),
        language=a_text(user.get("language_code")),
    )


def _address(number: str) -> Address:
    return Address("telegram", EVERYWHERE, number, number)


def _reply_to(chat: _Chat, message: Mapping[str, Any]) -> str | None:
    number = an_integer(a_dict(message.get("reply_to_message")).get("message_id"))
    return f"{chat.id}:{number}" if number else None


def _start_payload(message: Mapping[str, Any]) -> dict[str, str] | None:
    """`/start PAYLOAD` is what t.me/BOT?start=PAYLOAD makes the person's app send."""
    command, _, payload = a_text(message.get("text")).partition(" ")
    return {"start": payload.strip()} if command == "/start" and payload.strip() else None


def _album(message: Mapping[str, Any]) -> str | None:
    album = message.get("media_group_id")
    return str(album) if isinstance(album, str | int) and album else None


_READERS: dict[str, Callable[[_Update], list[Inbound]]] = {
    "message": _message,
    "channel_post": _message,
    "edited_message": _edited,
    "edited_channel_post": _edited,
    "callback_query": _callback_query,
    "my_chat_member": _my_chat_member,
    "message_reaction": _message_reaction,
}
