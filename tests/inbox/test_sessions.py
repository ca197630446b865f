"""Sessions, one-time links, tokens, and the brake on guessing."""

import asyncio
from datetime import timedelta

import pytest

from bot.errors import Conflict, Refused
from inbox import people, sessions
from inbox.people import Role
from tests.inbox.builders import NOON, an_agent


async def a_session(store, agent):
    return await sessions.open_session(store, agent, now=NOON, ip="127.0.0.1", agent_string="test")


async def test_a_session_ends_when_it_is_closed_when_it_is_old_and_when_its_agent_leaves(store):
    marta = await an_agent(store)
    token = await a_session(store, marta)
    found = await sessions.find_session(store, token, now=NOON)
    assert found and found.agent == marta
    assert await sessions.find_session(store, token, now=NOON + timedelta(days=31)) is None
    await people.add_agent(store, email="o@sol.example", name="O", role=Role.OWNER, password=None, now=NOON)
    await people.change_agent(store, marta.id, {"active": False})
    assert await sessions.find_session(store, token, now=NOON) is None
    await people.change_agent(store, marta.id, {"active": True})
    await sessions.close_session(store, found.id)
    assert await sessions.find_session(store, token, now=NOON) is None


async def test_the_database_never_holds_what_a_browser_or_program_shows(store):
    marta = await an_agent(store)
    secrets = [
        await a_session(store, marta),
        await sessions.create_token(store, marta, name="CRM", now=NOON),
        await sessions.make_onetime(store, purpose="signin", agent=marta.id, now=NOON),
    ]
    stored = [str(row) for name in ("sessions", "tokens", "onetime") async for row in store[name].find()]
    assert len(stored) == 3
    assert not any(secret in row for secret in secrets for row in stored)


async def test_of_many_who_use_a_one_time_link_at_once_one_gets_in(store):
    token = await sessions.make_onetime(store, purpose="setup", agent=None, now=NOON)
    tries = [sessions.use_onetime(store, token, purpose="setup", now=NOON) for _ in range(10)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(answer, Refused) for answer in answers) == 9


async def test_a_link_for_signing_in_does_not_create_an_owner_and_an_old_one_does_nothing(store):
    token = await sessions.make_onetime(store, purpose="signin", agent="a", now=NOON)
    with pytest.raises(Refused):
        await sessions.use_onetime(store, token, purpose="setup", now=NOON)
    with pytest.raises(Refused):
        await sessions.use_onetime(store, token, purpose="signin", now=NOON + timedelta(days=2))


async def test_guessing_is_braked_and_the_brake_lets_go(store):
    for _ in range(sessions.TRIES):
        await sessions.throttle(store, "email:a", now=NOON)
    with pytest.raises(Refused, match="Too many"):
        await sessions.throttle(store, "email:a", now=NOON)
    await sessions.throttle(store, "email:b", now=NOON)
    later = NOON + timedelta(minutes=11)
    await sessions.throttle(store, "email:a", now=later)
    await sessions.throttle(store, "email:a", now=later)


async def test_a_revoked_token_opens_nothing(store):
    marta = await an_agent(store)
    token = await sessions.create_token(store, marta, name="CRM", now=NOON)
    assert await sessions.find_token(store, token, now=NOON)
    key = (await sessions.list_tokens(store, marta.id))[0]["key"]
    await sessions.revoke_token(store, marta.id, key)
    assert await sessions.find_token(store, token, now=NOON) is None


async def test_passwords_are_checked_and_short_ones_refused(store):
    with pytest.raises(Refused, match="at least 10"):
        await people.add_agent(store, email="a@b.co", name="A", role=Role.OWNER, password="123456789", now=NOON)
    await people.add_agent(store, email="A@b.co", name="A", role=Role.OWNER, password="1234567890", now=NOON)
    assert await people.check_password(store, email=" a@B.co ", password="1234567890")
    assert await people.check_password(store, email="a@b.co", password="1234567891") is None
    assert await people.check_password(store, email="nobody@b.co", password="1234567890") is None
    with pytest.raises(Conflict, match="there already"):
        await people.add_agent(store, email="a@b.co", name="A", role=Role.AGENT, password=None, now=NOON)


async def test_the_last_owner_stays(store):
    owner = await an_agent(store, role="owner")
    with pytest.raises(Refused, match="stay owner"):
        await people.change_agent(store, owner.id, {"role": "agent"})
    with pytest.raises(Refused, match="stay owner"):
        await people.change_agent(store, owner.id, {"active": False})
    await an_agent(store, "Otra", role="owner")
    assert (await people.change_agent(store, owner.id, {"role": "agent"})).role == Role.AGENT
