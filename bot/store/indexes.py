"""Every collection's indexes in one list. A rule that data must keep is a unique index here."""

from collections.abc import Mapping
from typing import Any

from bot.config import Settings
from bot.store.database import Database
from bot.store.schema import Index, Schema
from bot.store.schema import ensure as ensure_schema

DAY = 24 * 60 * 60
VERSION = 1

# Whoever compares names of labels and teams ignores capitals, but not accents.
IGNORE_CASE = {"locale": "es", "strength": 2}


def _journal_seconds(settings: Settings) -> int:
    return settings.journal.keep_days * DAY


# fmt: off
INDEXES = (
    Index("accounts", ("kind", "external_id"), unique=True),

    Index("contacts", ("search",)),
    Index("contacts", ("-last_heard_at",)),
    Index("contacts", ("tags", "-_id"), partial={"tags": {"$type": "string"}}, name="tags"),

    # One address belongs to one person, whichever account met it first.
    Index("identities", ("kind", "scope", "value"), unique=True),
    Index("identities", ("contact",)),

    # At most one open conversation per person and team, however many processes take messages in.
    Index("conversations", ("contact", "team"), unique=True, partial={"open": True}, name="one_open"),
    Index("conversations", ("open", "-at", "-_id")),
    Index("conversations", ("assignee", "open", "-at", "-_id")),
    Index("conversations", ("team", "open", "-at", "-_id")),
    Index("conversations", ("status", "-at", "-_id")),
    Index("conversations", ("contact", "-at", "-_id")),
    Index("conversations", ("mentions", "open", "-at", "-_id"), partial={"mentions": {"$type": "string"}},
          name="mentions"),
    Index("conversations", ("open", "waiting_since", "_id"), partial={"waiting_since": {"$type": "date"}},
          name="waiting"),
    Index("conversations", ("open", "window_closes_at", "_id")),
    Index("conversations", ("accounts", "open", "-at", "-_id")),
    Index("conversations", ("labels", "open", "-at", "-_id"), partial={"labels": {"$type": "string"}}, name="labels"),
    Index("conversations", ("snoozed_until",), partial={"status": "snoozed"}, name="snoozed"),
    Index("windows", ("identity",)),

    # The same message told twice, even at the same moment to two processes, is one message.
    Index("messages", ("account", "chat", "platform_id"), unique=True,
          partial={"platform_id": {"$type": "string"}}, name="platform_id"),
    Index("messages", ("account", "parts"), partial={"parts": {"$type": "string"}}, name="parts"),
    Index("messages", ("client_key",), unique=True,
          partial={"client_key": {"$type": "string"}}, name="client_key"),
    Index("messages", ("conversation", "-at", "-_id")),
    Index("messages", ("contact", "-at", "-_id")),
    Index("messages", ("account", "pricing.category", "-at"),
          partial={"pricing.category": {"$type": "string"}}, name="priced"),
    Index("messages", ("words", "-at")),
    # What could not be shown is looked for when a later program can.
    Index("messages", ("type",), partial={"type": "unsupported"}, name="unsupported"),

    Index("outbox", ("lane", "state", "due_at")),
    Index("outbox", ("account", "identity")),

    Index("journal", ("state", "_id"), partial={"state": "new"}, name="new"),
    Index("journal", ("applied_at",), ttl_seconds=_journal_seconds),
    Index("aside", ("state", "-at")),
    Index("waiting", ("account", "platform_id")),
    Index("waiting", ("at",), ttl_seconds=7 * DAY),

    Index("media", ("state", "due_at")),
    Index("media", ("message",)),
    Index("media", ("contact", "-at")),
    Index("consents", ("contact", "-at")),
    Index("suspects", ("a", "b"), unique=True),
    Index("templates", ("scope", "name", "language"), unique=True),

    Index("notes", ("conversation", "-at", "-_id")),
    Index("notes", ("contact", "-at")),
    Index("notes", ("client_key",), unique=True, partial={"client_key": {"$type": "string"}}, name="client_key"),
    Index("activity", ("conversation", "-at")),
    Index("activity", ("contact", "-at")),

    Index("agents", ("email",), unique=True),
    Index("teams", ("name",), unique=True, collation=IGNORE_CASE, name="name"),
    Index("labels", ("name",), unique=True, collation=IGNORE_CASE, name="name"),
    Index("sessions", ("seen_at",), ttl_seconds=30 * DAY),
    Index("sessions", ("agent",)),
    Index("tokens", ("agent",)),
    Index("onetime", ("expires_at",), ttl_seconds=0),

    Index("tries", ("expires_at",), ttl_seconds=0),

    Index("drafts", ("at",), ttl_seconds=90 * DAY),
    Index("presence", ("expires_at",), ttl_seconds=0),
    Index("presence", ("conversation",)),
    Index("idempotency", ("at",), ttl_seconds=DAY),
    Index("nudges", ("at",), ttl_seconds=600),
)
# fmt: on

OPTIONS: Mapping[str, Mapping[str, Any]] = {}

SCHEMA = Schema(version=VERSION, indexes=INDEXES, options=OPTIONS)


async def ensure(database: Database, settings: Settings) -> None:
    """Collections and indexes as this program needs them. Raises Refused when a newer program was here."""
    await ensure_schema(database, SCHEMA, settings)
