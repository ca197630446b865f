"""Forgetting a person, everywhere, with a receipt. It may be asked again after a crash and goes on where it stopped.

What is needed to find their traces is kept on the contact, which goes last. Keyed hashes of their addresses stay in
a file beside the data (`bot.store.erased`), so that neither a restore nor an import brings the person back.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from bot.ids import new_id
from bot.nudges import publish
from bot.store import erased, files
from bot.store.database import Database
from inbox.house import House
from inbox.people import Agent

PORTION = 500
# Of which a row names the contact itself.
_BY_CONTACT = ("windows", "notes", "activity", "consents", "messages", "outbox", "conversations")


@dataclass(frozen=True, slots=True)
class Traces:
    """What finds them: our ids, and the addresses as platforms write them."""

    identities: tuple[str, ...]
    addresses: tuple[str, ...]
    values: tuple[str, ...]
    conversations: tuple[str, ...]


async def erase(house: House, contact: Mapping[str, Any], *, by: Agent | None, now: datetime) -> dict[str, Any]:
    """Answers the receipt, which is kept and holds nothing of the person: id, contact, at, by, counts."""
    contact_id = contact["_id"]
    traces = await _remember(house.db, contact)
    await erased.remember(house.settings.data.directory, house.vault, traces.addresses, now=now)
    # Without their addresses whoever writes from now on is somebody new.
    counts = {"identities": await _delete(house.db, "identities", {"contact": contact_id})}
    counts |= await _forget(house, contact_id, traces)
    counts["contacts"] = await _delete(house.db, "contacts", {"_id": contact_id})
    # Once more, for what was being written when we began.
    for kind, more in (await _forget(house, contact_id, traces, deep=False)).items():
        counts[kind] += more
    await _delete(house.db, "contacts", {"_id": contact_id})
    receipt = {"_id": new_id(), "contact": contact_id, "at": now, "by": by.id if by else None, "counts": counts}
    await house.db["erasures"].insert_one(receipt)
    await publish(house.db, [{"what": "reload"}])
    return receipt


async def forget_again(house: House, *, now: datetime) -> int:
    """After a restore: whoever was erased since the backup was made is erased again. Answers how many."""
    register = erased.Register(house.settings.data.directory, house.vault)
    if not register:
        return 0
    wanted = dict.fromkeys(("kind", "scope", "value", "contact", "created_at"), 1)
    met = [
        one["contact"]
        async for one in house.db["identities"].find({}, wanted)
        if register.names(erased.name(one["kind"], one["scope"], one["value"]), since=one["created_at"])
    ]
    found = await house.db["contacts"].find({"_id": {"$in": met}}).to_list()
    for contact in found:
        await erase(house, contact, by=None, now=now)
    return len(found)


async def _remember(db: Database, contact: Mapping[str, Any]) -> Traces:
    """Gathered, and kept on the contact together with what an erasure that stopped had gathered."""
    theirs = {"contact": contact["_id"]}
    identities = await db["identities"].find(theirs).to_list()
    numbers = [identity[key] for identity in identities for key in ("value", "reach") if identity.get(key)]
    phone = (contact.get("phone") or "").removeprefix("+")
    found = Traces(
        identities=tuple(identity["_id"] for identity in identities),
        addresses=tuple(erased.name(identity["kind"], identity["scope"], identity["value"]) for identity in identities),
        values=tuple([*numbers, phone] if phone else numbers),
        conversations=tuple([row["_id"] async for row in db["conversations"].find(theirs, {"_id": 1})]),
    )
    before = contact.get("erasing") or {}
    kept = {key: list(dict.fromkeys([*before.get(key, ()), *value])) for key, value in asdict(found).items()}
    await db["contacts"].update_one({"_id": contact["_id"]}, {"$set": {"erasing": kept}})
    return Traces(**{key: tuple(value) for key, value in kept.items()})


async def _forget(house: House, contact_id: str, traces: Traces, *, deep: bool = True) -> dict[str, int]:
    """All that names them. `deep` reads through what can be found in no other way: the platforms' own words."""
    db = house.db
    counts = {"files": await _forget_files(db, contact_id)}
    counts["waiting"] = await _forget_waiting(db, contact_id)
    counts |= {name: await _delete(db, name, {"contact": contact_id}) for name in _BY_CONTACT}
    counts["drafts"] = await _forget_by_conversation(db, traces.conversations)
    await _delete(db, "pace", {"_id": {"$in": _paces(house, traces)}})
    await _delete(db, "suspects", {"$or": [{"a": contact_id}, {"b": contact_id}]})
    if deep:
        counts["journal"] = await _forget_bodies(db, traces.values)
        counts["aside"] = await _forget_aside(db, traces.values)
        await _delete(db, "idempotency", {"body": {"$regex": contact_id}})
    return counts


