import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from bot.channels.contract import (
    Edited,
    Ignored,
    MediaRef,
    PhoneShared,
    Reachable,
    Reacted,
    Said,
    Unrecognised,
)
from bot.channels.telegram.inbound import read
from bot.content import Cards, Choice, Form, Link, Location, Media, Text, Unsupported

PAYLOADS = Path(__file__).resolve().parents[3] / "payloads" / "telegram"
BOT, ANA, NOW = "7000000001", "5218896347", datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def facts(name):
    return read((PAYLOADS / f"{name}.json").read_bytes(), BOT, NOW)


def fact(name):
    [only] = facts(name)
    return only


def changed(name, **fields):
    """The payload with fields of its message replaced; None takes one away."""
    update = orjson.loads((PAYLOADS / f"{name}.json").read_bytes())
    update["message"].update(fields)
    update["message"] = {key: value for key, value in update["message"].items() if value is not None}
    return read(json.dumps(update).encode(), BOT, NOW)


def test_a_message_says_who_where_and_when():
    said = fact("text")
    [address] = said.sender.addresses
    assert (address.kind, address.scope, address.value, address.reach) == ("telegram", "everywhere", ANA, ANA)
    assert (said.sender.name, said.sender.username, said.sender.language) == ("Ana Gómez", "anagomez", "es")
    assert (said.account, said.chat, said.platform_id) == (BOT, ANA, f"{ANA}:411")
    assert said.sent_at == datetime(2026, 11, 20, 15, 10, 56, tzinfo=UTC)
    assert (said.direction, said.group, said.raw) == ("in", None, None)


def test_formatting_leaves_the_text_as_it_was_typed():
    assert fact("text_entities").content == Text(text="👋 Mi correo es ana@example.com y 🎉 gracias")


def test_a_start_link_gives_its_payload_as_the_referral():
    assert fact("start_payload").referral == {"start": "promo-noviembre_7"}
    assert fact("start").referral is None


def test_a_quoted_reply_names_the_message_of_the_same_chat():
    assert fact("reply").reply_to == f"{ANA}:402"


def test_the_largest_size_of_a_photo_is_taken():
    said = fact("photo")
    assert isinstance(said.content, Media)
    assert (said.content.kind, said.content.caption) == ("image", "Así llegó el paquete")
    assert said.media == (MediaRef(id="BQACAgEAAxkBAAIX1", mime="image/jpeg", size=98211),)


def test_an_album_is_told_by_its_common_id():
    first, second = fact("album_first"), fact("album_second")
    assert first.album == second.album == "13812345678901234"
    assert first.platform_id != second.platform_id


@pytest.mark.parametrize(
    ("name", "kind", "mime", "seconds"),
    [
        ("live_photo", "image", "image/jpeg", None),
        ("video", "video", "video/mp4", 12),
        ("video_note", "video", "video/mp4", 9),
        ("voice", "voice", "audio/ogg", 7),
        ("audio", "audio", "audio/mpeg", 187),
        ("document", "document", "application/pdf", None),
        ("animation", "animation", "video/mp4", 3),
        ("sticker", "sticker", "image/webp", None),
        ("sticker_animated", "sticker", "", None),
    ],
)
def test_each_kind_of_file_keeps_its_kind(name, kind, mime, seconds):
    said = fact(name)
    assert isinstance(said.content, Media)
    assert (said.content.kind, said.content.mime, said.content.seconds) == (kind, mime, seconds)
    assert [ref.mime for ref in said.media] == [mime]


def test_a_moving_sticker_is_fetched_as_its_still_picture():
    assert fact("sticker_animated").media[0].id == "BQACAgEAAxkBAAISAT"


def test_a_file_keeps_the_name_it_came_with():
    assert fact("document").content.name == "factura-0042.pdf"
    assert fact("audio").content.name == "Mercedes Sosa – Gracias a la vida"


def test_the_senders_own_card_also_shares_the_phone():
    said, shared = facts("contact_own")
    assert isinstance(said.content, Cards)
    assert said.content.own
    assert isinstance(shared, PhoneShared)
    assert (shared.phone.kind, shared.phone.value, shared.phone.reach) == ("phone", "541155556666", "5491155556666")
    assert shared.sender == said.sender


def test_somebody_elses_card_proves_nothing():
    said = fact("contact_other")
    assert not said.content.own
    assert said.content.cards[0].phones == ("+54 9 11 4444-3333",)


def test_a_card_in_a_group_shares_no_phone():
    group = {"id": -1001987654321, "type": "supergroup", "title": "Clientes"}
    [said] = changed("contact_own", chat=group)
    assert said.group == "-1001987654321"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("location", Location(latitude=-34.6037, longitude=-58.3816)),
        ("venue", Location(latitude=-34.6083, longitude=-58.3712, name="Café Tortoni", address="Av. de Mayo 825")),
        ("poll", Text(text="📊 ¿Qué día?\n• Lunes\n• Martes")),
        ("checklist", Text(text="Pedido\n☑ Harina\n☐ Azúcar")),
        ("dice", Text(text="🎲 5")),
        ("story", Link(url="https://t.me/tiendasol/s/12", title="@tiendasol")),
        ("game", Text(text="🎮 Serpiente")),
        ("web_app_data", Form(name="Elegir", answers={"talla": "M", "color": "rojo"})),
        (
            "rich_message",
            Text(text="Pedido 42\nEntregar hoy en casa\n1. Pan\n2. Leche\nTotal | 1.200\nGracias"),
        ),
    ],
)
def test_other_content_is_shown_as_what_it_says(name, content):
    assert fact(name).content == content


