"""Whose a conversation is and how it stands: assign, take over, resolve, reopen, snooze, label, note, read."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pymongo.errors import OperationFailure

from bot.errors import N_, Conflict, Refused
from bot.nudges import publish
from bot.store.database import AlreadyThere, Database, Session, already_there
from inbox import activity, labels, notes
from inbox.people import Agent, find_agent, get_agent, get_team, list_agents

Conversation = dict[str, Any]
LONGEST_SNOOZE = timedelta(days=366)
# Of two transactions that meet one begins again.
TRIES = 5


async def nudge(db: Database, conversation: Mapping[str, Any], *, before: Mapping[str, Any] | None = None) -> None:
    """Tells pages that this conversation changed; also those of whoever had it `before`, whose lists must lose it."""
    item = {
        "what": "conversation",
        "conversation": conversation["_id"],
        "contact": conversation["contact"],
        "team": conversation.get("team"),
        "assignee": conversation.get("assignee"),
        "mentions": conversation.get("mentions", []),
    }
    had = {"was": before.get("assignee"), "was_team": before.get("team")} if before else {}
    await publish(db, [item | {key: value for key, value in had.items() if value}])


async def _change(db: Database, conversation: Conversation, changes: Mapping[str, Any], **also: Any) -> Conversation:
    """Writes and nudges; answers the conversation as it is afterwards."""
    update: dict[str, Any] = {"$set": dict(changes), **also}
    changed: Conversation | None = await db["conversations"].find_one_and_update(
        {"_id": conversation["_id"], "folded_into": None}, update, return_document=True
    )
    if changed is None:
        raise Conflict(N_("This conversation was joined with another one. Look again."), code="conversation_folded")
    await nudge(db, changed, before=conversation)
    return changed


async def assign(db: Database, conversation: Conversation, *, to: str | None, by: Agent, now: datetime) -> Conversation:
    """To an active agent of the company, or to nobody. The team stays."""
    agent = await get_agent(db, to) if to else None
    if agent and not agent.active:
        raise Refused(N_("%(name)s does not work here any more."), code="agent_inactive", name=agent.name)
    changed = await _change(db, conversation, {"assignee": to})
    if conversation.get("assignee") == to:
        return changed
    kind, data = ("assigned", {"to": to, "name": agent.name}) if agent else ("unassigned", {})
    await activity.record(db, conversation, kind, by=by, now=now, **data)
    return changed


async def take_over(db: Database, conversation: Conversation, *, by: Agent, now: datetime) -> Conversation:
    """Mine from now on, whoever had it; a bot that held it falls silent."""
    before = await find_agent(db, conversation["assignee"]) if conversation.get("assignee") else None
    status = "open" if conversation["status"] in ("bot", "snoozed") else conversation["status"]
    changed = await _change(db, conversation, {"assignee": by.id, "status": status})
    if conversation.get("assignee") != by.id:
        await activity.record(
            db, conversation, "taken_over", by=by, now=now, name=by.name, before=before.name if before else ""
        )
    return changed


async def assign_team(db: Database, conversation: Conversation, *, to: str, by: Agent, now: datetime) -> Conversation:
    """Moves it to a team's queue. Where that team has an open conversation with the person, the two fold into one."""
    team = await get_team(db, to)
    if conversation.get("team") == to:
        return conversation
    try:
        with already_there():
            changed = await _change(db, conversation, {"team": to, "assignee": None})
    except AlreadyThere:
        changed = await _fold(db, conversation, to, now=now)
    await activity.record(db, changed, "team", by=by, now=now, to=to, name=team.name)
    return changed


async def _fold(db: Database, conversation: Conversation, team: str, *, now: datetime) -> Conversation:
    """Nothing is rewritten: the folded one points to the other, which lists it. Undoing is removing both marks, and
    what the other was given with them (`folded_from` says what it had). Both change or neither does: two that are
    moved towards each other at the same moment never fold into each other.
    """
    for _ in range(TRIES):
        try:
            async with db.transaction() as session:
                folded, other = await _fold_both(db, conversation, team, session, now)
        except OperationFailure as error:
            if not error.has_error_label("TransientTransactionError"):
                raise
            continue
        await nudge(db, folded)
        await nudge(db, other)
        return other
    raise _changed()


def _changed() -> Conflict:
    return Conflict(N_("This conversation changed in the meantime. Look again."), code="conversation_changed")


async def _fold_both(
    db: Database, conversation: Conversation, team: str, session: Session, now: datetime
) -> tuple[Conversation, Conversation]:
    conversations, free = db["conversations"], {"open": True, "folded_into": None}
    other = await conversations.find_one({"contact": conversation["contact"], "team": team, **free}, session=session)
    if other is None:
        raise _changed()
    there = {key: other.get(key, []) for key in ("labels", "mentions")}
    before = {key: conversation.get(key) for key in ("status", "team", "assignee")}
    marks = {"folded_into": other["_id"], "folded_from": {**before, "there": there}}
    closed = {"open": False, "status": "resolved", "resolved_at": now}
    folded = await conversations.find_one_and_update(
        {"_id": conversation["_id"], **free}, {"$set": {**marks, **closed}}, session=session
    )
    if folded is None:
        raise _changed()
    kept = await conversations.find_one_and_update(
        {"_id": other["_id"], **free}, _joined(folded, other), return_document=True, session=session
    )
    if kept is None:
        raise _changed()
    return folded, kept


