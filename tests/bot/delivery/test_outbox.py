import asyncio
import dataclasses
from datetime import timedelta

import pytest

from bot.channels.contract import Receipt, Rejected, Uncertain
from bot.content import Emoji, Media, TemplateUse, Text
from bot.delivery import outbox, sweep
from bot.errors import Conflict, NotFound, Refused
from bot.records.outgoing import Author
from tests.bot.delivery.conftest import ANN
from tests.clocks import START
from tests.waiting import wait_for

BOB = Author("agent", "agent-bob", "Bob")
UNKNOWN = Uncertain("timeout", "No answer.")


async def test_a_put_message_is_in_the_thread_at_once(shop, ana):
    message = await ana.gets("Hola, ¿cómo está?")
    stored = await shop.message(message["_id"])
    assert stored == message
    assert (stored["status"], stored["rank"], stored["direction"], stored["conversation"]) == (
        "queued", 1, "out", ana.conversation,
    )  # fmt: skip
    assert stored["author"] == {"kind": "agent", "id": "agent-ann", "name": "Ann"}
    assert stored["words"] == ["hola", "como", "esta"]


async def test_a_double_click_is_one_message(shop, ana):
    clicks = await asyncio.gather(*(ana.gets("Hola", client_key="click-1") for _ in range(8)))
    assert len({message["_id"] for message in clicks}) == 1
    await shop.send()
    assert len(shop.channel.sent) == 1
    assert await shop.db["outbox"].count_documents({}) == 0


async def test_the_same_click_later_is_still_the_same_message(shop, ana):
    first = await ana.gets("Hola", client_key="click-1")
    await shop.send()
    await shop.clock.pass_by(hours=30)
    assert (await ana.gets("Hola", client_key="click-1"))["_id"] == first["_id"]


async def nothing_stored(shop) -> bool:
    return not await shop.db["messages"].count_documents({}) and not await shop.db["outbox"].count_documents({})


async def test_free_text_outside_the_window_is_refused_with_its_reason(shop):
    luis = await shop.a_person("Luis", heard=timedelta(hours=25))
    with pytest.raises(Refused) as refusal:
        await luis.gets("Hola")
    assert (refusal.value.code, refusal.value.fields) == ("window_closed", {"closed": True})
    assert await nothing_stored(shop)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"reachable": False, "gone": {"code": "blocked", "at": START}}, "person_blocked"),
        ({"reachable": False, "gone": {"code": "131026", "at": START}}, "person_gone"),
        ({"current": False}, "person_moved"),
        ({"scope": "another portfolio"}, "wrong_account"),
        ({"kind": "telegram"}, "wrong_account"),
        ({"contact": "somebody else"}, "person_gone"),
    ],
)
async def test_whoever_cannot_be_reached_is_not_written_to(shop, ana, change, code):
    await shop.db["identities"].update_one({"_id": ana.identity}, {"$set": change})
    with pytest.raises(Refused) as refusal:
        await ana.gets("Hola")
    assert refusal.value.code == code
    assert await nothing_stored(shop)


async def test_a_person_who_could_not_be_reached_may_be_tried_again_later_but_not_by_a_bot(shop, ana):
    gone = {"reachable": False, "gone": {"code": "131026", "at": shop.clock.now()}}
    await shop.db["identities"].update_one({"_id": ana.identity}, {"$set": gone})
    await shop.clock.pass_by(hours=2)
    with pytest.raises(Refused):
        await ana.gets("Hola", author=Author("bot", "bot", "Bot"))
    assert await ana.gets("Hola")


async def test_an_account_that_is_off_sends_nothing(shop, ana):
    await shop.accounts.change(shop.account, {"state": "off"})
    with pytest.raises(Refused) as refusal:
        await ana.gets("Hola")
    assert refusal.value.code == "account_off"


async def test_a_broken_account_takes_messages_and_keeps_them(shop, ana):
    await shop.accounts.mark_broken(shop.account, {"code": "190", "message": "Token"})
    message = await ana.gets("Hola")
    await shop.send()
    assert (await shop.row(message["_id"]))["state"] == "held"
    assert not shop.channel.sent


async def test_an_empty_text_is_refused(ana):
    with pytest.raises(Refused) as refusal:
        await ana.gets(" \n\t ")
    assert refusal.value.code == "empty"


async def a_template(shop, category: str = "MARKETING") -> TemplateUse:
    stored = {"scope": "portfolio", "name": "promo", "language": "es", "category": category, "status": "APPROVED"}
    await shop.db["templates"].insert_one({"_id": f"t-{category}", **stored})
    return TemplateUse(name="promo", language="es", text="Hola")


