"""Who comes in, and how: first links, tokens, odd headers."""

import pytest

from inbox.people import Role, add_agent, check_password, list_agents
from inbox.sessions import TRIES, create_token, make_onetime
from tests.inbox.builders import NOON, a_conversation, an_agent

OWNER = {"name": "Olga", "email": "olga@sol.example", "password": "una clave muy larga"}
SURROGATES = b"\xff\xfe".decode(errors="surrogateescape")


async def a_setup_link(site) -> str:
    token = await make_onetime(site.house.db, purpose="setup", agent=None, now=site.house.clock.now())
    return f"/welcome/{token}"


async def test_the_first_link_makes_the_owner_and_then_nobody(site, store):
    link = await a_setup_link(site)
    assert (await site.post(None, link, **OWNER)).status == 303
    again = await site.post(None, link, **{**OWNER, "email": "mala@sol.example"})
    assert again.status == 404
    assert [agent.role for agent in await list_agents(store)] == [Role.OWNER]


async def test_a_link_of_an_earlier_start_is_worth_nothing_once_there_is_an_owner(site, store):
    early, late = await a_setup_link(site), await a_setup_link(site)
    assert (await site.post(None, late, **OWNER)).status == 303
    assert (await site.get(None, early)).status == 404
    assert (await site.post(None, early, **{**OWNER, "email": "mala@sol.example"})).status == 404
    assert len(await list_agents(store)) == 1


async def test_the_first_link_is_void_when_the_owner_was_made_by_command(site, store):
    link = await a_setup_link(site)
    await an_agent(store, role=str(Role.OWNER))
    assert (await site.get(None, link)).status == 404
    assert (await site.post(None, link, **OWNER)).status == 404


async def test_a_first_link_outlives_a_form_that_was_refused(site):
    link = await a_setup_link(site)
    assert (await site.post(None, link, **{**OWNER, "password": "corta"})).status == 422
    assert (await site.post(None, link, **{**OWNER, "email": "no address"})).status == 422
    assert (await site.post(None, link, **OWNER)).status == 303


@pytest.mark.parametrize("path", ["/settings/people", "/settings/tokens", "/settings/password", "/sign-out"])
async def test_a_token_of_the_api_is_no_key_to_pages(site, store, path):
    """It could make a sign-in link there, and so outlive its own end."""
    owner = await an_agent(store, role=str(Role.OWNER))
    token = await create_token(store, owner, name="t", now=NOON)
    form = {"name": "Eva", "email": "eva@sol.example", "role": "owner"}
    answer = await site.ask("POST", None, path, data=form, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status, answer.headers["Location"]) == (303, "/sign-in")
    assert len(await list_agents(store)) == 1


@pytest.mark.parametrize("header", ["X-CSRF-Token", "Cookie"])
async def test_bytes_that_are_no_text_are_a_wrong_secret_and_no_failure(site, store, header):
    agent = await an_agent(store)
    value = f"bandeja={SURROGATES}" if header == "Cookie" else SURROGATES
    answer = await site.ask("POST", agent, "/sign-out", headers={header: value})
    assert answer.status == (303 if header == "Cookie" else 403)
    assert answer.headers.get("Location") == ("/sign-in" if header == "Cookie" else None)


@pytest.mark.parametrize("zone", ["Nowhere/Atall", "../../etc/passwd", "America", "x" * 300])
async def test_a_time_zone_that_is_none_is_utc(site, store, zone):
    agent = await an_agent(store)
    token, _ = await site.sign_in(agent)
    answer = await site.get(agent, "/settings/profile", headers={"Cookie": f"bandeja={token}; tz={zone}"})
    assert answer.status == 200


@pytest.mark.parametrize("path", ["%00", "a" * 400, "..%2frender.py", "vendor", "%2e%2e/%2e%2e/gate.py"])
async def test_what_is_no_static_file_is_not_found(site, path):
    assert (await site.get(None, f"/static/1/{path}")).status == 404


async def test_a_form_from_another_site_is_refused_and_one_from_behind_the_proxy_is_not(site, store):
    settings = site.house.settings
    assert settings.server.public_url == ""
    form = {"email": "a@sol.example", "password": "no such person"}
    for origin, status in (("https://evil.example", 403), ("null", 403), (str(site.client.make_url("")), 422)):
        answer = await site.ask("POST", None, "/sign-in", data=form, headers={"Origin": origin})
        assert answer.status == status, origin


async def test_the_present_password_cannot_be_guessed_at_a_browser_left_open(site, store):
    agent = await add_agent(store, role=Role.AGENT, now=NOON, **OWNER)
    wrong = {"current": "not the password", "password": "otra clave muy larga"}
    for _ in range(TRIES):
        assert (await site.post(agent, "/settings/password", **wrong)).status == 422
    right = {**wrong, "current": OWNER["password"]}
    assert (await site.post(agent, "/settings/password", **right)).status == 422
    assert await check_password(store, email=OWNER["email"], password=OWNER["password"])


@pytest.mark.parametrize("path", ["/ui/rows?limit=%C2%B2", "/ui/rows?limit=9" + "9" * 30, "/ui/rows?cursor=%ff"])
async def test_odd_numbers_in_an_address_break_no_page(site, store, path):
    agent = await an_agent(store)
    await a_conversation(store, assignee=agent.id)
    assert (await site.get(agent, path)).status in (200, 400)
