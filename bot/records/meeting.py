"""Finding out who wrote. Addresses are claimed by inserting them: whoever loses a race takes the winner's person, so
that nobody is met twice, and a person is only written down once an address of theirs is ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pymongo import UpdateOne

from bot.channels.contract import Address, Sender
from bot.ids import new_id
from bot.records import contacts, identities
from bot.records.contacts import Contact, clean_name
from bot.records.identities import Identity, Key, canonical, key_in, key_of, new_identity
from bot.records.once import insert_once
from bot.store.database import Database

# An address seen again within this time is not written again.
SEEN_ANEW = timedelta(hours=1)
_SHOWN = dict.fromkeys(("name", "name_by", "phone", "blocked", "first_heard_at", "last_heard_at", "last_identity"), 1)


@dataclass(frozen=True, slots=True)
class Meeting:
    """Somebody came by an account of ours. `practice` says that the account is a practice channel."""

    sender: Sender
    account: str
    practice: bool = False


@dataclass(frozen=True, slots=True)
class Met:
    """`contact` is what matters here of the contact, `identity` the most trusted of the addresses they came by."""

    contact: Contact
    identity: str


async def meet(db: Database, meetings: Sequence[Meeting], *, now: datetime) -> list[Met]:
    """The person behind each, in the same order; whoever is new is written down.

    Raises ValueError for somebody without any address.
    """
    batch = [_Present(meeting) for meeting in meetings]
    register = _Register(await identities.find(db, {key for present in batch for key in present.keys}), now)
    for present in batch:
        register.introduce(present)
    await _claim(db, register)
    await _take_back(db, register)
    people = await _people(db, register, batch)
    await _remember(db, register, batch, people)
    await identities.suspect(db, register.suspects, now=now)
    return [_met(register, present, people) for present in batch]


class _Present:
    """A meeting with its addresses in canonical form."""

    def __init__(self, meeting: Meeting) -> None:
        if not meeting.sender.addresses:
            raise ValueError("a sender without an address")
        addresses = tuple(canonical(address) for address in meeting.sender.addresses)
        self.sender = meeting.sender
        if addresses != meeting.sender.addresses:
            self.sender = replace(meeting.sender, addresses=addresses)
        self.account, self.practice = meeting.account, meeting.practice
        self.keys = [key_of(address) for address in addresses]
        self.addresses = list(zip(self.keys, addresses, strict=True))


@dataclass
class _Register:
    """Whose each address of a batch is, as far as is known. `planned` persons become real when claimed, or turn out
    to be somebody else: then `became` says who.
    """

    known: dict[Key, Identity]
    now: datetime
    planned: dict[str, _Present] = field(default_factory=dict)
    new: list[Identity] = field(default_factory=list)
    taken_back: list[Identity] = field(default_factory=list)
    suspects: list[tuple[str, str, str]] = field(default_factory=list)
    became: dict[str, str] = field(default_factory=dict)

    def contact_of(self, key: Key) -> str:
        return self.real(self.known[key]["contact"])

    def real(self, contact: str) -> str:
        return self.became.get(contact, contact)

    def introduce(self, present: _Present) -> None:
        """The most trusted known address says who this is."""
        current = self._current(present)
        contact = self.contact_of(current[0]) if current else new_id()
        if not current:
            self.planned[contact] = present
        for key, address in present.addresses:
            if key not in self.known:
                self._add(address, contact, present)
            elif key not in current:
                self._take_back(key, contact)
            elif self.contact_of(key) != contact:
                self.suspect(contact, self.known[key])

    def _current(self, present: _Present) -> list[Key]:
        known = [key for key in present.keys if key in self.known]
        current = [key for key in known if self.known[key]["current"]]
        if not current and len(known) == len(present.keys):
            # Given up by one person, and nothing new beside it: an old message, or that person came back.
            return known
        return current

    def _add(self, address: Address, contact: str, present: _Present) -> None:
        identity = new_identity(address, contact, present.sender, account=present.account, now=self.now)
        self.known[key_of(address)] = identity
        self.new.append(identity)

    def _take_back(self, key: Key, contact: str) -> None:
        """A number that somebody gave up came with a new id beside it: it is this person's now."""
        self.known[key] = {**self.known[key], "contact": contact, "current": True}
        self.taken_back.append(self.known[key])

    def suspect(self, contact: str, identity: Identity) -> None:
        other = self.real(identity["contact"])
        self.suspects.append((contact, other, f"{identity['kind']} of both"))


