"""Whom a batch is about."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.channels.contract import Moved, PhoneShared, Preference, Reacted, Said, Sender
from bot.delivery.arrivals import Arrival
from bot.records import contacts, windows
from bot.records.meeting import Meeting, Met, meet, move
from bot.store.database import Database
from inbox.receive.spoken import Spoken


async def move_people(db: Database, arrivals: Sequence[Arrival], *, now: datetime) -> None:
    """Before anything else: what the person says by the new address is theirs already."""
    for arrival in arrivals:
        fact, account = arrival.fact, arrival.account
        if isinstance(fact, Moved):
            await move(db, fact.old, fact.new, account=account.id, practice=account.practice, now=now)


async def meet_people(db: Database, arrivals: Sequence[Arrival], *, now: datetime) -> dict[int, Met]:
    """Who each is from, by place in `arrivals`; nobody where no person shows, or only in a group."""
    senders = {index: sender for index, arrival in enumerate(arrivals) if (sender := _sender(arrival))}
    meetings = [
        Meeting(sender, arrivals[index].account.id, arrivals[index].account.practice)
        for index, sender in senders.items()
    ]
    return dict(zip(senders, await meet(db, meetings, now=now), strict=True)) if meetings else {}


def _sender(arrival: Arrival) -> Sender | None:
    match arrival.fact:
        case Said(group=None) as said:
            return said.sender
        case Moved(said=Said(group=None) as said):
            return said.sender
        case Reacted(direction="in") as reacted:
            return reacted.sender
        case PhoneShared() as shared:
            # One person shows both: two contacts that had one each become suspects.
            addresses = (*shared.sender.addresses, shared.phone)
            return Sender(addresses, shared.sender.name, shared.sender.username, shared.sender.language)
        case Preference() as preference:
            return preference.sender
    return None


async def record_heard(
    db: Database, spoken: Sequence[Spoken], arrivals: Sequence[Arrival], people: Mapping[int, Met]
) -> list[windows.Heard]:
    """Opens service windows and remembers when each person was last heard. What was heard, reactions included."""
    heard = [one for said in spoken for one in _said(said)]
    heard += [one for index, arrival in enumerate(arrivals) for one in _reacted(arrival, people.get(index))]
    await windows.open_windows(db, heard)
    firsts = [contacts.Heard(one.contact, one.identity, one.at) for one in heard if one.platform_id]
    await contacts.record_heard(db, firsts)
    return heard


def _said(one: Spoken) -> list[windows.Heard]:
    """By every address they showed: a later message may show only one of them."""
    if one.met is None or one.said.direction == "out" or not one.said.opens_window:
        return []
    at = min(one.said.sent_at, one.arrival.arrived_at)
    account, contact = one.arrival.account.id, one.met.contact["_id"]
    return [windows.Heard(account, identity, contact, at, one.said.platform_id) for identity in one.met.identities]


def _reacted(arrival: Arrival, met: Met | None) -> list[windows.Heard]:
    fact = arrival.fact
    if met is None or not isinstance(fact, Reacted) or not fact.opens_window:
        return []
    at = min(fact.at, arrival.arrived_at)
    contact = met.contact["_id"]
    return [windows.Heard(arrival.account.id, identity, contact, at) for identity in met.identities]
