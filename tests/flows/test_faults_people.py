"""Two who answer at once, and a session that ends while its page is open."""

import asyncio
from contextlib import AsyncExitStack

import aiohttp
import pytest
from bson import ObjectId

from inbox.people import Role
from tests.flows.browsing import Browser, farewell, signed_in
from tests.office import office_settings, open_office

SIGNED_OUT, COME_BACK = 4401, 4408


@pytest.fixture(scope="module")
async def office(server, address, tmp_path_factory):
    settings = office_settings(tmp_path_factory.mktemp("people"), address, f"flow_{ObjectId()}")
    async with open_office(settings, kinds=("whatsapp",)) as office:
        await office.hire("Marta", Role.OWNER)
        await office.hire("Luis")
        yield office
    await server.client.drop_database(settings.mongodb.database)


@pytest.fixture
async def browsers(office):
    """`await browsers("Luis")`: another browser of hers or his."""
    async with AsyncExitStack() as stack:

        async def open_one(name: str) -> Browser:
            return await stack.enter_async_context(signed_in(office.house.db, office.address, name))

        yield open_one


@pytest.mark.parametrize("turn", range(5))
async def test_of_two_browsers_that_answer_at_once_one_sends_and_the_other_is_told(office, browsers, turn):
    customer = f"Ana {turn}"
    office.says("whatsapp", customer, "¿Hay alguien?")
    conversation = await office.conversation(name=customer)
    seen = (await office.message(conversation=conversation["_id"]))["_id"]
    both = [await browsers("Marta"), await browsers("Luis")]
    path = f"/inbox/{conversation['_id']}/reply"
    answers = await asyncio.gather(*(one.post(path, text="Voy", last_seen=seen) for one in both))
    assert sorted(status for status, _ in answers) == [201, 409]
    (refusal,) = [body for status, body in answers if status == 409]
    assert "Read it before you send" in refusal["error"]["message"]
    sent = await office.message(conversation=conversation["_id"], direction="out", status="read")
    assert await office.house.db["messages"].count_documents({"conversation": conversation["_id"]}) == 2
    # The loser reads what was said, and may then say something else.
    loser = both[[status for status, _ in answers].index(409)]
    assert (await loser.post(path, text="Y yo", last_seen=sent["_id"]))[0] == 201


async def test_a_double_click_in_two_windows_of_one_person_is_one_message(office, browsers):
    office.says("whatsapp", "Beto", "Hola")
    conversation = await office.conversation(name="Beto")
    windows = [await browsers("Luis"), await browsers("Luis")]
    path = f"/inbox/{conversation['_id']}/reply"
    answers = await asyncio.gather(*(one.post(path, text="Ya va", client_key="a-click") for one in windows * 3))
    assert {status for status, _ in answers} == {201}
    assert len({body["message"] for _, body in answers}) == 1
    await office.message(conversation=conversation["_id"], direction="out", status="read")
    told = office.sandbox.world.ledger.entries
    assert [entry.text for entry in told if entry.recipient and entry.text == "Ya va"] == ["Ya va"]


async def hears(office, page: aiohttp.ClientWebSocketResponse) -> None:
    """Comes back when news reach this page: from now on it is subscribed."""
    office.says("whatsapp", "Carla", "¿Me leen?")
    async with asyncio.timeout(10):
        await page.receive_json()


async def test_an_open_page_closes_when_its_session_is_revoked_from_another_browser(office, browsers):
    here, there = await browsers("Luis"), await browsers("Luis")
    async with here.live() as page, there.live() as kept:
        await hears(office, page)
        await there.done("/settings/sessions/close", session="all")
        assert await farewell(page) == SIGNED_OUT
        # The other one is asked to come back, and may.
        assert await farewell(kept) == COME_BACK
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await here.live()
    async with there.live() as again:
        await hears(office, again)


@pytest.mark.parametrize("act", ["sign-out", "deactivate"])
async def test_an_open_page_closes_when_the_owner_signs_its_person_out(office, browsers, act):
    name = "Nora" if act == "sign-out" else "Pablo"
    agent = await office.hire(name)
    hers, owners = await browsers(name), await browsers("Marta")
    async with hers.live() as page:
        await hears(office, page)
        await owners.done(f"/settings/people/{agent.id}/{act}")
        assert await farewell(page) == SIGNED_OUT
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await hers.live()


async def test_a_revocation_among_news_that_were_missed_is_noticed_too(office, browsers):
    """The change stream broke: nobody was told of the session, and every page is told to look again."""
    here = await browsers("Luis")
    async with here.live() as page:
        await hears(office, page)
        await office.house.db["sessions"].delete_many({})
        office.house.live.tell_reload()
        assert await farewell(page) == SIGNED_OUT
