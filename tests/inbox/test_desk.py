"""What comes in ends in the right conversation, once, however it comes."""

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.channels.contract import (
    EVERYWHERE,
    AccountNotice,
    Address,
    Climbed,
    ClimbedUpTo,
    Deleted,
    Edited,
    Failure,
    MediaRef,
    Moved,
    PhoneShared,
    Preference,
    Reachable,
    Reacted,
    Sender,
    TemplateChanged,
)
from bot.content import Media, System, Text, Unsupported
from bot.delivery import waiting
from bot.events import Bus, TemplatesOutdated
from bot.ids import is_id, new_id
from bot.records.accounts import Accounts
from bot.store.secrets import Vault
from inbox.desk import Desk
from tests.arriving import ANA, BEA, CHANNELS, SALES, TEAM, DayChannel, an_account, arrive, echo, said
from tests.clocks import START
from tests.edges import Death, Dying, EdgeDatabase, Overtaken
from tests.waiting import wait_for

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
async def desk(store, clock, bus):
    return await a_desk(store, clock, bus)


async def a_desk(store, clock, bus=None) -> Desk:
    accounts = Accounts(store, Vault(bytes(32)))
    return Desk(store, accounts, CHANNELS, clock=clock, bus=bus or Bus(), reopen=timedelta(hours=24))


async def only(store, collection: str, **query) -> dict:
    [found] = await store[collection].find(query).to_list()
    return found


async def resolve(store, at) -> None:
    done = {"status": "resolved", "open": False, "resolved_at": at, "unread": 0, "waiting_since": None}
    await store["conversations"].update_many({}, {"$set": done})


async def an_answer(store, *, at=START + MINUTE, status="sent", rank=3, **more) -> dict:
    """Something an agent said in the only conversation, as the sender leaves it."""
    conversation = await only(store, "conversations")
    message = {
        "_id": new_id(),
        "conversation": conversation["_id"],
        "contact": conversation["contact"],
        "identity": conversation["identity"],
        "team": conversation["team"],
        "account": SALES.id,
        "channel": "whatsapp",
        "chat": "",
        "direction": "out",
        "type": "text",
        "content": {"type": "text", "text": "Sí"},
        "text": "Sí",
        "author": {"kind": "agent", "id": "m", "name": "Marta"},
        "status": status,
        "rank": rank,
        "times": {},
        "error": None,
        "reactions": [],
        "edits": [],
        "deleted_at": None,
        "media": [],
        "at": at,
        "sent_at": at,
        "arrived_at": at,
        **more,
    }
    await store["messages"].insert_one(message)
    last = {"id": message["_id"], "direction": "out", "at": at, "status": status, "text": "Sí"}
    await store["conversations"].update_one({}, {"$set": {"last": last, "at": at, "waiting_since": None}})
    return message


# --- messages ---------------------------------------------------------------------------------------------------------


async def test_a_first_message_opens_a_conversation(store, desk, clock):
    await desk.receive(arrive(said("¿Tienen mesas?")))
    contact, conversation = await only(store, "contacts"), await only(store, "conversations")
    message = await only(store, "messages")
    assert (conversation["contact"], conversation["team"], conversation["open"]) == (contact["_id"], TEAM, True)
    assert (conversation["unread"], conversation["waiting_since"], conversation["name"]) == (1, START, "Ana")
    assert conversation["last"]["text"] == "¿Tienen mesas?"
    assert conversation["window_closes_at"] == START + timedelta(days=1)
    assert conversation["human_until"] == START + timedelta(days=7)
    assert (conversation["account"], conversation["accounts"]) == (SALES.id, [SALES.id])
    assert (message["conversation"], message["contact"]) == (conversation["_id"], contact["_id"])
    assert (message["status"], message["author"]["name"]) == ("received", "Ana")
    assert "mesas" in message["words"]
    assert contact["last_heard_at"] == contact["first_heard_at"] == START


async def test_the_window_opens_for_the_most_trusted_address_shown(store, desk):
    await desk.receive(arrive(said()))
    window = await only(store, "windows")
    assert window["identity"] == (await only(store, "identities", kind="whatsapp"))["_id"]
    assert (window["account"], window["heard_at"]) == (SALES.id, START)
    assert window["last_in"].startswith("wamid.")


async def test_a_late_message_does_not_shrink_the_window(store, desk):
    newest = said(at=START + HOUR)
    await desk.receive(arrive(newest, at=START + HOUR))
    await desk.receive(arrive(said(), at=START + HOUR))
    window = await only(store, "windows")
    assert (window["heard_at"], window["last_in"]) == (START + HOUR, newest.platform_id)
    assert (await only(store, "conversations"))["window_closes_at"] == START + HOUR + timedelta(days=1)


