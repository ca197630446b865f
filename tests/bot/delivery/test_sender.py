"""The states of what is sent, one fact each, against a channel that does what it is told."""

import asyncio
from datetime import timedelta

import pytest

from bot.channels.contract import (
    AccountBroken,
    Address,
    PersonGone,
    Receipt,
    Rejected,
    TryLater,
    Uncertain,
)
from bot.content import Emoji
from bot.delivery import outcomes, sweep
from tests.bot.delivery.conftest import CONNECTION
from tests.waiting import wait_for

LATER = TryLater("131000", "Something went wrong at WhatsApp.", after=timedelta(seconds=1))
TOO_FAST = TryLater("130429", "Too fast.", after=timedelta(seconds=30), whole_account=True)
BROKEN = AccountBroken("190", "The access token does not work any more.")


async def test_what_was_put_is_sent_with_our_id(shop, ana):
    message = await ana.gets("Hola")
    await shop.send()
    (outbound,) = shop.channel.sent
    assert (outbound.callback, outbound.content.text, outbound.human) == (message["_id"], "Hola", True)
    assert outbound.to[0].value == f"CO.{ana.identity}"
    assert outbound.heard_at == shop.clock.now() - timedelta(minutes=1)


async def test_accepted_is_sent_and_nothing_is_left_to_do(shop, ana):
    shop.channel.answers = [Receipt(("wamid.1", "wamid.2"), chat="chat")]
    message = await ana.gets("Hola")
    await shop.send()
    sent = await shop.message(message["_id"])
    assert (sent["status"], sent["platform_id"], sent["parts"], sent["chat"]) == (
        "sent",
        "wamid.1",
        ["wamid.2"],
        "chat",
    )
    assert sent["times"]["sent"] == shop.clock.now()
    assert await shop.row(message["_id"]) is None


async def test_the_intent_is_stored_before_the_request_leaves(shop, ana):
    seen = []

    async def look(outbound):
        seen.append(await shop.row(outbound.callback))
        await wait_for(lambda: is_shown(outbound.callback))
        return Receipt(("wamid.1",))

    async def is_shown(message_id):
        return (await shop.message(message_id))["status"] == "sending"

    shop.channel.answers = [look]
    await ana.gets("Hola")
    await shop.send()
    (row,) = seen
    assert (row["state"], row["epoch"]) == ("sending", 1)


async def test_one_person_gets_everything_in_order_and_others_do_not_wait(shop, ana):
    luis = await shop.a_person("Luis")
    released = asyncio.Event()

    async def slowly(outbound):
        await released.wait()
        return Receipt((f"wamid.{outbound.callback}",))

    shop.channel.answers = [slowly]
    for text in ("uno", "dos", "tres"):
        await ana.gets(text)
        await shop.clock.pass_by(seconds=1)
    lane = shop.lane()
    await lane.turn(shop.hold)
    await wait_for(lambda: shop.channel.texts == ["uno"])
    await luis.gets("otra")
    await lane.turn(shop.hold)
    await wait_for(lambda: shop.channel.texts == ["uno", "otra"])
    released.set()
    await shop.send(lane)
    assert shop.channel.texts == ["uno", "otra", "dos", "tres"]


async def test_a_message_that_must_wait_holds_back_what_comes_after_it(shop, ana):
    shop.channel.answers = [LATER]
    first, second = await ana.gets("uno"), await ana.gets("dos")
    lane = shop.lane()
    await shop.send(lane)
    assert await shop.statuses(first, second) == ["queued", "queued"]
    await shop.clock.pass_by(seconds=5)
    await shop.send(lane)
    assert shop.channel.texts == ["uno", "uno", "dos"]
    assert await shop.statuses(first, second) == ["sent", "sent"]
    assert (await shop.message(first["_id"]))["error"] is None


async def test_trouble_that_does_not_end_is_given_up_in_words(shop, ana):
    shop.channel.answers = [LATER] * 20
    message = await ana.gets("Hola")
    lane = shop.lane()
    for _ in range(10):
        await shop.send(lane)
        await shop.clock.pass_by(minutes=20)
    assert len(shop.channel.sent) == len(outcomes.PAUSES) + 1
    error = (await shop.message(message["_id"]))["error"]
    assert "was not sent" in error["message"]
    assert (error["code"], error["detail"]) == ("131000", LATER.message)
    assert await shop.row(message["_id"]) is None


