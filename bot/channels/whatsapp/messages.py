"""Messages, echoes, imported history, calls and statuses of WhatsApp as facts.

WhatsApp Cloud API, Webhooks, messages, status, history and SMB message echoes references (2026-08).
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

import orjson

from bot.channels.contract import (
    EVERYWHERE,
    Address,
    Climbed,
    Deleted,
    Edited,
    Failure,
    Ignored,
    Inbound,
    Moved,
    PhoneShared,
    Reacted,
    Said,
    Sender,
    Unrecognised,
)
from bot.channels.fields import Odd, a_dict, a_list, a_text, an_id, an_integer, moment, storable
from bot.channels.whatsapp import said
from bot.channels.whatsapp.errors import remedy_of
from bot.channels.whatsapp.place import Item, People, Place, a_list_of, addresses, each
from bot.content import Cards, System, Unsupported
from bot.phones import fold, is_phone

# A voice note that was listened to has been read, and more.
STATUSES: dict[str, Literal["sent", "delivered", "read", "failed"]] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "read",
    "failed": "failed",
}
RETIRED_STATUSES = frozenset({"deleted", "warning"})
MOVES = frozenset({"user_changed_number", "user_changed_user_id", "customer_changed_number"})
# Files of imported history that are younger follow in webhooks of their own.
FILES_FOLLOW = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a message came: live, as the echo of the phone app, as imported history, as a copy of what an AI says."""

    direction: Literal["in", "out"] = "in"
    author: Literal["contact", "phone", "bot"] = "contact"
    opens_window: bool = True
    standby: bool = False


LIVE = Manner()
ECHO = Manner("out", "phone", opens_window=False)
IMPORTED = Manner(opens_window=False)


@dataclass(frozen=True, slots=True)
class _Found:
    """One message, and all that is needed to read it."""

    place: Place
    people: People
    manner: Manner
    item: Item

    @property
    def id(self) -> str:
        name = an_id(self.item.get("id"))
        if not name:
            raise Odd("no id")
        return name

    def sender(self) -> Sender:
        """The person: who wrote, or in an echo whom it was written to."""
        if self.manner.direction == "in":
            return self.people.sender(self.item.get("from_user_id"), self.item.get("from"))
        return self.people.sender(self.item.get("to_user_id"), self.item.get("to"))


def read_messages(
    place: Place, people: People, items: list[Any], manner: Manner = LIVE, *, kind: str = "message"
) -> Iterator[Inbound]:
    return each(place, kind, items, lambda item: _message(_Found(place, people, manner, item)))


def _message(found: _Found) -> list[Inbound]:
    reader = _SPECIAL.get(a_text(found.item.get("type")))
    return reader(found) if reader else _said(found)


def _said(found: _Found) -> list[Inbound]:
    item, place, manner = found.item, found.place, found.manner
    shown = said.show(item, a_list(place.value.get("errors")))
    context, group = a_dict(item.get("context")), an_id(item.get("group_id")) or None
    message = Said(
        account=place.account,
        chat="",
        platform_id=found.id,
        sender=found.sender(),
        content=shown.content,
        sent_at=place.time_of(item),
        direction=manner.direction,
        author=manner.author,
        media=shown.media,
        reply_to=an_id(context.get("id")) or None,
        referral=_referral(item, context),
        forwarded=bool(context.get("forwarded") or context.get("frequently_forwarded")),
        group=group,
        opens_window=manner.opens_window and group is None,
        standby=manner.standby,
        raw=storable(item) if isinstance(shown.content, Unsupported) else None,
    )
    return [message, *_shared_phone(message, item)] if isinstance(shown.content, Cards) else [message]


def _referral(item: Item, context: Item) -> dict[str, Any] | None:
    """The advertisement that led here, or the product that is asked about."""
    advertisement, product = item.get("referral"), context.get("referred_product")
    if isinstance(advertisement, dict):
        return a_dict(storable(advertisement))
    return {"referred_product": storable(product)} if isinstance(product, dict) else None