async def test_a_batch_of_many_people_keeps_each_ones_order(store, desk):
    facts = [said(f"{name} {n}", sender, at=START + n * MINUTE) for n in range(5) for name, sender in _PEOPLE]
    await desk.receive(arrive(*facts, at=START + HOUR))
    for name, _ in _PEOPLE:
        conversation = await only(store, "conversations", name=name)
        assert (conversation["unread"], conversation["last"]["text"]) == (5, f"{name} 4")
        assert conversation["waiting_since"] == START
        texts = [
            row["text"] async for row in store["messages"].find({"conversation": conversation["_id"]}).sort("at", 1)
        ]
        assert texts == [f"{name} {n}" for n in range(5)]


_PEOPLE = (("Ana", ANA), ("Bea", BEA))


async def test_the_same_message_again_changes_nothing(store, desk):
    once = said()
    await desk.receive(arrive(once))
    before = await only(store, "conversations")
    await desk.receive(arrive(once, once))
    await desk.receive(arrive(once))
    assert await only(store, "conversations") == before
    await only(store, "messages")


async def test_the_same_message_at_the_same_moment_in_two_processes_is_one(store, clock):
    desks = [await a_desk(store, clock) for _ in range(2)]
    facts = [said(f"m{n}", sender) for n in range(30) for _, sender in _PEOPLE]
    orders = [random.sample(facts, len(facts)) for _ in range(6)]
    await asyncio.gather(*(desks[n % 2].receive(arrive(*order)) for n, order in enumerate(orders)))
    assert await store["messages"].count_documents({}) == 60
    assert await store["contacts"].count_documents({}) == 2
    conversations = await store["conversations"].find().to_list()
    assert sorted(one["unread"] for one in conversations) == [30, 30]
    used = await store["messages"].distinct("conversation")
    assert sorted(used) == sorted(one["_id"] for one in conversations)


async def test_photos_of_an_album_at_once_make_one_conversation(store, clock):
    desks = [await a_desk(store, clock) for _ in range(2)]
    photos = [
        said(content=Media(kind="image"), media=(MediaRef(id=f"file{n}", mime="image/jpeg"),), album="g1")
        for n in range(10)
    ]
    await asyncio.gather(*(desks[n % 2].receive(arrive(photo)) for n, photo in enumerate(photos)))
    conversation = await only(store, "conversations")
    assert conversation["unread"] == 10
    assert await store["media"].count_documents({"state": "wanted"}) == 10
    assert conversation["last"]["kind"] == "image"


async def test_a_file_is_wanted_at_once(store, desk):
    content = Media(kind="document", name="orden.pdf", caption="Mire")
    await desk.receive(arrive(said(content=content, media=(MediaRef(id="f1", mime="application/pdf", size=9),))))
    message, file = await only(store, "messages"), await only(store, "media")
    assert message["media"] == [
        {"id": file["_id"], "type": "document", "name": "orden.pdf", "mime": "application/pdf", "size": 9}
    ]
    assert message["content"]["media"] == file["_id"]
    assert (file["message"], file["conversation"]) == (message["_id"], message["conversation"])
    assert (file["state"], file["ref"]["id"], file["due_at"]) == ("wanted", "f1", START)
    nudged = [item["what"] for row in await store["nudges"].find().to_list() for item in row["items"]]
    assert "wanted" in nudged


async def test_a_reply_shows_what_it_answers(store, desk):
    first = said("¿Cuánto cuesta?")
    await desk.receive(arrive(first, said("Eso", reply_to=first.platform_id)))
    await desk.receive(arrive(said("Digo", reply_to=first.platform_id)))
    await desk.receive(arrive(said("Nada", reply_to="wamid.unknown")))
    quoted = {row["text"]: row["quoted"] async for row in store["messages"].find()}
    assert quoted["Eso"]["text"] == quoted["Digo"]["text"] == "¿Cuánto cuesta?"
    assert quoted["Nada"] is None


async def test_an_absurd_time_is_the_time_of_arrival(store, desk):
    await desk.receive(arrive(said(at=START + timedelta(days=900))))
    assert (await only(store, "messages"))["at"] == START


async def test_what_came_late_does_not_become_the_last(store, desk):
    await desk.receive(arrive(said("nuevo", at=START + HOUR), at=START + HOUR))
    await desk.receive(arrive(said("viejo", at=START), at=START + HOUR))
    conversation = await only(store, "conversations")
    assert (conversation["last"]["text"], conversation["unread"]) == ("nuevo", 2)
    assert conversation["at"] == START + HOUR


async def test_an_unsupported_message_keeps_its_raw_text(store, desk):
    body = b'{"entry":[{"poll":1}]}'
    await desk.receive(arrive(said(content=Unsupported(kind="poll")), body=body))
    message = await only(store, "messages")
    assert (message["type"], message["raw"]) == ("unsupported", '{"entry":[{"poll":1}]}')


