"""Whom a batch is about."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.channels.contract import Moved, PhoneShared, Preference, Reacted, Said, Sender
from bot.delivery.arrivals import Arrival
from bot.records import contacts, windows
from bot.records.meeting import Meeting, Met, meet, move
from bot.store.database import Database
from inbox.receive.spoken import Spoken

MOST_LANES, LANE_FROM = 3, 40


async def move_people(db: Database, arrivals: Sequence[Arrival], *, now: datetime) -> None:
    """Before anything else: what the person says by the new address is theirs already."""
    for arrival in arrivals:
        fact, account = arrival.fact, arrival.account
        if isinstance(fact, Moved):
            await move(db, fact.old, fact.new, account=account.id, practice=account.practice, now=now)


def lanes(arrivals: Sequence[Arrival]) -> list[dict[int, Arrival]]:
    """What people did, by place in the batch, dealt out so that each person is in one lane and several can be worked on
    at once: while one waits for the database another computes.
    """
    acted = {place: arrival for place, arrival in enumerate(arrivals) if _sender(arrival) or _said_in_group(arrival)}
    count = min(MOST_LANES, len(acted) // LANE_FROM + 1)
    dealt: list[dict[int, Arrival]] = [{} for _ in range(count)]
    for place, arrival in acted.items():
        sender = _sender(arrival)
        who = sender.addresses[0].value if sender and sender.addresses else ""
        dealt[hash(who) % count][place] = arrival
    return [lane for lane in dealt if lane]


async def meet_people(db: Database, arrivals: Mapping[int, Arrival], *, now: datetime) -> dict[int, Met]:
    """Who each is from, by place; nobody where no person shows, or only in a group."""
    senders = {place: sender for place, arrival in arrivals.items() if (sender := _sender(arrival))}
    meetings = [
        Meeting(sender, arrivals[place].account.id, arrivals[place].account.practice)
        for place, sender in senders.items()
    ]
    return dict(zip(senders, await meet(db, meetings, now=now), strict=True)) if meetings else {}


def _said_in_group(arrival: Arrival) -> bool:
    return isinstance(arrival.fact, Said) and arrival.fact.group is not None


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
    db: Database, spoken: Sequence[Spoken], arrivals: Mapping[int, Arrival], people: Mapping[int, Met]
) -> list[windows.Heard]:
    """Opens service windows and remembers when each person was last heard. The reactions that opened any."""
    said = [(one, one.met) for one in spoken if one.met and one.said.opens_window and one.said.direction == "in"]
    reactions = [
        _heard(arrival, people[place], arrival.fact.at)
        for place, arrival in arrivals.items()
        if isinstance(arrival.fact, Reacted) and arrival.fact.opens_window and place in people
    ]
    heard = [_heard(one.arrival, met, one.said.sent_at, one.said.platform_id) for one, met in said]
    times = [contacts.Heard(met.contact, met.identity, window.at) for (_, met), window in zip(said, heard, strict=True)]
    await asyncio.gather(windows.open_windows(db, [*heard, *reactions]), contacts.record_heard(db, times))
    return reactions


def _heard(arrival: Arrival, met: Met, at: datetime, platform_id: str = "") -> windows.Heard:
    """By the address they came by: whoever asks looks at all addresses of the person."""
    moment, known = min(at, arrival.arrived_at), met.contact.get("last_heard_at")
    came_late = known is not None and moment < known
    contact = met.contact["_id"]
    return windows.Heard(arrival.account.id, met.identity, contact, moment, "" if came_late else platform_id)