async def test_marketing_respects_a_stop_and_answers_need_no_consent(shop, ana):
    stop = {"consent": {"marketing": {"state": "refused"}}}
    await shop.db["contacts"].update_one({"_id": ana.contact}, {"$set": stop})
    with pytest.raises(Refused) as refusal:
        await ana.gets(await a_template(shop))
    assert refusal.value.code == "opted_out"
    assert await ana.gets("An answer")


async def test_a_stop_said_after_the_click_is_respected_too(shop, ana):
    message = await ana.gets(await a_template(shop))
    await shop.clock.pass_by(seconds=2)
    stop = {"consent": {"marketing": {"state": "refused"}}}
    await shop.db["contacts"].update_one({"_id": ana.contact}, {"$set": stop})
    await shop.send()
    assert (await shop.message(message["_id"]))["error"]["code"] == "opted_out"
    assert not shop.channel.sent


@pytest.mark.parametrize("status", ["PAUSED", "DELETED"])
async def test_a_template_that_is_not_approved_is_not_sent(shop, ana, status):
    use = await a_template(shop)
    await shop.db["templates"].update_one({}, {"$set": {"status": status}})
    with pytest.raises(Refused) as refusal:
        await ana.gets(use)
    assert refusal.value.code == "template_not_approved"


async def test_what_is_no_marketing_goes_to_whoever_stopped_marketing(shop, ana):
    stop = {"consent": {"marketing": {"state": "refused"}}}
    await shop.db["contacts"].update_one({"_id": ana.contact}, {"$set": stop})
    assert await ana.gets(await a_template(shop, "UTILITY"))


async def test_an_answer_quotes_the_message_it_answers(shop, ana):
    question = await ana.gets("¿Cuánto cuesta?")
    await shop.send()
    answer = await ana.gets("Diez", reply_to=question["_id"])
    await shop.send()
    assert shop.channel.sent[-1].reply_to == "wamid.1"
    assert (answer["quoted"]["id"], answer["quoted"]["text"]) == (question["_id"], "¿Cuánto cuesta?")


async def test_a_message_of_another_channel_cannot_be_quoted(shop, ana):
    question = await ana.gets("¿Cuánto cuesta?")
    await shop.send()
    await shop.db["messages"].update_one({"_id": question["_id"]}, {"$set": {"account": "another"}})
    with pytest.raises(Refused) as refusal:
        await ana.gets("Diez", reply_to=question["_id"])
    assert refusal.value.code == "cannot_quote"


async def test_a_message_of_somebody_else_cannot_be_quoted(shop, ana):
    luis = await shop.a_person("Luis")
    secret = await luis.gets("A secret")
    await shop.send()
    with pytest.raises(Refused):
        await ana.gets("Diez", reply_to=secret["_id"])


async def test_a_reaction_stands_on_its_message_and_not_in_the_thread(shop, ana):
    target = await ana.gets("Hola")
    await shop.send()
    reaction = await ana.gets(Emoji(target="", emoji="👍"), reply_to=target["_id"])
    assert reaction["hidden"]
    shown = (await shop.message(target["_id"]))["reactions"]
    assert [(one["by"], one["emoji"]) for one in shown] == [("agent", "👍")]
    await shop.send()
    assert shop.channel.sent[-1].content == Emoji(target="wamid.1", emoji="👍")


async def test_a_reaction_needs_a_message(ana):
    with pytest.raises(Refused) as refusal:
        await ana.gets(Emoji(target="wamid.1", emoji="👍"))
    assert refusal.value.code == "cannot_quote"


async def test_a_reaction_can_be_taken_back(shop, ana):
    target = await ana.gets("Hola")
    await shop.send()
    await ana.gets(Emoji(target="", emoji="👍"), reply_to=target["_id"])
    await shop.clock.pass_by(seconds=1)
    await ana.gets(Emoji(target="", emoji=""), reply_to=target["_id"])
    assert (await shop.message(target["_id"]))["reactions"] == []


async def test_a_channel_without_reactions_refuses_them(shop, ana):
    target = await ana.gets("Hola")
    await shop.send()
    shop.channel.limits = dataclasses.replace(shop.channel.limits, can_react=False)
    with pytest.raises(Refused) as refusal:
        await ana.gets(Emoji(target="", emoji="👍"), reply_to=target["_id"])
    assert refusal.value.code == "cannot_react"