async def test_an_unsupported_message_becomes_what_it_is(store, desk):
    fact = said(content=Unsupported(kind="picture"))
    await desk.receive(arrive(fact))
    file = MediaRef(id="f1", mime="image/png")
    await desk.receive(arrive(replace(fact, content=Media(kind="image", caption="Hola"), media=(file,))))
    message, conversation = await only(store, "messages"), await only(store, "conversations")
    assert (message["type"], message["text"], message.get("raw")) == ("media", "Hola", None)
    assert (await only(store, "media"))["message"] == message["_id"]
    assert (conversation["last"]["type"], conversation["last"]["text"]) == ("media", "Hola")
    assert conversation["unread"] == 1


# --- conversations ----------------------------------------------------------------------------------------------------


async def test_a_message_soon_after_resolving_opens_the_same_again(store, desk, clock):
    await desk.receive(arrive(said()))
    await resolve(store, START)
    await clock.pass_by(hours=23)
    await desk.receive(arrive(said("Otra cosa", at=clock.now()), at=clock.now()))
    conversation = await only(store, "conversations")
    assert (conversation["status"], conversation["open"], conversation["unread"]) == ("open", True, 1)
    assert conversation["resolved_at"] is None
    assert (await only(store, "activity"))["kind"] == "reopened"


async def test_a_message_long_after_resolving_opens_another(store, desk, clock):
    await desk.receive(arrive(said()))
    await resolve(store, START)
    await clock.pass_by(hours=25)
    await desk.receive(arrive(said(at=clock.now()), at=clock.now()))
    assert await store["conversations"].count_documents({}) == 2
    assert await store["conversations"].count_documents({"open": True}) == 1


async def test_an_old_message_told_again_does_not_reopen(store, desk):
    once = said()
    await desk.receive(arrive(once))
    await resolve(store, START)
    await desk.receive(arrive(once))
    assert (await only(store, "conversations"))["status"] == "resolved"


async def test_a_snoozed_conversation_wakes_and_a_bots_stays_a_bots(store, desk):
    for status, then in (("snoozed", "open"), ("bot", "bot")):
        await desk.receive(arrive(said()))
        await store["conversations"].update_one({}, {"$set": {"status": status, "snoozed_until": START + HOUR}})
        await desk.receive(arrive(said()))
        assert (await only(store, "conversations"))["status"] == then


async def test_two_accounts_of_a_team_are_one_conversation(store, desk):
    other = an_account("b" * 24)
    await desk.receive([*arrive(said()), *arrive(said(sender=ANA), account=other)])
    conversation = await only(store, "conversations")
    assert sorted(conversation["accounts"]) == [SALES.id, other.id]
    assert conversation["unread"] == 2


async def test_each_team_has_its_own_conversation(store, desk):
    other = an_account("b" * 24, team="u" * 24)
    await desk.receive([*arrive(said()), *arrive(said(), account=other)])
    assert sorted(await store["conversations"].distinct("team")) == [TEAM, "u" * 24]


async def test_a_conversation_given_to_another_team_goes_on_there(store, desk):
    await desk.receive(arrive(said()))
    await store["conversations"].update_one({}, {"$set": {"team": "u" * 24}})
    await desk.receive(arrive(said("sigo")))
    assert (await only(store, "conversations"))["last"]["text"] == "sigo"


async def overtaken(store, clock, action, *facts) -> None:
    """These facts come in, and `action` happens right before their conversation is told."""
    edge = Overtaken("conversations", "bulk_write", action)
    await (await a_desk(EdgeDatabase(store, edge), clock)).receive(arrive(*facts))
    assert edge.happened


async def test_who_resolves_at_the_moment_a_message_comes_hides_nobody(store, desk, clock):
    await desk.receive(arrive(said()))
    await overtaken(store, clock, lambda: resolve(store, START), said("¿Hola?"))
    conversation = await only(store, "conversations")
    assert (conversation["status"], conversation["open"], conversation["unread"]) == ("open", True, 1)


async def a_second_conversation(store, **more) -> dict:
    first = await only(store, "conversations")
    other = {**first, "_id": new_id(), "unread": 0, "last": None, "waiting_since": None, **more}
    await store["conversations"].insert_one(other)
    return other


async def test_a_message_goes_where_another_was_opened_meanwhile(store, desk, clock):
    await desk.receive(arrive(said()))
    await resolve(store, START)
    first = await only(store, "conversations")

    async def somebody_writes_first():
        await a_second_conversation(store, open=True, status="open")

    await overtaken(store, clock, somebody_writes_first, said("sigo"))
    opened = await only(store, "conversations", open=True)
    assert opened["_id"] != first["_id"]
    assert (opened["unread"], opened["last"]["text"]) == (1, "sigo")
    assert (await only(store, "messages", text="sigo"))["conversation"] == opened["_id"]


