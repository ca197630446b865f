"""What agents write down about people: new ones, and changes. What they wrote no platform overwrites."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot import phones
from bot.channels.contract import EVERYWHERE, Address, Sender
from bot.errors import N_, Conflict, NotFound, Refused
from bot.ids import new_id
from bot.nudges import publish
from bot.records import contacts, identities
from bot.records.once import insert_once
from bot.store.database import AlreadyThere, Database, already_there
from inbox.people import Agent, get_agent
from inbox.permissions import access_contact

Contact = dict[str, Any]
Wish = Mapping[str, Any]
LONGEST_TAG, MOST_TAGS, LONGEST_KEY, MOST_FIELDS, LONGEST_VALUE = 60, 100, 60, 100, 2000
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
# These mean something else in the names of a stored document's keys.
_NO_KEY = re.compile(r"[.$\x00]")


async def create(db: Database, wish: Wish, *, country: str, by: Agent, now: datetime) -> Contact:
    """`wish` may hold name, phone, email, fields, tags, owner, language and country. `country` (two letters) is where
    a number without country code belongs. Raises Refused, with `field` naming what is wrong, and Conflict when the
    number is somebody's already, with `contact` saying whose.
    """
    wanted = await _read(db, wish, country)
    address = wanted.pop("address", None)
    fields = {key: value for key, value in wanted.pop("fields", {}).items() if value}
    contact = _blank(now) | wanted | {"fields": fields, "_id": new_id()}
    if not contact["name"]:
        contact |= {"name": _makeshift(contact), "name_by": "platform"}
    if address:
        contact["_id"] = await _claim(db, address, contact["_id"], by=by, now=now)
    try:
        with already_there():
            await db["contacts"].insert_one(contact)
    except AlreadyThere as error:
        # The number's owner was being written down at this moment.
        raise await _taken(db, contact["_id"], by=by) from error
    return await _finish(db, contact["_id"])


async def edit(db: Database, contact: Contact, wish: Wish, *, country: str, by: Agent, now: datetime) -> Contact:
    """Only what is given changes: `fields` are merged, an empty one is forgotten; `tags` are the whole set.

    Raises Refused, with `field` naming what is wrong, and Conflict when the number is somebody else's.
    """
    wanted = await _read(db, wish, country or contact.get("country") or "")
    address = wanted.pop("address", None)
    if address:
        await _claim(db, address, contact["_id"], by=by, now=now)
    if "phone" in wanted and wanted["phone"] != contact.get("phone"):
        await _forget_typed(db, contact, but=address)
    if wanted.get("name") == "":
        wanted |= {"name": _makeshift(contact | wanted), "name_by": "platform"}
    done = await db["contacts"].find_one_and_update({"_id": contact["_id"]}, _update(contact, wanted))
    if done is None:
        raise NotFound(N_("There is no such contact."))
    return await _finish(db, contact["_id"])


def _blank(now: datetime) -> Contact:
    return {
        "name": "",
        "name_by": "platform",
        "phone": None,
        "email": None,
        "fields": {},
        "tags": [],
        "owner": None,
        "language": "",
        "country": "",
        "consent": {},
        "practice": False,
        "blocked": False,
        "first_heard_at": None,
        "last_heard_at": None,
        "last_identity": None,
        "created_at": now,
        "search": [],
    }


def _makeshift(contact: Contact) -> str:
    """What to call somebody whose name nobody knows, in a form that a platform's name replaces."""
    return phones.display((contact.get("phone") or "").removeprefix("+")) or contact.get("email") or "?"


def _update(contact: Contact, wanted: Contact) -> dict[str, Any]:
    fields = wanted.pop("fields", {})
    sets = wanted | {f"fields.{key}": value for key, value in fields.items() if value}
    gone = {key for key, value in fields.items() if not value}
    unsets = {f"fields.{key}": "" for key in gone}
    if len({*contact.get("fields", {}), *fields} - gone) > MOST_FIELDS:
        sentence = N_("A person can have %(most)s fields.")
        raise Refused(sentence, code="too_many_fields", field="fields", most=MOST_FIELDS)
    # An update must say something, even when nothing was asked for.
    return {"$set": sets or {"_id": contact["_id"]}} | ({"$unset": unsets} if unsets else {})


async def _finish(db: Database, contact_id: str) -> Contact:
    """Findable by what they are called now, shown everywhere under it; pages are told."""
    await contacts.reindex(db, [contact_id])
    contact = await db["contacts"].find_one({"_id": contact_id})
    if contact is None:
        raise NotFound(N_("There is no such contact."))
    wanted = {"team": 1, "assignee": 1, "mentions": 1}
    theirs = await db["conversations"].find({"contact": contact_id, "open": True}, wanted).to_list()
    await publish(
        db,
        [{"what": "contact", "contact": contact_id}]
        + [{"what": "conversation", "contact": contact_id, "conversation": row.pop("_id"), **row} for row in theirs],
    )
    return contact


