"""A Messenger webhook as facts, event by event. Messenger Platform, Webhook events (2026-06).

One event carries one kind of news under the key that names it; `standby` has copies of what another app holds.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from bot.channels.contract import Ignored, Inbound, TemplateChanged, Unrecognised
from bot.channels.fields import Odd, a_dict, a_text, an_id, load, moment, storable
from bot.channels.items import each
from bot.channels.messenger.event import Event
from bot.channels.messenger.kinds import READERS

OBJECT = "page"
# The dashboard's test button sends this as the page, and invented people.
TEST_PAGE = "0"
ABOUT = frozenset({"sender", "recipient", "timestamp", "hop_context", "prior_message", "lead"})
UNUSED = frozenset({"response_feedback", "app_roles", "game_play", "calls", "typing"})
UNUSED_FIELDS = frozenset({"feed", "mention", "live_comments", "comments", "inbox_labels", "leadgen", "conversations"})
TEMPLATE_FIELDS = frozenset({"message_template_status_update", "messenger_template_status_update"})


def read(raw: bytes, now: datetime) -> list[Inbound]:
    try:
        body = load(raw)
    except ValueError:
        return [Unrecognised("", "garbage", "not JSON", raw.decode(errors="replace"))]
    entries = a_dict(body).get("entry")
    if not isinstance(entries, list) or not entries:
        return [Unrecognised("", "empty", "no entries", storable(body))]
    return [fact for entry in entries for fact in _entry(a_dict(entry), now)]


def _entry(entry: dict[str, Any], now: datetime) -> list[Inbound]:
    page, at = an_id(entry.get("id")), moment(entry.get("time"), now, now)
    if page == TEST_PAGE:
        return [Ignored(page, "test")]
    facts: list[Inbound] = []
    ways = {
        "messaging": partial(_event, page, at, now, standby=False),
        "standby": partial(_event, page, at, now, standby=True),
        "changes": partial(_change, page, at, now),
    }
    for key, reader in ways.items():
        items = entry.get(key)
        if isinstance(items, list):
            facts += each(page, key, items, reader)
        elif items is not None:
            facts.append(Unrecognised(page, key, "no list", storable(entry)))
    return facts or [Unrecognised(page, "entry", "nothing in it", storable(entry))]


def _event(page: str, at: datetime, now: datetime, body: Mapping[str, Any], *, standby: bool) -> list[Inbound]:
    event = Event(page, body, at, now, standby)
    kinds = [key for key in event.body if key not in ABOUT]
    if not kinds:
        return [Unrecognised(event.page, "event", "nothing in it", storable(dict(event.body)))]
    return [fact for kind in kinds for fact in _read_kind(event, kind)]


def _read_kind(event: Event, kind: str) -> list[Inbound]:
    if kind in UNUSED:
        return [Ignored(event.page, kind)]
    reader = READERS.get(kind)
    if reader is None:
        return [Unrecognised(event.page, kind[:60], "unknown kind", storable(dict(event.body)))]
    return reader(event)


def _change(page: str, at: datetime, now: datetime, change: Mapping[str, Any]) -> list[Inbound]:
    """The form of the dashboard's samples: the same events under `value`. Also what is not about messages."""
    field, value = a_text(change.get("field")), a_dict(change.get("value"))
    if any(key in READERS for key in value):
        return _event(page, at, now, value, standby=False)
    if field in UNUSED_FIELDS:
        return [Ignored(page, field)]
    if field in TEMPLATE_FIELDS:
        return [_template(page, value, at)]
    return [Unrecognised(page, field[:60] or "change", "unknown field", storable(dict(change)))]


def _template(page: str, value: Mapping[str, Any], at: datetime) -> Inbound:
    name, template = an_id(value.get("message_template_id")), a_text(value.get("message_template_name"))
    status, reason = a_text(value.get("event")).upper(), a_text(value.get("reason"))
    if not status or not (name or template):
        raise Odd("no template is named")
    language = a_text(value.get("message_template_language")).replace("-", "_")
    reason = "" if reason.upper() == "NONE" else reason
    return TemplateChanged(page, name, template, language, at, status=status, reason=reason or None)
