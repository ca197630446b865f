"""Which conversation a message belongs to. At most one is open per person and team: the unique index decides, and
whoever it refuses joins the other's.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.ids import new_id
from bot.records.once import insert_once
from bot.store.database import Database
from inbox.receive.spoken import Conversation, Seat, Spoken

# All of it but what no new message is judged by.
_SHOWN = {"labels": 0, "looked": 0, "name": 0, "created_at": 0, "practice": 0, "last.text": 0, "last.author": 0}


@dataclass(slots=True, eq=False)
class Thread:
    """What a batch adds to one conversation, in order. `document` is the conversation as it was found or made."""

    document: Conversation
    spoken: list[Spoken] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.document["_id"])


async def join(db: Database, spoken: Sequence[Spoken], *, reopen: timedelta, now: datetime) -> dict[Seat, Conversation]:
    """Everybody's conversation: the open one, else one resolved within `reopen`, else a new one where anything said
    begins one. Opening a resolved one again is left to what is written there.
    """
    wanted: dict[Seat, list[Spoken]] = {}
    for one in spoken:
        if one.seat:
            wanted.setdefault(one.seat, []).append(one)
    found = await find_open(db, wanted)
    missing = [seat for seat in wanted if seat not in found and not all(one.is_silent for one in wanted[seat])]
    if not missing:
        return found
    found |= await _find_resolved(db, missing, since=now - reopen)
    beginning = [seat for seat in missing if seat not in found and any(one.begins for one in wanted[seat])]
    return found | await _begin(db, {seat: wanted[seat] for seat in beginning}, now=now)


async def find_open(db: Database, seats: Collection[Seat]) -> dict[Seat, Conversation]:
    if not seats:
        return {}
    query = {"contact": {"$in": list({seat.contact for seat in seats})}, "open": True}
    return _choose(seats, await db["conversations"].find(query, _SHOWN).to_list())


async def _find_resolved(db: Database, seats: Collection[Seat], *, since: datetime) -> dict[Seat, Conversation]:
    query = {
        "contact": {"$in": list({seat.contact for seat in seats})},
        "open": False,
        "resolved_at": {"$gte": since},
        "folded_into": None,
    }
    return _choose(seats, await db["conversations"].find(query, _SHOWN).to_list())


def _choose(seats: Collection[Seat], conversations: Sequence[Conversation]) -> dict[Seat, Conversation]:
    """The newest that was held by this very account, whatever team it was given to since; else the team's own."""
    chosen: dict[Seat, Conversation] = {}
    by_contact: dict[str, list[Conversation]] = {}
    for conversation in sorted(conversations, key=lambda conversation: conversation["at"]):
        by_contact.setdefault(conversation["contact"], []).append(conversation)
    for seat in seats:
        theirs = by_contact.get(seat.contact, [])
        by_account = [conversation for conversation in theirs if seat.account in conversation["accounts"]]
        by_team = [conversation for conversation in theirs if conversation["team"] == seat.team]
        if fitting := by_account or by_team:
            chosen[seat] = fitting[-1]
    return chosen


async def _begin(db: Database, wanted: Mapping[Seat, Sequence[Spoken]], *, now: datetime) -> dict[Seat, Conversation]:
    """One for each person and team, though they may have written to two accounts of it."""
    made: dict[tuple[str, str], Conversation] = {}
    for seat, said in wanted.items():
        made.setdefault((seat.contact, seat.team), _new(seat, said, now))
    refused = await insert_once(db, "conversations", list(made.values()))
    lost = [seat for seat in wanted if made[seat.contact, seat.team]["_id"] in refused]
    ours = {seat: made[seat.contact, seat.team] for seat in wanted if seat not in lost}
    return ours | await find_open(db, lost)


def _new(seat: Seat, said: Sequence[Spoken], now: datetime) -> Conversation:
    first = next(one for one in said if one.begins)
    account, met = first.arrival.account, first.met
    return {
        "_id": new_id(),
        "contact": seat.contact,
        "team": seat.team,
        "status": "open",
        "open": True,
        "assignee": None,
        "account": account.id,
        "channel": account.kind,
        "accounts": [account.id],
        "identity": met.identity if met else None,
        "labels": [],
        "name": met.contact["name"] if met else "",
        "last": None,
        "unread": 0,
        "waiting_since": None,
        "window_closes_at": None,
        "human_until": None,
        "practice": account.practice,
        "created_at": now,
        "at": min(first.said.sent_at, now),
        "resolved_at": None,
        "snoozed_until": None,
        "mentions": [],
        "looked": {},
        "folded_into": None,
    }


def gather(spoken: Iterable[Spoken], conversations: Mapping[Seat, Conversation]) -> list[Thread]:
    """New messages by conversation, in the order in which they were said; silent ones change nothing there."""
    threads: dict[str, Thread] = {}
    for one in spoken:
        conversation = conversations.get(one.seat) if one.seat else None
        if conversation and not one.is_silent:
            threads.setdefault(conversation["_id"], Thread(conversation)).spoken.append(one)
    for thread in threads.values():
        thread.spoken.sort(key=lambda one: one.document["at"] if one.document else one.said.sent_at)
    return list(threads.values())