# --- reading what was wished ---


async def _read(db: Database, wish: Wish, country: str) -> dict[str, Any]:
    """Cleaned, in the stored form, only what was given; `address` is there when a number was."""
    wanted: dict[str, Any] = {key: wish[key] or "" for key in ("language", "country") if key in wish}
    if "name" in wish:
        wanted |= {"name": contacts.clean_name(wish["name"] or ""), "name_by": "agent"}
    if "email" in wish:
        wanted["email"] = _email(wish["email"] or "")
    if "tags" in wish:
        wanted["tags"] = _tags(wish["tags"] or ())
    if "fields" in wish:
        wanted["fields"] = _fields(wish["fields"] or {})
    if "owner" in wish:
        wanted["owner"] = await _owner(db, wish["owner"])
    if "phone" in wish:
        wanted |= _phone(wish["phone"] or "", wish.get("country") or country)
    return wanted


def _email(text: str) -> str | None:
    email = text.strip()
    if email and (not _EMAIL.fullmatch(email) or len(email) > 254):
        raise Refused(N_("%(email)s is not an e-mail address."), code="email_invalid", field="email", email=email)
    return email or None


def _tags(tags: Sequence[str]) -> list[str]:
    cleaned = (" ".join(tag.split())[:LONGEST_TAG] for tag in tags)
    return list(dict.fromkeys(tag for tag in cleaned if tag))[:MOST_TAGS]


def _fields(fields: Mapping[str, str | None]) -> dict[str, str | None]:
    for key in fields:
        if not key.strip() or _NO_KEY.search(key) or len(key) > LONGEST_KEY:
            raise Refused(
                N_("“%(key)s” cannot be the name of a field: up to %(most)s characters, no dot, no dollar sign."),
                code="field_name_invalid",
                field="fields",
                key=key,
                most=LONGEST_KEY,
            )
    return {key.strip(): value[:LONGEST_VALUE].strip() if value else None for key, value in fields.items()}


async def _owner(db: Database, agent_id: str | None) -> str | None:
    agent = await get_agent(db, agent_id) if agent_id else None
    if agent and not agent.active:
        raise Refused(
            N_("%(name)s does not work here any more."), code="agent_inactive", field="owner", name=agent.name
        )
    return agent.id if agent else None


def _phone(text: str, country: str) -> dict[str, Any]:
    if not text.strip():
        return {"phone": None}
    digits = phones.read_typed(text, country)
    if not digits:
        raise Refused(
            N_("%(phone)s is not a phone number; write it with its country code."),
            code="phone_invalid",
            field="phone",
            phone=text,
        )
    address = identities.canonical(Address("phone", EVERYWHERE, digits, digits))
    return {"phone": f"+{digits}", "address": address}


# --- whose a number is ---


async def _claim(db: Database, address: Address, contact_id: str, *, by: Agent, now: datetime) -> str:
    """Makes the number this person's. The unique index decides whose it is; raises Conflict when somebody has it.

    Answers the id to use: where whoever wrote the number down died before the person was, that person's.
    """
    identity = identities.new_identity(address, contact_id, Sender((address,)), account="", now=now)
    if not await insert_once(db, "identities", [identity]):
        return contact_id
    held = await identities.find_one(db, address)
    if held is None:
        raise Conflict(N_("This number changed hands at this moment. Try again."), code="phone_taken")
    if held["contact"] == contact_id and held["current"]:
        return contact_id
    free = {"_id": held["_id"], "current": False}
    if await db["identities"].find_one_and_update(free, {"$set": {"contact": contact_id, "current": True}}):
        return contact_id
    is_orphan = await db["contacts"].find_one({"_id": held["contact"]}, {"_id": 1}) is None
    if is_orphan and await db["contacts"].find_one({"_id": contact_id}, {"_id": 1}) is None:
        return str(held["contact"])
    raise await _taken(db, held["contact"], by=by)


async def _taken(db: Database, contact_id: str, *, by: Agent) -> Conflict:
    """Says whose it is only to those who may see that person."""
    sentence = N_("Somebody with this number is there already.")
    try:
        await access_contact(db, by, contact_id)
    except NotFound:
        return Conflict(sentence, code="phone_taken", field="phone")
    return Conflict(sentence, code="phone_taken", field="phone", contact=contact_id)


async def _forget_typed(db: Database, contact: Contact, *, but: Address | None) -> None:
    """A number that was only ever typed here, by which nobody was heard or written to, was a mistake."""
    typed = {"contact": contact["_id"], "kind": "phone", "account": ""}
    async for identity in db["identities"].find(typed):
        if but and identity["value"] == but.value:
            continue
        met = {"contact": contact["_id"], "identity": identity["_id"]}
        if not await db["messages"].find_one(met, {"_id": 1}):
            await db["identities"].delete_one({"_id": identity["_id"]})