def _shared_phone(message: Said, item: Item) -> list[Inbound]:
    if not said.is_own_contact(item) or message.group or message.direction == "out":
        return []
    phones = [a_dict(entry) for card in a_list(item.get("contacts")) for entry in a_list(a_dict(card).get("phones"))]
    written = [an_id(entry.get("wa_id")) or an_id(entry.get("phone")) for entry in phones]
    digits = next(filter(is_phone, ("".join(filter(str.isdecimal, number)) for number in written)), "")
    phone = Address("phone", EVERYWHERE, fold(digits), digits)
    return [PhoneShared(message.account, message.sender, phone, message.sent_at)] if digits else []


def _reaction(found: _Found) -> list[Inbound]:
    """Taken back when `emoji` is missing, in older payloads empty."""
    part = a_dict(found.item.get("reaction"))
    target = an_id(part.get("message_id"))
    if not target:
        raise Odd("a reaction to nothing")
    return [
        Reacted(
            found.place.account,
            "",
            target,
            found.sender(),
            a_text(part.get("emoji")) or None,
            found.place.time_of(found.item),
            found.manner.direction,
        )
    ]


def _original(found: _Found, key: str) -> str:
    target = an_id(a_dict(found.item.get(key)).get("original_message_id"))
    if not target:
        raise Odd(f"{key} of nothing")
    return target


def _edit(found: _Found) -> list[Inbound]:
    content = said.caption_only(a_dict(a_dict(found.item.get("edit")).get("message"))).content
    at = found.place.time_of(found.item)
    return [Edited(found.place.account, "", _original(found, "edit"), content, at)]


def _revoke(found: _Found) -> list[Inbound]:
    return [Deleted(found.place.account, "", _original(found, "revoke"), found.place.time_of(found.item))]


def _request_welcome(found: _Found) -> list[Inbound]:
    return [Ignored(found.place.account, "request_welcome")]


def _system(found: _Found) -> list[Inbound]:
    """Told by WhatsApp about the person: it opens no window."""
    found = replace(found, manner=IMPORTED)
    part = a_dict(found.item.get("system"))
    if a_text(part.get("type")) not in MOVES:
        return _said(found)
    new_id, new_phone = an_id(part.get("user_id")), an_id(part.get("wa_id")) or an_id(part.get("new_wa_id"))
    old_id = an_id(part.get("previous_user_id")) or an_id(found.item.get("from_user_id"))
    old_phone = an_id(found.item.get("from")) or an_id(part.get("customer"))
    scope = found.place.scope
    new = addresses(scope, new_id, new_phone)
    old = tuple(address for address in addresses(scope, old_id, old_phone) if address not in new)
    return [_moved(found, old, new)]


def _moved(found: _Found, old: tuple[Address, ...], new: tuple[Address, ...]) -> Inbound:
    if not (old or new):
        raise Odd("nobody is named")
    at = found.place.time_of(found.item)
    content = said.show(found.item).content
    message = Said(found.place.account, "", found.id, Sender(new or old), content, at, opens_window=False)
    return Moved(found.place.account, old, new, at, message) if old and new else message


_SPECIAL: dict[str, Callable[[_Found], list[Inbound]]] = {
    "reaction": _reaction,
    "edit": _edit,
    "revoke": _revoke,
    "request_welcome": _request_welcome,
    "system": _system,
}


# --- what was typed on the phone, or by an AI -------------------------------------------------------------------------


def read_echoes(place: Place, people: People, items: list[Any], manner: Manner = ECHO) -> Iterator[Inbound]:
    """Outbound whatever `from` and `to` say: examples of echoed edits have them swapped."""
    return each(place, "echo", items, lambda item: _message(_Found(place, people, manner, _turned(place, item))))


def _turned(place: Place, item: Item) -> Item:
    """With the person under `to`. A copy of an AI's message may have its content one level down."""
    inner = item.get("message")
    item = {**inner, **item} if isinstance(inner, dict) else item
    is_swapped = bool(place.own_number) and fold(an_id(item.get("to"))) == place.own_number
    return {**item, "to": item.get("from"), "to_user_id": item.get("from_user_id")} if is_swapped else item


# --- imported history -------------------------------------------------------------------------------------------------


def read_thread(place: Place, people: People, thread: Item) -> list[Inbound]:
    """A conversation from before the number was connected. `id` is the person's number."""
    context = a_dict(thread.get("context"))
    person = {
        "phone": an_id(context.get("wa_id")) or an_id(thread.get("id")),
        "user_id": an_id(context.get("user_id")),
    }
    messages = a_list_of(thread, "messages")
    return list(each(place, "history", messages, lambda item: _imported(place, people, person, item)))