async def _delete(db: Database, collection: str, query: Mapping[str, Any]) -> int:
    return (await db[collection].delete_many(query)).deleted_count


async def _forget_files(db: Database, contact_id: str) -> int:
    """Pictures, sounds, papers: the bytes first, so that no record points at what cannot be found to be deleted."""
    found = await db["media"].find({"contact": contact_id}, {"file": 1, "thumb": 1, "variants": 1}).to_list()
    for record in found:
        kept = [record.get("file"), record.get("thumb"), *(made["file"] for made in record.get("variants") or ())]
        for file in filter(None, kept):
            await files.delete(db, file)
        await db["media"].delete_one({"_id": record["_id"]})
    return len(found)


async def _forget_waiting(db: Database, contact_id: str) -> int:
    """Statuses and reactions that came before we knew their message."""
    sought: dict[str, list[str]] = {}
    known = {"contact": contact_id, "platform_id": {"$type": "string"}}
    async for message in db["messages"].find(known, {"account": 1, "platform_id": 1}):
        sought.setdefault(message["account"], []).append(message["platform_id"])
    return sum(
        [
            await _delete(db, "waiting", {"account": account, "platform_id": {"$in": portion}})
            for account, ids in sought.items()
            for portion in _portions(ids)
        ]
    )


async def _forget_by_conversation(db: Database, conversations: Sequence[str]) -> int:
    """Drafts and signs of presence are found by the beginning of their ids."""
    drafts = 0
    for conversation in conversations:
        beginning = {"_id": {"$regex": f"^{re.escape(conversation)}:"}}
        drafts += await _delete(db, "drafts", beginning)
        await _delete(db, "presence", beginning)
    return drafts


def _paces(house: House, traces: Traces) -> list[str]:
    return [f"person:{account.id}:{identity}" for account in house.accounts.all() for identity in traces.identities]


async def _forget_bodies(db: Database, values: Sequence[str]) -> int:
    """Applied bodies that name them go whole; what has not been applied yet is somebody writing just now."""
    rows = db["journal"].find({"state": "applied"}, {"body": 1}, batch_size=PORTION)
    named = [row["_id"] async for row in rows if names_any(bytes(row["body"]), values)]
    return sum([await _delete(db, "journal", {"_id": {"$in": portion}}) for portion in _portions(named)])


async def _forget_aside(db: Database, values: Sequence[str]) -> int:
    rows = db["aside"].find({}, {"raw": 1})
    named = [row["_id"] async for row in rows if names_any(str(row["raw"]).encode(), values)]
    return sum([await _delete(db, "aside", {"_id": {"$in": portion}}) for portion in _portions(named)])


def names_any(body: bytes, values: Sequence[str]) -> bool:
    """Whether one of the addresses stands in it by itself, and not as a part of a longer number or word."""
    for value in values:
        needle = value.encode()
        if needle in body and re.search(rb"(?<![0-9A-Za-z])" + re.escape(needle) + rb"(?![0-9A-Za-z])", body):
            return True
    return False


def _portions(found: Iterable[Any]) -> Iterable[list[Any]]:
    rest = iter(found)
    while portion := list(islice(rest, PORTION)):
        yield portion
