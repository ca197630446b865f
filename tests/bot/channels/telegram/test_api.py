import asyncio
import subprocess
import sys
from datetime import timedelta

import orjson
import pytest

from bot.channels.contract import AccountBroken, PersonGone, PollLost, Rejected, Signal, TryLater, Uncertain
from bot.content import Button, Buttons, Card, Cards, Emoji, Link, Location, Media, Text
from tests.bot.channels.telegram.conftest import ANA, TOKEN, an_account, an_outbound, form
from tests.contracts.cases.telegram import ME, WEBHOOK, message, refusal, result
from tests.contracts.platform import DROP, HANG, Answer
from tests.waiting import wait_for

NARROW = refusal(429, "Too Many Requests: retry after 1", retry_after=1)


class Attachment:
    def __init__(self, content=b"bytes of a file", name="foto.jpg", mime="image/jpeg", breaks=False):
        self.content, self.name, self.mime, self.breaks = content, name, mime, breaks
        self.size = len(content)

    async def chunks(self):
        yield self.content[: self.size // 2]
        if self.breaks:
            raise OSError("the disk is gone")
        yield self.content[self.size // 2 :]


def a_media(kind, caption="", **attachment):
    return an_outbound(Media(kind=kind, caption=caption), attachment=Attachment(**attachment))


def methods(platform):
    return [asked.path.rpartition("/")[2] for asked in platform.asked]


# --- what is asked ----------------------------------------------------------------------------------------------------


def test_importing_the_channel_does_not_import_aiogram():
    code = "import sys, bot.channels.telegram; sys.exit('aiogram' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_text_is_sent_as_it_was_typed(channel, account, platform):
    platform.answer("/sendMessage", result(message(77, text="x")))
    receipt = await channel.send(account, an_outbound(Text(text="1 < 2 & *_[x](y)")))
    [asked] = platform.asked
    assert form(asked) == {"chat_id": ANA, "text": "1 < 2 & *_[x](y)"}
    assert (receipt.platform_ids, receipt.chat) == ((f"{ANA}:77",), ANA)


async def test_a_long_text_goes_in_parts_and_only_the_first_quotes(channel, account, platform):
    platform.answer("/sendMessage", result(message(77)), result(message(78)))
    receipt = await channel.send(account, an_outbound(Text(text="palabra " * 600), reply_to=f"{ANA}:12"))
    first, second = map(form, platform.asked)
    assert receipt.platform_ids == (f"{ANA}:77", f"{ANA}:78")
    assert orjson.loads(first["reply_parameters"]) == {"message_id": 12, "allow_sending_without_reply": True}
    assert "reply_parameters" not in second
    assert len(first["text"]) <= 4096
    assert f"{first['text']} {second['text']}" == ("palabra " * 600).strip()


async def test_a_button_press_cannot_be_quoted(channel, account, platform):
    platform.answer("/sendMessage", result(message(77)))
    await channel.send(account, an_outbound(reply_to=f"{ANA}:cb:22414830120451"))
    assert "reply_parameters" not in form(platform.asked[0])


@pytest.mark.parametrize(
    ("kind", "mime", "method"),
    [
        ("image", "image/jpeg", "sendPhoto"),
        ("image", "image/gif", "sendAnimation"),
        ("image", "image/heic", "sendDocument"),
        ("video", "video/mp4", "sendVideo"),
        ("video", "video/x-matroska", "sendDocument"),
        ("voice", "audio/ogg; codecs=opus", "sendVoice"),
        ("voice", "audio/wav", "sendDocument"),
        ("audio", "audio/mpeg", "sendAudio"),
        ("audio", "audio/flac", "sendDocument"),
        ("document", "application/pdf", "sendDocument"),
        ("sticker", "image/webp", "sendSticker"),
    ],
)
async def test_each_file_goes_by_the_method_that_takes_it(channel, account, platform, kind, mime, method):
    platform.answer("", result(message(77)))
    await channel.send(account, a_media(kind, mime=mime))
    assert methods(platform) == [method]


async def test_a_file_arrives_whole_with_a_harmless_name(channel, account, platform):
    platform.answer("/sendDocument", result(message(77)))
    content = bytes(range(256)) * 2000
    sent = a_media("document", "El plano", content=content, name="../../etc/pass\u202ewd\n.pdf", mime="application/pdf")
    await channel.send(account, sent)
    [asked] = platform.asked
    assert content in asked.body
    assert b'filename="passwd.pdf"' in asked.body
    assert b"El plano" in asked.body


async def test_a_picture_too_large_for_a_photo_goes_as_a_document(channel, account, platform):
    platform.answer("/sendDocument", result(message(77)))
    await channel.send(account, a_media("image", content=bytes(10 * 2**20 + 1)))
    assert methods(platform) == ["sendDocument"]


async def test_a_caption_that_is_too_long_follows_as_text(channel, account, platform):
    platform.answer("/sendPhoto", result(message(77)))
    platform.answer("/sendMessage", result(message(78)))
    receipt = await channel.send(account, a_media("image", "largo " * 300))
    assert methods(platform) == ["sendPhoto", "sendMessage"]
    assert receipt.platform_ids == (f"{ANA}:77", f"{ANA}:78")


async def test_a_place_with_a_name_is_a_venue(channel, account, platform):
    platform.answer("", result(message(77)))
    await channel.send(account, an_outbound(Location(latitude=0.0, longitude=-58.5)))
    await channel.send(account, an_outbound(Location(latitude=-34.6, longitude=-58.4, name="Tortoni")))
    place, venue = map(form, platform.asked)
    assert methods(platform) == ["sendLocation", "sendVenue"]
    assert (place["latitude"], place["longitude"]) == ("0.0", "-58.5")
    assert venue["title"] == venue["address"] == "Tortoni"


async def test_a_card_with_a_phone_is_a_contact(channel, account, platform):
    platform.answer("", result(message(77)))
    card = Card(name="Taller Pepe", phones=("+541144443333", "+541144443334"))
    await channel.send(account, an_outbound(Cards(cards=(card,))))
    assert methods(platform) == ["sendContact"]
    assert form(platform.asked[0])["phone_number"] == "+541144443333"


async def test_buttons_stand_below_the_text(channel, account, platform):
    platform.answer("/sendMessage", result(message(77)))
    buttons = (Button(id="confirm:42", title="Sí"), Button(id="", title="Mapa", url="https://example.com/"))
    await channel.send(account, an_outbound(Buttons(text="¿Confirma?", buttons=buttons, footer="Sol")))
    asked = form(platform.asked[0])
    keyboard = orjson.loads(asked["reply_markup"])["inline_keyboard"]
    assert keyboard == [
        [{"text": "Sí", "callback_data": "confirm:42"}],
        [{"text": "Mapa", "url": "https://example.com/"}],
    ]
    assert asked["text"] == "¿Confirma?\n\nSol"


async def test_a_buttons_id_over_64_bytes_is_refused_before_it_is_asked(channel, account, platform):
    with pytest.raises(Rejected):
        await channel.send(account, an_outbound(Buttons(text="¿?", buttons=(Button(id="x" * 65, title="Sí"),))))
    assert platform.asked == []


async def test_a_reaction_is_set_and_taken_back(channel, account, platform):
    platform.answer("/setMessageReaction", result(True))
    receipt = await channel.send(account, an_outbound(Emoji(target=f"{ANA}:12", emoji="❤\ufe0f")))
    await channel.send(account, an_outbound(Emoji(target=f"{ANA}:12", emoji="")))
    on, off = map(form, platform.asked)
    assert receipt.platform_ids == ()
    assert on["message_id"] == "12"
    assert orjson.loads(on["reaction"]) == [{"type": "emoji", "emoji": "❤"}]
    assert orjson.loads(off["reaction"]) == []


async def test_a_link_is_its_title_and_address(channel, account, platform):
    platform.answer("/sendMessage", result(message(77)))
    await channel.send(account, an_outbound(Link(url="https://example.com", title="Catálogo")))
    assert form(platform.asked[0])["text"] == "Catálogo\nhttps://example.com"


@pytest.mark.parametrize(
    "sent",
    [
        an_outbound(Text(text=" \n ")),
        an_outbound(Media(kind="image")),
        an_outbound(Emoji(target=f"{ANA}:cb:1", emoji="👍")),
        an_outbound(to="nobody"),
    ],
    ids=["empty", "no file", "reaction to a press", "no address"],
)
async def test_what_cannot_be_sent_is_not_tried(channel, account, platform, sent):
    with pytest.raises(Rejected):
        await channel.send(account, sent)
    assert platform.asked == []


# --- what goes wrong --------------------------------------------------------------------------------------------------


async def test_when_the_quoted_message_is_gone_the_answer_goes_without(channel, account, platform):
    gone = refusal(400, "Bad Request: message to be replied not found")
    platform.answer("/sendMessage", gone, result(message(77)))
    receipt = await channel.send(account, an_outbound(reply_to=f"{ANA}:12"))
    assert receipt.platform_ids == (f"{ANA}:77",)
    assert ["reply_parameters" in form(asked) for asked in platform.asked] == [True, False]


async def test_a_group_that_moved_is_written_to_where_it_is_now(channel, account, platform):
    moved = refusal(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-1009)
    platform.answer("/sendMessage", moved, result(message(77)))
    receipt = await channel.send(account, an_outbound(to="-4012"))
    assert [form(asked)["chat_id"] for asked in platform.asked] == ["-4012", "-1009"]
    assert (receipt.platform_ids, receipt.chat) == (("-1009:77",), "-1009")


async def test_a_picture_telegram_cannot_process_goes_as_a_file(channel, account, platform):
    platform.answer("/sendPhoto", refusal(400, "Bad Request: PHOTO_INVALID_DIMENSIONS"))
    platform.answer("/sendDocument", result(message(77)))
    receipt = await channel.send(account, a_media("image", "Mapa"))
    assert methods(platform) == ["sendPhoto", "sendDocument"]
    assert b"bytes of a file" in platform.asked[1].body
    assert receipt.platform_ids == (f"{ANA}:77",)


async def test_the_second_way_is_tried_once_only(channel, account, platform):
    platform.answer("/sendMessage", refusal(400, "Bad Request: message to be replied not found"))
    with pytest.raises(Rejected):
        await channel.send(account, an_outbound(reply_to=f"{ANA}:12"))
    assert len(platform.asked) == 2


async def test_an_accepted_message_keeps_its_id_though_the_rest_cannot_be_read(channel, account, platform):
    strange = result({"message_id": 77, "chat": {"id": int(ANA), "type": "hologram"}})
    platform.answer("/sendMessage", strange)
    assert (await channel.send(account, an_outbound())).platform_ids == (f"{ANA}:77",)
    assert len(platform.asked) == 1


async def test_a_later_part_waits_for_its_turn(channel, account, platform):
    platform.answer("/sendMessage", result(message(77)), NARROW, result(message(78)))
    receipt = await channel.send(account, an_outbound(Text(text="palabra " * 600)))
    assert receipt.platform_ids == (f"{ANA}:77", f"{ANA}:78")


@pytest.mark.parametrize(
    "trouble",
    [
        refusal(403, "Forbidden: bot was blocked by the user"),
        refusal(429, "Too Many Requests", retry_after=600),
        DROP,
    ],
    ids=["blocked", "slowed for long", "no answer"],
)
async def test_half_a_message_is_uncertain_and_names_the_part_that_went(channel, account, platform, trouble):
    platform.answer("/sendMessage", result(message(77)), trouble)
    with pytest.raises(Uncertain) as caught:
        await channel.send(account, an_outbound(Text(text="palabra " * 600)))
    assert caught.value.settled_parts == (f"{ANA}:77",)


async def test_a_source_that_breaks_has_sent_nothing(channel, account, platform):
    platform.answer("/sendPhoto", result(message(77)))
    with pytest.raises(TryLater) as caught:
        await channel.send(account, a_media("image", content=bytes(300_000), breaks=True))
    assert caught.value.code == "file"


async def test_a_slow_down_concerns_the_bot_when_two_people_are_hit(channel, account, platform):
    platform.answer("/sendMessage", NARROW)
    hit = []
    for person in (ANA, ANA, "6000000002"):
        with pytest.raises(TryLater) as caught:
            await channel.send(account, an_outbound(to=person))
        hit.append((caught.value.whole_account, caught.value.after))
    second = timedelta(seconds=1)
    assert hit == [(False, second), (False, second), (True, second)]


async def test_a_malformed_token_breaks_the_account(channel, platform):
    account = an_account(platform.url)
    account.secrets["bot_token"] = "not a token"
    with pytest.raises(AccountBroken):
        await channel.send(account, an_outbound())


async def test_a_sentence_says_why_a_person_cannot_be_reached(channel, account, platform):
    platform.answer("/sendMessage", refusal(403, "Forbidden: bot was blocked by the user"))
    with pytest.raises(PersonGone) as caught:
        await channel.send(account, an_outbound())
    assert (caught.value.code, caught.value.message) == ("403", "This person has blocked the bot.")


# --- signals and the account ------------------------------------------------------------------------------------------


async def test_a_press_is_acknowledged_and_typing_is_shown(channel, account, platform):
    platform.answer("", result(True))
    to = an_outbound().to
    await channel.signal(account, Signal("acknowledge", to, "22414830120451"))
    await channel.signal(account, Signal("typing", to))
    await channel.signal(account, Signal("read", to, f"{ANA}:12"))
    assert methods(platform) == ["answerCallbackQuery", "sendChatAction"]
    assert form(platform.asked[0]) == {"callback_query_id": "22414830120451"}
    assert form(platform.asked[1]) == {"chat_id": ANA, "action": "typing"}


async def test_a_check_tells_the_bots_name_and_link(channel, account, platform):
    platform.answer("/getMe", result(ME))
    platform.answer("/getWebhookInfo", result(WEBHOOK))
    health = await channel.check(account)
    assert (health.name, health.subscribed, health.missing) == ("Tienda Sol", True, ())
    assert health.details["id"] == "7000000001"
    assert health.details["link"] == "https://t.me/tiendasol_bot"


async def test_a_webhook_of_another_program_is_shown(channel, account, platform):
    platform.answer("/getMe", result(ME))
    platform.answer("/getWebhookInfo", result({**WEBHOOK, "url": "https://old.example/hook"}))
    health = await channel.check(account)
    assert health.details["webhook"] == "https://old.example/hook"
    assert not health.subscribed
    assert len(health.missing) == 1


@pytest.mark.parametrize("webhook", [{}, {"url": "https://our.example/hook", "allowed_updates": ["message"]}])
async def test_a_webhook_that_is_missing_or_narrow_is_said(channel, platform, webhook):
    platform.answer("/getMe", result(ME))
    platform.answer("/getWebhookInfo", result({**WEBHOOK, **webhook}))
    health = await channel.check(an_account(platform.url, mode="webhook"))
    assert (health.subscribed, len(health.missing)) == (False, 1)


async def test_a_token_of_another_bot_is_refused(channel, account, platform):
    platform.answer("/getMe", result({**ME, "id": 7000000002}))
    with pytest.raises(AccountBroken):
        await channel.check(account)


async def test_subscribing_names_every_update_and_keeps_what_waits(channel, account, platform):
    platform.answer("", result(True))
    await channel.subscribe(account, "https://our.example/hooks/telegram/k")
    asked = form(platform.asked[0])
    assert methods(platform) == ["setWebhook"]
    assert asked["secret_token"] == "s3cret-s3cret"
    assert "message_reaction" in orjson.loads(asked["allowed_updates"])
    assert asked["drop_pending_updates"] == "false"


async def test_an_empty_address_takes_the_webhook_away(channel, account, platform):
    platform.answer("", result(True))
    await channel.subscribe(account, "")
    assert methods(platform) == ["deleteWebhook"]
    assert form(platform.asked[0]) == {"drop_pending_updates": "false"}


async def test_an_address_telegram_refuses_is_rejected_with_its_reason(channel, account, platform):
    platform.answer("", refusal(400, "Bad Request: bad webhook: HTTPS url must be provided for webhook"))
    with pytest.raises(Rejected) as caught:
        await channel.subscribe(account, "http://our.example")
    assert "HTTPS" in caught.value.detail


# --- polling ----------------------------------------------------------------------------------------------------------


async def test_a_poll_hands_over_raw_updates_and_the_next_cursor(channel, account, platform):
    updates = [{"update_id": 41, "message": {"anything": "at all"}}, {"update_id": 42, "hologram": {}}, "not even"]
    platform.answer("/getUpdates", result(updates))
    poll = await channel.poll(account, 40)
    assert [orjson.loads(raw) for raw in poll.updates] == updates
    assert poll.cursor == 43
    asked = form(platform.asked[0])
    assert (asked["offset"], asked["timeout"]) == ("40", "50")
    assert "callback_query" in orjson.loads(asked["allowed_updates"])


async def test_an_empty_poll_keeps_the_cursor(channel, account, platform):
    platform.answer("/getUpdates", result([]))
    assert (await channel.poll(account, 40)).cursor == 40


async def test_a_bot_with_a_webhook_is_not_polled(channel, platform):
    assert await channel.poll(an_account(platform.url, mode="webhook"), 0) is None
    assert platform.asked == []


@pytest.mark.parametrize(
    ("words", "webhook"),
    [
        ("Conflict: terminated by other getUpdates request; make sure that only one bot instance is running", False),
        ("Conflict: can't use getUpdates method while webhook is active; use deleteWebhook first", True),
        ("Conflict: terminated by setWebhook request", True),
    ],
)
async def test_a_conflict_says_who_else_gets_the_updates(channel, account, platform, words, webhook):
    platform.answer("/getUpdates", refusal(409, words))
    with pytest.raises(PollLost) as caught:
        await channel.poll(account, 0)
    assert caught.value.webhook is webhook


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (refusal(401, "Unauthorized"), AccountBroken),
        (refusal(500, "Internal Server Error"), TryLater),
        (NARROW, TryLater),
        (Answer(b"<html>", 502), TryLater),
        (Answer(b"not json"), TryLater),
        (DROP, TryLater),
    ],
    ids=["revoked", "500", "429", "502", "garbage", "dropped"],
)
async def test_a_failed_poll_says_what_to_do(channel, account, platform, answer, problem):
    platform.answer("/getUpdates", answer)
    with pytest.raises(problem) as caught:
        await channel.poll(account, 0)
    assert TOKEN not in repr(caught.value) + caught.value.detail


async def test_after_a_cancelled_poll_the_next_one_has_new_connections(channel, account, platform):
    platform.answer("/getUpdates", HANG, result([]))
    poll = asyncio.get_running_loop().create_task(channel.poll(account, 0))
    await wait_for(lambda: platform.asked)
    poll.cancel()
    with pytest.raises(asyncio.CancelledError):
        await poll
    assert (await channel.poll(account, 0)).updates == ()