def _imported(place: Place, people: People, person: dict[str, str], item: Item) -> list[Inbound]:
    side = "to" if _is_ours(place, item) else "from"
    return read_imported(place, people, {**item, side: person["phone"], f"{side}_user_id": person["user_id"]})


def read_imported(place: Place, people: People, item: Item) -> list[Inbound]:
    if item.get("type") == "media_placeholder" and place.time_of(item) > place.now - FILES_FOLLOW:
        return [Ignored(place.account, "media_placeholder")]
    if not _is_ours(place, item):
        return _message(_Found(place, people, IMPORTED, item))
    return [*_message(_Found(place, people, ECHO, item)), *_reached(place, item)]


def _is_ours(place: Place, item: Item) -> bool:
    author = fold(an_id(item.get("from")))
    return bool(author) and author == place.own_number


def _reached(place: Place, item: Item) -> list[Inbound]:
    name = a_text(a_dict(item.get("history_context")).get("status")).lower()
    status = STATUSES.get(name)
    return [Climbed(place.account, "", an_id(item.get("id")), status, place.time_of(item))] if status else []


# --- calls ------------------------------------------------------------------------------------------------------------


def read_call(place: Place, people: People, call: Item) -> list[Inbound]:
    """One line a call, from whichever of its events comes first. A person's call opens the window."""
    name = an_id(call.get("id"))
    if not name:
        raise Odd("no id")
    is_ours = call.get("direction") == "BUSINESS_INITIATED"
    side = "to" if is_ours else "from"
    text = a_text(call.get("status")).lower()
    return [
        Said(
            account=place.account,
            chat="",
            platform_id=name,
            sender=people.sender(call.get(f"{side}_user_id"), call.get(side)),
            content=System(kind="call", text=text),
            sent_at=moment(call.get("start_time"), place.time_of(call), place.now),
            direction="out" if is_ours else "in",
            author="phone" if is_ours else "contact",
            opens_window=not is_ours,
        )
    ]


def read_handover(place: Place, item: Item) -> list[Inbound]:
    """Meta's AI agent passed the conversation on."""
    sender = a_dict(item.get("sender"))
    phone = an_id(sender.get("wa_id")) or an_id(sender.get("phone_number"))
    person = People([], place.scope).sender(sender.get("user_id"), phone)
    kind = a_text(item.get("type")) or "handover"
    stable = hashlib.sha1(orjson.dumps(storable(dict(item))), usedforsecurity=False).hexdigest()
    content, at = System(kind=kind), place.time_of(item)
    return [Said(place.account, "", f"{kind}:{stable}", person, content, at, opens_window=False)]


# --- statuses ---------------------------------------------------------------------------------------------------------


def read_status(place: Place, item: Item) -> list[Inbound]:
    """To be matched by the message's id alone: who it went to may be missing."""
    name, target = a_text(item.get("status")), an_id(item.get("id"))
    status = STATUSES.get(name)
    if item.get("type") == "call" or name in RETIRED_STATUSES:
        return [Ignored(place.account, f"status {name}".strip())]
    if status is None or not target:
        reason = "no message is named" if status else "unknown status"
        return [Unrecognised(place.account, "status", reason, storable(item))]
    pricing = item.get("pricing")
    return [
        Climbed(
            account=place.account,
            chat="",
            platform_id=target,
            status=status,
            at=place.time_of(item),
            callback=a_text(item.get("biz_opaque_callback_data")) or None,
            failure=failure_of(item) if status == "failed" else None,
            pricing=a_dict(storable(pricing)) if isinstance(pricing, dict) else None,
            group=an_id(item.get("recipient_id")) or None if item.get("recipient_type") == "group" else None,
        )
    ]


def failure_of(item: Item) -> Failure:
    error = a_dict(next(iter(a_list(item.get("errors"))), None))
    code = an_integer(error.get("code"))
    remedy = remedy_of(code, an_integer(error.get("error_subcode")) or 0)
    return remedy.failure("unknown" if code is None else str(code), said.details_of(error))