async def test_a_message_follows_a_conversation_that_is_folded_meanwhile(store, desk, clock):
    await desk.receive(arrive(said()))
    first = await only(store, "conversations")
    other = await a_second_conversation(store, team="u" * 24)

    async def fold():
        folded = {"status": "resolved", "open": False, "resolved_at": START, "folded_into": other["_id"]}
        await store["conversations"].update_one({"_id": first["_id"]}, {"$set": folded})

    await overtaken(store, clock, fold, said("sigo"))
    target = await only(store, "conversations", open=True)
    assert (target["_id"], target["unread"]) == (other["_id"], 1)
    assert (await only(store, "messages", text="sigo"))["conversation"] == other["_id"]


async def test_an_answer_given_meanwhile_stays_the_last(store, desk, clock):
    await desk.receive(arrive(said()))
    await overtaken(store, clock, lambda: an_answer(store, at=START + HOUR), said("tarde", at=START + MINUTE))
    conversation = await only(store, "conversations")
    assert (conversation["last"]["direction"], conversation["waiting_since"]) == ("out", None)


async def test_a_group_is_nobodys_conversation(store, desk):
    await desk.receive(arrive(said(group="g1", group_title="Vecinos")))
    message = await only(store, "messages")
    assert (message["group"], message["conversation"], message["contact"]) == ("g1", None, None)
    assert message["author"]["name"] == "Ana"
    assert await store["conversations"].count_documents({}) == 0
    assert await store["contacts"].count_documents({}) == 0


async def test_what_the_platform_says_by_itself_wakes_nobody(store, desk):
    system = said(content=System(kind="identity_changed"), opens_window=False)
    await desk.receive(arrive(system))
    assert await store["conversations"].count_documents({}) == 0
    await desk.receive(arrive(said()))
    before = await only(store, "conversations")
    await desk.receive(arrive(replace(system, platform_id="wamid.s2")))
    assert await only(store, "conversations") == before
    assert (await only(store, "messages", platform_id="wamid.s2"))["conversation"] == before["_id"]


async def test_imported_history_is_stored_and_nothing_more(store, desk):
    await desk.receive(arrive(said(at=START - timedelta(days=90), opens_window=False)))
    assert (await only(store, "messages"))["conversation"] is None
    assert await store["windows"].count_documents({}) == 0
    assert (await only(store, "contacts"))["last_heard_at"] is None


async def test_imported_answers_are_stored_and_nothing_more(store, desk):
    await desk.receive(arrive(echo("de hace meses", at=START - timedelta(days=60))))
    message = await only(store, "messages")
    assert (message["conversation"], message["status"], message["at"]) == (None, "sent", START - timedelta(days=60))
    await desk.receive(arrive(said()))
    before = await only(store, "conversations")
    await desk.receive(arrive(echo("de hace semanas", at=START - timedelta(days=20))))
    assert await only(store, "conversations") == before


async def test_standby_is_shown_and_not_counted(store, desk):
    await desk.receive(arrive(said(standby=True)))
    conversation = await only(store, "conversations")
    assert (conversation["unread"], conversation["waiting_since"]) == (0, None)
    assert (await only(store, "messages"))["standby"] is True


async def test_somebody_who_is_blocked_is_stored_and_wakes_nobody(store, desk):
    await desk.receive(arrive(said()))
    await store["contacts"].update_one({}, {"$set": {"blocked": True}})
    await resolve(store, START)
    await desk.receive(arrive(said("molesto")))
    assert (await only(store, "conversations"))["status"] == "resolved"
    assert await store["messages"].count_documents({}) == 2


async def test_a_practice_conversation_is_marked(store, desk):
    await desk.receive(arrive(said(), account=an_account(practice=True)))
    for collection in ("contacts", "conversations", "messages"):
        assert (await only(store, collection))["practice"] is True


# --- what the company says elsewhere ----------------------------------------------------------------------------------


async def test_an_answer_from_the_phone_ends_the_waiting(store, desk):
    await desk.receive(arrive(said(), echo("Sí", at=START + MINUTE), at=START + HOUR))
    conversation = await only(store, "conversations")
    assert (conversation["waiting_since"], conversation["last"]["text"]) == (None, "Sí")
    message = await only(store, "messages", direction="out")
    assert (message["author"]["kind"], message["status"], message["times"]["sent"]) == ("phone", "sent", START + MINUTE)


async def test_an_answer_from_the_phone_opens_no_window(store, desk):
    await desk.receive(arrive(echo()))
    assert await store["windows"].count_documents({}) == 0
    conversation = await only(store, "conversations")
    assert (conversation["window_closes_at"], conversation["unread"], conversation["waiting_since"]) == (None, 0, None)


async def test_a_question_after_the_answer_waits_again(store, desk):
    later = START + 2 * MINUTE
    await desk.receive(arrive(said(), echo(at=START + MINUTE), said("¿Y?", at=later), at=START + HOUR))
    assert (await only(store, "conversations"))["waiting_since"] == later


async def test_an_older_question_is_answered_already(store, desk):
    await desk.receive(arrive(said()))
    await an_answer(store, at=START + 10 * MINUTE)
    await desk.receive(arrive(said("tarde", at=START + MINUTE), at=START + HOUR))
    assert (await only(store, "conversations"))["waiting_since"] is None


