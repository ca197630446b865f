"""What the screens ask about conversations. Every query takes a view: what an agent may not see is never counted."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from bot.errors import N_, Refused
from bot.ids import is_id, new_id
from bot.store.database import Database
from inbox.permissions import View, holds

Tab = Literal["mine", "unassigned", "all", "mentions"]
Sort = Literal["newest", "waiting", "window"]
# Counts stop here: "999+" is all a person wants to know, and a count stays cheap at any size.
COUNT_TO = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list asks for. `status` None is all, "open" is open or held by a bot."""

    tab: Tab = "all"
    status: str | None = "open"
    account: str | None = None
    channel: str | None = None
    team: str | None = None
    label: str | None = None
    assignee: str | None = None
    contact: str | None = None
    sort: Sort = "newest"


@dataclass(frozen=True, slots=True)
class Page:
    items: list[dict[str, Any]]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class _Order:
    key: str
    step: int
    also: Mapping[str, Any] = field(default_factory=dict)


_ORDERS: Mapping[Sort, _Order] = {
    "newest": _Order("at", -1),
    "waiting": _Order("waiting_since", 1, {"waiting_since": {"$type": "date"}}),
    "window": _Order("window_closes_at", 1, {"window_closes_at": {"$ne": None}}),
}


async def list_page(
    db: Database,
    view: View,
    wanted: Wanted,
    *,
    now: datetime,
    limit: int = 40,
    cursor: str | None = None,
    only: Sequence[str] = (),
) -> Page:
    """One page by keyset: rows that move while somebody scrolls are neither skipped nor shown twice.

    `only`: of these ids those that match.
    """
    order = _ORDERS[wanted.sort]
    parts = [view.conversations(), condition(wanted, view.agent), dict(order.also)]
    if wanted.sort == "window":
        parts.append({"window_closes_at": {"$gt": now}})
    if cursor:
        parts.append(_after(order.key, order.step, cursor))
    if only:
        parts.append({"_id": {"$in": list(only)}})
    query = {"$and": [part for part in parts if part]} if any(parts) else {}
    found = db["conversations"].find(query).sort([(order.key, order.step), ("_id", order.step)])
    rows = await found.limit(limit + 1).to_list()
    more = len(rows) > limit
    return Page(rows[:limit], write_cursor(rows[limit - 1], order.key) if more else None)


def condition(wanted: Wanted, agent_id: str) -> dict[str, Any]:
    """The filters as one condition on conversation documents, without the view."""
    query: dict[str, Any] = {}
    if wanted.status == "open":
        query["open"], query["status"] = True, {"$in": ["open", "bot"]}
    elif wanted.status:
        query["status"] = wanted.status
    else:
        # Both values named, so that an index on (open, at) gives the order.
        query["folded_into"], query["open"] = None, {"$in": [True, False]}
    query |= _TABS[wanted.tab](agent_id)
    named = {
        "accounts": wanted.account,
        "channel": wanted.channel,
        "team": wanted.team,
        "contact": wanted.contact,
    }
    query |= {key: value for key, value in named.items() if value}
    if wanted.label:
        query["labels"] = holds(wanted.label)
    if wanted.assignee:
        query["assignee"] = None if wanted.assignee == "none" else wanted.assignee
    return query


_TABS: Mapping[Tab, Any] = {
    "mine": lambda agent_id: {"assignee": agent_id},
    "unassigned": lambda agent_id: {"assignee": None},
    "all": lambda agent_id: {},
    "mentions": lambda agent_id: {"mentions": holds(agent_id)},
}


def write_cursor(row: Mapping[str, Any], key: str) -> str:
    at = row[key]
    return base64.urlsafe_b64encode(json.dumps([at.timestamp(), row["_id"]]).encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[datetime, str]:
    """Raises Refused on what is not a cursor of ours."""
    try:
        at, row_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not is_id(row_id):
            raise ValueError(row_id)
        return datetime.fromtimestamp(round(float(at), 3), UTC), row_id
    except (ValueError, TypeError, OverflowError, OSError, RecursionError) as error:
        raise Refused(N_("This cursor is not one of ours."), code="cursor_invalid") from error


def _after(key: str, step: int, cursor: str) -> dict[str, Any]:
    at, row_id = read_cursor(cursor)
    beyond = "$lt" if step < 0 else "$gt"
    # The first condition is implied by the second: it lets the index begin where the last page ended.
    return {key: {f"{beyond}e": at}, "$or": [{key: {beyond: at}}, {"_id": {beyond: row_id}}]}


async def count(db: Database, view: View, wanted: Wanted) -> int:
    """At most COUNT_TO."""
    parts = [part for part in (view.conversations(), condition(wanted, view.agent)) if part]
    return await db["conversations"].count_documents({"$and": parts} if parts else {}, limit=COUNT_TO)


async def counts(
    db: Database, view: View, *, accounts: Sequence[str] = (), teams: Sequence[str] = ()
) -> dict[str, dict[str, int]]:
    """Open conversations by tab, by account and by team: `{"tabs": {...}, "accounts": {...}, "teams": {...}}`."""
    tabs: Sequence[Tab] = ("mine", "unassigned", "all", "mentions")
    return {
        "tabs": {tab: await count(db, view, Wanted(tab=tab)) for tab in tabs},
        "accounts": {account: await count(db, view, Wanted(account=account)) for account in accounts},
        "teams": {team: await count(db, view, Wanted(team=team)) for team in teams},
        "status": {"snoozed": await count(db, view, Wanted(status="snoozed"))},
    }


async def unread_count(db: Database, view: View) -> int:
    """Open conversations with something unread that are this agent's or nobody's: the badge in the title."""
    mine: dict[str, Any] = {"open": True, "unread": {"$gt": 0}, "assignee": {"$in": [view.agent, None]}}
    parts = [part for part in (view.conversations(), mine) if part]
    return await db["conversations"].count_documents({"$and": parts}, limit=COUNT_TO)


async def of_contact(db: Database, view: View, contact_id: str, *, limit: int = 50) -> list[dict[str, Any]]:
    """All conversations with a person that this agent may see, newest first."""
    parts = [part for part in (view.conversations(), {"contact": contact_id, "folded_into": None}) if part]
    return await db["conversations"].find({"$and": parts}).sort("at", -1).to_list(limit)


async def open_of(db: Database, contact_id: str, team_id: str) -> dict[str, Any] | None:
    """The one open conversation of a person with a team."""
    return await db["conversations"].find_one({"contact": contact_id, "team": team_id, "open": True})


def blank(
    contact: str,
    *,
    team: str,
    name: str,
    account: str,
    channel: str,
    identity: str | None,
    practice: bool,
    now: datetime,
) -> dict[str, Any]:
    """A conversation that begins now, open and nobody's."""
    return {
        "_id": new_id(),
        "contact": contact,
        "team": team,
        "status": "open",
        "open": True,
        "assignee": None,
        "account": account,
        "channel": channel,
        "accounts": [account],
        "identity": identity,
        "labels": [],
        "name": name,
        "last": None,
        "unread": 0,
        "waiting_since": None,
        "window_closes_at": None,
        "human_until": None,
        "practice": practice,
        "created_at": now,
        "at": now,
        "resolved_at": None,
        "snoozed_until": None,
        "mentions": [],
        "looked": {},
        "folded_into": None,
    }
