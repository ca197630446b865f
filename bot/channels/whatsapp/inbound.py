"""A WhatsApp webhook as facts. Every field is one row here; what has no row is set aside whole.

WhatsApp Cloud API, Webhooks (2026-08): one body mixes entries, fields, messages and statuses, up to 1,000.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from bot.channels.contract import Ignored, Inbound, Unrecognised
from bot.channels.fields import a_dict, a_text, an_id, load, moment, storable
from bot.channels.items import SPOILT, set_aside
from bot.channels.whatsapp import messages, notices
from bot.channels.whatsapp.messages import ECHO, LIVE
from bot.channels.whatsapp.place import Item, People, Place, a_list_of, each

OBJECT = "whatsapp_business_account"


def read(raw: bytes, scopes: Mapping[str, str], now: datetime) -> list[Inbound]:
    try:
        body = load(raw)
    except ValueError:
        return [Unrecognised("", "garbage", "not JSON", raw.decode(errors="replace"))]
    entries = a_dict(body).get("entry")
    if not isinstance(entries, list) or not entries:
        return [Unrecognised("", "empty", "no entries", storable(body))]
    return [fact for entry in entries for fact in _entry(entry, scopes, now)]


def _entry(entry: Any, scopes: Mapping[str, str], now: datetime) -> list[Inbound]:
    changes = a_dict(entry).get("changes")
    if not isinstance(changes, list) or not changes:
        return [Unrecognised("", "entry", "no changes", storable(entry))]
    return [fact for change in changes for fact in _change(entry, a_dict(change), scopes, now)]


def _change(entry: Item, change: Item, scopes: Mapping[str, str], now: datetime) -> list[Inbound]:
    # In some documented examples `field` stands beside `changes`.
    field, value = a_text(change.get("field")) or a_text(entry.get("field")), a_dict(change.get("value"))
    business, account = an_id(entry.get("id")), _number_of(value)
    reader = _FIELDS.get(field)
    if reader is None:
        return [Unrecognised(account, field[:60] or "change", "unknown field", storable(change))]
    at = moment(entry.get("time"), now, now)
    place = Place(business, account, scopes.get(account, business), field, value, at, now)
    try:
        return list(reader(place)) or [Unrecognised(account, field, "nothing in it", storable(change))]
    except SPOILT as error:
        return [set_aside(account, field, error, change)]


def _number_of(value: Item) -> str:
    """The phone number id; a handover names it as the recipient, account and template fields not at all."""
    named = (a_dict(value.get(key)).get("phone_number_id") for key in ("metadata", "recipient"))
    return next(filter(None, map(an_id, named)), "")


def _messages(place: Place) -> list[Inbound]:
    """Messages before the statuses, so that a status finds the message it speaks of."""
    said = list(messages.read_messages(place, place.people(), place.items("messages"), LIVE))
    statuses = each(place, "status", place.items("statuses"), partial(messages.read_status, place))
    facts = [*said, *statuses]
    # Beside messages they say why one of these cannot be shown, and stand in it.
    return facts if said else [*facts, *notices.errors(place)]


def _echoes(place: Place) -> Iterable[Inbound]:
    return messages.read_echoes(place, place.people(), place.items("message_echoes"))


def _history(place: Place) -> Iterable[Inbound]:
    """Chunks of threads; then, apart, the files of the last two weeks as messages of their own."""
    people = place.people()
    yield from each(place, "history", place.items("messages"), partial(messages.read_imported, place, people))
    yield from each(place, "history", place.items("history"), partial(_chunk, place, people))


def _chunk(place: Place, people: People, chunk: Item) -> list[Inbound]:
    """The owner of the number may refuse to share the past; a phase may also be empty."""
    if "errors" in chunk:
        return notices.notice(place, "history_refused", data={"errors": chunk["errors"]})
    threads = a_list_of(chunk, "threads")
    facts = each(place, "history", threads, partial(messages.read_thread, place, people))
    return list(facts) or [Ignored(place.account, "history progress")]


def _standby(place: Place) -> Iterable[Inbound]:
    """Copies of what passes while Meta's AI agent holds the conversation."""
    copies = place.value.get("standby")
    people = place.people()
    for copy in copies if isinstance(copies, list) else [copies]:
        inner = replace(place, value={**place.value, **a_dict(copy)})
        heard, told = replace(LIVE, standby=True), replace(ECHO, standby=True, author="bot")
        yield from messages.read_messages(inner, people, inner.items("messages"), heard, kind="standby")
        yield from messages.read_echoes(inner, people, inner.items("message_echoes"), told)
        yield from each(inner, "status", inner.items("statuses"), partial(messages.read_status, inner))


def _handovers(place: Place) -> list[Inbound]:
    return messages.read_handover(place, place.value)


def _calls(place: Place) -> Iterable[Inbound]:
    people = place.people()
    yield from each(place, "call", place.items("calls"), partial(messages.read_call, place, people))
    yield from each(place, "status", place.items("statuses"), partial(messages.read_status, place))
    yield from notices.errors(place)


def _preferences(place: Place) -> Iterable[Inbound]:
    items, people = place.items("user_preferences"), place.people()
    return each(place, "preference", items, partial(notices.preference, place, people))


def _ignored(place: Place) -> list[Inbound]:
    return [Ignored(place.account, place.field)]


_FIELDS: dict[str, Callable[[Place], Iterable[Inbound]]] = {
    "messages": _messages,
    "smb_message_echoes": _echoes,
    "message_echoes": _echoes,
    "history": _history,
    "standby": _standby,
    "messaging_handovers": _handovers,
    "calls": _calls,
    "user_preferences": _preferences,
    "message_template_status_update": notices.template_status,
    "message_template_quality_update": notices.template_quality,
    "template_category_update": notices.template_category,
    "message_template_components_update": notices.template_components,
    "account_update": notices.account_update,
    "account_alerts": notices.account_alert,
    "account_review_update": notices.review,
    "phone_number_quality_update": notices.quality,
    "phone_number_name_update": notices.number_name,
    "business_capability_update": notices.capability,
    "security": notices.security,
    "flows": notices.flows,
    "business_username_updates": notices.username,
    "business_username_update": notices.username,
    "phone_number_username_update": notices.username,
    "payment_configuration_update": notices.payment,
    # The phone app's address book, lives of groups, conversions: of no consequence here.
    "smb_app_state_sync": _ignored,
    "group_lifecycle_update": _ignored,
    "group_participants_update": _ignored,
    "group_settings_update": _ignored,
    "group_status_update": _ignored,
    "partner_solutions": _ignored,
    "automatic_events": _ignored,
}