async def test_a_word_from_the_phone_does_not_reopen(store, desk):
    await desk.receive(arrive(said()))
    await resolve(store, START)
    await desk.receive(arrive(echo("De nada")))
    conversation = await only(store, "conversations")
    assert (conversation["status"], conversation["last"]["text"]) == ("resolved", "De nada")


async def test_what_a_bot_says_elsewhere_begins_nothing(store, desk):
    await desk.receive(arrive(echo(author="bot")))
    assert (await only(store, "messages"))["conversation"] is None
    assert await store["conversations"].count_documents({}) == 0


async def test_an_echo_of_our_own_message_settles_it(store, desk):
    await desk.receive(arrive(said()))
    sent = await an_answer(store, status="uncertain", rank=2)
    await store["outbox"].insert_one({"_id": sent["_id"], "state": "settling"})
    for _ in range(2):
        await desk.receive(arrive(echo(platform_id="m_1", callback=sent["_id"])))
    message = await only(store, "messages", direction="out")
    assert (message["status"], message["platform_id"]) == ("sent", "m_1")
    assert (await only(store, "conversations"))["last"]["status"] == "sent"
    assert await store["outbox"].count_documents({}) == 0


async def test_an_echo_before_the_answer_of_the_send_is_no_second_message(store, desk):
    await desk.receive(arrive(said()))
    sent = await an_answer(store, status="sending", rank=2)
    await desk.receive(arrive(echo(platform_id="m_1", callback=sent["_id"])))
    assert (await only(store, "messages", direction="out"))["status"] == "sent"


async def test_an_echo_with_somebody_elses_id_is_a_message(store, desk):
    await desk.receive(arrive(echo(callback="x1"), echo(callback=new_id())))
    assert await store["messages"].count_documents({"direction": "out"}) == 2


# --- statuses, reactions, edits ---------------------------------------------------------------------------------------


def climbed(platform_id: str, status: Any, *, at=START + 2 * MINUTE, **more) -> Climbed:
    return Climbed(SALES.external_id, "", platform_id, status, at, **more)


async def test_statuses_climb_on_message_and_conversation(store, desk):
    await desk.receive(arrive(said()))
    await an_answer(store, platform_id="wamid.o")
    await desk.receive(arrive(climbed("wamid.o", "read"), climbed("wamid.o", "delivered"), at=START + HOUR))
    message = await only(store, "messages", direction="out")
    assert (message["status"], message["rank"]) == ("read", 5)
    assert set(message["times"]) == {"delivered", "read"}
    assert (await only(store, "conversations"))["last"]["status"] == "read"


async def test_a_failure_after_sent_is_shown_with_its_reason(store, desk):
    await desk.receive(arrive(said()))
    await an_answer(store, platform_id="wamid.o")
    failure = Failure("131026", "Cannot be delivered.", "gone", "detail")
    await desk.receive(arrive(climbed("wamid.o", "failed", failure=failure), at=START + HOUR))
    message = await only(store, "messages", direction="out")
    assert (message["status"], message["error"]["code"], message["error"]["remedy"]) == ("failed", "131026", "gone")
    assert (await only(store, "conversations"))["last"]["status"] == "failed"


async def test_a_status_before_the_id_is_known_finds_its_message_by_callback(store, desk):
    await desk.receive(arrive(said()))
    sent = await an_answer(store, status="uncertain", rank=2)
    await desk.receive(arrive(climbed("wamid.o", "delivered", callback=sent["_id"]), at=START + HOUR))
    message = await only(store, "messages", direction="out")
    assert (message["status"], message["platform_id"]) == ("delivered", "wamid.o")


async def test_a_status_of_an_unknown_message_waits_for_it(store, desk):
    await desk.receive(arrive(said()))
    sent = await an_answer(store)
    for _ in range(2):
        await desk.receive(arrive(climbed("wamid.o", "delivered"), at=START + HOUR))
    assert await store["waiting"].count_documents({}) == 1
    await store["messages"].update_one({"_id": sent["_id"]}, {"$set": {"platform_id": "wamid.o"}})
    await waiting.apply_for(store, SALES.id, ["wamid.o"])
    assert (await only(store, "messages", direction="out"))["status"] == "delivered"
    assert await store["waiting"].count_documents({}) == 0


async def test_a_status_of_a_part_is_a_status_of_the_message(store, desk):
    await desk.receive(arrive(said()))
    await an_answer(store, platform_id="wamid.o", parts=["wamid.o2"])
    await desk.receive(arrive(climbed("wamid.o2", "delivered"), at=START + HOUR))
    assert (await only(store, "messages", direction="out"))["status"] == "delivered"


async def test_a_status_never_touches_what_came_in(store, desk):
    fact = said()
    await desk.receive(arrive(fact))
    await desk.receive(arrive(climbed(fact.platform_id, "read"), at=START + HOUR))
    assert (await only(store, "messages"))["status"] == "received"


