"""An identity is one address of a person. It belongs to one contact, and the unique index says to whom."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from bot import phones
from bot.channels.contract import Address, Sender
from bot.ids import new_id
from bot.records.contacts import clean_name
from bot.store.database import Database

Identity = dict[str, Any]
_SHOWN = {"account": 0, "gone": 0, "created_at": 0}


class Key(NamedTuple):
    """What is unique."""

    kind: str
    scope: str
    value: str


def key_of(address: Address) -> Key:
    return Key(address.kind, address.scope, address.value)


def key_in(identity: Mapping[str, Any]) -> Key:
    return Key(identity["kind"], identity["scope"], identity["value"])


def canonical(address: Address) -> Address:
    """National variants of one number are one value; folding twice changes nothing."""
    if address.kind != "phone":
        return address
    folded = _fold(address.value) or address.value
    if address.reach and folded == address.value:
        return address
    return replace(address, value=folded, reach=address.reach or address.value)


_fold = lru_cache(maxsize=10_000)(phones.fold)


def new_identity(address: Address, contact: str, sender: Sender, *, account: str, now: datetime) -> Identity:
    return {
        "_id": new_id(),
        **key_of(address)._asdict(),
        "reach": address.reach or address.value,
        "contact": contact,
        "account": account,
        "profile": {"name": clean_name(sender.name), "username": clean_name(sender.username)},
        "current": True,
        "reachable": True,
        "gone": None,
        "created_at": now,
        "last_seen_at": now,
    }


async def find(db: Database, keys: Iterable[Key]) -> dict[Key, Identity]:
    by_owner: dict[tuple[str, str], list[str]] = {}
    for key in keys:
        by_owner.setdefault((key.kind, key.scope), []).append(key.value)
    if not by_owner:
        return {}
    either = [{"kind": kind, "scope": scope, "value": {"$in": values}} for (kind, scope), values in by_owner.items()]
    found = await db["identities"].find({"$or": either}, _SHOWN).to_list()
    return {key_in(identity): identity for identity in found}


async def find_one(db: Database, address: Address) -> Identity | None:
    key = key_of(canonical(address))
    return (await find(db, [key])).get(key)


async def suspect(db: Database, pairs: Iterable[tuple[str, str, str]], *, now: datetime) -> None:
    """Remembers, once, that two contacts may be one person, and why. Nobody is merged without a person's word."""
    for one, other, evidence in pairs:
        a, b = sorted((one, other))
        if a != b:
            row = {"_id": new_id(), "evidence": evidence, "at": now}
            await db["suspects"].update_one({"a": a, "b": b}, {"$setOnInsert": row}, upsert=True)


async def set_reachable(
    db: Database, address: Address, *, reachable: bool, at: datetime, code: str = "blocked"
) -> Identity | None:
    """The person blocked us or can be written to again; what was told before something newer changes nothing.

    The identity as it was, None when it is nobody's.
    """
    key = key_of(canonical(address))._asdict()
    change = {"reachable": reachable, "gone": None if reachable else {"code": code, "at": at}, "reach_at": at}
    newest = {**key, "reach_at": {"$not": {"$gt": at}}}
    found: Identity | None = await db["identities"].find_one_and_update(newest, {"$set": change})
    return found
