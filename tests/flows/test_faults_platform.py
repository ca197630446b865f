"""Platforms that answer errors, rubbish, nothing, or very late: nobody gets a message twice and none is forgotten."""

import asyncio
import re
from collections import Counter

import pytest
from bson import ObjectId

from inbox.people import Role
from tests.flows.browsing import signed_in
from tests.flows.town import ARRIVED, EVERY, Town
from tests.office import office_settings, open_office
from tests.waiting import wait_for


@pytest.fixture(scope="module")
async def office(server, address, tmp_path_factory):
    settings = office_settings(tmp_path_factory.mktemp("platform"), address, f"flow_{ObjectId()}")
    async with open_office(settings, kinds=EVERY) as office:
        await office.hire("Marta", Role.OWNER)
        yield office
    await server.client.drop_database(settings.mongodb.database)


@pytest.fixture
async def town(office):
    async with signed_in(office.house.db, office.address, "Marta") as browser:
        town = Town(office, browser)
        yield town
        await town.calm_down()
        assert office.sandbox.world.ledger.doubled() == []


LOST = [
    {"garbage": 1},
    {"gateway_errors": 1},
    {"lost_answers": 1},
    {"lost_answers": 1, "lost_how": "silence", "lost_seconds": 1.5},
]


@pytest.mark.parametrize("faults", LOST, ids=["garbage", "a gateway's page", "cut off", "silence"])
@pytest.mark.parametrize("channel", ["whatsapp", "messenger"])
async def test_an_answer_that_was_lost_is_settled_by_the_platforms_own_news(town, channel, faults):
    """The message was accepted: the status (WhatsApp) or the echo (Messenger) says so, and nothing is sent again."""
    conversation = await town.write(channel)
    await town.misbehave(**faults)
    text = f"Sí, claro {channel} {faults}"
    sent = await town.answer(conversation, text)
    settled = await town.becomes(sent, "read")
    assert settled["platform_id"]
    await town.calm_down()

    async def is_over():
        return await town.db["outbox"].count_documents({"_id": sent}) == 0

    await wait_for(is_over, seconds=15)
    assert town.accepted(text) == 1
    assert await town.db["messages"].count_documents({"conversation": conversation, "direction": "out"}) == 1


@pytest.mark.parametrize(("channel", "faults"), [
    ("telegram", {"garbage": 1}),
    ("telegram", {"lost_answers": 1}),
    ("telegram", {"gateway_errors": 1}),
    ("whatsapp", {"lost_answers": 1, "lost_statuses": 1}),
])  # fmt: skip
@pytest.mark.parametrize("outcome", ["sent", "again"])
async def test_what_nobody_settles_a_person_decides(town, channel, faults, outcome):
    conversation = await town.write(channel)
    await town.misbehave(**faults)
    text = f"Mañana a las 9 {faults} {outcome}"
    sent = await town.answer(conversation, text)
    unsure = await town.becomes(sent, "uncertain")
    assert unsure["error"]["message"]
    page = await town.browser.load(f"/inbox/{conversation}")
    assert re.search(rf"/messages/{sent}/settle", page)
    await town.calm_down()
    await town.time_passes()
    # However long it waits it does not go again by itself.
    other = await town.answer(conversation, f"¿Le llegó? {faults} {outcome}")
    await town.becomes(other, *ARRIVED)
    assert town.accepted(text) == 1
    await town.browser.done(f"/messages/{sent}/settle", outcome=outcome)
    await town.becomes(sent, "sent" if outcome == "sent" else "failed")
    if outcome == "again":
        repeated = await town.office.message(again_of=sent, status={"$in": list(ARRIVED)})
        assert repeated["text"] == text
    assert town.accepted(text) == (1 if outcome == "sent" else 2)
    # The second of two who decide is told that it is decided.
    assert (await town.browser.post(f"/messages/{sent}/settle", outcome="again"))[0] == 409


@pytest.mark.parametrize("channel", EVERY)
async def test_an_error_of_the_platforms_own_is_never_answered_with_a_double(town, channel):
    """Meta says with its code that it took nothing: it goes later, once. Telegram's gateway says nothing certain."""
    conversation = await town.write(channel)
    await town.misbehave(http_500=1)
    sent = await town.answer(conversation, f"Su pedido salió {channel}")
    told = await wait_for(lambda: town.with_error(sent), seconds=15)
    assert told["status"] == ("uncertain" if channel == "telegram" else "queued")
    assert told["error"]["remedy"] == ("uncertain" if channel == "telegram" else "later")
    assert town.accepted(f"Su pedido salió {channel}") == 0
    await town.calm_down()
    if channel == "telegram":
        await town.browser.done(f"/messages/{sent}/settle", outcome="again")
        sent = (await town.office.message(again_of=sent))["_id"]
    await town.time_passes()
    await town.becomes(sent, *ARRIVED)
    assert town.accepted(f"Su pedido salió {channel}") == 1