async def test_a_watermark_lifts_what_was_sent_until_then(store, desk):
    await desk.receive(arrive(said()))
    await an_answer(store, at=START + MINUTE, text="uno", status="failed")
    await an_answer(store, at=START + 2 * MINUTE, text="dos")
    await an_answer(store, at=START + 9 * MINUTE, text="tres")
    mark = ClimbedUpTo(SALES.external_id, ANA.addresses[0], "read", START + 5 * MINUTE)
    await desk.receive(arrive(mark))
    found = {row["text"]: row["status"] async for row in store["messages"].find({"direction": "out"})}
    assert found == {"uno": "failed", "dos": "read", "tres": "sent"}
    await desk.receive(arrive(replace(mark, at=START + HOUR)))
    assert (await only(store, "conversations"))["last"]["status"] == "read"


def reacted(target: str, emoji: str | None, *, at=START, sender=ANA, **more) -> Reacted:
    return Reacted(SALES.external_id, "", target, sender, emoji, at, **more)


async def test_the_newest_reaction_of_each_person_stands_in_any_order(store, desk):
    fact = said()
    await desk.receive(arrive(fact))
    told = [
        reacted(fact.platform_id, "👍", at=START + MINUTE),
        reacted(fact.platform_id, None, at=START + 2 * MINUTE),
        reacted(fact.platform_id, "❤️", at=START + 3 * MINUTE),
        reacted(fact.platform_id, "🎉", at=START + 2 * MINUTE, direction="out"),
    ]
    for _ in range(6):
        random.shuffle(told)
        for one in told:
            await desk.receive(arrive(one, at=START + HOUR))
        reactions = (await only(store, "messages"))["reactions"]
        assert {(one["by"], one["emoji"]) for one in reactions} == {("contact", "❤️"), ("agent", "🎉")}


async def test_a_reaction_taken_back_does_not_return_with_an_older_one(store, desk):
    fact = said()
    await desk.receive(arrive(fact))
    await desk.receive(arrive(reacted(fact.platform_id, None, at=START + 2 * MINUTE)))
    await desk.receive(arrive(reacted(fact.platform_id, "👍", at=START + MINUTE)))
    assert (await only(store, "messages"))["reactions"] == []


async def test_a_reaction_may_open_the_window_and_counts_as_nothing_else(store, desk):
    await desk.receive(arrive(said()))
    fact = await an_answer(store, platform_id="m_1")
    later = START + 5 * HOUR
    await desk.receive(arrive(reacted("m_1", "👍", at=later, opens_window=True), at=later))
    conversation = await only(store, "conversations")
    assert conversation["window_closes_at"] == later + timedelta(days=1)
    assert (conversation["unread"], conversation["last"]["id"]) == (1, fact["_id"])


async def test_a_reaction_before_its_message_waits(store, desk):
    fact = said()
    await desk.receive(arrive(reacted(fact.platform_id, "👍")))
    await desk.receive(arrive(fact))
    assert (await only(store, "messages"))["reactions"][0]["emoji"] == "👍"
    assert await store["waiting"].count_documents({}) == 0


def edited(target: str, text: str, *, at) -> Edited:
    return Edited(SALES.external_id, "", target, Text(text=text), at)


async def test_an_edit_keeps_what_was_said_before(store, desk):
    fact = said("a las 3")
    await desk.receive(arrive(fact))
    for _ in range(2):
        await desk.receive(arrive(edited(fact.platform_id, "a las 4", at=START + MINUTE)))
    message = await only(store, "messages")
    assert (message["text"], [one["text"] for one in message["edits"]]) == ("a las 4", ["a las 3"])
    assert "4" in message["words"]
    assert (await only(store, "conversations"))["last"]["text"] == "a las 4"


async def test_the_newest_edit_stands_in_any_order(store, desk):
    fact = said("uno")
    edits = [edited(fact.platform_id, "dos", at=START + MINUTE), edited(fact.platform_id, "tres", at=START + HOUR)]
    await desk.receive(arrive(fact, edits[1]))
    await desk.receive(arrive(edits[0]))
    assert (await only(store, "messages"))["text"] == "tres"


async def test_an_edit_that_shows_nothing_new_is_none(store, desk):
    fact = said("uno")
    await desk.receive(arrive(fact, edited(fact.platform_id, "uno", at=START + MINUTE)))
    assert (await only(store, "messages"))["edits"] == []


