"""Platforms at their worst for minutes, and one that is not there at all."""

import itertools
import random
from collections import Counter

import pytest
from bson import ObjectId

from bot.sandbox.server import Sandbox, instant_config
from inbox.people import Role
from tests.flows.browsing import signed_in
from tests.flows.programs import free_port
from tests.flows.town import ARRIVED, EVERY, Town
from tests.office import connect, office_settings, open_office
from tests.waiting import wait_for

pytestmark = [pytest.mark.torture, pytest.mark.timeout(900)]


@pytest.fixture
async def town(server, address, tmp_path, request):
    settings = office_settings(tmp_path, address, f"storm_{ObjectId()}")
    async with open_office(settings, kinds=EVERY, seed=getattr(request, "param", 1)) as office:
        await office.hire("Marta", Role.OWNER)
        async with signed_in(office.house.db, office.address, "Marta") as browser:
            yield Town(office, browser)
    await server.client.drop_database(settings.mongodb.database)


@pytest.mark.parametrize("town", [11, 12, 13, 14], indirect=True)
async def test_in_a_long_storm_nobody_hears_anything_twice_and_nothing_is_forgotten(town):
    dice = random.Random(5)
    conversations = [await town.write(channel) for channel in EVERY for _ in range(15)]
    numbers, sent = itertools.count(), {}
    for _ in range(12):
        faults = ("garbage", "gateway_errors", "lost_answers", "http_500", "slow")
        await town.misbehave(
            **{name: dice.uniform(0, 0.3) for name in faults},
            **{name: dice.uniform(0, 0.4) for name in ("duplicates", "reordering", "bad_signatures")},
            slow_seconds=dice.uniform(0, 1),
            lost_how=dice.choice(["cut", "silence"]),
            lost_seconds=1,
            status_delay=dice.uniform(0, 1),
        )
        for conversation in dice.sample(conversations, 20):
            text = f"Respuesta {next(numbers)}"
            sent[await town.answer(conversation, text)] = text
    await town.calm_down()
    statuses = await wait_for(lambda: town.all_known(sent), seconds=180)
    accepted = Counter(entry.text for entry in town.sandbox.world.ledger.entries)
    for message, text in sent.items():
        assert accepted[text] <= 1, text
        if statuses[message] != "uncertain":
            assert (statuses[message] in ARRIVED, accepted[text]) == (True, 1), (text, statuses[message])
    assert town.sandbox.world.ledger.doubled() == []


async def test_a_platform_that_is_not_there_gets_everything_in_order_once_it_is_back(town):
    office, port = town.office, free_port()
    other = Sandbox(instant_config(), hook_base=office.address)
    async with other.serve(port=port):
        whatsapp = next(one for one in other.credentials() if one.kind == "whatsapp")
        await connect(office.house, whatsapp, office.address)
        other.say("whatsapp", "ana", "¿Están?")
        conversation = (await office.conversation(name="Ana Prieto"))["_id"]
    texts = [f"Aquí estamos {number}" for number in range(5)]
    sent = [await town.answer(conversation, text) for text in texts]
    told = await wait_for(lambda: town.with_error(sent[0]), seconds=15)
    assert (told["status"], told["error"]["remedy"]) == ("queued", "later")
    # Nobody else is held up by it.
    elsewhere = await town.write("messenger")
    await town.becomes(await town.answer(elsewhere, "Por aquí sí"), *ARRIVED)
    async with other.serve(port=port):
        await wait_for(lambda: all_arrived(town, sent), seconds=60)
        assert [entry.text for entry in other.world.ledger.entries] == texts


async def all_arrived(town: Town, messages: list[str]) -> bool:
    there = {"_id": {"$in": messages}, "status": {"$in": list(ARRIVED)}}
    return await town.db["messages"].count_documents(there) == len(messages)