async def test_too_fast_slows_the_whole_account_and_costs_no_try(shop, ana):
    luis = await shop.a_person("Luis")
    shop.channel.answers = [TOO_FAST]
    message = await ana.gets("Hola")
    lane = shop.lane()
    await shop.send(lane)
    await luis.gets("Hola")
    await shop.send(lane)
    assert len(shop.channel.sent) == 1
    assert (await shop.row(message["_id"]))["attempts"] == 0
    assert (await shop.db["pace"].find_one({"_id": f"account:{shop.account}"}))["blocked_until"]


async def test_a_refusal_fails_in_words_with_its_remedy(shop, ana):
    shop.channel.answers = [Rejected("131047", "The 24-hour window is closed.", detail="(#131047)", window=True)]
    message = await ana.gets("Hola")
    await shop.send()
    failed = await shop.message(message["_id"])
    assert failed["status"] == "failed"
    assert failed["error"] == {
        "code": "131047", "message": "The 24-hour window is closed.", "detail": "(#131047)", "remedy": "window",
    }  # fmt: skip
    assert await shop.row(message["_id"]) is None


async def test_a_person_who_is_gone_is_remembered(shop, ana):
    shop.channel.answers = [PersonGone("131026", "This person cannot be reached.")]
    first, second = await ana.gets("uno"), await ana.gets("dos")
    await shop.send()
    identity = await shop.db["identities"].find_one({"_id": ana.identity})
    assert identity["gone"]["code"] == "131026"
    assert await shop.statuses(first, second) == ["failed", "failed"]
    assert len(shop.channel.sent) == 1


async def test_a_broken_account_keeps_what_it_has_until_it_is_mended(shop, ana):
    luis = await shop.a_person("Luis")
    shop.channel.answers = [BROKEN]
    first = await ana.gets("uno")
    lane = shop.lane()
    await shop.send(lane)
    second = await luis.gets("dos")
    await shop.send(lane)
    assert await shop.statuses(first, second) == ["queued", "queued"]
    assert len(shop.channel.sent) == 1
    account = shop.accounts.get(shop.account)
    assert (account.state, account.problem["code"]) == ("broken", "190")
    await shop.accounts.mend(shop.account)
    await shop.outbox.release(shop.account)
    await shop.send(lane)
    assert await shop.statuses(first, second) == ["sent", "sent"]


async def test_a_mended_account_is_noticed_even_when_nobody_says_so(shop, ana):
    shop.channel.answers = [BROKEN]
    message = await ana.gets("uno")
    lane = shop.lane()
    await shop.send(lane)
    await shop.accounts.mend(shop.account)
    await sweep.sweep(shop.db, shop.accounts, epoch=1, in_flight=(), now=shop.clock.now())
    await shop.send(lane)
    assert await shop.statuses(message) == ["sent"]


async def test_an_account_given_a_new_token_meanwhile_is_not_broken_by_the_old_one(shop, ana):
    async def renewed(outbound):
        await shop.accounts.connect(
            type(CONNECTION)("whatsapp", "1001", "portfolio", "Sales", "team", {"access_token": "a new token"}),
            now=shop.clock.now(),
        )
        raise BROKEN

    shop.channel.answers = [renewed]
    message = await ana.gets("Hola")
    await shop.send()
    assert await shop.statuses(message) == ["sent"]
    assert shop.accounts.get(shop.account).state == "active"


async def test_an_unknown_end_stays_unknown_and_is_not_sent_again(shop, ana):
    shop.channel.answers = [Uncertain("timeout", "No answer.", settled_parts=("wamid.1",))]
    first, second = await ana.gets("uno"), await ana.gets("dos")
    lane = shop.lane()
    await shop.send(lane)
    await shop.clock.pass_by(days=3)
    await shop.db["windows"].update_many({}, {"$set": {"heard_at": shop.clock.now()}})
    await sweep.sweep(shop.db, shop.accounts, epoch=1, in_flight=(), now=shop.clock.now())
    await shop.send(lane)
    assert shop.channel.texts == ["uno", "dos"]
    assert await shop.statuses(first, second) == ["uncertain", "sent"]
    assert (await shop.message(first["_id"]))["platform_id"] == "wamid.1"
    assert (await shop.row(first["_id"]))["state"] == "settling"


