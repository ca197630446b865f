"""One person is one contact, however they show themselves and however many processes meet them at once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.channels.contract import EVERYWHERE, Address, Sender
from bot.records import identities
from bot.records.meeting import Meeting, meet, move
from tests.clocks import START

PHONE = Address("phone", EVERYWHERE, "573001112233", "573001112233")
BSUID = Address("whatsapp", "P1", "CO.1234567890")
ANA = Sender((BSUID, PHONE), name="Ana")


async def met(store, *senders: Sender, now=START, practice=False):
    return await meet(store, [Meeting(sender, "A1", practice) for sender in senders], now=now)


async def one(store, sender: Sender, **also):
    return (await met(store, sender, **also))[0]


async def contacts_of(store) -> list[dict]:
    return await store["contacts"].find().sort("created_at").to_list()


async def test_a_new_person_is_written_down_with_all_addresses(store):
    found = await one(store, ANA)
    [contact] = await contacts_of(store)
    assert contact["_id"] == found.contact["_id"]
    assert (contact["name"], contact["name_by"], contact["phone"]) == ("Ana", "platform", "+573001112233")
    stored = await store["identities"].find({"contact": contact["_id"]}).to_list()
    assert {identity["kind"] for identity in stored} == {"whatsapp", "phone"}
    assert found.identity == next(identity["_id"] for identity in stored if identity["kind"] == "whatsapp")


async def test_the_same_person_is_met_by_either_address(store):
    first = await one(store, ANA)
    for addresses in ((BSUID,), (PHONE,), (PHONE, BSUID)):
        assert (await one(store, Sender(addresses))).contact["_id"] == first.contact["_id"]
    assert len(await contacts_of(store)) == 1


async def test_a_known_phone_with_a_new_id_joins(store):
    first = await one(store, Sender((PHONE,), name="Ana"))
    assert (await one(store, ANA)).contact["_id"] == first.contact["_id"]
    assert (await one(store, Sender((BSUID,)))).contact["_id"] == first.contact["_id"]


async def test_a_known_id_with_a_new_phone_learns_the_phone(store):
    await one(store, Sender((BSUID,), name="Ana"))
    await one(store, ANA)
    [contact] = await contacts_of(store)
    assert contact["phone"] == "+573001112233"
    assert "1112233" in contact["search"]


async def test_a_missing_phone_never_replaces_a_stored_one(store):
    await one(store, ANA)
    await one(store, Sender((BSUID,), name="Ana"))
    [contact] = await contacts_of(store)
    assert contact["phone"] == "+573001112233"


@pytest.mark.parametrize(
    ("one_way", "other_way"),
    [("5215512345678", "525512345678"), ("5491123456789", "541123456789"), ("554188887777", "5541988887777")],
)
async def test_national_variants_of_a_number_are_one_person(store, one_way, other_way):
    first = await one(store, Sender((Address("phone", EVERYWHERE, one_way, one_way),)))
    second = await one(store, Sender((Address("phone", EVERYWHERE, other_way, other_way),)))
    assert first.contact["_id"] == second.contact["_id"]


async def test_two_contacts_that_show_up_as_one_are_suspects_and_stay_two(store):
    by_id = await one(store, Sender((BSUID,), name="Ana"))
    by_phone = await one(store, Sender((PHONE,), name="Ana P"))
    again = await one(store, ANA)
    await one(store, ANA)
    assert again.contact["_id"] == by_id.contact["_id"]
    [suspect] = await store["suspects"].find().to_list()
    assert {suspect["a"], suspect["b"]} == {by_id.contact["_id"], by_phone.contact["_id"]}
    assert suspect["a"] < suspect["b"]


async def test_fifty_first_messages_at_once_are_one_contact(store):
    people = await asyncio.gather(*(one(store, ANA) for _ in range(50)))
    assert len({person.contact["_id"] for person in people}) == 1
    assert len({person.identity for person in people}) == 1
    assert len(await contacts_of(store)) == 1
    assert await store["identities"].count_documents({}) == 2
    assert await store["suspects"].count_documents({}) == 0


async def test_many_people_in_two_racing_batches_leave_no_orphan(store):
    senders = [Sender((Address("telegram", EVERYWHERE, str(n)),), name=f"P{n}") for n in range(60)]
    one_batch, other_batch = await asyncio.gather(met(store, *senders), met(store, *reversed(senders)))
    assert [m.contact["_id"] for m in one_batch] == [m.contact["_id"] for m in reversed(other_batch)]
    owners = {identity["contact"] async for identity in store["identities"].find()}
    assert owners == {contact["_id"] for contact in await contacts_of(store)}
    assert len(owners) == 60


async def test_a_person_in_several_shapes_in_one_batch_is_one(store):
    found = await met(store, Sender((PHONE,)), ANA, Sender((BSUID,)), Sender((PHONE,), name="Ana"))
    assert len({person.contact["_id"] for person in found}) == 1
    [contact] = await contacts_of(store)
    assert contact["name"] == "Ana"


async def test_addresses_without_their_contact_are_completed(store):
    """What a process leaves that died between the two writes."""
    first = await one(store, ANA)
    await store["contacts"].delete_many({})
    again = await one(store, ANA)
    assert again.contact["_id"] == first.contact["_id"]
    [contact] = await contacts_of(store)
    assert contact["name"] == "Ana"


async def test_names_fall_back_to_username_phone_and_the_end_of_the_id(store):
    found = await met(
        store,
        Sender((Address("telegram", EVERYWHERE, "1"),), username="ana_p"),
        Sender((Address("phone", EVERYWHERE, "573001112244"),)),
        Sender((Address("whatsapp", "P1", "CO.999123456"),)),
        Sender((Address("telegram", EVERYWHERE, "2"),), name="  <b>A\u202ena\n "),
    )
    names = [person.contact["name"] for person in found]
    assert names == ["@ana_p", "+57 300 1112244", "WhatsApp ·123456", "<b>A na"]


async def test_a_better_name_replaces_a_makeshift_one(store):
    await one(store, Sender((BSUID,)))
    await one(store, replace(ANA, name="", username="ana"))
    assert (await contacts_of(store))[0]["name"] == "@ana"
    await one(store, ANA)
    [contact] = await contacts_of(store)
    assert contact["name"] == "Ana"
    assert "ana" in contact["search"]


async def test_who_renames_themselves_is_renamed_in_their_conversations_too(store):
    found = await one(store, ANA)
    await store["conversations"].insert_one({"_id": "c", "contact": found.contact["_id"], "name": "Ana"})
    await one(store, replace(ANA, name="Ana María"))
    assert (await contacts_of(store))[0]["name"] == "Ana María"
    assert (await store["conversations"].find_one({"_id": "c"}))["name"] == "Ana María"


async def test_a_name_written_by_an_agent_stays(store):
    await one(store, ANA)
    await store["contacts"].update_one({}, {"$set": {"name": "Sra. Ana", "name_by": "agent"}})
    await one(store, replace(ANA, name="Anita"))
    assert (await contacts_of(store))[0]["name"] == "Sra. Ana"


async def test_an_empty_name_changes_nothing(store):
    await one(store, ANA)
    await one(store, replace(ANA, name="", username=""))
    assert (await contacts_of(store))[0]["name"] == "Ana"


async def test_two_channels_do_not_take_turns_with_the_name(store):
    await one(store, ANA)
    other = Sender((Address("telegram", EVERYWHERE, "7"), PHONE), name="Anita")
    await one(store, other)
    await one(store, ANA)
    await one(store, other)
    assert (await contacts_of(store))[0]["name"] == "Ana"


async def test_somebody_who_writes_can_be_reached_again(store):
    await one(store, ANA)
    await identities.set_reachable(store, BSUID, reachable=False, at=START)
    gone = await store["identities"].find_one({"kind": "whatsapp"})
    assert (gone["reachable"], gone["gone"]["code"]) == (False, "blocked")
    await one(store, ANA, now=START + timedelta(minutes=1))
    assert (await store["identities"].find_one({"kind": "whatsapp"}))["reachable"] is True


async def test_older_news_about_reachability_changes_nothing(store):
    await one(store, ANA)
    await identities.set_reachable(store, BSUID, reachable=True, at=START + timedelta(minutes=2))
    await identities.set_reachable(store, BSUID, reachable=False, at=START)
    assert (await store["identities"].find_one({"kind": "whatsapp"}))["reachable"] is True


async def test_a_practice_person_is_marked(store):
    assert (await one(store, ANA, practice=True)).contact["practice"] is True


async def test_a_sender_without_address_is_nobody(store):
    with pytest.raises(ValueError, match="without an address"):
        await one(store, Sender(()))


NEW_PHONE = Address("phone", EVERYWHERE, "573005556677", "573005556677")
NEW_BSUID = Address("whatsapp", "P1", "CO.777")


async def moved(store, old, new, now=START) -> str:
    return await move(store, old, new, account="A1", practice=False, now=now)


async def test_a_changed_number_moves_the_person(store):
    first = await one(store, ANA)
    for _ in range(2):
        assert await moved(store, (BSUID, PHONE), (NEW_BSUID, NEW_PHONE)) == first.contact["_id"]
    assert (await one(store, Sender((NEW_BSUID, NEW_PHONE)))).contact["_id"] == first.contact["_id"]
    [contact] = await contacts_of(store)
    assert contact["phone"] == "+573005556677"
    assert await store["identities"].distinct("value", {"current": False}) == [PHONE.value, BSUID.value]


async def test_a_changed_id_keeps_the_phone(store):
    first = await one(store, ANA)
    await moved(store, (BSUID,), (NEW_BSUID,))
    assert (await store["identities"].find_one({"kind": "phone"}))["current"] is True
    assert (await one(store, Sender((NEW_BSUID,)))).contact["_id"] == first.contact["_id"]


async def test_a_move_of_somebody_unknown_makes_one_person_for_both_addresses(store):
    owner = await moved(store, (BSUID,), (NEW_BSUID,))
    for address in (BSUID, NEW_BSUID):
        assert (await one(store, Sender((address,)))).contact["_id"] == owner
    assert len(await contacts_of(store)) == 1


async def test_a_move_to_an_address_of_somebody_else_is_a_suspicion(store):
    first = await one(store, ANA)
    other = await one(store, Sender((NEW_PHONE,), name="Bea"))
    assert await moved(store, (BSUID, PHONE), (NEW_PHONE,)) == first.contact["_id"]
    assert (await one(store, Sender((NEW_PHONE,)))).contact["_id"] == other.contact["_id"]
    assert await store["suspects"].count_documents({}) == 1


async def test_a_number_given_up_belongs_to_whoever_has_it_next(store):
    first = await one(store, ANA)
    await moved(store, (BSUID, PHONE), (NEW_BSUID, NEW_PHONE))
    bea = await one(store, Sender((Address("whatsapp", "P1", "CO.555"), PHONE), name="Bea"))
    assert bea.contact["_id"] != first.contact["_id"]
    assert (await one(store, Sender((PHONE,)))).contact["_id"] == bea.contact["_id"]