async def test_an_edited_caption_keeps_its_file_and_a_swapped_file_is_wanted(store, desk):
    fact = said(content=Media(kind="image", caption="uno"), media=(MediaRef(id="f1"),))
    await desk.receive(arrive(fact))
    first = (await only(store, "messages"))["content"]["media"]
    same = Edited(SALES.external_id, "", fact.platform_id, Media(kind="image", caption="dos"), START + MINUTE)
    await desk.receive(arrive(same))
    await desk.receive(arrive(replace(same, at=START + 2 * MINUTE, media=(MediaRef(id="f1"),))))
    content = (await only(store, "messages"))["content"]
    assert (content["media"], content["caption"]) == (first, "dos")
    swapped = replace(same, at=START + 3 * MINUTE, media=(MediaRef(id="f2", mime="image/png"),))
    for _ in range(2):
        await desk.receive(arrive(swapped))
    message = await only(store, "messages")
    new = await only(store, "media", **{"ref.id": "f2"})
    assert message["content"]["media"] == message["media"][0]["id"] == new["_id"]


async def test_a_deleted_message_is_marked_and_kept(store, desk):
    fact = said("secreto")
    await desk.receive(arrive(fact, Deleted(SALES.external_id, "", fact.platform_id, START + MINUTE)))
    message = await only(store, "messages")
    assert (message["deleted_at"], message["text"]) == (START + MINUTE, "secreto")


# --- people and accounts ----------------------------------------------------------------------------------------------


async def test_a_changed_number_is_the_same_conversation(store, desk):
    await desk.receive(arrive(said()))
    new = (Address("whatsapp", "P1", "CO.9"), Address("phone", EVERYWHERE, "573007776655"))
    system = said(content=System(kind="number_changed"), sender=Sender(new), opens_window=False)
    # What they say by the new number may stand before the news of it.
    await desk.receive(arrive(said("soy yo", Sender(new)), Moved(SALES.external_id, ANA.addresses, new, START, system)))
    await only(store, "contacts")
    conversation = await only(store, "conversations")
    assert (conversation["unread"], await store["messages"].count_documents({})) == (2, 3)
    assert await store["messages"].distinct("conversation") == [conversation["_id"]]


async def test_a_shared_phone_belongs_to_the_person(store, desk):
    cleo = Sender((Address("telegram", EVERYWHERE, "77"),), name="Cleo")
    phone = Address("phone", EVERYWHERE, "573004443322", "573004443322")
    await desk.receive(arrive(said(sender=cleo), PhoneShared(SALES.external_id, cleo, phone, START)))
    contact = await only(store, "contacts")
    assert contact["phone"] == "+573004443322"
    assert await store["identities"].count_documents({"contact": contact["_id"]}) == 2


async def test_who_blocks_us_cannot_be_reached_until_they_come_back(store, desk):
    await desk.receive(arrive(said()))
    await desk.receive(arrive(Reachable(SALES.external_id, ANA.addresses[0], False, START + MINUTE)))
    assert (await only(store, "identities", kind="whatsapp"))["reachable"] is False
    await desk.receive(arrive(Reachable(SALES.external_id, ANA.addresses[0], True, START + HOUR)))
    assert (await only(store, "identities", kind="whatsapp"))["reachable"] is True


async def test_a_wish_for_no_marketing_is_kept_with_its_proof(store, desk):
    stop = Preference(SALES.external_id, ANA, "stop", START)
    resume = Preference(SALES.external_id, ANA, "resume", START - HOUR)
    for _ in range(2):
        await desk.receive(arrive(stop, resume))
    contact = await only(store, "contacts")
    assert contact["consent"]["marketing"]["state"] == "refused"
    rows = await store["consents"].find().to_list()
    assert sorted(row["state"] for row in rows) == ["given", "refused"]
    assert all(row["proof"]["journal"] for row in rows)


async def test_news_of_an_unknown_template_asks_for_all(store, desk, bus):
    heard: list[TemplatesOutdated] = []
    bus.subscribe(TemplatesOutdated, heard.append)
    await desk.receive(arrive(TemplateChanged("W1", "9", "oferta", "es", START, status="APPROVED")))
    assert heard == [TemplatesOutdated(frozenset({"W1"}))]


async def test_a_notice_breaks_and_mends_the_account(store, desk):
    await store["accounts"].insert_one(_stored(SALES))
    broken = AccountNotice(SALES.external_id, "W1", "DISABLED_UPDATE", "critical", START, {"x": 1}, broken=True)
    for _ in range(2):
        await desk.receive(arrive(broken))
    account = await only(store, "accounts")
    assert (account["state"], account["problem"]["code"], len(account["notices"])) == ("broken", "DISABLED_UPDATE", 1)
    await desk.receive(arrive(replace(broken, at=START + HOUR, broken=False)))
    assert (await only(store, "accounts"))["state"] == "active"


def _stored(account) -> dict:
    fields = {name: getattr(account, name) for name in account.__slots__ if name != "id"}
    return {"_id": account.id, **fields, "notices": []}