async def test_a_failure_of_ours_after_the_intent_is_uncertain_too(shop, ana):
    shop.channel.answers = [lambda outbound: 1 / 0]
    message = await ana.gets("Hola")
    await shop.send()
    assert await shop.statuses(message) == ["uncertain"]


async def test_what_a_dead_sender_left_in_flight_is_uncertain(shop, ana):
    luis = await shop.a_person("Luis")
    message, waiting = await ana.gets("uno"), await luis.gets("dos")
    await shop.db["outbox"].update_one({"_id": message["_id"]}, {"$set": {"state": "sending", "epoch": 1}})
    await shop.db["messages"].update_one({"_id": message["_id"]}, {"$set": {"status": "sending", "rank": 2}})
    await sweep.sweep(shop.db, shop.accounts, epoch=2, in_flight=(), now=shop.clock.now())
    assert await shop.statuses(message, waiting) == ["uncertain", "queued"]
    shop.hold.epoch = 2
    await shop.send()
    assert shop.channel.texts == ["dos"]


async def test_what_a_dead_sender_left_and_a_status_settled_is_done(shop, ana):
    message = await ana.gets("uno")
    await shop.db["outbox"].update_one({"_id": message["_id"]}, {"$set": {"state": "sending", "epoch": 1}})
    await shop.db["messages"].update_one({"_id": message["_id"]}, {"$set": {"status": "delivered", "rank": 4}})
    await sweep.sweep(shop.db, shop.accounts, epoch=2, in_flight=(), now=shop.clock.now())
    assert await shop.statuses(message) == ["delivered"]
    assert await shop.row(message["_id"]) is None


async def test_a_sender_that_lost_its_lease_sends_nothing_and_gives_back(shop, ana):
    message = await ana.gets("Hola")
    shop.hold.valid = False
    lane = shop.lane()
    await lane.turn(shop.hold)
    await wait_for(lambda: not lane.in_flight())
    assert not shop.channel.sent
    assert (await shop.row(message["_id"]))["state"] == "queued"
    assert await shop.statuses(message) == ["queued"]


async def test_a_sender_that_wakes_too_late_still_tells_what_it_knows(shop, ana):
    """It was frozen while it waited for the answer; the next one had called it uncertain."""

    async def freeze(outbound):
        await sweep.sweep(shop.db, shop.accounts, epoch=2, in_flight=(), now=shop.clock.now())
        return Receipt(("wamid.1",))

    shop.channel.answers = [freeze]
    message = await ana.gets("Hola")
    await shop.send()
    assert await shop.statuses(message) == ["sent"]
    assert await shop.row(message["_id"]) is None


async def test_a_sender_that_wakes_too_late_puts_nothing_back(shop, ana):
    async def freeze(outbound):
        await sweep.sweep(shop.db, shop.accounts, epoch=2, in_flight=(), now=shop.clock.now())
        raise LATER

    shop.channel.answers = [freeze]
    message = await ana.gets("Hola")
    await shop.send()
    await shop.clock.pass_by(minutes=1)
    await shop.send()
    assert len(shop.channel.sent) == 1
    assert await shop.statuses(message) == ["uncertain"]


async def test_a_status_that_overtook_the_answer_is_not_undone(shop, ana):
    async def delivered_first(outbound):
        known = {"status": "delivered", "rank": 4, "platform_id": "wamid.9"}
        await shop.db["messages"].update_one({"_id": outbound.callback}, {"$set": known})
        return Receipt(("wamid.1", "wamid.9"))

    shop.channel.answers = [delivered_first]
    message = await ana.gets("Hola")
    await shop.send()
    sent = await shop.message(message["_id"])
    assert (sent["status"], sent["platform_id"], sent["parts"]) == ("delivered", "wamid.9", ["wamid.1"])


async def test_an_echo_that_overtook_the_answer_does_not_stand_beside_it(shop, ana):
    async def echoed(outbound):
        echo = {
            "account": shop.account,
            "chat": "",
            "platform_id": "wamid.1",
            "direction": "out",
            "contact": ana.contact,
        }
        await shop.db["messages"].insert_one({"_id": "echo", **echo})
        return Receipt(("wamid.1",))

    shop.channel.answers = [echoed]
    message = await ana.gets("Hola")
    await shop.send()
    assert [one["_id"] async for one in shop.db["messages"].find({"platform_id": "wamid.1"})] == [message["_id"]]
    assert await shop.statuses(message) == ["sent"]