async def test_a_slow_platform_holds_up_nobody_on_another(town):
    slow, quick = await town.write("whatsapp"), await town.write("messenger")
    await town.misbehave(slow=1, slow_seconds=3, channels=["whatsapp"])
    waits = [await town.answer(slow, f"Despacio {number}") for number in range(3)]
    began = asyncio.get_running_loop().time()
    await town.becomes(await town.answer(quick, "Rápido"), *ARRIVED)
    assert asyncio.get_running_loop().time() - began < 2.5
    await town.calm_down()
    for number, message in enumerate(waits):
        await town.becomes(message, *ARRIVED)
        assert town.accepted(f"Despacio {number}") == 1
    order = [entry.text for entry in town.sandbox.world.ledger.entries if entry.text.startswith("Despacio")]
    assert order == [f"Despacio {number}" for number in range(3)]


async def test_an_expired_token_breaks_the_account_and_what_is_written_waits_for_a_new_one(town):
    conversation = await town.write("messenger")
    await town.misbehave(expired_token=True, channels=["messenger"])
    first = await town.answer(conversation, "Se lo confirmo")
    await wait_for(lambda: town.with_error(first), seconds=15)
    (account,) = [
        one for one in (await town.office.api("Marta", "GET", "/accounts"))["items"] if one["kind"] == "messenger"
    ]
    assert account["state"] == "broken"
    assert "connect it again" in account["problem"]["message"]
    # The owner is told on every page, and on the account's own what waits.
    assert f"/settings/accounts/{account['id']}" in await town.browser.load("/inbox")
    assert "connect it again" in await town.browser.load(f"/settings/accounts/{account['id']}")
    second = await town.answer(conversation, "Y el segundo")
    other = await town.write("whatsapp")
    await town.becomes(await town.answer(other, "Aquí sí"), *ARRIVED)
    # People still come through, and nothing of what waits has failed.
    came = town.office.says("messenger", "Elsa messenger", "¿Sigue ahí?")
    await town.office.message(platform_id=came)
    held = await town.db["messages"].find({"_id": {"$in": [first, second]}}).to_list()
    assert {one["status"] for one in held} == {"queued"}
    assert town.accepted("Se lo confirmo") == town.accepted("Y el segundo") == 0
    # A token that does not work either is refused in words, and changes nothing.
    path = f"/settings/accounts/{account['id']}/secrets"
    status, body = await town.browser.post(path, access_token="EAAwrong")
    assert (status, "connect it again" in body["error"]["message"]) == (422, True)
    await town.calm_down()
    token = town.sandbox.account("messenger").token
    await town.browser.done(path, access_token=token)
    await town.becomes(first, *ARRIVED)
    await town.becomes(second, *ARRIVED)
    assert (town.accepted("Se lo confirmo"), town.accepted("Y el segundo")) == (1, 1)
    (account,) = [
        one for one in (await town.office.api("Marta", "GET", "/accounts"))["items"] if one["kind"] == "messenger"
    ]
    assert (account["state"], account["problem"]) == ("active", None)


async def test_in_a_storm_of_every_fault_nobody_hears_anything_twice_and_nothing_is_forgotten(town):
    conversations = {(channel, one): await town.write(channel) for channel in EVERY for one in range(6)}
    shares = {"garbage": 0.15, "gateway_errors": 0.15, "lost_answers": 0.2, "http_500": 0.2, "slow": 0.2}
    await town.misbehave(**shares, slow_seconds=0.5, duplicates=0.3, reordering=0.3, reorder_seconds=0.5)
    sent: dict[str, str] = {}
    for turn in range(3):
        for (channel, one), conversation in conversations.items():
            text = f"Turno {turn} para {one} en {channel}"
            sent[await town.answer(conversation, text)] = text
    statuses = await wait_for(lambda: town.all_known(sent), seconds=40)
    accepted = Counter(entry.text for entry in town.sandbox.world.ledger.entries)
    for message, text in sent.items():
        assert accepted[text] <= 1, text
        if statuses[message] != "uncertain":
            assert (statuses[message] in ARRIVED, accepted[text]) == (True, 1), text
    # Meta's own news settled all of theirs; of what Telegram's gateway swallowed nobody knows.
    unsure = [message for message in sent if statuses[message] == "uncertain"]
    assert 0 < len(unsure) <= 18
