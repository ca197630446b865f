"""The inbox: the page with its five panes, its rows and its views, each also on its own for an update."""

from typing import Any

from aiohttp import web

from inbox import conversations
from inbox.conversations import Sort, Tab, Wanted
from inbox.gate import AGENT, HOUSE
from inbox.permissions import Permission, may, view_of
from inbox.web.answers import fragment, page, see_other
from inbox.web.conversation_panes import build_pane
from inbox.web.rows import Names, build_rows, read_names

ROWS, MOST_ROWS, MOST_ONLY = 40, 100, 60
_TABS: tuple[Tab, ...] = ("mine", "unassigned", "all", "mentions")
_SORTS: tuple[Sort, ...] = ("newest", "waiting", "window")
_STATUSES = ("open", "snoozed", "resolved", "bot", "any")
_PLAIN = ("account", "channel", "team", "label", "assignee")
_ASKED = (*_PLAIN, "tab", "status", "sort")


def read_filters(request: web.Request, *, tab: Tab = "mine") -> dict[str, str]:
    """What the address asks for; nonsense falls back to what the list shows by default."""
    query = request.query
    filters = {key: query.get(key, "") for key in _PLAIN}
    filters["tab"] = query["tab"] if query.get("tab") in _TABS else tab
    filters["status"] = query["status"] if query.get("status") in _STATUSES else "open"
    filters["sort"] = query["sort"] if query.get("sort") in _SORTS else "newest"
    return filters


def wanted_by(filters: dict[str, str]) -> Wanted:
    status = None if filters["status"] == "any" else filters["status"]
    plain = {key: filters[key] or None for key in _PLAIN}
    return Wanted(tab=_tab(filters), status=status, sort=_sort(filters), **plain)


def _tab(filters: dict[str, str]) -> Tab:
    return next(tab for tab in _TABS if tab == filters["tab"])


def _sort(filters: dict[str, str]) -> Sort:
    return next(sort for sort in _SORTS if sort == filters["sort"])


async def home(request: web.Request) -> web.Response:
    return see_other("/inbox")


async def show_inbox(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    names = await read_names(house.db)
    filters = read_filters(request, tab=await _first_tab(request))
    found = await conversations.list_page(
        house.db, view_of(agent), wanted_by(filters), now=house.clock.now(), limit=ROWS
    )
    opened = request.match_info.get("conversation")
    views = await build_views(request, names)
    return await page(
        request,
        "inbox",
        filters=filters,
        views=views,
        rows=await build_rows(request, found.items, names, sort=_sort(filters)),
        next=found.next,
        empty=_why_empty(request, filters, views) if not found.items else None,
        pane=await build_pane(request, opened, names) if opened else None,
        facets=_facets(request, names),
        practice={"connected": house.practice.connected, "phone_url": house.practice.phone_url},
        first_run=not house.accounts.all(),
        may_practice=may(agent, Permission.ACCOUNTS_MANAGE),
    )


async def _first_tab(request: web.Request) -> Tab:
    """Mine, unless nothing is mine and nothing else was asked for."""
    if any(key in request.query for key in _ASKED):
        return "mine"
    house, view = request.app[HOUSE], view_of(request[AGENT])
    return "mine" if await conversations.count(house.db, view, Wanted(tab="mine")) else "all"


async def show_rows(request: web.Request) -> web.Response:
    house, view = request.app[HOUSE], view_of(request[AGENT])
    names, filters = await read_names(house.db), read_filters(request)
    now = house.clock.now()
    only = [wanted for wanted in request.query.get("only", "").split(",") if wanted][:MOST_ONLY]
    if only:
        found = await conversations.list_page(house.db, view, wanted_by(filters), now=now, limit=MOST_ONLY, only=only)
    else:
        found = await conversations.list_page(
            house.db,
            view,
            wanted_by(filters),
            now=now,
            limit=_limit(request),
            cursor=request.query.get("cursor") or None,
        )
    rows = await build_rows(request, found.items, names, sort=_sort(filters))
    is_empty = not rows and not only and "cursor" not in request.query
    empty = _why_empty(request, filters, await build_views(request, names)) if is_empty else None
    return fragment(request, "rows", rows=rows, next=found.next, filters=filters, partial=bool(only), empty=empty)


def _limit(request: web.Request) -> int:
    asked = request.query.get("limit", "")
    return min(int(asked), MOST_ROWS) if asked.isdecimal() and int(asked) else ROWS


async def show_views(request: web.Request) -> web.Response:
    names = await read_names(request.app[HOUSE].db)
    return fragment(request, "views", views=await build_views(request, names), filters=read_filters(request))


async def build_views(request: web.Request, names: Names) -> dict[str, Any]:
    house, view = request.app[HOUSE], view_of(request[AGENT])
    accounts = house.accounts.all()
    figures = await conversations.counts(
        house.db, view, accounts=[account.id for account in accounts], teams=list(names.teams)
    )
    return {
        "tabs": figures["tabs"],
        "snoozed": figures["status"]["snoozed"],
        "badge": await conversations.unread_count(house.db, view),
        "accounts": [
            {
                "id": account.id,
                "name": account.name,
                "kind": account.kind,
                "count": figures["accounts"][account.id],
                "state": account.state,
                "practice": account.practice,
            }
            for account in accounts
        ],
        "teams": [
            {"id": team_id, "name": name, "count": figures["teams"][team_id]} for team_id, name in names.teams.items()
        ],
        "labels": [{**label, "count": None} for label in names.labels.values()],
    }


def _facets(request: web.Request, names: Names) -> dict[str, Any]:
    accounts = request.app[HOUSE].accounts.all()
    return {
        "accounts": [{"id": account.id, "name": account.name, "kind": account.kind} for account in accounts],
        "teams": [{"id": team_id, "name": name} for team_id, name in names.teams.items()],
        "labels": list(names.labels.values()),
        "channels": sorted({account.kind for account in accounts}),
        "agents": [{"id": agent_id, "name": name} for agent_id, name in names.agents.items()],
    }


def _why_empty(request: web.Request, filters: dict[str, str], views: dict[str, Any]) -> dict[str, Any]:
    house = request.app[HOUSE]
    kind = "none"
    if not house.accounts.all():
        kind = "first_run"
    elif any(filters[key] for key in _PLAIN) or filters["status"] != "open":
        kind = "filtered"
    elif filters["tab"] == "mine":
        kind = "mine"
    return {
        "kind": kind,
        "unassigned": views["tabs"]["unassigned"],
        "may_practice": may(request[AGENT], Permission.ACCOUNTS_MANAGE),
        "phone_url": house.practice.phone_url,
    }