async def test_the_number_that_the_platform_tells_is_kept_with_the_person(shop, ana):
    shop.channel.answers = [Receipt(("wamid.1",), aliases=(Address("phone", "everywhere", "573001112233"),))]
    await ana.gets("Hola")
    await shop.send()
    phone = await shop.db["identities"].find_one({"kind": "phone"})
    assert (phone["contact"], phone["value"]) == (ana.contact, "573001112233")


async def test_the_window_is_looked_at_again_when_it_is_time_to_send(shop, ana):
    message = await ana.gets("Hola")
    await shop.clock.pass_by(hours=25)
    await shop.send()
    failed = await shop.message(message["_id"])
    assert (failed["status"], failed["error"]["code"], failed["error"]["remedy"]) == (
        "failed",
        "window_closed",
        "window",
    )
    assert not shop.channel.sent


async def test_a_row_whose_message_was_never_written_is_passed_over_and_later_forgotten(shop, ana):
    message = await ana.gets("Hola")
    await shop.clock.pass_by(seconds=2)
    await shop.db["messages"].delete_one({"_id": message["_id"]})
    await shop.send()
    assert await shop.row(message["_id"])
    await shop.clock.pass_by(minutes=11)
    await shop.send()
    assert await shop.row(message["_id"]) is None


async def test_a_reaction_that_fails_is_taken_back_and_says_why(shop, ana):
    target = await ana.gets("Hola")
    await shop.send()
    await ana.gets(Emoji(target="", emoji="👍"), reply_to=target["_id"])
    await shop.send()
    shop.channel.answers = [Rejected("131009", "The message is too old for a reaction.")]
    await shop.clock.pass_by(seconds=1)
    reaction = await ana.gets(Emoji(target="", emoji="❤"), reply_to=target["_id"])
    assert [one["emoji"] for one in (await shop.message(target["_id"]))["reactions"]] == ["❤"]
    await shop.send()
    assert [one["emoji"] for one in (await shop.message(target["_id"]))["reactions"]] == ["👍"]
    failed = await shop.message(reaction["_id"])
    assert (failed["hidden"], failed["status"]) == (False, "failed")


@pytest.mark.parametrize("answer", [Receipt(("wamid.1",)), LATER, Uncertain("timeout", "No answer.")])
async def test_pages_hear_of_every_outcome(shop, ana, answer):
    shop.channel.answers = [answer]
    message = await ana.gets("Hola")
    await shop.send()
    told = [item async for nudge in shop.db["nudges"].find() for item in nudge["items"]]
    assert {"what": "message", "conversation": ana.conversation, "message": message["_id"]}.items() <= told[-1].items()


async def test_the_list_shows_how_far_the_last_message_got(shop, ana):
    message = await ana.gets("Hola")
    last = {"id": message["_id"], "status": "queued"}
    await shop.db["conversations"].update_one({"_id": ana.conversation}, {"$set": {"last": last}})
    await shop.send()
    conversation = await shop.db["conversations"].find_one({"_id": ana.conversation})
    assert conversation["last"]["status"] == "sent"


async def test_one_message_that_cannot_be_handled_holds_up_no_other(shop, ana):
    luis = await shop.a_person("Luis")
    broken, whole = await ana.gets("uno"), await luis.gets("dos")
    await shop.clock.pass_by(seconds=2)
    odd = {"content": {"type": "of another program"}}
    await shop.db["messages"].update_one({"_id": broken["_id"]}, {"$set": odd})
    await shop.send()
    assert await shop.statuses(broken, whole) == ["queued", "sent"]
    await shop.db["messages"].update_one({"_id": broken["_id"]}, {"$set": {"content": broken["content"]}})
    await shop.clock.pass_by(minutes=1)
    await shop.send()
    assert await shop.statuses(broken) == ["sent"]


async def test_a_clock_that_is_ahead_elsewhere_delays_nothing(shop, ana):
    await shop.clock.pass_by(minutes=5)
    message = await ana.gets("Hola")
    shop.clock.set(shop.clock.now() - timedelta(minutes=5))
    await shop.send()
    assert await shop.statuses(message) == ["sent"]