async def failed(shop, person, text: str = "Hola") -> dict:
    shop.channel.answers = [Rejected("131009", "Not like this.")]
    message = await person.gets(text)
    await shop.send()
    return message


async def test_what_failed_can_be_sent_again_once(shop, ana):
    message = await failed(shop, ana)
    again = await asyncio.gather(*(shop.outbox.send_again(message["_id"], by=BOB, now=shop.clock.now()) for _ in "123"))
    assert len({one["_id"] for one in again}) == 1
    assert (again[0]["again_of"], again[0]["author"]["name"], again[0]["text"]) == (message["_id"], "Bob", "Hola")
    await shop.send()
    assert shop.channel.texts == ["Hola", "Hola"]


async def test_what_did_not_fail_is_not_sent_again(shop, ana):
    message = await ana.gets("Hola")
    await shop.send()
    with pytest.raises(Conflict):
        await shop.outbox.send_again(message["_id"], by=BOB, now=shop.clock.now())
    with pytest.raises(NotFound):
        await shop.outbox.send_again("0" * 24, by=BOB, now=shop.clock.now())


async def uncertain(shop, person) -> dict:
    shop.channel.answers = [UNKNOWN]
    message = await person.gets("Hola")
    await shop.send()
    return message


async def test_a_person_may_say_that_it_arrived(shop, ana):
    message = await uncertain(shop, ana)
    settled = await shop.outbox.resolve(message["_id"], "sent", by=BOB, now=shop.clock.now())
    assert settled["status"] == "sent"
    assert await shop.statuses(message) == ["sent"]
    assert await shop.row(message["_id"]) is None


async def test_a_person_may_say_to_send_it_again_and_it_goes_once(shop, ana):
    message = await uncertain(shop, ana)
    asked = [shop.outbox.resolve(message["_id"], "again", by=BOB, now=shop.clock.now()) for _ in "123"]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "Conflict", "dict"]
    await shop.send()
    assert shop.channel.texts == ["Hola", "Hola"]
    assert await shop.statuses(message) == ["failed"]


async def test_what_the_platform_settled_first_is_not_decided_by_a_person(shop, ana):
    message = await uncertain(shop, ana)
    await shop.db["messages"].update_one({"_id": message["_id"]}, {"$set": {"status": "delivered", "rank": 4}})
    with pytest.raises(Conflict):
        await shop.outbox.resolve(message["_id"], "again", by=BOB, now=shop.clock.now())
    await shop.send()
    assert len(shop.channel.sent) == 1


async def test_settled_rows_are_forgotten(shop, ana):
    message = await uncertain(shop, ana)
    await outbox.settle(shop.db, [message["_id"]])
    assert await shop.row(message["_id"]) is None


async def test_what_waits_can_be_taken_back(shop, ana):
    message = await ana.gets("Hola")
    await shop.outbox.cancel(message["_id"])
    await shop.send()
    assert not shop.channel.sent
    assert await shop.statuses(message) == ["cancelled"]


async def test_what_is_on_its_way_cannot_be_taken_back(shop, ana):
    released = asyncio.Event()

    async def slowly(outbound):
        await released.wait()
        return Receipt(("wamid.1",))

    shop.channel.answers = [slowly]
    message = await ana.gets("Hola")
    lane = shop.lane()
    await lane.turn(shop.hold)
    await wait_for(lambda: shop.channel.sent)
    with pytest.raises(Conflict):
        await shop.outbox.cancel(message["_id"])
    released.set()
    await shop.send(lane)
    assert await shop.statuses(message) == ["sent"]


async def test_taking_back_and_sending_at_the_same_moment_never_disagree(shop, ana):
    for _ in range(20):
        message = await ana.gets("Hola")
        before = len(shop.channel.sent)
        answers = await asyncio.gather(shop.outbox.cancel(message["_id"]), shop.send(), return_exceptions=True)
        was_sent = len(shop.channel.sent) > before
        assert was_sent == isinstance(answers[0], Conflict)
        assert await shop.statuses(message) == ["sent" if was_sent else "cancelled"]


async def test_a_cancellation_that_was_interrupted_is_finished(shop, ana):
    message = await ana.gets("Hola")
    await shop.db["outbox"].update_one({"_id": message["_id"]}, {"$set": {"state": "cancelled"}})
    await sweep.sweep(shop.db, shop.accounts, epoch=1, in_flight=(), now=shop.clock.now())
    await shop.send()
    assert not shop.channel.sent
    assert await shop.statuses(message) == ["cancelled"]


