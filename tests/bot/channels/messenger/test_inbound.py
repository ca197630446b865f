"""Each captured webhook says one fact."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.channels.contract import (
    AccountNotice,
    Address,
    Climbed,
    ClimbedUpTo,
    Deleted,
    Edited,
    Ignored,
    MediaRef,
    Preference,
    Reacted,
    Said,
    TemplateChanged,
    Unrecognised,
)
from bot.channels.messenger import inbound
from bot.content import Button, Buttons, Choice, Form, Link, Location, Media, System, Text, Unsupported

PAYLOADS = Path(__file__).resolve().parents[3] / "payloads/messenger"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SENT_AT = datetime.fromtimestamp(1795000000.1, UTC)
WATERMARK = datetime.fromtimestamp(1795000000.05, UTC)
PAGE = "111000111"
ANA = Address("messenger", PAGE, "9001", "9001")
CDN = "https://scontent.xx.fbcdn.net/v/"


def read(name):
    return inbound.read((PAYLOADS / f"{name}.json").read_bytes(), NOW)


def said(name):
    [fact] = read(name)
    assert isinstance(fact, Said), fact
    return fact


def test_a_text_names_page_person_and_time():
    fact = said("text")
    assert (fact.account, fact.platform_id, fact.sender.addresses) == (PAGE, "m_A1", (ANA,))
    assert fact.content == Text(text="Hola, ¿tienen envío? 🚚")
    assert abs(fact.sent_at - SENT_AT) < timedelta(milliseconds=1)
    assert (fact.direction, fact.opens_window, fact.standby) == ("in", True, False)


@pytest.mark.parametrize(
    ("name", "sent_at"),
    [
        ("text_timestamp_in_seconds", datetime.fromtimestamp(1795000000, UTC)),
        ("text_timestamp_missing", datetime.fromtimestamp(1795000000.123, UTC)),
        ("text_timestamp_past_century", datetime.fromtimestamp(1795000000.123, UTC)),
    ],
)
def test_a_missing_or_absurd_time_is_the_entrys(name, sent_at):
    assert abs(said(name).sent_at - sent_at) < timedelta(milliseconds=1)


def test_a_quote_and_what_led_here_are_kept():
    assert said("text_quoting").reply_to == "m_Q"
    assert said("text_from_advertisement").referral["ad_id"] == "77"


def test_the_preview_of_a_link_in_the_text_is_not_a_message():
    assert said("text_with_link_preview").content == Text(text="miren https://example.org/x")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("image", Media(kind="image")),
        ("image_with_text", Media(kind="image", caption="el recibo")),
        ("video", Media(kind="video")),
        ("audio", Media(kind="audio")),
        ("file", Media(kind="document", name="factura mayo.pdf")),
        ("sticker", Media(kind="sticker")),
        ("sticker_twice", Media(kind="sticker")),
        ("sticker_as_image", Media(kind="sticker")),
        ("thumbs_up", Text(text="👍")),
        ("shared_link", Link(url="https://example.org/x", title="X")),
        ("shared_post", Link(url="https://www.facebook.com/1/posts/2", title="Oferta")),
        ("shared_reel", Link(url="https://www.facebook.com/reel/3")),
        ("shared_product", Link(url=CDN + "p.jpg", title="Zapato\n$10")),
        ("location", Location(latitude=4.61, longitude=-74.08)),
        ("quick_reply", Choice(id="yes", title="Sí")),
        ("lead_flow_done", Text(text="listo")),
        ("changes_form", Text(text="hola")),
    ],
)
def test_each_kind_of_message_is_read(name, content):
    assert said(name).content == content


def test_a_file_says_where_it_is():
    assert said("image").media == (MediaRef(url=CDN + "a.jpg?oh=1"),)


def test_each_picture_of_an_album_is_a_message_and_they_belong_together():
    facts = read("album")
    assert [fact.platform_id for fact in facts] == ["m_A1", "m_A1#2", "m_A1#3"]
    assert {(fact.album, fact.reply_to) for fact in facts} == {("m_A1", "m_Q")}
    assert [fact.media[0].url for fact in facts] == [f"{CDN}{number}.jpg" for number in range(3)]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("attachment_of_a_new_type", "hologram"),
        ("image_without_url", "image"),
        ("coupon", "template"),
        ("empty", "empty"),
    ],
)
def test_what_cannot_be_shown_is_a_message_all_the_same(name, kind):
    fact = said(name)
    assert fact.content == Unsupported(kind=kind)
    assert fact.raw["mid"] == "m_A1"


def test_a_deleted_message_names_itself():
    assert read("deleted") == [Deleted(PAGE, "", "m_A1", said("text").sent_at)]


@pytest.mark.parametrize(
    ("name", "author", "callback"),
    [
        ("echo_of_ours", "bot", "66f0a1b2c3d4e5f6a7b8c9d0"),
        ("echo_of_page_inbox", "phone", None),
        ("echo_of_another_app", "bot", None),
        ("echo_without_app", "phone", None),
    ],
)
def test_an_echo_went_out_to_the_person(name, author, callback):
    fact = said(name)
    assert (fact.direction, fact.author, fact.callback) == ("out", author, callback)
    assert fact.sender.addresses == (ANA,)
    assert not fact.opens_window


def test_an_echoed_card_is_its_text_and_buttons():
    assert said("echo_of_buttons").content == Buttons(
        text="¿Sigue?",
        buttons=(Button(id="yes", title="Sí"), Button(id="Ver", title="Ver", url="https://example.org")),
    )


def test_edits_are_numbered():
    [fact] = read("edit")
    assert fact == Edited(PAGE, "", "m_A1", Text(text="corregido"), fact.at, 2)


@pytest.mark.parametrize(
    ("name", "target", "emoji", "direction"),
    [
        ("reaction", "m_B2", "❤️", "in"),
        ("reaction_by_name", "m_B2", "😮", "in"),
        ("reaction_removed", "m_B2", None, "in"),
        ("reaction_of_ours", "m_A1", "❤", "out"),
    ],
)
def test_reactions_come_and_go(name, target, emoji, direction):
    [fact] = read(name)
    assert isinstance(fact, Reacted)
    assert (fact.target, fact.emoji, fact.direction) == (target, emoji, direction)
    assert fact.sender.addresses == (ANA,)
    assert fact.opens_window == (direction == "in")


def test_a_press_is_a_choice():
    fact = said("postback")
    assert fact.platform_id == "m_P1"
    assert fact.content == Choice(id="GET_STARTED", title="Empezar")
    assert fact.referral["ref"] == "web"


def test_a_press_without_an_id_gets_one_that_stays():
    first, again = said("postback_without_mid"), said("postback_without_mid")
    assert first.platform_id == again.platform_id
    assert first.platform_id.startswith("postback:")


def test_what_another_app_holds_is_a_copy():
    assert said("standby_message").standby
    copy = said("standby_postback")
    assert (copy.standby, copy.content) == (True, Choice(id="Empezar", title="Empezar"))


def test_who_comes_back_by_a_link_opens_the_window():
    fact = said("referral")
    assert (fact.content, fact.opens_window) == (System(kind="referral"), True)
    assert fact.referral["ref"] == "promo"


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("referral_of_a_lead_form", "lead"),
        ("feedback", "feedback"),
        ("customer_information", "customer_information"),
        ("cart", "order"),
        ("appointment", "appointment"),
    ],
)
def test_answers_of_forms_are_kept(name, form):
    content = said(name).content
    assert isinstance(content, Form)
    assert content.name == form
    assert content.answers


def test_only_a_plugins_optin_opens_the_window_and_no_token_is_kept():
    assert said("optin_of_plugin").opens_window
    marketing = said("optin_to_marketing")
    assert not marketing.opens_window
    assert "SECRETTOKEN" not in repr(marketing)


@pytest.mark.parametrize(("name", "value"), [("optin_stop", "stop"), ("optin_resume", "resume")])
def test_the_marketing_switch_is_heard(name, value):
    [fact] = read(name)
    assert isinstance(fact, Preference)
    assert fact.marketing == value


@pytest.mark.parametrize(("name", "status"), [("delivery", "delivered"), ("read", "read")])
def test_a_watermark_lifts_all_that_was_sent_until_then(name, status):
    [fact] = read(name)
    assert isinstance(fact, ClimbedUpTo)
    assert (fact.account, fact.address, fact.status) == (PAGE, ANA, status)
    assert abs(fact.at - WATERMARK) < timedelta(milliseconds=1)


def test_ids_beside_a_watermark_are_named_too():
    watermark, *named = read("delivery_with_mids")
    assert isinstance(watermark, ClimbedUpTo)
    assert [(fact.platform_id, fact.status) for fact in named if isinstance(fact, Climbed)] == [
        ("m_B1", "delivered"),
        ("m_B2", "delivered"),
    ]


@pytest.mark.parametrize(
    ("name", "severity", "broken"),
    [("policy_warning", "warning", None), ("policy_block", "critical", True), ("policy_unblock", "info", False)],
)
def test_a_policy_measure_is_the_pages(name, severity, broken):
    [fact] = read(name)
    assert isinstance(fact, AccountNotice)
    assert (fact.account, fact.severity, fact.broken) == (PAGE, severity, broken)


@pytest.mark.parametrize("name", ["account_linked", "thread_passed_on", "thread_taken"])
def test_what_nobody_said_wakes_nobody(name):
    fact = said(name)
    assert isinstance(fact.content, System)
    assert not fact.opens_window


def test_news_of_a_template_name_the_page():
    [fact] = read("template_status")
    assert fact == TemplateChanged(
        PAGE, "12", "order_update_1", "es_LA", fact.at, status="REJECTED", reason="TAG_SHOULD_BE_MARKETING"
    )


def test_every_entry_and_event_is_read():
    assert [(fact.account, fact.platform_id) for fact in read("several_entries")] == [
        (PAGE, "m_1"),
        (PAGE, "m_2"),
        ("222", "m_3"),
    ]


@pytest.mark.parametrize("name", ["app_roles", "dashboard_test", "optin_of_a_guest", "page_feed", "response_feedback"])
def test_what_is_of_no_consequence_is_counted(name):
    [fact] = read(name)
    assert isinstance(fact, Ignored)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("unknown_event", "unknown kind"), ("unknown_field", "unknown field"), ("unknown_sender", "nobody is named")],
)
def test_what_nobody_knows_is_set_aside_with_its_reason(name, reason):
    [fact] = read(name)
    assert isinstance(fact, Unrecognised)
    assert fact.reason == reason
    assert fact.raw