async def _claim(db: Database, register: _Register) -> None:
    """One address of each new person first: whoever gets that one has the person. Then all the others."""
    first: dict[str, Identity] = {}
    rest: list[Identity] = []
    for identity in register.new:
        contact = identity["contact"]
        if contact in register.planned and contact not in first:
            first[contact] = identity
        else:
            rest.append(identity)
    planned = {key_in(identity): contact for contact, identity in first.items()}
    for winner in await _insert(db, register, list(first.values())):
        register.became[planned[key_in(winner)]] = winner["contact"]
    for identity in rest:
        identity["contact"] = register.real(identity["contact"])
    wanted = {key_in(identity): identity["contact"] for identity in rest}
    for winner in await _insert(db, register, rest):
        if winner["contact"] != wanted[key_in(winner)]:
            register.suspect(wanted[key_in(winner)], winner)


async def _insert(db: Database, register: _Register, new: list[Identity]) -> list[Identity]:
    """Those that somebody else had written before us, as they wrote them."""
    refused = await insert_once(db, "identities", new)
    winners = await identities.find(db, [key_in(identity) for identity in new if identity["_id"] in refused])
    register.known |= winners
    return list(winners.values())


async def _take_back(db: Database, register: _Register) -> None:
    for identity in register.taken_back:
        taken = {"contact": register.real(identity["contact"]), "current": True}
        await db["identities"].update_one({"_id": identity["_id"], "current": False}, {"$set": taken})


async def _people(db: Database, register: _Register, batch: Sequence[_Present]) -> dict[str, Contact]:
    """The contacts of all, written where missing: new ones, and those whose writer died after the addresses."""
    by_contact: dict[str, _Present] = {}
    for present in batch:
        by_contact.setdefault(register.contact_of(present.keys[0]), present)
    found = await db["contacts"].find({"_id": {"$in": list(by_contact)}}, _SHOWN).to_list()
    people = {contact["_id"]: contact for contact in found}
    missing = [
        contacts.new_contact(contact_id, present.sender, practice=present.practice, now=register.now)
        for contact_id, present in by_contact.items()
        if contact_id not in people
    ]
    await insert_once(db, "contacts", missing)
    return people | {contact["_id"]: contact for contact in missing}


async def _remember(db: Database, register: _Register, batch: Sequence[_Present], people: dict[str, Contact]) -> None:
    """What the batch told of people we knew: a newer name, a further address, that they can be reached again."""
    names: dict[str, str] = {}
    changed: dict[str, dict[str, Any]] = {}
    grown = _grown(register)
    for present in batch:
        contact = people[register.contact_of(present.keys[0])]
        known_as = register.known[present.keys[0]]["profile"]["name"]
        if name := contacts.renamed(contact, present.sender, known_as=known_as):
            names[contact["_id"]] = contact["name"] = name
        for key, address in present.addresses:
            identity = register.known[key]
            if news := _news(identity, address, present.sender, register.now):
                changed.setdefault(identity["_id"], {}).update(news)
        grown |= await _give_phone(db, contact, present.sender)
    updates = [UpdateOne({"_id": identity}, {"$set": news}) for identity, news in changed.items()]
    if updates:
        await db["identities"].bulk_write(updates, ordered=False)
    await contacts.rename(db, names)
    await contacts.reindex(db, grown - set(names))


