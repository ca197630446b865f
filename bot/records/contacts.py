"""A contact is a person, owned by the company. What agents wrote about them is never overwritten by a platform."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from pymongo import UpdateOne

from bot import phones
from bot.channels.contract import Address, Sender
from bot.records.search import person_words
from bot.store.database import Database

LONGEST_NAME = 200
TO_THE_MINUTE = timedelta(minutes=1)
# Signs without a shape of their own that would turn or tear the line a name stands in.
_UNRULY = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_NAMELESS = re.compile(r"@\S+|\+[\d\s().-]+|\S+ ·\S+")
_SERVICE: Mapping[str, str] = {"whatsapp": "WhatsApp", "telegram": "Telegram", "messenger": "Messenger"}
Contact = dict[str, Any]


@lru_cache(maxsize=10_000)
def clean_name(text: str) -> str:
    return " ".join(_UNRULY.sub(" ", text).split())[:LONGEST_NAME].strip()


def name_of(sender: Sender) -> str:
    """The profile's name, else the @username, else the phone, else the service and the end of the id."""
    if name := clean_name(sender.name):
        return name
    if username := clean_name(sender.username):
        return f"@{username}"
    phone = phone_of(sender.addresses)
    return phones.display(phone.reach or phone.value) if phone else _shown(sender.addresses[0])


def _shown(address: Address) -> str:
    return f"{_SERVICE.get(address.kind, address.kind.capitalize())} ·{address.value[-6:]}"


def is_nameless(name: str) -> bool:
    """Whether a name is one of our makeshift ones, which anything better replaces."""
    return not name or _NAMELESS.fullmatch(name) is not None


def phone_of(addresses: Iterable[Address]) -> Address | None:
    return next((address for address in addresses if address.kind == "phone"), None)


def written_phone(address: Address | None) -> str | None:
    return f"+{address.reach or address.value}" if address else None


def new_contact(contact_id: str, sender: Sender, *, practice: bool, now: datetime) -> Contact:
    """Somebody we never met. When they were first heard is written with what they said."""
    name = name_of(sender)
    return {
        "_id": contact_id,
        "name": name,
        "name_by": "platform",
        "phone": written_phone(phone_of(sender.addresses)),
        "email": None,
        "fields": {},
        "tags": [],
        "owner": None,
        "language": sender.language,
        "country": "",
        "consent": {},
        "practice": practice,
        "blocked": False,
        "first_heard_at": None,
        "last_heard_at": None,
        "last_identity": None,
        "created_at": now,
        "search": person_words([name, sender.name, sender.username], _digits(sender.addresses)),
    }


def _digits(addresses: Iterable[Address]) -> list[str]:
    return [digits for address in addresses if address.kind == "phone" for digits in (address.reach, address.value)]


def renamed(contact: Contact, sender: Sender, *, known_as: str) -> str | None:
    """The new name, where the platform has a better or newer one than what it called them before (`known_as`).

    Two channels with different names for one person do not take turns; an empty name changes nothing.
    """
    if contact["name_by"] != "platform":
        return None
    name = name_of(sender)
    is_news = bool(clean_name(sender.name)) and clean_name(sender.name) != known_as
    is_better = is_nameless(contact["name"]) and not is_nameless(name)
    is_handle = name.startswith("@") and is_nameless(contact["name"])
    return name if name != contact["name"] and (is_news or is_better or is_handle) else None


async def rename(db: Database, names: Mapping[str, str]) -> None:
    """Names given by a platform, by contact id. A name that an agent wrote in the meantime stays."""
    if not names:
        return
    for contact, name in names.items():
        await db["contacts"].update_one({"_id": contact, "name_by": "platform"}, {"$set": {"name": name}})
    await reindex(db, names)


async def reindex(db: Database, contact_ids: Iterable[str]) -> None:
    """Makes contacts findable by what they are called and reached by now, and shows the name in their conversations."""
    ids = list(contact_ids)
    identities: dict[str, list[dict[str, Any]]] = {contact_id: [] for contact_id in ids}
    async for identity in db["identities"].find({"contact": {"$in": ids}}):
        identities[identity["contact"]].append(identity)
    found = await db["contacts"].find({"_id": {"$in": ids}}, {"name": 1, "phone": 1, "email": 1}).to_list()
    for contact in found:
        words = {"search": _all_words(contact, identities[contact["_id"]])}
        await db["contacts"].update_one({"_id": contact["_id"]}, {"$set": words})
        await db["conversations"].update_many({"contact": contact["_id"]}, {"$set": {"name": contact["name"]}})


def _all_words(contact: Contact, identities: list[dict[str, Any]]) -> list[str]:
    names = [contact["name"]]
    numbers = [contact.get("phone") or ""]
    for identity in identities:
        profile = identity.get("profile") or {}
        names += [profile.get("name") or "", profile.get("username") or ""]
        if identity["kind"] == "phone":
            numbers += [identity.get("reach") or "", identity["value"]]
    return person_words(names, numbers, contact.get("email") or "")


@dataclass(frozen=True, slots=True)
class Heard:
    """`contact` is as it was read a moment ago."""

    contact: Contact
    identity: str
    at: datetime


async def record_heard(db: Database, heard: Iterable[Heard]) -> None:
    """When each was last and first heard, and how. May be repeated and come late."""
    by_contact: dict[str, list[Heard]] = {}
    for one in heard:
        by_contact.setdefault(one.contact["_id"], []).append(one)
    updates = [update for contact, every in by_contact.items() if (update := _hearing(contact, every))]
    if updates:
        await db["contacts"].bulk_write(updates, ordered=False)


def _hearing(contact: str, heard: list[Heard]) -> UpdateOne | None:
    """None for somebody in the middle of a talk: to the minute is enough."""
    last = max(heard, key=lambda one: one.at)
    before = last.contact
    known = before.get("last_heard_at")
    if known and last.at - known < TO_THE_MINUTE and before.get("last_identity") == last.identity:
        return None
    update: dict[str, Any] = {"$max": {"last_heard_at": last.at}}
    changes: dict[str, Any] = {} if known and known > last.at else {"last_identity": last.identity}
    if before.get("first_heard_at") is None:
        changes["first_heard_at"] = min(one.at for one in heard)
    return UpdateOne({"_id": contact}, update | ({"$set": changes} if changes else {}))


@dataclass(frozen=True, slots=True)
class Consent:
    """What somebody said about being written to. `proof` is where it stands, for whoever asks later."""

    contact: str
    identity: str
    channel: str
    purpose: Literal["marketing"]
    state: Literal["given", "refused"]
    at: datetime
    how: str
    proof: Mapping[str, Any]


_LEDGER = ("contact", "identity", "channel", "purpose", "state", "at", "how")


async def record_consents(db: Database, consents: Iterable[Consent]) -> None:
    """Appended to the ledger, once each; the newest of a purpose stands on the contact."""
    for consent in consents:
        row = {key: getattr(consent, key) for key in _LEDGER}
        row_id = f"{consent.identity}:{consent.purpose}:{consent.state}:{consent.at.isoformat()}"
        await db["consents"].update_one(
            {"_id": row_id}, {"$setOnInsert": {**row, "proof": dict(consent.proof)}}, upsert=True
        )
        place = f"consent.{consent.purpose}"
        stands = {key: row[key] for key in ("state", "at", "how", "identity")} | {"proof": dict(consent.proof)}
        await db["contacts"].update_one(
            {"_id": consent.contact, f"{place}.at": {"$not": {"$gt": consent.at}}}, {"$set": {place: stands}}
        )
