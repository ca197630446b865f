"""What platforms tell about messages that passed before: statuses, reactions, edits, deletions, watermarks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from pymongo import UpdateMany

from bot.channels.contract import Climbed, ClimbedUpTo, Deleted, Edited, Reacted, Said
from bot.delivery.arrivals import Arrival
from bot.records import identities, ladder
from bot.records.marks import Mark
from bot.records.meeting import Met
from bot.store.database import Database

# Older messages are not looked at: whoever has not read them by now has hardly come back for them.
LONGEST_UNREAD = timedelta(days=90)
# What a watermark may lift: never what failed, nor what may not have left at all.
_UP_TO: Mapping[str, list[str]] = {"delivered": ["sent"], "read": ["sent", "delivered"]}


def read_marks(arrivals: Iterable[Arrival], people: Mapping[int, Met]) -> list[Mark]:
    """`people` are those who reacted, by place in `arrivals`."""
    marks = []
    for index, arrival in enumerate(arrivals):
        if mark := _mark(arrival, people.get(index)):
            marks.append(mark)
    return marks


def _mark(arrival: Arrival, met: Met | None) -> Mark | None:
    account, fact = arrival.account.id, arrival.fact
    match fact:
        case Climbed(group=None):
            at = min(fact.at, arrival.arrived_at)
            return Mark("climbed", account, fact.chat, fact.platform_id, at, _climbed(fact), fact.callback)
        case Reacted():
            return Mark("reacted", account, fact.chat, fact.target, fact.at, _reacted(fact, account, met))
        case Edited():
            return Mark("edited", account, fact.chat, fact.target, fact.at, _edited(fact))
        case Deleted():
            return Mark("deleted", account, fact.chat, fact.target, fact.at)
    return None


def _climbed(fact: Climbed) -> dict[str, Any]:
    return {
        "status": fact.status,
        "error": asdict(fact.failure) if fact.failure else None,
        "pricing": dict(fact.pricing) if fact.pricing else None,
    }


def _reacted(fact: Reacted, account: str, met: Met | None) -> dict[str, Any]:
    """Each side has one reaction: the company's is the account's, from whatever device."""
    if fact.direction == "out" or met is None:
        return {"by": "agent", "who": account, "emoji": fact.emoji}
    return {"by": "contact", "who": met.contact["_id"], "emoji": fact.emoji}


def _edited(fact: Edited) -> dict[str, Any]:
    return {
        "content": fact.content.model_dump(),
        "number": fact.number,
        "refs": [asdict(ref) for ref in fact.media],
    }


def settled_by_echo(said: Said, account: str) -> Mark:
    """The platform told us of our own message, and gave our id back with it: so it was sent."""
    return Mark("climbed", account, said.chat, said.platform_id, said.sent_at, {"status": "sent"}, said.callback)


async def climb_up_to(db: Database, arrivals: Sequence[Arrival]) -> list[str]:
    """Watermarks: all that we sent to a person until a moment has got so far. The contacts concerned."""
    contacts: dict[str, None] = {}
    updates = []
    for arrival in arrivals:
        fact = arrival.fact
        if isinstance(fact, ClimbedUpTo) and (identity := await identities.find_one(db, fact.address)):
            contacts[identity["contact"]] = None
            where = {
                "contact": identity["contact"],
                "account": arrival.account.id,
                "direction": "out",
                "status": {"$in": _UP_TO[fact.status]},
                "at": {"$lte": fact.at, "$gte": fact.at - LONGEST_UNREAD},
            }
            updates.append(UpdateMany(where, ladder.climb([ladder.Step(fact.status, fact.at)])))
    if updates:
        await db["messages"].bulk_write(updates, ordered=True)
        await _repeat(db, arrivals, list(contacts))
    return list(contacts)


async def _repeat(db: Database, arrivals: Sequence[Arrival], contacts: list[str]) -> None:
    """Conversations repeat the status of their last message."""
    for conversation in (
        await db["conversations"].find({"contact": {"$in": contacts}, "last.direction": "out"}).to_list()
    ):
        last = await db["messages"].find_one({"_id": conversation["last"]["id"]}, {"status": 1})
        if last and last["status"] != conversation["last"]["status"]:
            where = {"_id": conversation["_id"], "last.id": last["_id"]}
            await db["conversations"].update_one(where, {"$set": {"last.status": last["status"]}})