@pytest.mark.parametrize(("name", "kind"), [("paid_media", "paid_media"), ("new_content_kind", "hologram")])
def test_what_cannot_be_shown_keeps_the_raw_message(name, kind):
    said = fact(name)
    assert isinstance(said.content, Unsupported)
    assert said.content.kind == kind
    assert kind in said.raw


def test_a_forwarded_message_is_marked():
    assert fact("forwarded").forwarded
    assert not fact("text").forwarded


def test_an_ephemeral_message_has_an_id_of_its_own():
    assert fact("ephemeral").platform_id == f"{ANA}:e31"


@pytest.mark.parametrize("name", ["service_pinned", "service_write_access", "group_migrated", "group_joined"])
def test_what_telegram_itself_says_is_of_no_consequence(name):
    assert isinstance(fact(name), Ignored)


@pytest.mark.parametrize("name", ["business_message", "poll_answer", "callback_query_inline"])
def test_what_bandeja_does_not_use_is_counted_and_no_more(name):
    assert isinstance(fact(name), Ignored)


def test_the_bots_own_words_in_a_group_are_not_heard():
    bot = {"id": int(BOT), "is_bot": True, "first_name": "Sol"}
    [heard] = changed("group_text", **{"from": bot})
    assert heard == Ignored(BOT, "own message")


def test_an_edit_names_the_message_and_what_it_now_says():
    edited = fact("edited_text")
    assert isinstance(edited, Edited)
    assert edited.content == Text(text="Hola, ¿tienen turno para el jueves?")
    assert edited.target.startswith(f"{ANA}:")
    assert edited.at == datetime(2026, 11, 20, 15, 19, 5, tzinfo=UTC)


def test_an_edit_may_bring_another_file():
    assert fact("edited_photo").media == (MediaRef(id="BQACAgEAAxkBAAIX1", mime="image/jpeg", size=98211),)


def test_a_live_location_moves_as_an_edit_of_its_message():
    live, moved = fact("location_live"), fact("location_live_moved")
    assert isinstance(moved, Edited)
    assert moved.target == live.platform_id
    assert moved.content == Location(latitude=-34.6051, longitude=-58.3802)


def test_a_pressed_button_is_a_choice_to_be_acknowledged():
    said = fact("callback_query")
    assert said.content == Choice(id="confirm:42", title="Sí, confirmar", target=f"{ANA}:404")
    assert (said.platform_id, said.acknowledge) == (f"{ANA}:cb:22414830120451", "22414830120451")
    assert said.sent_at == NOW
    assert said.sender.addresses[0].value == ANA


def test_a_button_below_a_message_that_is_gone_still_counts():
    assert fact("callback_query_inaccessible").content == Choice(id="confirm:1", title="confirm:1", target=f"{ANA}:12")


def test_a_person_blocks_and_comes_back():
    blocked, back = fact("blocked"), fact("unblocked")
    assert isinstance(blocked, Reachable)
    assert (blocked.reachable, back.reachable) == (False, True)
    assert blocked.address.value == back.address.value == ANA


@pytest.mark.parametrize(("name", "emoji"), [("reaction", "❤"), ("reaction_removed", None), ("reaction_custom", "✨")])
def test_a_reaction_belongs_to_a_message(name, emoji):
    reacted = fact(name)
    assert isinstance(reacted, Reacted)
    assert (reacted.target, reacted.emoji) == (f"{ANA}:404", emoji)


def test_a_group_is_kept_apart():
    said = fact("group_text")
    assert (said.chat, said.group, said.group_title) == ("-1001987654321", "-1001987654321", "Clientes Sol")
    assert said.sender.addresses[0].value == ANA


def test_a_channels_post_comes_from_the_channel():
    said = fact("channel_post")
    assert said.group == said.sender.addresses[0].value == "-1001500000001"
    assert said.sender.name == "Sol"


@pytest.mark.parametrize("name", ["unknown_update_kind", "unknown_without_chat", "unknown_member_status"])
def test_what_is_not_understood_is_kept_whole(name):
    lost = fact(name)
    assert isinstance(lost, Unrecognised)
    assert lost.reason
    assert isinstance(lost.raw, dict)


@pytest.mark.parametrize("date", [None, 0, -5, 10**30, "yesterday", True, -62_135_596_801, 1e300])
def test_a_date_that_cannot_be_is_the_time_of_arrival(date):
    [said] = changed("text", date=date)
    assert said.sent_at == NOW


def test_a_date_in_milliseconds_is_recognised():
    [said] = changed("text", date=int((NOW - timedelta(hours=1)).timestamp() * 1000))
    assert said.sent_at == NOW - timedelta(hours=1)


def test_a_message_with_id_zero_and_no_other_is_set_aside():
    [lost] = changed("text", message_id=0)
    assert isinstance(lost, Unrecognised)


def test_half_a_surrogate_pair_loses_nothing_else():
    raw = b'{"update_id":1,"message":{"message_id":9,"date":1,"chat":{"id":5},"from":{"id":5},"text":"a\\ud83d"}}'
    [said] = read(raw, BOT, NOW)
    assert isinstance(said, Said)
    assert said.content == Text(text="a\ufffd")


def test_a_file_without_its_id_is_shown_as_unsupported():
    [said] = changed("voice", voice={"duration": 3})
    assert isinstance(said, Said)
    assert said.content == Unsupported(kind="voice", reason="malformed")
    assert said.raw is not None
