"""Every list is read off an index in its order: what a page costs does not grow with the company."""

from datetime import timedelta

import pytest

from bot.ids import new_id
from inbox import thread
from inbox.conversations import Wanted, list_page
from inbox.permissions import View
from tests.inbox.builders import NOON

MANY, LIMIT = 1500, 20
TEAM, OTHER_TEAM, LABEL, ME, ACCOUNT = "0" * 24, "1" * 24, "2" * 24, "3" * 24, "4" * 24
EVERYTHING = View(agent=ME, sees="all", teams=(), masked=False)
THE_TEAMS = View(agent=ME, sees="team", teams=(TEAM,), masked=False)


@pytest.fixture
async def crowd(store):
    await store["conversations"].insert_many([_row(number) for number in range(MANY)])
    await store.handle.command("profile", 2)
    yield store
    await store.handle.command("profile", 0)
    await store.handle.drop_collection("system.profile")


def _row(number: int) -> dict:
    """Of three one is resolved, of two one is the other team's, of ten one is mine, labelled or mentions me."""
    at = NOON + timedelta(seconds=number // 2)
    is_open = number % 3 > 0
    return {
        "_id": new_id(), "contact": new_id(), "team": TEAM if number % 2 else OTHER_TEAM, "open": is_open,
        "status": "open" if is_open else "resolved", "folded_into": None, "accounts": [ACCOUNT] if number % 2 else [],
        "assignee": ME if number % 10 == 1 else None, "labels": [LABEL] if number % 10 == 3 else [],
        "mentions": [ME] if number % 10 == 4 else [], "channel": "whatsapp", "at": at,
        "waiting_since": at if number % 2 else None, "window_closes_at": at + timedelta(hours=1),
    }  # fmt: skip


@pytest.mark.parametrize("view", [EVERYTHING, THE_TEAMS], ids=lambda view: view.sees)
@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(status=None),
        Wanted(status="resolved"),
        Wanted(tab="mine"),
        Wanted(tab="unassigned"),
        Wanted(tab="mentions"),
        Wanted(team=TEAM),
        Wanted(status=None, team=TEAM),
        Wanted(account=ACCOUNT),
        Wanted(label=LABEL),
        Wanted(assignee=ME, status=None),
        Wanted(sort="waiting"),
        Wanted(sort="window"),
    ],
    ids=str,
)
async def test_a_page_of_conversations_looks_at_little_more_than_it_shows(crowd, view, wanted):
    cursor = None
    for _ in range(2):
        page = await list_page(crowd, view, wanted, now=NOON, limit=LIMIT, cursor=cursor)
        assert page.items
        cursor = page.next
        if cursor is None:
            break
    for asked in await _asked(crowd, "conversations"):
        assert asked["docsExamined"] <= LIMIT * 5, asked["planSummary"]


async def test_a_page_of_messages_looks_at_what_it_shows(crowd):
    conversation = new_id()
    await crowd["messages"].insert_many(
        [{"_id": new_id(), "conversation": conversation, "contact": TEAM, "at": NOON + timedelta(seconds=number // 2)}
         for number in range(MANY)]
    )  # fmt: skip
    scope, cursor = {"conversation": {"$in": [conversation]}}, None
    for _ in range(3):
        _, cursor = await thread.messages_page(crowd, scope, limit=LIMIT, before=cursor)
    for asked in await _asked(crowd, "messages"):
        assert asked["docsExamined"] <= LIMIT + 4


async def _asked(store, collection: str) -> list[dict]:
    """What the database did for each question that was asked of a collection."""
    query = {"ns": f"{store.handle.name}.{collection}", "op": "query"}
    found = await store["system.profile"].find(query).to_list()
    assert found
    return found