def _grown(register: _Register) -> set[str]:
    """Contacts that have an address now which they were not written down with."""
    grown: set[str] = set()
    for identity in register.new:
        present = register.planned.get(identity["contact"])
        if present is None or key_in(identity) not in present.keys:
            grown.add(register.real(identity["contact"]))
    return grown


def _news(identity: Identity, address: Address, sender: Sender, now: datetime) -> dict[str, Any]:
    """What is to be written about an address seen again; the identity in memory learns it too."""
    news: dict[str, Any] = {}
    profile = identity["profile"]
    for what, told in (("name", sender.name), ("username", sender.username)):
        if told and told != profile[what] and (text := clean_name(told)) and text != profile[what]:
            news[f"profile.{what}"] = profile[what] = text
    if address.reach and address.reach != identity["reach"]:
        news["reach"] = identity["reach"] = address.reach
    if not identity.get("reachable", True):
        news |= {"reachable": True, "gone": None}
    if news or now - identity["last_seen_at"] > SEEN_ANEW:
        news["last_seen_at"] = identity["last_seen_at"] = now
    return news


async def _give_phone(db: Database, contact: Contact, sender: Sender) -> set[str]:
    """A phone is kept where there was none. Never is one replaced by none."""
    phone = contacts.written_phone(contacts.phone_of(sender.addresses))
    if not phone or contact.get("phone"):
        return set()
    contact["phone"] = phone
    await db["contacts"].update_one({"_id": contact["_id"], "phone": None}, {"$set": {"phone": phone}})
    return {contact["_id"]}


def _met(register: _Register, present: _Present, people: Mapping[str, Contact]) -> Met:
    contact = people[register.contact_of(present.keys[0])]
    own = [register.known[key]["_id"] for key in present.keys if register.contact_of(key) == contact["_id"]]
    return Met(contact, own[0])


async def move(
    db: Database, old: Sequence[Address], new: Sequence[Address], *, account: str, practice: bool, now: datetime
) -> str:
    """`new` belongs from now on to whoever had `old`, the most trusted first, which is kept as history. The contact.

    A new address that is another contact's already stays there, and the two become suspects. May be repeated.
    """
    old, new = [canonical(address) for address in old], [canonical(address) for address in new]
    everything = [key_of(address) for address in (*old, *new)]
    known = await identities.find(db, everything)
    owner = next((known[key]["contact"] for key in everything if key in known), None)
    everybody = Sender(addresses=(*new, *old))
    if owner is None:
        owner = (await meet(db, [Meeting(everybody, account, practice)], now=now))[0].contact["_id"]
    elif await db["contacts"].find_one({"_id": owner}, {"_id": 1}) is None:
        await insert_once(db, "contacts", [contacts.new_contact(owner, everybody, practice=practice, now=now)])
    missing = [address for address in (*old, *new) if key_of(address) not in known]
    made = [new_identity(address, owner, Sender((address,)), account=account, now=now) for address in missing]
    await insert_once(db, "identities", made)
    known = await identities.find(db, everything)
    await _settle_move(db, known, old, new, owner)
    strangers = {identity["contact"] for identity in known.values()} - {owner}
    await identities.suspect(db, [(owner, stranger, "moved") for stranger in strangers], now=now)
    return str(owner)


async def _settle_move(
    db: Database, known: Mapping[Key, Identity], old: Sequence[Address], new: Sequence[Address], owner: str
) -> None:
    kept = {key_of(address) for address in new}
    given_up = {key_of(address) for address in old} - kept
    for keys, current in ((kept, True), (given_up, False)):
        ids = [known[key]["_id"] for key in keys if key in known and known[key]["contact"] == owner]
        await db["identities"].update_many({"_id": {"$in": ids}}, {"$set": {"current": current}})
    before, after = (contacts.written_phone(contacts.phone_of(addresses)) for addresses in (old, new))
    if before and after:
        await db["contacts"].update_one({"_id": owner, "phone": before}, {"$set": {"phone": after}})
    await contacts.reindex(db, [owner])
