"""The town: what it remembers of the last weeks, and how it goes on."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pytest

from bot.content import Media, plain_text
from bot.sandbox.history import history, move_in
from bot.sandbox.life import live
from bot.sandbox.stories import PLACE, stories
from bot.sandbox.world.samples import SAMPLES
from tests.waiting import wait_for

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


@pytest.fixture
def pasts(sandbox):
    return list(history(sandbox.world.company, now=NOW))


@pytest.mark.parametrize("language", ["es", "pt", "en"])
def test_every_story_can_be_told(language):
    for story in stories(language):
        assert story.labels and story.turns[0].by == "person"
        for turn in story.turns:
            assert turn.thing in ("", "lugar", "ficha", *SAMPLES)
            assert turn.text or turn.thing


def test_the_weeks_are_full_and_tell_one_story_per_person(pasts):
    assert len(pasts) == 320
    channels = Counter(past.channel for past in pasts)
    assert min(channels.values()) > 30 and set(channels) == {"whatsapp", "messenger", "telegram"}
    assert 20 < sum(past.status == "open" for past in pasts) < 90
    last = {past.person.id: past for past in pasts}
    assert all(past is last[past.person.id] for past in pasts if past.status == "open")
    people = Counter(past.person.id for past in pasts)
    assert max(people.values()) > 1
    used_channels: dict[str, set[str]] = {}
    for past in pasts:
        used_channels.setdefault(past.person.id, set()).add(past.channel)
    assert any(len(channels) > 1 for channels in used_channels.values())


def test_messages_run_forward_and_carry_what_a_channel_would_read(pasts):
    ids = Counter((past.account, message.platform_id) for past in pasts for message in past.messages)
    assert max(ids.values()) == 1
    for past in pasts:
        ages = [message.minutes_ago for message in past.messages]
        assert ages == sorted(ages, reverse=True) and ages[-1] > 0
        assert past.messages[0].direction == "in" and past.sender.addresses[0].kind == past.channel
        for message in past.messages:
            assert (message.agent is None) == (message.direction == "in")
            assert isinstance(message.content, Media) == bool(message.sample)
            assert not PLACE.search(plain_text(message.content))


def test_the_same_seed_tells_the_same(sandbox, pasts):
    assert list(history(sandbox.world.company, now=NOW)) == pasts


async def test_who_moved_in_can_be_answered(sandbox, client, pasts):
    move_in(sandbox, pasts)
    recent = [past for past in pasts if past.status == "open" and past.messages[0].minutes_ago < 23 * 60]
    for channel, send in (
        ("whatsapp", lambda past: client.text(to=past.person.phone)),
        ("messenger", lambda past: client.messenger(past.person.id, message={"text": "Hola"})),
        ("telegram", lambda past: client.telegram("sendMessage", chat_id=past.chat, text="Hola")),
    ):
        past = next(past for past in recent if past.channel == channel)
        status, answer = await send(past)
        assert status == 200, answer
    heard = next(past for past in pasts if past.channel == "whatsapp").messages[0]
    assert await client.whatsapp(status="read", message_id=heard.platform_id) == (200, {"success": True})


async def test_people_go_on_writing_and_answer_the_company(sandbox, company, client):
    stopping = asyncio.Event()
    town = asyncio.create_task(live(sandbox, stopping, pace=5000))
    try:
        first = await wait_for(lambda: company.messages() and company.messages()[0])
        before = sum(message["from_user_id"] == first["from_user_id"] for message in company.messages())
        assert before >= 1
        waited = await wait_for(lambda: _answerable(sandbox))
        said = len([line for line in waited.lines if line.by == "person"])
        await client.text(to=waited.person.phone)
        await wait_for(lambda: len([line for line in waited.lines if line.by == "person"]) > said)
    finally:
        stopping.set()
        await town


def _answerable(sandbox):
    return next((chat for chat in sandbox.world.chats if chat.account.kind == "whatsapp" and chat.heard_at), None)