async def test_a_name_that_messages_do_not_carry_is_asked_for(store, clock):
    await store["accounts"].insert_one(_stored(SALES))
    accounts = Accounts(store, Vault(bytes(32)))
    await accounts.load()
    channel = DayChannel()
    channel.names["9001"] = "Carla Ruiz"
    channels: Any = {"whatsapp": channel}
    desk = Desk(store, accounts, channels, clock=clock, bus=Bus(), reopen=timedelta(hours=24))
    await desk.receive(arrive(said(sender=Sender((Address("messenger", "page", "9001"),)))))
    await wait_for(lambda: store["conversations"].find_one({"name": "Carla Ruiz"}))
    contact = await only(store, "contacts")
    assert (contact["name"], contact["name_by"]) == ("Carla Ruiz", "platform")
    assert "carla" in contact["search"]


async def test_an_account_knows_when_it_last_heard_anything(store, desk, clock):
    await store["accounts"].insert_one(_stored(SALES))
    await desk.receive(arrive(said()))
    assert (await only(store, "accounts"))["last_event_at"] == clock.now()


async def test_pages_are_told_what_changed_with_what_decides_who_may_hear(store, desk):
    await desk.receive(arrive(said()))
    conversation = await only(store, "conversations")
    [item] = (await only(store, "nudges"))["items"]
    assert item["what"] == "message"
    assert item["conversation"] == conversation["_id"]
    assert (item["team"], item["assignee"], item["mentions"]) == (TEAM, None, [])


# --- crashes ----------------------------------------------------------------------------------------------------------


def a_day() -> list:
    """One batch with something of everything."""
    question = said("¿Tienen mesas?")
    photo = said(content=Media(kind="image"), media=(MediaRef(id="f1"),), at=START + MINUTE)
    new = (Address("whatsapp", "P1", "CO.9"), Address("phone", EVERYWHERE, "573007776655"))
    return [
        question,
        photo,
        said("Soy Bea", BEA, at=START + MINUTE),
        echo("Sí, Bea", BEA, at=START + 2 * MINUTE),
        said("¿Y mañana?", BEA, at=START + 3 * MINUTE),
        reacted(question.platform_id, "👍"),
        edited(question.platform_id, "¿Tienen sillas?", at=START + MINUTE),
        climbed("wamid.elsewhere", "read"),
        Preference(SALES.external_id, BEA, "stop", START),
        Moved(SALES.external_id, ANA.addresses, new, START),
        said("soy Ana", Sender(new), at=START + 4 * MINUTE),
    ]


async def outcome(store) -> dict:
    """What stands in the database, without the ids that each run makes anew."""
    names = {row["_id"]: row["name"] async for row in store["contacts"].find()}
    people = {row["_id"]: row["value"] async for row in store["identities"].find()}
    texts = {row["_id"]: row["text"] async for row in store["messages"].find()}

    def plain(value):
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in sorted(value.items()) if key not in ("_id", "id")}
        if isinstance(value, list):
            return sorted((plain(inner) for inner in value), key=repr)
        known = {**names, **people, **texts}
        return known.get(value, "an id" if isinstance(value, str) and is_id(value) else value)

    kept = (
        "contacts",
        "identities",
        "conversations",
        "messages",
        "windows",
        "media",
        "consents",
        "waiting",
        "suspects",
    )
    return {name: plain(await store[name].find().to_list()) for name in kept}


async def clear(store) -> None:
    for name in await store.handle.list_collection_names():
        if name != "meta":
            await store[name].delete_many({})


async def test_a_crash_between_any_two_writes_ends_as_if_there_was_none(store, clock):
    day = a_day()
    at = START + HOUR
    await (await a_desk(store, clock)).receive(arrive(*day, at=at))
    expected = await outcome(store)
    for writes in range(200):
        await clear(store)
        dying = await a_desk(EdgeDatabase(store, Dying(writes)), clock)
        try:
            await dying.receive(arrive(*day, at=at))
        except Death:
            await (await a_desk(store, clock)).receive(arrive(*day, at=at, again=True))
            assert await outcome(store) == expected, f"after {writes} writes"
        else:
            assert writes > 15
            return
    raise AssertionError("it never came to an end")


async def test_a_crash_before_a_resolved_conversation_was_opened_again_hides_nobody(store, desk, clock):
    await desk.receive(arrive(said()))
    await resolve(store, START)
    fact = said("¿Hola?", at=START + MINUTE)

    async def die():
        raise Death

    dying = await a_desk(EdgeDatabase(store, Overtaken("conversations", "bulk_write", die)), clock)
    with pytest.raises(Death):
        await dying.receive(arrive(fact, at=START + MINUTE))
    assert (await only(store, "conversations"))["open"] is False
    await desk.receive(arrive(fact, again=True, at=START + MINUTE))
    conversation = await only(store, "conversations")
    assert (conversation["open"], conversation["last"]["text"]) == (True, "¿Hola?")


async def test_applying_again_what_was_whole_changes_nothing(store, desk):
    day = a_day()
    await desk.receive(arrive(*day, at=START + HOUR))
    expected = await outcome(store)
    await desk.receive(arrive(*day, at=START + HOUR, again=True))
    assert await outcome(store) == expected