def _joined(folded: Conversation, other: Conversation) -> dict[str, Any]:
    """The update that lets `other` stand for both."""
    waits = [moment for moment in (folded.get("waiting_since"), other.get("waiting_since")) if moment]
    newer = folded if folded["at"] > other["at"] else other
    news = ("last", "account", "channel", "identity", "window_closes_at", "human_until", "at")
    sets = {"folds": [folded["_id"], *folded.get("folds", [])]}
    sets |= {key: folded.get(key, []) for key in ("accounts", "labels", "mentions")}
    return {
        "$set": {**{key: newer.get(key) for key in news}, "waiting_since": min(waits) if waits else None},
        "$inc": {"unread": folded.get("unread", 0)},
        "$addToSet": {key: {"$each": values} for key, values in sets.items()},
    }


async def resolve(db: Database, conversation: Conversation, *, by: Agent, now: datetime) -> Conversation:
    if conversation["status"] == "resolved":
        return conversation
    changed = await _change(
        db,
        conversation,
        {
            "status": "resolved",
            "open": False,
            "resolved_at": now,
            "waiting_since": None,
            "snoozed_until": None,
            "unread": 0,
        },
    )
    await activity.record(db, conversation, "resolved", by=by, now=now)
    return changed


async def reopen(db: Database, conversation: Conversation, *, by: Agent | None, now: datetime) -> Conversation:
    """Raises Conflict when the person has an open conversation with this team already."""
    if conversation["open"] and conversation["status"] == "open":
        return conversation
    try:
        with already_there():
            changed = await _change(
                db,
                conversation,
                {"status": "open", "open": True, "resolved_at": None, "snoozed_until": None, "at": now},
            )
    except AlreadyThere as error:
        raise Conflict(
            N_("This person has an open conversation with the team already."), code="open_elsewhere"
        ) from error
    await activity.record(db, conversation, "reopened", by=by, now=now)
    return changed


async def snooze(
    db: Database, conversation: Conversation, *, until: datetime, by: Agent, now: datetime
) -> Conversation:
    """Out of the way until then, or until the person writes. Raises Refused for the past and beyond a year."""
    if not now < until <= now + LONGEST_SNOOZE:
        raise Refused(N_("Choose a time within the next year."), code="until_invalid")
    if not conversation["open"]:
        raise Refused(N_("This conversation is resolved; reopen it first."), code="conversation_resolved")
    changed = await _change(db, conversation, {"status": "snoozed", "snoozed_until": until})
    await activity.record(db, conversation, "snoozed", by=by, now=now, until=until)
    return changed


async def wake_due(db: Database, *, now: datetime) -> int:
    """Opens what was snoozed until now. Safe to run in several processes: each is woken once."""
    woken = 0
    due = {"status": "snoozed", "open": True, "snoozed_until": {"$lte": now}}
    while conversation := await db["conversations"].find_one_and_update(
        due, {"$set": {"status": "open", "snoozed_until": None, "at": now}}, return_document=True
    ):
        await activity.record(db, conversation, "woken", by=None, now=now)
        await nudge(db, conversation)
        woken += 1
    return woken


async def set_labels(
    db: Database, conversation: Conversation, *, wanted: Sequence[str], by: Agent, now: datetime
) -> Conversation:
    """Exactly these, given by id or name."""
    ids = await labels.known_labels(db, wanted)
    if set(ids) == set(conversation.get("labels", [])):
        return conversation
    changed = await _change(db, conversation, {"labels": ids})
    await activity.record(
        db,
        conversation,
        "labels",
        by=by,
        now=now,
        added=[label for label in ids if label not in conversation.get("labels", [])],
        removed=[label for label in conversation.get("labels", []) if label not in ids],
    )
    return changed


async def write_note(
    db: Database,
    conversation: Conversation,
    *,
    text: str,
    mentions: Sequence[str] = (),
    key: str | None = None,
    by: Agent,
    now: datetime,
) -> dict[str, Any]:
    """`mentions` are agent ids, to which those named in the text as @Name are added; the mentioned may see it all."""
    people = {agent.id: agent.name for agent in await list_agents(db)}
    named = {agent_id for agent_id, name in people.items() if f"@{name}".casefold() in text.casefold()}
    meant = sorted((set(mentions) | named) & set(people))
    note = await notes.add_note(db, conversation, text=text, mentions=meant, key=key, by=by, now=now)
    changed = await db["conversations"].find_one_and_update(
        {"_id": conversation["_id"]}, {"$addToSet": {"mentions": {"$each": meant}}}, return_document=True
    )
    await nudge(db, changed or conversation)
    return note


async def mark_read(db: Database, conversation: Conversation, *, by: Agent, now: datetime) -> bool:
    """Whether anything was unread. The platform is told by the caller: that is a signal, not a write."""
    changed = await db["conversations"].find_one_and_update(
        {"_id": conversation["_id"], "unread": {"$gt": 0}},
        {"$set": {"unread": 0, f"looked.{by.id}": now}},
        return_document=True,
    )
    if changed:
        await nudge(db, changed)
    return changed is not None


async def mark_unread(db: Database, conversation: Conversation) -> None:
    await _change(db, conversation, {"unread": max(1, conversation.get("unread", 0))})
