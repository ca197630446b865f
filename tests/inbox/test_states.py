"""Whose a conversation is and how it stands."""

import asyncio
from datetime import timedelta

import pytest

from bot.errors import Conflict, Refused
from inbox import labels, people
from inbox.actions import staff, states
from inbox.permissions import access_conversation
from tests.inbox.builders import NOON, a_conversation, an_agent


async def stored(store, conversation):
    return await store["conversations"].find_one({"_id": conversation["_id"]})


async def lines(store, conversation):
    return [line["kind"] async for line in store["activity"].find({"conversation": conversation["_id"]}).sort("_id", 1)]


async def test_taking_over_names_both_and_silences_a_bot(store):
    luis, marta = await an_agent(store, "Luis"), await an_agent(store, "Marta")
    conversation = await a_conversation(store, assignee=luis.id, status="bot")
    changed = await states.take_over(store, conversation, by=marta, now=NOON)
    assert (changed["assignee"], changed["status"]) == (marta.id, "open")
    line = await store["activity"].find_one({"kind": "taken_over"})
    assert line["data"] == {"name": "Marta", "before": "Luis"}


async def test_nobody_is_assigned_who_left(store):
    marta, gone = await an_agent(store), await an_agent(store, "Luis", active=False)
    conversation = await a_conversation(store)
    with pytest.raises(Refused, match="Luis does not work here"):
        await states.assign(store, conversation, to=gone.id, by=marta, now=NOON)
    assert (await stored(store, conversation))["assignee"] is None


async def test_resolving_twice_is_one_line(store):
    marta = await an_agent(store)
    conversation = await a_conversation(store, unread=2, waiting_since=NOON)
    resolved = await states.resolve(store, conversation, by=marta, now=NOON)
    await states.resolve(store, resolved, by=marta, now=NOON)
    assert (resolved["open"], resolved["unread"], resolved["waiting_since"]) == (False, 0, None)
    assert await lines(store, conversation) == ["resolved"]


async def test_reopening_beside_an_open_one_is_refused_and_changes_nothing(store):
    marta = await an_agent(store)
    old = await a_conversation(store, status="resolved")
    await a_conversation(store, contact=old["contact"])
    with pytest.raises(Conflict, match="open conversation"):
        await states.reopen(store, old, by=marta, now=NOON)
    assert (await stored(store, old))["status"] == "resolved"


async def test_moving_to_a_team_that_has_one_open_folds_the_two_and_rewrites_no_message(store):
    marta = await an_agent(store)
    support = await people.add_team(store, name="Soporte", now=NOON)
    there = await a_conversation(store, team=support.id, unread=1, waiting_since=NOON, accounts=["x"])
    here = await a_conversation(
        store,
        contact=there["contact"],
        unread=2,
        at=NOON + timedelta(minutes=5),
        waiting_since=NOON - timedelta(minutes=9),
        accounts=["y"],
        last={"id": "newest", "text": "?"},
    )
    kept = await states.assign_team(store, here, to=support.id, by=marta, now=NOON)
    assert kept["_id"] == there["_id"]
    assert (kept["unread"], kept["last"]["id"], kept["folds"]) == (3, "newest", [here["_id"]])
    assert kept["waiting_since"] == NOON - timedelta(minutes=9)
    assert set(kept["accounts"]) == {"x", "y"}
    folded = await stored(store, here)
    assert (folded["open"], folded["folded_into"]) == (False, there["_id"])
    assert folded["folded_from"]["status"] == "open"


async def test_two_that_are_moved_towards_each_other_do_not_fold_into_each_other(store):
    marta = await an_agent(store)
    one, other = [await people.add_team(store, name=name, now=NOON) for name in ("Uno", "Otro")]
    for _ in range(10):
        here = await a_conversation(store, team=one.id, accounts=["x"])
        there = await a_conversation(store, contact=here["contact"], team=other.id, accounts=["y"])
        await asyncio.gather(
            states.assign_team(store, here, to=other.id, by=marta, now=NOON),
            states.assign_team(store, there, to=one.id, by=marta, now=NOON),
            return_exceptions=True,
        )
        here, there = await stored(store, here), await stored(store, there)
        (kept,) = [each for each in (here, there) if each["open"]]
        (gone,) = [each for each in (here, there) if not each["open"]]
        assert (gone["folded_into"], kept["folded_into"], kept["folds"]) == (kept["_id"], None, [gone["_id"]])