async def test_a_bot_is_no_human(shop, ana):
    message = await ana.gets("Hola", author=Author("bot", "bot", "Bot"))
    assert (await shop.row(message["_id"]))["human"] is False


async def test_others_are_woken_when_the_sender_is_elsewhere(shop, ana):
    shop.bell.is_heard_here = False
    await ana.gets("Hola")
    told = [item async for nudge in shop.db["nudges"].find() for item in nudge["items"]]
    assert told[-1] == {"what": "outbox"}


async def a_phone(shop, person, value: str = "573001112233", **more) -> None:
    row = {
        "_id": f"phone-{value}", "kind": "phone", "scope": "everywhere", "value": value, "reach": value,
        "contact": person.contact, "current": True, "reachable": True, "gone": None, **more,
    }  # fmt: skip
    await shop.db["identities"].insert_one(row)


async def test_the_phone_goes_along_with_the_id(shop, ana):
    await a_phone(shop, ana)
    await ana.gets("Hola")
    await shop.send()
    assert [address.kind for address in shop.channel.sent[0].to] == ["whatsapp", "phone"]


async def test_of_two_phones_none_goes_along_because_one_would_be_a_guess(shop, ana):
    await a_phone(shop, ana)
    await a_phone(shop, ana, "573004445566")
    await ana.gets("Hola")
    await shop.send()
    assert [address.kind for address in shop.channel.sent[0].to] == ["whatsapp"]


async def test_a_number_given_up_does_not_go_along(shop, ana):
    await a_phone(shop, ana, current=False)
    await ana.gets("Hola")
    await shop.send()
    assert [address.kind for address in shop.channel.sent[0].to] == ["whatsapp"]


async def test_a_window_opened_by_the_phone_counts_for_the_id(shop):
    luis = await shop.a_person("Luis", heard=None)
    await a_phone(shop, luis)
    with pytest.raises(Refused):
        await luis.gets("Hola")
    window = {"identity": "phone-573001112233", "heard_at": shop.clock.now()}
    await shop.db["windows"].insert_one({"_id": f"{shop.account}:phone-573001112233", **window})
    assert await luis.gets("Hola")


async def a_file(shop, **more) -> str:
    record = {
        "_id": "file-1", "state": "stored", "kind": "image", "mime": "image/jpeg", "size": 5000, "name": "a.jpg",
        "file": None, "message": None, **more,
    }  # fmt: skip
    await shop.db["media"].insert_one(record)
    return "file-1"


async def test_a_file_belongs_to_its_message_and_can_be_read_by_whoever_reads_that(shop, ana):
    message = await ana.gets(Media(kind="image", media=await a_file(shop), caption="Mire"))
    record = await shop.db["media"].find_one({"_id": "file-1"})
    assert (record["message"], record["conversation"]) == (message["_id"], ana.conversation)
    (entry,) = message["media"]
    assert (entry["id"], entry["type"], entry["mime"], entry["size"]) == ("file-1", "image", "image/jpeg", 5000)
    assert message["content"]["size"] == 5000


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ({"kind": "document", "mime": "application/x-msdownload"}, "file_type"),
        ({"mime": "image/heic"}, "file_type"),
        ({"kind": "document", "mime": "application/pdf", "size": 3_000_000}, "file_too_large"),
        ({"state": "failed"}, "file_missing"),
    ],
)
async def test_a_file_that_the_channel_does_not_take_is_refused(shop, ana, file, code):
    record = {"kind": "image", **file}
    with pytest.raises(Refused) as refusal:
        await ana.gets(Media(kind=record["kind"], media=await a_file(shop, **record)))
    assert refusal.value.code == code
    assert await nothing_stored(shop)


async def test_a_file_of_no_picture_type_goes_as_a_document(shop, ana):
    message = await ana.gets(Media(kind="video", media=await a_file(shop, kind="video", mime="text/csv")))
    assert message["content"]["kind"] == "document"


async def test_a_missing_file_is_refused(ana):
    with pytest.raises(Refused) as refusal:
        await ana.gets(Media(kind="image", media="nothing"))
    assert refusal.value.code == "file_missing"


async def test_text_longer_than_the_limit_is_left_to_the_channel_to_split(shop, ana):
    shop.channel.answers = [Receipt(("wamid.1", "wamid.2"))]
    message = await ana.gets(Text(text="x" * 150))
    await shop.send()
    assert (await shop.message(message["_id"]))["parts"] == ["wamid.2"]


async def test_ann_is_named_as_the_author(ana):
    assert (await ana.gets("Hola", author=ANN))["author"]["name"] == "Ann"
