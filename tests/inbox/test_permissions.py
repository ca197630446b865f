"""Who may do what: the role table as it was decided, and every route of pages and API behind it."""

from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.clock import SystemClock
from inbox.api import routes as api
from inbox.gate import COOKIE, ERROR_PAGE, HOUSE, Route, add_routes, errors
from inbox.people import Role
from inbox.permissions import ROLES, Permission, View, may, view_of
from inbox.sessions import find_session, open_session
from inbox.web import routes as pages
from inbox.web.answers import error_page
from tests.inbox.builders import an_agent

EVERY = {Role.OWNER, Role.SUPERVISOR, Role.AGENT, Role.MARKETER}
DESK = EVERY - {Role.MARKETER}
DECIDED = {
    "conversations.read": EVERY,
    "conversations.reply": DESK,
    "conversations.assign": DESK,
    "conversations.start": DESK,
    "notes.write": EVERY,
    "contacts.read": EVERY,
    "contacts.write": EVERY,
    "contacts.erase": {Role.OWNER, Role.SUPERVISOR},
    "templates.read": EVERY,
    "labels.manage": {Role.OWNER, Role.SUPERVISOR},
    "team.read": EVERY,
    "people.manage": {Role.OWNER},
    "accounts.read": EVERY,
    "accounts.manage": {Role.OWNER},
    "tokens.own": EVERY,
    "settings.read": EVERY,
    "operations": {Role.OWNER, Role.SUPERVISOR},
}
PUBLIC = api.PUBLIC | pages.PUBLIC
ROUTES = (*api.ROUTES, *pages.ROUTES)


def test_roles_have_the_permissions_that_were_decided():
    assert {str(one): {role for role in Role if one in ROLES[role]} for one in Permission} == DECIDED


def test_only_the_listed_routes_are_open_to_strangers():
    assert {row.path for row in ROUTES if row.permission is None} == PUBLIC


def test_no_route_stands_in_the_tables_twice():
    named = [(row.method, row.path) for row in ROUTES]
    assert len(set(named)) == len(named)


def test_whatever_changes_something_needs_more_than_reading():
    reading = {"conversations.read", "contacts.read", "team.read", "accounts.read"}
    assert not [row.path for row in api.ROUTES if row.method != "GET" and str(row.permission) in reading]


@pytest.fixture
async def gate(house):
    """Every route with its own permission, and behind each the same answer: yes."""
    app = web.Application(middlewares=[errors])
    app[HOUSE], app[ERROR_PAGE] = house, error_page
    add_routes(app, [replace(row, handler=_say_yes) for row in ROUTES])
    async with TestClient(TestServer(app)) as client:
        yield client


async def _say_yes(_: web.Request) -> web.Response:
    return web.Response(text="yes")


def _path(row: Route) -> str:
    places = ("conversation", "contact", "message", "media", "agent", "team", "label", "account", "template", "update")
    path = row.path.replace(":[0-9a-f]{24}", "").replace(":.*", "")
    for place in (*places, "key", "token", "act", "version", "path"):
        path = path.replace(f"{{{place}}}", "f" * 24)
    return path


@pytest.mark.parametrize("role", sorted(Role))
async def test_each_role_comes_through_where_its_permissions_say_and_nowhere_else(gate, store, role):
    agent = await an_agent(store, role=str(role))
    now = SystemClock().now()
    token = await open_session(store, agent, now=now, ip="", agent_string="")
    session = await find_session(store, token, now=now)
    assert session
    headers = {"Cookie": f"{COOKIE}={token}", "X-CSRF-Token": session.csrf, "Accept": "application/json"}
    wrong = []
    for row in ROUTES:
        answer = await gate.request(row.method, _path(row), headers=headers)
        expected = 200 if row.permission is None or row.permission in ROLES[role] else 403
        if answer.status != expected:
            wrong.append((row.method, row.path, answer.status))
    assert wrong == []


async def test_strangers_come_through_nowhere_but_where_they_sign_in(gate):
    wrong = []
    for row in ROUTES:
        answer = await gate.request(row.method, _path(row), allow_redirects=False)
        if (answer.status == 200) != (row.permission is None):
            wrong.append((row.method, row.path, answer.status))
    assert wrong == []


async def test_an_agent_who_left_may_nothing(store):
    agent = await an_agent(store, role=str(Role.OWNER), active=False)
    assert not [one for one in Permission if may(agent, one)]


@pytest.mark.parametrize(
    ("number", "shown"),
    [("+573001112233", "+57•••33"), ("573001112233", "•••33"), ("", ""), ("+52 55 1234", "+52•••34")],
)
def test_a_masked_number_keeps_its_country_and_its_end(number, shown):
    view = View(agent="a", sees="all", teams=(), masked=True)
    assert view.phone(number) == shown
    assert View(agent="a", sees="all", teams=(), masked=False).phone(number) == number


@pytest.mark.parametrize(
    "text", ["300 111 22 33", "+57 (300) 111-2233", "call 3001112233 now", "57.300.111.2233", "٣٠٠١١١٢٢٣٣"]
)
async def test_numbers_in_a_text_are_hidden_however_they_are_written(store, text):
    view = view_of(await an_agent(store, numbers="masked"))
    assert not any(sign.isdigit() for sign in view.text(text))


@pytest.mark.parametrize("text", ["order 12345", "2026-11", "€ 1.200,50", "10:30-11:30"])
async def test_short_numbers_stay_readable(store, text):
    assert view_of(await an_agent(store, numbers="masked")).text(text) == text