async def test_whoever_was_mentioned_in_a_folded_one_still_sees_it_and_all_it_held(store):
    marta, luis = await an_agent(store), await an_agent(store, "Luis", sees="own")
    support = await people.add_team(store, name="Soporte", now=NOON)
    there = await a_conversation(store, team=support.id)
    here = await a_conversation(store, contact=there["contact"], mentions=[luis.id], folds=["e" * 24])
    await states.assign_team(store, here, to=support.id, by=marta, now=NOON)
    kept = await access_conversation(store, luis, here["_id"])
    assert (kept["_id"], kept["folds"]) == (there["_id"], [here["_id"], "e" * 24])
    assert (await stored(store, here))["folded_from"]["there"] == {"labels": [], "mentions": []}


async def test_a_folded_conversation_takes_no_more_changes(store):
    marta = await an_agent(store)
    conversation = await a_conversation(store, folded_into="f" * 24, status="resolved")
    with pytest.raises(Conflict, match="joined"):
        await states.assign(store, conversation, to=marta.id, by=marta, now=NOON)


async def test_what_is_snoozed_wakes_once_at_its_time(store):
    marta = await an_agent(store)
    conversation = await a_conversation(store)
    until = NOON + timedelta(hours=3)
    await states.snooze(store, conversation, until=until, by=marta, now=NOON)
    assert await states.wake_due(store, now=until - timedelta(seconds=1)) == 0
    assert await states.wake_due(store, now=until) == 1
    assert await states.wake_due(store, now=until) == 0
    assert await lines(store, conversation) == ["snoozed", "woken"]


@pytest.mark.parametrize("until", [NOON - timedelta(seconds=1), NOON, NOON + timedelta(days=400)])
async def test_nobody_snoozes_into_the_past_or_beyond_a_year(store, until):
    with pytest.raises(Refused, match="next year"):
        await states.snooze(store, await a_conversation(store), until=until, by=await an_agent(store), now=NOON)


async def test_labels_are_given_by_name_or_id_and_unknown_ones_refused(store):
    marta = await an_agent(store)
    urgent = await labels.add_label(store, name="Urgente", colour="red", now=NOON)
    vip = await labels.add_label(store, name="VIP", colour="blue", now=NOON)
    changed = await states.set_labels(
        store, await a_conversation(store), wanted=["Urgente", vip["_id"]], by=marta, now=NOON
    )
    assert changed["labels"] == [urgent["_id"], vip["_id"]]
    with pytest.raises(Refused, match="There is no label Nada"):
        await states.set_labels(store, changed, wanted=["Nada"], by=marta, now=NOON)


async def test_a_name_in_a_note_is_a_mention_and_lets_that_person_see_the_conversation(store):
    marta, luis = await an_agent(store), await an_agent(store, "Luis Gómez")
    conversation = await a_conversation(store)
    note = await states.write_note(store, conversation, text="¿Lo ves, @luis gómez?", by=marta, now=NOON)
    assert note["mentions"] == [luis.id]
    assert (await stored(store, conversation))["mentions"] == [luis.id]


async def test_a_double_click_writes_one_note(store):
    marta, conversation = await an_agent(store), await a_conversation(store)
    first = await states.write_note(store, conversation, text="Ojo", key="k1", by=marta, now=NOON)
    again = await states.write_note(store, conversation, text="Ojo", key="k1", by=marta, now=NOON)
    assert first["_id"] == again["_id"]
    assert await store["notes"].count_documents({}) == 1


async def test_who_is_let_go_loses_every_way_in_and_their_work_goes_on(store):
    marta, luis = await an_agent(store), await an_agent(store, "Luis")
    held = await a_conversation(store, assignee=luis.id)
    await store["sessions"].insert_one({"_id": "s", "agent": luis.id, "seen_at": NOON})
    await store["tokens"].insert_one({"_id": "t", "agent": luis.id})
    await staff.deactivate(store, luis.id, hand_to=marta.id, by=marta, now=NOON)
    assert (await stored(store, held))["assignee"] == marta.id
    assert await store["sessions"].count_documents({}) + await store["tokens"].count_documents({}) == 0
