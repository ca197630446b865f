"""Lists, counts and the story, each through the eyes of somebody."""

from datetime import timedelta

import pytest

from bot.errors import NotFound, Refused
from inbox import conversations, thread
from inbox.conversations import Wanted
from inbox.permissions import access_conversation, view_of
from tests.inbox.builders import NOON, a_conversation, a_message, an_agent

SALES, SUPPORT = "1" * 24, "2" * 24


@pytest.fixture
async def crowd(store):
    """Marta of sales sees her team's, Luis his own, Sol everything; three conversations."""
    marta = await an_agent(store, "Marta", sees="team", teams=[SALES])
    luis = await an_agent(store, "Luis", sees="own", teams=[SALES])
    sol = await an_agent(store, "Sol")
    rows = {
        "sales": await a_conversation(store, team=SALES, at=NOON),
        "support": await a_conversation(store, team=SUPPORT, at=NOON + timedelta(minutes=1)),
        "his": await a_conversation(store, team=SUPPORT, assignee=luis.id, at=NOON + timedelta(minutes=2)),
    }
    return {"marta": marta, "luis": luis, "sol": sol}, rows


@pytest.mark.parametrize(
    ("who", "seen"), [("sol", {"sales", "support", "his"}), ("marta", {"sales"}), ("luis", {"his"})]
)
async def test_list_count_and_access_agree_on_what_each_sees(store, crowd, who, seen):
    people, rows = crowd
    view = view_of(people[who])
    page = await conversations.list_page(store, view, Wanted(), now=NOON)
    assert {row["_id"] for row in page.items} == {rows[name]["_id"] for name in seen}
    assert await conversations.count(store, view, Wanted()) == len(seen)
    for name, row in rows.items():
        if name in seen:
            assert (await access_conversation(store, people[who], row["_id"]))["_id"] == row["_id"]
        else:
            with pytest.raises(NotFound):
                await access_conversation(store, people[who], row["_id"])


async def test_paging_shows_each_row_once_though_many_have_the_same_time(store):
    view = view_of(await an_agent(store))
    made = {(await a_conversation(store, at=NOON))["_id"] for _ in range(7)}
    seen, cursor = [], None
    while True:
        page = await conversations.list_page(store, view, Wanted(), now=NOON, limit=3, cursor=cursor)
        seen += [row["_id"] for row in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert len(seen) == 7
    assert set(seen) == made


async def test_sorting_by_window_shows_what_shuts_first_and_nothing_that_is_shut(store):
    view = view_of(await an_agent(store))
    later = await a_conversation(store, window_closes_at=NOON + timedelta(hours=5))
    sooner = await a_conversation(store, window_closes_at=NOON + timedelta(hours=1))
    await a_conversation(store, window_closes_at=NOON - timedelta(hours=1))
    page = await conversations.list_page(store, view, Wanted(sort="window"), now=NOON)
    assert [row["_id"] for row in page.items] == [sooner["_id"], later["_id"]]


@pytest.mark.parametrize("cursor", ["x", "WzEsMl0", "bnVsbA", "====", "W10", "é", "W1tb" * 1500])
async def test_a_made_up_cursor_is_refused_in_a_sentence(store, cursor):
    view = view_of(await an_agent(store))
    with pytest.raises(Refused, match="cursor"):
        await conversations.list_page(store, view, Wanted(), now=NOON, cursor=cursor)


async def test_the_story_is_of_one_person_over_all_conversations_this_agent_may_see(store, crowd):
    people, rows = crowd
    contact = rows["sales"]["contact"]
    await store["conversations"].update_many({}, {"$set": {"contact": contact, "open": False, "status": "resolved"}})
    for minute, row in enumerate(rows.values()):
        await a_message(store, {**row, "contact": contact}, text=str(minute), at=NOON + timedelta(minutes=minute))
    whole = await thread.read_stretch(store, view_of(people["sol"]), contact)
    assert [item.document["text"] for item in whole.items] == ["0", "1", "2"]
    cut = await thread.read_stretch(store, view_of(people["luis"]), contact)
    assert [item.document["text"] for item in cut.items] == ["2"]


async def test_pages_of_the_story_join_without_gap_and_notes_fall_into_one_page_only(store):
    view = view_of(await an_agent(store))
    conversation = await a_conversation(store)
    for minute in range(9):
        await a_message(store, conversation, text=str(minute), at=NOON + timedelta(minutes=minute))
    note = {"contact": conversation["contact"], "conversation": conversation["_id"], "text": "n"}
    await store["notes"].insert_one({"_id": "n", **note, "at": NOON + timedelta(minutes=4, seconds=30)})
    texts: list[str] = []
    older = None
    while True:
        stretch = await thread.read_stretch(store, view, conversation["contact"], limit=4, before=older)
        texts = [item.document["text"] for item in stretch.items] + texts
        older = stretch.older
        if older is None:
            break
    assert texts == ["0", "1", "2", "3", "4", "n", "5", "6", "7", "8"]
