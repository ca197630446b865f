"""A message comes in, is answered, and the ticks climb; on each channel, through the real doors."""

import pytest

from bot.sandbox.world.acts import Act, Reaction
from inbox.people import Role
from tests.waiting import wait_for


@pytest.mark.parametrize("channel", ["whatsapp", "messenger"])
async def test_an_answer_reaches_the_customer_and_is_read(office, channel):
    await office.hire("Marta", Role.OWNER)
    office.says(channel, "Ana", "Hola, ¿llega mañana?")
    conversation = await office.conversation(channel=channel)
    items = (await office.api("Marta", "GET", "/conversations"))["items"]
    assert [(item["last_message"]["text"], item["unread"]) for item in items] == [("Hola, ¿llega mañana?", 1)]
    sent = await office.api(
        "Marta", "POST", f"/conversations/{conversation['_id']}/messages", expect=202, json={"text": "Sí, a las 9"}
    )
    assert sent["status"] in ("queued", "sending", "sent", "delivered", "read")
    read = await office.message(_id=sent["id"], status="read")
    assert read["rank"] == 5
    after = await office.conversation(**{"_id": conversation["_id"], "last.status": "read"})
    assert (after["waiting_since"], after["unread"], after["last"]["status"]) == (None, 0, "read")
    assert (after["assignee"] is not None, after["channel"]) == (True, channel)


async def test_a_double_click_reaches_the_customer_once(office):
    await office.hire("Marta", Role.OWNER)
    office.says("whatsapp", "Ana", "Hola")
    conversation = await office.conversation()
    path = f"/conversations/{conversation['_id']}/messages"
    answers = [
        await office.api(
            "Marta", "POST", path, expect=202, json={"text": "Ya va"}, headers={"Idempotency-Key": "the-same"}
        )
        for _ in range(2)
    ]
    assert answers[0]["id"] == answers[1]["id"]
    await office.message(_id=answers[0]["id"], status="read")
    assert office.sandbox.world.ledger.report()["total"] == 1


async def test_the_second_of_two_who_answer_is_told_and_nothing_of_theirs_is_sent(office):
    await office.hire("Marta", Role.OWNER)
    await office.hire("Luis", Role.AGENT)
    office.says("whatsapp", "Ana", "Hola")
    conversation = await office.conversation()
    seen = (await office.message(conversation=conversation["_id"]))["_id"]
    path = f"/conversations/{conversation['_id']}/messages"
    await office.api("Marta", "POST", path, expect=202, json={"text": "Voy yo", "last_seen": seen})
    refused = await office.api("Luis", "POST", path, expect=409, json={"text": "Yo voy", "last_seen": seen})
    assert refused["error"]["code"] == "newer_message"
    assert await office.house.db["messages"].count_documents({"direction": "out"}) == 1


async def test_a_reaction_and_its_removal_are_seen_on_the_message(office):
    await office.hire("Marta", Role.OWNER)
    office.says("whatsapp", "Ana", "Hola")
    conversation = await office.conversation()
    sent = await office.api(
        "Marta", "POST", f"/conversations/{conversation['_id']}/messages", expect=202, json={"text": "¡Listo!"}
    )
    platform_id = (await office.message(_id=sent["id"], status="read"))["platform_id"]
    office.says("whatsapp", "Ana", Act(react=Reaction(message=platform_id, emoji="❤️")))

    async def reactions():
        return (await office.message(_id=sent["id"]))["reactions"]

    await wait_for(reactions)
    assert [(one["by"], one["emoji"]) for one in await reactions()] == [("contact", "❤️")]


async def test_a_message_soon_after_resolving_reopens_and_one_person_has_one_conversation(office):
    await office.hire("Marta", Role.OWNER)
    office.says("whatsapp", "Ana", "Hola")
    conversation = await office.conversation()
    await office.api("Marta", "POST", f"/conversations/{conversation['_id']}/resolve")
    office.says("whatsapp", "Ana", "Una cosa más")
    reopened = await office.conversation(status="open")
    assert reopened["_id"] == conversation["_id"]
    assert await office.house.db["conversations"].count_documents({}) == 1
