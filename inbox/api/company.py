"""The company by the API, to be read: colleagues, teams, labels, accounts, templates."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from aiohttp import web

from bot.errors import N_, Refused
from inbox import labels, people
from inbox.api import items, keyset, shapes
from inbox.api.bodies import Paging, TemplatesQuery
from inbox.api.reading import read_query
from inbox.gate import HOUSE, json_response, translator


class _Named(Protocol):
    @property
    def id(self) -> str: ...


Item = TypeVar("Item", bound=_Named)


def _cut(found: Sequence[Item], asked: Paging) -> items.ListOf[Item]:
    """A page of a list that is short enough to be read whole; the cursor is the last item's id."""
    ids = [one.id for one in found]
    if asked.cursor and asked.cursor not in ids:
        raise Refused(N_("This cursor is not one of ours."), code="cursor_invalid")
    start = ids.index(asked.cursor) + 1 if asked.cursor else 0
    page = list(found[start : start + asked.limit])
    more = len(found) > start + asked.limit
    return items.ListOf(page, page[-1].id if more else None)


async def list_agents(request: web.Request) -> web.Response:
    """Those who left are among them: their names stand under what they wrote."""
    asked = read_query(request, Paging)
    found = await people.list_agents(request.app[HOUSE].db, active=None)
    return json_response(_cut([shapes.colleague(agent) for agent in found], asked))


async def list_teams(request: web.Request) -> web.Response:
    asked = read_query(request, Paging)
    found = await people.list_teams(request.app[HOUSE].db)
    return json_response(_cut([items.Somebody(team.id, team.name) for team in found], asked))


async def list_labels(request: web.Request) -> web.Response:
    asked = read_query(request, Paging)
    found = await labels.list_labels(request.app[HOUSE].db)
    return json_response(_cut([items.Label(one["_id"], one["name"], one["colour"]) for one in found], asked))


async def list_accounts(request: web.Request) -> web.Response:
    asked = read_query(request, Paging)
    translate = translator(request)
    found = request.app[HOUSE].accounts.all()
    return json_response(_cut([shapes.account(account, translate) for account in found], asked))


async def list_templates(request: web.Request) -> web.Response:
    asked = read_query(request, TemplatesQuery)
    house = request.app[HOUSE]
    by_scope: dict[str, list[str]] = {}
    for account in house.accounts.all():
        for scope in {account.scope, account.template_scope}:
            by_scope.setdefault(scope, []).append(account.id)
    scopes = [scope for scope, ids in by_scope.items() if asked.account in (None, *ids)]
    query: dict[str, Any] = {"scope": {"$in": scopes}}
    query |= {key: value for key, value in (("name", asked.name), ("status", asked.status)) if value}
    found, older = await keyset.by_id(house.db["templates"], query, limit=asked.limit, cursor=asked.cursor)
    shaped = [shapes.template(one, by_scope.get(one["scope"], [])) for one in found]
    return json_response(items.ListOf(shaped, older))
