"""What a batch adds to one conversation, and the updates that add it: a plain one where the conversation is still as it
was read, else one that is right whatever it finds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import UpdateOne

from bot.channels.contract import Channel, Window
from bot.records import mirrors
from inbox.receive.spoken import Conversation, Spoken
from inbox.receive.threads import Thread

Channels = Mapping[str, Channel]
Expression = Any
ASLEEP = ("resolved", "snoozed")


@dataclass(frozen=True, slots=True)
class Sum:
    """`waits_since` is the first message that nobody answered in the batch itself, `window` that of the newest one."""

    newest: Mapping[str, Any]
    unread: int
    accounts: list[str]
    answered_at: datetime | None
    waits_since: datetime | None
    heard: Spoken | None
    window: Window | None

    @property
    def place(self) -> dict[str, Any]:
        return {key: self.newest[key] for key in ("account", "channel", "identity")}


def add_up(spoken: Sequence[Spoken], channels: Channels, now: datetime) -> Sum:
    documents = [one.document for one in spoken if one.document]
    answered_at = waits_since = None
    for one, document in zip(spoken, documents, strict=True):
        if document["direction"] == "out":
            answered_at, waits_since = document["at"], None
        elif one.counts and waits_since is None:
            waits_since = document["at"]
    heard = next((one for one in reversed(spoken) if one.counts), None)
    window = None
    if heard and heard.document:
        window = channels[heard.arrival.account.kind].window(heard.document["at"], now)
    return Sum(
        newest=documents[-1],
        unread=sum(one.counts for one in spoken),
        accounts=list(dict.fromkeys(document["account"] for document in documents)),
        answered_at=answered_at,
        waits_since=waits_since,
        heard=heard,
        window=window,
    )


def plain_update(thread: Thread, added: Sum) -> UpdateOne | None:
    """None where it cannot be said beforehand what is right: the conversation sleeps, or has something newer."""
    before = thread.document
    last = before["last"]
    if before["status"] in ASLEEP or before["folded_into"] or (last and last["at"] > added.newest["at"]):
        return None
    changes = {"last": mirrors.last(added.newest), "at": max(before["at"], added.newest["at"]), **added.place}
    changes["waiting_since"] = _waiting_since(before, added)
    changes |= _window_after(before, added)
    update: dict[str, Any] = {"$set": changes, "$inc": {"unread": added.unread}}
    if not set(added.accounts) <= set(before["accounts"]):
        update["$addToSet"] = {"accounts": {"$each": added.accounts}}
    unchanged = {"_id": thread.id, "status": before["status"], "folded_into": None}
    return UpdateOne({**unchanged, **({"last.id": last["id"]} if last else {"last": None})}, update)


def _waiting_since(before: Conversation, added: Sum) -> datetime | None:
    since: datetime | None = before["waiting_since"]
    if added.answered_at and since and since <= added.answered_at:
        since = None
    return since or added.waits_since


def _window_after(before: Conversation, added: Sum) -> dict[str, Any]:
    """On the account that the conversation is on a window never shrinks; another account brings its own."""
    if added.window is None or added.heard is None:
        return {}
    until = {"window_closes_at": added.window.closes_at, "human_until": added.window.human_until}
    if before["account"] != added.heard.arrival.account.id:
        return until
    return {key: _later(before[key], moment) for key, moment in until.items()}


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return max(one, other)


def sure_update(thread: Thread, added: Sum) -> UpdateOne:
    """Also opens a conversation that sleeps. It may be refused where another one was opened meanwhile."""
    newest = added.newest
    late = {"$gt": ["$last.at", newest["at"]]}
    changes: dict[str, Expression] = {
        "last": {"$cond": [late, "$last", {"$literal": mirrors.last(newest)}]},
        "at": {"$max": ["$at", newest["at"]]},
        "unread": {"$add": [{"$ifNull": ["$unread", 0]}, added.unread]},
        "accounts": {"$setUnion": [{"$ifNull": ["$accounts", []]}, added.accounts]},
        "waiting_since": _waiting(added),
        **{key: {"$cond": [late, f"${key}", value]} for key, value in added.place.items()},
    }
    if added.heard and added.window:
        changes |= _window(added.heard.arrival.account.id, added.window, late) | _AWAKE
    return UpdateOne({"_id": thread.id, "folded_into": None}, [{"$set": changes}])


_AWAKE: dict[str, Expression] = {
    "status": {"$cond": [{"$in": ["$status", list(ASLEEP)]}, "open", "$status"]},
    "open": True,
    "resolved_at": None,
    "snoozed_until": None,
}


def _waiting(added: Sum) -> Expression:
    """The first message nobody answered. An answer given after these, and stored before them, counts too."""
    since: Expression = "$waiting_since"
    if added.answered_at:
        since = {"$cond": [{"$gt": [since, added.answered_at]}, since, None]}
    if added.waits_since is None:
        return since
    answered = {"$and": [{"$eq": ["$last.direction", "out"]}, {"$gt": ["$last.at", added.waits_since]}]}
    return {"$ifNull": [since, {"$cond": [answered, None, added.waits_since]}]}


def _window(account: str, window: Window, late: Expression) -> dict[str, Expression]:
    changes = {}
    for key, until in (("window_closes_at", window.closes_at), ("human_until", window.human_until)):
        grown = {"$max": [f"${key}", until]}
        changes[key] = {"$cond": [{"$eq": ["$account", account]}, grown, {"$cond": [late, f"${key}", until]}]}
    return changes
