"""Which pages hear of what, and how often."""

import asyncio

from inbox.live import MOST_ITEMS, Live
from inbox.people import Agent, Role

SALES = "1" * 24


def agent(name: str, **more) -> Agent:
    return Agent(id=name, name=name, email=f"{name}@sol.example", role=Role.AGENT, **more)


def news(conversation: str, **more):
    return {"what": "conversation", "conversation": conversation, "contact": "c", "team": SALES, **more}


async def test_a_page_hears_only_of_what_its_agent_may_see(clock):
    live = Live(clock)
    own = live.subscribe(agent("luis", sees="own", teams=(SALES,)))
    team = live.subscribe(agent("marta", sees="team", teams=(SALES,)))
    live.tell([news("a"), news("b", assignee="luis"), news("d", team="2" * 24, mentions=["luis"])])
    assert [item["conversation"] for item in await own.next_items()] == ["b", "d"]
    assert [item["conversation"] for item in await team.next_items()] == ["a", "b"]


async def test_who_lost_a_conversation_is_told_so_that_the_row_goes(clock):
    live = Live(clock)
    luis = live.subscribe(agent("luis", sees="own"))
    live.tell([news("a", assignee="marta", was="luis")])
    assert (await luis.next_items())[0]["conversation"] == "a"


async def test_the_team_that_lost_a_conversation_is_told_and_nobody_else(clock):
    live = Live(clock)
    marta = live.subscribe(agent("marta", sees="team", teams=(SALES,)))
    luis = live.subscribe(agent("luis", sees="own", teams=(SALES,)))
    live.tell([news("a", team="2" * 24, was_team=SALES), news("b", assignee="luis")])
    assert [item["conversation"] for item in await marta.next_items()] == ["a", "b"]
    assert [item["conversation"] for item in await luis.next_items()] == ["b"]


async def test_a_nudge_carries_ids_and_nothing_else(clock):
    live = Live(clock)
    page = live.subscribe(agent("sol"))
    live.tell([news("a", text="Hola", name="Ana")])
    assert await page.next_items() == [{"what": "conversation", "conversation": "a", "contact": "c"}]


async def test_the_same_news_many_times_is_one_and_at_most_four_deliveries_a_second(clock):
    live = Live(clock)
    page = live.subscribe(agent("sol"))
    live.tell([news("a")] * 50)
    assert len(await page.next_items()) == 1
    live.tell([news("a"), news("b")])
    waiting = asyncio.ensure_future(page.next_items())
    await clock.pass_by(seconds=0.2)
    assert not waiting.done()
    await clock.pass_by(seconds=0.06)
    assert len(await waiting) == 2


async def test_a_page_that_lags_far_behind_is_told_to_look_at_everything_again(clock):
    live = Live(clock)
    page = live.subscribe(agent("sol"))
    live.tell([news(str(number)) for number in range(MOST_ITEMS + 5)])
    assert await page.next_items() == [{"what": "reload"}]


async def test_after_unsubscribing_nothing_is_kept_for_the_page(clock):
    live = Live(clock)
    page = live.subscribe(agent("sol"))
    live.unsubscribe(page)
    live.tell([news("a")])
    assert live.agents_online() == set()
