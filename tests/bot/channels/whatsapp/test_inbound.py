"""Each captured webhook says one fact."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.channels import whatsapp
from bot.channels.contract import (
    EVERYWHERE,
    AccountNotice,
    Address,
    Climbed,
    Deleted,
    Edited,
    Ignored,
    MediaRef,
    Moved,
    PhoneShared,
    Preference,
    Reacted,
    Said,
    TemplateChanged,
    Unrecognised,
)
from bot.content import (
    Cards,
    Choice,
    Form,
    Location,
    Media,
    Order,
    OrderItem,
    System,
    Text,
    Unsupported,
)

PAYLOADS = Path(__file__).resolve().parents[3] / "payloads/whatsapp"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SENT_AT = datetime.fromtimestamp(1795000000, UTC)
NUMBER, BUSINESS, PORTFOLIO = "1055550001", "900100200", "portfolio-1"
USER_ID = Address("whatsapp", PORTFOLIO, "CO.1234567890", "CO.1234567890")
PHONE = Address("phone", EVERYWHERE, "573009998877", "573009998877")


@pytest.fixture
async def read():
    async with aiohttp.ClientSession() as session:
        channel = whatsapp.create(session)

        def facts(name):
            return channel.read((PAYLOADS / f"{name}.json").read_bytes(), scopes={NUMBER: PORTFOLIO}, now=NOW)

        yield facts


@pytest.fixture
def said(read):
    def only(name):
        [fact] = read(name)
        assert isinstance(fact, Said), fact
        return fact

    return only


def test_a_text_names_account_person_and_time(said):
    fact = said("text")
    assert fact.account == NUMBER
    assert fact.platform_id == "wamid.TEXT"
    assert fact.content == Text(text="Hola, ¿tienen envío? 🚚")
    assert fact.sender.addresses == (USER_ID, PHONE)
    assert (fact.sender.name, fact.sender.username) == ("Ana P", "ana.p")
    assert fact.sent_at == SENT_AT
    assert (fact.direction, fact.author, fact.opens_window, fact.group) == ("in", "contact", True, None)


def test_without_a_portfolio_the_business_account_is_the_scope():
    raw = (PAYLOADS / "text.json").read_bytes()
    [fact] = whatsapp.inbound.read(raw, {}, NOW)
    assert isinstance(fact, Said)
    assert fact.sender.addresses[0].scope == BUSINESS


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("text_without_phone", (USER_ID,)),
        ("text_without_user_id", (PHONE,)),
        ("text_user_id_in_phone_field", (USER_ID,)),
    ],
)
def test_either_address_may_be_missing(said, name, addresses):
    assert said(name).sender.addresses == addresses


@pytest.mark.parametrize(
    ("name", "sent_at"),
    [
        ("text_timestamp_in_milliseconds", datetime.fromtimestamp(1795000000.123, UTC)),
        ("text_timestamp_past_century", NOW),
        ("text_timestamp_missing", NOW),
        ("text_timestamp_future", NOW),
    ],
)
def test_times_that_cannot_be_are_the_time_of_arrival(said, name, sent_at):
    assert abs(said(name).sent_at - sent_at) < timedelta(milliseconds=1)


def test_a_name_is_kept_as_it_is_and_half_an_emoji_is_made_whole(said):
    assert said("text_hostile_name").sender.name == "\u202e<b>Ana</b>{{7*7}}"
    assert said("text_half_surrogate_name").sender.name == "Ana \ufffd"


def test_four_thousand_emoji_arrive_whole(said):
    assert said("text_4096_emoji").content == Text(text="😀" * 4096)


def test_contacts_are_matched_by_their_ids_not_by_their_order(read):
    assert [(fact.content.text, fact.sender.name) for fact in read("contacts_in_other_order")] == [
        ("de Ana", "Ana P"),
        ("de Luis", "Luis"),
    ]


def test_a_quote_names_the_message_it_answers(said):
    assert said("text_quoting").reply_to == "wamid.QUOTED"


def test_forwarded_once_or_often_is_forwarded(said):
    assert said("text_forwarded").forwarded
    assert said("text_forwarded_often").forwarded
    assert not said("text").forwarded


def test_what_led_here_is_kept(said):
    assert said("text_from_advertisement").referral["ctwa_clid"] == "ARA"
    assert said("text_about_a_product").referral == {
        "referred_product": {"catalog_id": "c1", "product_retailer_id": "sku1"}
    }


@pytest.mark.parametrize(
    ("name", "kind", "mime"),
    [
        ("image", "image", "image/jpeg"),
        ("image_without_url", "image", "image/jpeg"),
        ("video", "video", "video/mp4"),
        ("voice_note", "voice", "audio/ogg"),
        ("audio_file", "audio", "audio/mpeg"),
        ("voice_legacy", "voice", "audio/ogg"),
        ("document", "document", "application/pdf"),
        ("sticker", "sticker", "image/webp"),
    ],
)
def test_a_file_names_its_kind_and_where_it_is(said, name, kind, mime):
    fact = said(name)
    assert (fact.content.kind, fact.content.mime) == (kind, mime)
    assert (fact.media[0].id, fact.media[0].mime) == ("111", mime)


def test_a_file_carries_its_caption_name_and_checksum(said):
    assert said("image").content.caption == "el recibo"
    assert said("document").content == Media(
        kind="document", caption="la factura", name="factura.pdf", mime="application/pdf"
    )
    url = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=111"
    assert said("image").media == (MediaRef(id="111", url=url, mime="image/jpeg", sha256="q1w2"),)


def test_a_file_name_keeps_neither_folders_nor_marks_that_turn_it_around(said):
    assert said("document_hostile_name").content.name == "passwd.pdf"


def test_an_album_is_as_many_messages(read):
    assert [fact.media[0].id for fact in read("album")] == ["110", "111", "112"]


def test_places_and_cards_are_read(said):
    assert said("location").content == Location(
        latitude=4.61, longitude=-74.08, name="Tienda", address="Cra 7 # 1", url="https://t.co"
    )
    first, second = said("contact_cards").content.cards
    assert (first.name, first.phones, first.emails, first.company) == (
        "Luis G",
        ("+57 300 555 4433",),
        ("l@example.org",),
        "ACME",
    )
    assert second.name == ""


@pytest.mark.parametrize("name", ["contact_shared_own_phone", "contact_shared_own_phone_in_card"])
def test_a_person_who_shares_the_own_phone_is_vouched_for(read, name):
    message, shared = read(name)
    assert isinstance(message.content, Cards)
    assert message.content.own
    assert isinstance(shared, PhoneShared)
    assert shared.phone == PHONE
    assert shared.sender.addresses[0] == USER_ID


def test_reactions_come_and_go(read):
    [given] = read("reaction")
    assert given == Reacted(NUMBER, "", "wamid.SENT", given.sender, "👍", SENT_AT)
    assert given.sender.addresses == (USER_ID, PHONE)
    for name in ("reaction_removed", "reaction_removed_legacy"):
        [taken] = read(name)
        assert taken.emoji is None


@pytest.mark.parametrize(
    ("name", "choice"),
    [
        ("button_reply", Choice(id="yes", title="Sí", target="wamid.SENT")),
        ("list_reply", Choice(id="row1", title="Plan A", target="wamid.SENT")),
        ("template_button", Choice(id="OPTOUT", title="No quiero más", target="wamid.TEMPLATE")),
        ("template_button_without_context", Choice(id="OPTOUT", title="No quiero más", target=None)),
    ],
)
def test_a_choice_names_what_was_chosen_and_where(said, name, choice):
    assert said(name).content == choice


def test_forms_and_orders_are_read(said):
    assert said("flow_answer").content == Form(name="flow", answers={"flow_token": "t", "talla": "M"})
    assert said("flow_answer_not_an_object").content == Form(name="flow", answers="[1,2")
    assert said("call_permission").content.answers["response"] == "accept"
    assert said("order").content == Order(
        items=(OrderItem(product="sku", quantity=2, price=30.5, currency="COP"),), catalog="c1"
    )


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("unsupported_poll", "poll", "WhatsApp does not support this kind of message here."),
        ("unsupported_on_phone_only", "", "WhatsApp does not hand over this message. Open the phone to read it."),
        ("unsupported_legacy", "", "WhatsApp does not support this kind of message here."),
        ("interactive_product", "interactive.product", ""),
        ("interactive_missing", "interactive", "unsupported webhook payload"),
        ("message_of_a_new_type", "hologram", ""),
    ],
)
def test_what_cannot_be_shown_is_a_message_all_the_same(said, name, kind, reason):
    fact = said(name)
    assert fact.content == Unsupported(kind=kind, reason=reason)
    assert fact.opens_window
    assert fact.raw["id"] == fact.platform_id


# --- the person -------------------------------------------------------------------------------------------------------


def test_a_changed_number_moves_both_addresses(read):
    [moved] = read("number_changed")
    assert isinstance(moved, Moved)
    assert moved.old == (USER_ID, PHONE)
    assert [address.value for address in moved.new] == ["CO.999", "573001230000"]
    assert moved.said is not None
    assert moved.said.content == System(kind="user_changed_number", text="Ana changed number")
    assert not moved.said.opens_window


def test_a_changed_user_id_moves_it_alone(read):
    [moved] = read("user_id_changed")
    assert moved.old == (USER_ID,)
    assert [address.value for address in moved.new] == ["CO.999"]


def test_the_old_form_of_a_changed_number_is_read(read):
    [moved] = read("number_changed_legacy")
    assert moved.old == (PHONE,)
    assert [address.value for address in moved.new] == ["573001230000"]


def test_a_new_security_code_is_told_and_wakes_nobody(said):
    fact = said("identity_changed")
    assert fact.content == System(kind="customer_identity_changed", text="code changed")
    assert not fact.opens_window


@pytest.mark.parametrize("value", ["stop", "resume"])
def test_the_marketing_switch_is_heard(read, value):
    [fact] = read(f"marketing_{value}")
    assert isinstance(fact, Preference)
    assert (fact.marketing, fact.sender.addresses) == (value, (USER_ID, PHONE))


# --- messages that change or came another way -------------------------------------------------------------------------


def test_edits_and_deletions_name_the_original(read):
    assert read("edit") == [Edited(NUMBER, "", "wamid.ORIG", Text(text="corregido"), SENT_AT)]
    [caption] = read("edit_caption")
    assert caption.content == Media(kind="image", caption="mejor")
    assert read("revoke") == [Deleted(NUMBER, "", "wamid.ORIG", SENT_AT)]


def test_a_group_message_stays_apart_and_opens_no_window(said):
    fact = said("group_message")
    assert fact.group == "G1"
    assert not fact.opens_window


@pytest.mark.parametrize(("name", "addresses"), [("echo_text", (USER_ID, PHONE)), ("echo_without_phone", (USER_ID,))])
def test_an_echo_is_what_was_said_to_the_person_on_the_phone(said, name, addresses):
    fact = said(name)
    assert (fact.direction, fact.author, fact.opens_window) == ("out", "phone", False)
    assert fact.sender.addresses == addresses
    assert fact.content == Text(text="Ya le envío")


def test_echoes_of_every_kind_go_out(read):
    [picture] = read("echo_image")
    assert (picture.direction, picture.media[0].id) == ("out", "222")
    assert read("echo_edit")[0].content == Text(text="corregido")
    assert read("echo_revoke_with_sides_swapped") == [Deleted(NUMBER, "", "wamid.ORIG", SENT_AT)]
    [reaction] = read("echo_reaction")
    assert (reaction.direction, reaction.emoji, reaction.sender.addresses) == ("out", "❤️", (USER_ID, PHONE))


def test_imported_history_has_both_directions_and_opens_nothing(read):
    heard, told, read_, placeholder = read("history")
    assert (heard.direction, heard.opens_window, heard.platform_id) == ("in", False, "wamid.H1")
    assert (told.direction, told.author, told.platform_id) == ("out", "phone", "wamid.H2")
    assert (read_.status, read_.platform_id) == ("read", "wamid.H2")
    assert placeholder.content == Unsupported(kind="media_placeholder")
    assert {fact.sender.addresses for fact in (heard, told, placeholder)} == {(USER_ID, PHONE)}


def test_files_of_imported_history_follow_on_their_own(read):
    [theirs] = read("history_file")
    assert (theirs.direction, theirs.opens_window, theirs.media[0].id) == ("in", False, "333")
    [ours] = read("history_file_of_ours")
    assert (ours.direction, ours.sender.addresses) == ("out", (PHONE,))


def test_a_refused_history_is_told(read):
    [notice] = read("history_refused")
    assert (notice.kind, notice.account, notice.broken) == ("history_refused", NUMBER, None)


def test_what_an_ai_holds_is_a_copy(read):
    [heard] = read("standby_message")
    assert (heard.standby, heard.direction) == (True, "in")
    [told] = read("standby_echo")
    assert (told.standby, told.direction, told.author, told.content) == (True, "out", "bot", Text(text="Soy la IA"))
    [status] = read("standby_status")
    assert status.status == "delivered"


def test_a_conversation_handed_over_says_so(said):
    fact = said("handover")
    assert (fact.account, fact.content, fact.opens_window) == (NUMBER, System(kind="control_passed"), False)
    assert fact.sender.addresses == (USER_ID, PHONE)


def test_a_call_is_told_and_opens_the_window_when_it_is_theirs(said):
    theirs, ours = said("call_missed"), said("call_ours")
    assert (theirs.content, theirs.opens_window, theirs.platform_id) == (
        System(kind="call", text="failed"),
        True,
        "wacid.1",
    )
    assert (ours.direction, ours.opens_window) == ("out", False)


# --- statuses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("status_sent", "sent"),
        ("status_delivered", "delivered"),
        ("status_read", "read"),
        ("status_played", "read"),
        ("status_without_recipient", "delivered"),
    ],
)
def test_statuses_climb(read, name, status):
    [fact] = read(name)
    assert isinstance(fact, Climbed)
    assert (fact.platform_id, fact.status, fact.at, fact.failure) == ("wamid.SENT", status, SENT_AT, None)


def test_a_status_gives_back_our_id_and_the_price(read):
    [fact] = read("status_sent")
    assert fact.callback == "66f0a1b2c3d4e5f6a7b8c9d0"
    assert fact.pricing == {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "service"}


@pytest.mark.parametrize(
    ("name", "code", "remedy"),
    [
        ("status_failed_window", "131047", "window"),
        ("status_failed_marketing_stopped", "131050", "optout"),
        ("status_failed_not_on_whatsapp", "131026", "gone"),
        ("status_failed_payment", "131042", "broken"),
        ("status_failed_unknown_code", "999999", "rejected"),
    ],
)
def test_a_failure_says_what_to_do(read, name, code, remedy):
    [fact] = read(name)
    assert fact.status == "failed"
    assert (fact.failure.code, fact.failure.remedy) == (code, remedy)
    assert fact.failure.message.endswith(".")


def test_a_status_of_a_group_names_the_group(read):
    [fact] = read("status_of_a_group")
    assert fact.group == "G1"


def test_messages_come_before_statuses_of_the_same_body(read):
    assert [type(fact) for fact in read("messages_and_statuses")] == [Said, Climbed]


def test_every_entry_and_change_is_read(read):
    assert [fact.platform_id for fact in read("several_entries")] == ["wamid.1", "wamid.SENT", "wamid.2"]


# --- templates and the account ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("template_approved", {"status": "APPROVED"}),
        (
            "template_rejected",
            {"status": "REJECTED", "reason": "INVALID_FORMAT · The variables touch · Put words between them"},
        ),
        ("template_paused", {"status": "PAUSED", "reason": "Paused for 3 hours"}),
        ("template_reinstated", {"status": "APPROVED"}),
        ("template_unarchived", {"resync": True}),
        ("template_quality", {"quality": "YELLOW"}),
        ("template_quality_under_wrong_field", {"quality": "RED"}),
        ("template_category_changed", {"category": "MARKETING"}),
        ("template_components", {"resync": True}),
    ],
)
def test_news_of_a_template(read, name, changes):
    assert read(name) == [TemplateChanged(BUSINESS, "123", "promo", "es_CO", SENT_AT, **changes)]


def test_a_category_that_will_change_warns_and_does_not_change_yet(read):
    changed, notice = read("template_category_soon")
    assert changed.category == "UTILITY"
    assert (notice.kind, notice.severity, notice.data["correct_category"]) == (
        "template_category",
        "warning",
        "MARKETING",
    )


@pytest.mark.parametrize(
    ("name", "kind", "severity", "broken"),
    [
        ("account_restricted_from_writing_first", "account_restriction", "warning", None),
        ("account_restricted_from_answering", "account_restriction", "critical", True),
        ("account_disabled", "account_disabled", "critical", True),
        ("account_reinstated", "account_disabled", "info", False),
        ("account_violation", "account_violation", "warning", None),
        ("account_offboarded", "account_disconnected", "critical", True),
        ("account_reconnected", "account_connected", "info", False),
        ("account_other_event", "account_update", "info", None),
        ("account_alert", "account_alert", "critical", None),
        ("account_review_rejected", "account_review", "critical", None),
        ("field_beside_changes", "account_review", "info", None),
        ("number_quality", "number_quality", "info", None),
        ("number_flagged", "number_quality", "warning", None),
        ("number_name_rejected", "number_name", "warning", None),
        ("capability", "capability", "info", None),
        ("security_pin", "security", "critical", None),
        ("flow_health", "flows", "warning", None),
        ("business_username", "business_username", "info", None),
        ("payment_configuration", "payment_configuration", "info", None),
    ],
)
def test_news_of_the_account(read, name, kind, severity, broken):
    [fact] = read(name)
    assert isinstance(fact, AccountNotice)
    assert (fact.scope, fact.kind, fact.severity, fact.broken) == (BUSINESS, kind, severity, broken)
    assert fact.at == SENT_AT


def test_errors_beside_no_message_are_the_accounts(read):
    [notice] = read("errors_alone")
    assert (notice.account, notice.kind, notice.severity, notice.data["code"]) == (NUMBER, "error", "warning", 130429)


@pytest.mark.parametrize(
    "name",
    [
        "address_book",
        "call_status",
        "group_lifecycle",
        "history_progress",
        "marketing_signup",
        "request_welcome",
        "status_deleted",
    ],
)
def test_what_is_of_no_consequence_is_counted(read, name):
    [fact] = read(name)
    assert isinstance(fact, Ignored)


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("unknown_field", "holographic_update", "unknown field"),
        ("unknown_sender", "message", "nobody is named"),
        ("unknown_status", "status", "unknown status"),
    ],
)
def test_what_nobody_knows_is_set_aside_with_its_reason(read, name, kind, reason):
    [fact] = read(name)
    assert isinstance(fact, Unrecognised)
    assert (fact.kind, fact.reason) == (kind, reason)
    assert fact.raw
