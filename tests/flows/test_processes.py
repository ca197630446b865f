"""Two sites and two workers on one MongoDB: together they are one Bandeja, also when any of them is killed."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from bson import ObjectId

from bot.sandbox.world.trouble import Faults
from bot.tasks import spawn
from tests.flows.browsing import farewell, signed_in
from tests.flows.company import LEASES, NORTH, Company, Traffic, everything_is_there_once, open_company
from tests.flows.posting import poster, text_of
from tests.office import office_settings
from tests.waiting import wait_for

TAKEN_OVER_SECONDS = 10.0


@pytest.fixture(scope="module")
async def company(server, address, tmp_path_factory):
    settings = office_settings(tmp_path_factory.mktemp("company"), address, f"processes_{ObjectId()}")
    async with open_company(settings, tmp_path_factory.mktemp("run")) as company:
        yield company
    await server.client.drop_database(settings.mongodb.database)


async def test_webhooks_over_both_sites_and_answers_by_either_are_one_story(company):
    conversations = {}
    for kind in ("whatsapp", "messenger"):
        for number in range(4):
            for turn in range(3):
                company.says(kind, f"Ana {number} {kind}", f"Pregunta {turn}")
            conversations[f"Ana {number} {kind}"] = await company.conversation(name=f"Ana {number} {kind}", unread=3)
    for turn, (person, conversation) in enumerate(conversations.items()):
        path = f"/conversations/{conversation['_id']}/messages"
        status, sent = await company.ask(company.sites[turn % 2], "POST", path, json={"text": f"Para {person}"})
        assert status == 202
        await company.message(_id=sent["id"], status="read")
        seen = [await company.ask(site, "GET", path) for site in company.sites]
        assert seen[0] == seen[1]
        # What was written within one second came in by several doors at once: its order is nobody's promise.
        newest, *before = [item["text"] for item in seen[0][1]["items"]]
        assert (newest, sorted(before)) == (f"Para {person}", ["Pregunta 0", "Pregunta 1", "Pregunta 2"])
    assert company.sandbox.world.ledger.doubled() == []


async def test_the_same_webhook_at_both_sites_at_once_is_one_message(company):
    platform = poster(company.http, "", company.sandbox.credentials(), "whatsapp")
    messages = [text_of(f"Hola {number}", sender="573008880001") for number in range(20)]

    async def post(site: str, raw: bytes) -> int:
        headers = {"X-Hub-Signature-256": platform.signature(raw)}
        async with company.http.post(f"{site}/hooks/whatsapp", data=raw, headers=headers) as answer:
            return answer.status

    bodies = [platform.body(message) for message in messages]
    answers = await asyncio.gather(*(post(site, raw) for raw in bodies for site in company.sites * 2))
    assert set(answers) == {200}
    conversation = await company.conversation(name="573008880001", unread=20)
    assert await company.house.db["messages"].count_documents({"conversation": conversation["_id"]}) == 20


async def hears(page: aiohttp.ClientWebSocketResponse, conversation: str) -> None:
    """Comes back when this page is told of this conversation."""
    async with asyncio.timeout(10):
        async for message in page:
            if any(item.get("conversation") == conversation for item in message.json()["items"]):
                return
    raise AssertionError(f"the page was closed with {page.close_code}")


async def test_pages_of_both_sites_hear_what_happens_on_either(company):
    company.says("whatsapp", "Beto", "¿Hola?")
    conversation = (await company.conversation(name="Beto", unread=1))["_id"]
    path = f"/conversations/{conversation}"
    async with AsyncExitStack() as stack:
        browsers = [await stack.enter_async_context(signed_in(company.house.db, s, "Marta")) for s in company.sites]
        pages = [await stack.enter_async_context(browser.live()) for browser in browsers]
        company.says("whatsapp", "Beto", "¿Hay alguien?")
        for page in pages:
            await hears(page, conversation)
        await company.conversation(name="Beto", unread=2)
        for site in company.sites:
            assert (await company.ask(site, "POST", f"{path}/notes", json={"text": "La llamo yo"}))[0] == 201
            for page in pages:
                await hears(page, conversation)


async def test_a_session_revoked_at_one_site_closes_its_page_at_the_other(company):
    db, (here, there) = company.house.db, company.sites
    async with signed_in(db, here, "Marta") as mine, signed_in(db, there, "Marta") as other, other.live() as page:
        await mine.done("/settings/sessions/close", session="all")
        assert await farewell(page) == 4401


async def test_an_account_connected_at_one_site_is_known_at_the_other_and_to_the_workers(company):
    told = next(one for one in company.sandbox.credentials() if one.name == NORTH.name)
    platform = poster(company.http, company.sites[1], [told], "whatsapp")
    message = text_of("¿Ya abrieron?", sender="573008880002")
    raw = platform.body(message)
    async with signed_in(company.house.db, company.sites[0], "Marta") as browser:
        form = {"kind": told.kind, "name": told.name, "api_url": told.api_url, "phone_number_id": told.external_id}
        await browser.done("/settings/accounts", **form, **told.options, **told.secrets)
    assert await platform.post(raw) == 200
    came = await company.message(platform_id=message["id"])
    shown = [(await company.ask(site, "GET", "/accounts"))[1]["items"] for site in company.sites]
    assert [[one["id"] for one in items if one["name"] == NORTH.name] for items in shown] == [[came["account"]]] * 2


async def test_each_of_the_four_is_killed_in_turn_and_nothing_is_lost_or_doubled(company):
    """A site goes while a worker's leases still lie with the dead."""
    company.sandbox.world.set_faults(Faults(duplicates=0.1, reordering=0.1, reorder_seconds=0.5))
    traffic = Traffic(company)
    going = spawn(traffic.go_on(), name="traffic")
    for worker, site in (("worker1", "web1"), ("worker2", "web2")):
        await traffic.rises_by(60, 20)
        taken_over = await kill_the_holder(company, worker)
        await company.programs[site].kill()
        await traffic.rises_by(20, 5)
        await company.programs[site].start()
        await taken_over
        await company.programs[worker].start()
    await traffic.rises_by(60, 20)
    traffic.stop()
    await going
    await everything_is_there_once(company, traffic)


async def kill_the_holder(company: Company, worker: str) -> asyncio.Task[Any]:
    """What it held is held by another within ten seconds, says the task."""
    before = {lease: (await company.lease(lease))["epoch"] for lease in LEASES}
    await company.programs[worker].kill()

    async def is_held_by_another() -> bool:
        return all([(await company.lease(lease))["epoch"] > epoch for lease, epoch in before.items()])

    return spawn(wait_for(is_held_by_another, seconds=TAKEN_OVER_SECONDS), name="taken over")
