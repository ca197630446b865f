"""What Messenger is asked to send, and under which rule."""

from datetime import timedelta

import orjson
import pytest

from bot.channels.contract import (
    AccountBroken,
    Address,
    FetchProblem,
    MediaRef,
    Outbound,
    PersonGone,
    Rejected,
    Signal,
    TryLater,
    Uncertain,
)
from bot.channels.messenger import api
from bot.channels.messenger.errors import _BY_CODE, _BY_SUBCODE, remedy_of
from bot.content import Button, Buttons, Card, Cards, Emoji, Link, Location, Media, TemplateUse, Text
from tests.contracts.case import NOW
from tests.contracts.cases.messenger import CASE
from tests.contracts.meta import SECRETS, error
from tests.contracts.platform import DROP, Answer

PAGE = "111000111"
ANA = Address("messenger", PAGE, "9001", "9001")
OURS = "66f0a1b2c3d4e5f6a7b8c9d0"
A_MINUTE, TWO_DAYS, EIGHT_DAYS = timedelta(minutes=1), timedelta(days=2), timedelta(days=8)


@pytest.fixture
def channel(session):
    return CASE.create(session, 1.0, NOW)


@pytest.fixture
def account(platform):
    platform.answer("/messages", CASE.accepted)
    return CASE.account(platform.url)


def reply(content, *, heard=A_MINUTE, **fields):
    heard_at = NOW - heard if heard is not None else None
    return Outbound(callback=OURS, to=(ANA,), content=content, heard_at=heard_at, **fields)


@pytest.fixture
def sent(channel, account, platform):
    async def bodies(content, **fields):
        await channel.send(account, reply(content, **fields))
        return [asked.json for asked in platform.asked]

    return bodies


async def test_an_answer_within_a_day_is_a_response_and_carries_our_id(sent, platform):
    [body] = await sent(Text(text="Hola"), reply_to="m_Q")
    assert body == {
        "recipient": {"id": "9001"},
        "messaging_type": "RESPONSE",
        "message": {"text": "Hola", "metadata": OURS},
        "reply_to": {"mid": "m_Q"},
    }
    assert platform.asked[0].path == f"/v26.0/{PAGE}/messages"


async def test_a_person_may_answer_for_seven_days_under_the_human_tag(sent):
    [body] = await sent(Text(text="Hola"), heard=TWO_DAYS)
    assert (body["messaging_type"], body["tag"]) == ("MESSAGE_TAG", "HUMAN_AGENT")


@pytest.mark.parametrize(
    ("heard", "human"), [(TWO_DAYS, False), (EIGHT_DAYS, True), (timedelta(days=7), True), (None, True)]
)
async def test_what_is_too_late_is_refused_without_asking(channel, account, platform, heard, human):
    with pytest.raises(Rejected) as caught:
        await channel.send(account, reply(Text(text="Hola"), heard=heard, human=human))
    assert caught.value.window
    assert platform.asked == []


def test_the_window_tells_a_person_until_when(channel):
    window = channel.window(NOW - TWO_DAYS, NOW)
    assert not window.is_open
    assert window.human_until == NOW + timedelta(days=5)
    assert channel.allows(Text(text="hola"), NOW - TWO_DAYS, NOW, human=True).allowed
    assert not channel.allows(Text(text="hola"), NOW - TWO_DAYS, NOW, human=False).allowed


async def test_a_utility_template_passes_any_window(sent):
    use = TemplateUse(name="order_update_1", language="en", variables={"body.1": "4711", "button.0": "x"})
    [body] = await sent(use, heard=EIGHT_DAYS)
    assert body["messaging_type"] == "UTILITY"
    assert body["message"]["template"] == {
        "name": "order_update_1",
        "language": {"code": "en"},
        "components": [
            {"type": "body", "parameters": [{"type": "text", "text": "4711"}]},
            {"type": "buttons", "parameters": [{"type": "URL", "url": "x"}]},
        ],
    }


async def test_a_long_text_is_several_and_only_the_first_quotes(channel, account, platform):
    platform.answer("/messages", Answer({"message_id": "m_1"}), Answer({"message_id": "m_2"}))
    receipt = await channel.send(account, reply(Text(text="palabra " * 300), reply_to="m_Q"))
    assert receipt.platform_ids == ("m_1", "m_2")
    first, second = (asked.json for asked in platform.asked)
    assert "reply_to" in first
    assert "reply_to" not in second
    assert {first["message"]["metadata"], second["message"]["metadata"]} == {OURS}


async def test_a_message_half_sent_is_uncertain(channel, account, platform):
    platform.answer("/messages", Answer({"message_id": "m_1"}), error(613))
    with pytest.raises(Uncertain) as caught:
        await channel.send(account, reply(Text(text="palabra " * 300)))
    assert caught.value.settled_parts == ("m_1",)


@pytest.mark.parametrize(
    ("kind", "mime", "wire"),
    [
        ("image", "image/png", "image"),
        ("image", "image/tiff", "file"),
        ("voice", "audio/mp4", "audio"),
        ("voice", "audio/ogg", "file"),
        ("animation", "image/gif", "image"),
        ("document", "application/pdf", "file"),
    ],
)
async def test_a_file_goes_in_the_same_request(channel, account, platform, a_file, kind, mime, wire):
    await channel.send(account, reply(Media(kind=kind), attachment=a_file("f.bin", mime, b"content")))
    [asked] = platform.asked
    assert asked.headers["Content-Type"].startswith("multipart/form-data")
    assert b'name="recipient"\r\n\r\n{"id":"9001"}' in asked.body
    assert b'name="messaging_type"\r\n\r\nRESPONSE' in asked.body
    message = {"attachment": {"type": wire, "payload": {}}, "metadata": OURS}
    assert b'name="message"\r\n\r\n' + orjson.dumps(message) in asked.body
    assert f'name="filedata"; filename="f.bin"\r\nContent-Type: {mime}'.encode() in asked.body


async def test_the_words_of_a_file_follow_it(channel, account, platform, a_file):
    platform.answer("/messages", Answer({"message_id": "m_1"}), Answer({"message_id": "m_2"}))
    receipt = await channel.send(
        account, reply(Media(kind="image", caption="el recibo"), attachment=a_file("a", "image/png", b"x"))
    )
    assert receipt.platform_ids == ("m_1", "m_2")
    assert platform.asked[1].json["message"]["text"] == "el recibo"


async def test_an_upload_that_got_no_answer_may_have_been_sent(channel, account, platform, a_file):
    platform.answer("/messages", DROP)
    with pytest.raises(Uncertain):
        await channel.send(account, reply(Media(kind="image"), attachment=a_file("a", "image/png", b"x")))


async def test_choices_are_quick_replies(sent):
    choices = (Button(id="y", title="Sí"), Button(id="n", title="No, gracias, otro día será"))
    [body] = await sent(Buttons(text="¿Sigue?", buttons=choices))
    assert body["message"]["quick_replies"] == [
        {"content_type": "text", "title": "Sí", "payload": "y"},
        {"content_type": "text", "title": "No, gracias, otro d…", "payload": "n"},
    ]


async def test_choices_with_a_link_are_a_card(sent):
    buttons = (Button(id="y", title="Sí"), Button(id="", title="Ver", url="https://example.org"))
    [body] = await sent(Buttons(text="¿Sigue?", buttons=buttons))
    assert body["message"]["attachment"]["payload"] == {
        "template_type": "button",
        "text": "¿Sigue?",
        "buttons": [
            {"type": "postback", "title": "Sí", "payload": "y"},
            {"type": "web_url", "title": "Ver", "url": "https://example.org"},
        ],
    }


async def test_quick_replies_hang_on_the_last_piece(sent):
    *before, last = await sent(Buttons(text="palabra " * 300, buttons=(Button(id="y", title="Sí"),)))
    assert all("quick_replies" not in body["message"] for body in before)
    assert "quick_replies" in last["message"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (Location(latitude=4.61, longitude=-74.08, name="Tienda"), "Tienda\nhttps://maps.google.com/?q=4.61,-74.08"),
        (Cards(cards=(Card(name="Luis", phones=("+57 300",), company="ACME"),)), "Luis\nACME\n+57 300"),
        (Link(url="https://example.org", title="X"), "X\nhttps://example.org"),
    ],
)
async def test_what_messenger_has_no_kind_for_goes_as_text(sent, content, text):
    [body] = await sent(content)
    assert body["message"]["text"] == text


@pytest.mark.parametrize(
    ("emoji", "action", "payload"),
    [("👍", "react", {"message_id": "m_A1", "reaction": "👍"}), ("", "unreact", {"message_id": "m_A1"})],
)
async def test_a_reaction_is_an_action_on_the_whole_message(channel, account, platform, emoji, action, payload):
    platform.answer("/messages", Answer({"recipient_id": "9001"}))
    receipt = await channel.send(account, reply(Emoji(target="m_A1#2", emoji=emoji)))
    assert receipt.platform_ids
    assert platform.asked[0].json == {"recipient": {"id": "9001"}, "sender_action": action, "payload": payload}


@pytest.mark.parametrize(("kind", "action"), [("read", "mark_seen"), ("typing", "typing_on")])
async def test_signals_are_actions(channel, account, platform, kind, action):
    await channel.signal(account, Signal(kind, (ANA,)))
    [asked] = platform.asked
    assert asked.json == {"recipient": {"id": "9001"}, "sender_action": action}


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (error(10, status=403), Rejected),
        (error(200, 2018028, 403), Rejected),
        (error(551, 1545041), Rejected),
        (error(190, 463, 401), AccountBroken),
        (error(100, 2018001), PersonGone),
        (error(2), TryLater),
    ],
)
async def test_under_the_human_tag_a_refused_permission_is_the_tags(channel, account, platform, answer, problem):
    platform.answer("/messages", answer)
    with pytest.raises(problem):
        await channel.send(account, reply(Text(text="Hola"), heard=TWO_DAYS))


# --- the page and its people ------------------------------------------------------------------------------------------


async def test_a_page_that_lost_its_subscription_says_so(channel, account, platform):
    for path, answer in CASE.check_answers.items():
        platform.answer(path, answer)
    platform.answer(f"/{PAGE}/subscribed_apps", Answer({"data": []}))
    token = {"app_id": "77", "type": "USER", "scopes": ["pages_messaging"]}
    platform.answer("/debug_token", Answer({"data": token}))
    health = await channel.check(account)
    assert health.subscribed is False
    assert health.missing == (
        "The access token lacks the permission pages_manage_metadata.",
        "This is not the page's own access token: get the page's token at Meta and connect again.",
        "Messages do not reach Bandeja yet: it is not subscribed to this page.",
    )


async def test_a_page_is_subscribed_to_what_it_may_have(channel, account, platform):
    platform.answer("/subscribed_apps", error(100), Answer({"success": True}))
    await channel.subscribe(account, "https://inbox.example.org/hooks/messenger")
    wide, narrow = (asked.json["subscribed_fields"].split(",") for asked in platform.asked)
    assert set(narrow) == set(api.NEEDED)
    assert set(narrow) < set(wide)


async def test_a_page_without_the_permission_has_no_templates(channel, account, platform):
    platform.answer("/message_templates", error(200, status=403))
    assert await channel.templates(account) == []
    platform.answer("/message_templates", error(190, 463, 401))
    with pytest.raises(AccountBroken):
        await channel.templates(account)


@pytest.mark.parametrize(
    ("profile", "conversations", "name"),
    [
        (Answer({"name": "Ana P"}), Answer({}), "Ana P"),
        (Answer({"first_name": "Ana", "last_name": "P"}), Answer({}), "Ana P"),
        (
            Answer({}),
            Answer(
                {"data": [{"participants": {"data": [{"id": PAGE, "name": "ACME"}, {"id": "9001", "name": "Ana"}]}}]}
            ),
            "Ana",
        ),
        (error(100, 33), error(10), None),
        (DROP, DROP, None),
    ],
)
async def test_a_name_is_found_where_meta_shows_it(channel, account, platform, profile, conversations, name):
    platform.answer("/9001", profile)
    platform.answer("/conversations", conversations)
    sender = await channel.profile(account, ANA)
    assert (sender and sender.name) == name
    assert sender is None or sender.addresses == (ANA,)


async def test_a_file_is_fetched_without_showing_the_token(channel, account, platform):
    platform.answer("/a.jpg", Answer(b"content"))
    fetched = await channel.fetch(account, MediaRef(url=f"{platform.url}/a.jpg"))
    assert b"".join([chunk async for chunk in fetched.chunks]) == b"content"
    assert SECRETS["access_token"] not in repr(platform.asked)


@pytest.mark.parametrize(("status", "final"), [(403, True), (410, True), (503, False)])
async def test_an_expired_address_is_given_up(channel, account, platform, status, final):
    platform.answer("/a.jpg", Answer(b"", status))
    with pytest.raises(FetchProblem) as caught:
        await channel.fetch(account, MediaRef(url=f"{platform.url}/a.jpg"))
    assert caught.value.final == final


def test_every_code_has_a_sentence_for_people():
    for remedy in (*_BY_CODE.values(), *_BY_SUBCODE.values()):
        assert remedy.sentence.endswith(".")


@pytest.mark.parametrize(
    ("code", "subcode", "kind"),
    [
        (1, 0, "later"),
        (1, 99, "later"),
        (1, 1357046, "uncertain"),
        (2, 2018344, "rejected"),
        (4, 2018354, "rejected"),
        (10, 0, "broken"),
        (10, 2018278, "window"),
        (10, 2018065, "window"),
        (10, 2018108, "gone"),
        (10, 1893063, "broken"),
        (100, 0, "rejected"),
        (100, 33, "gone"),
        (100, 2018047, "rejected"),
        (100, 2534037, "rejected"),
        (190, 460, "broken"),
        (200, 0, "rejected"),
        (230, 0, "broken"),
        (200, 1545041, "gone"),
        (368, 0, "broken"),
        (551, 0, "gone"),
        (613, 0, "later"),
        (613, 1893016, "rejected"),
        (613, 2018338, "later"),
        (2022, 0, "broken"),
        (2018300, 0, "rejected"),
        (80002, 0, "later"),
        (9000001, 0, "rejected"),
        (424242, 0, "rejected"),
        (None, 0, "rejected"),
    ],
)
def test_codes_are_named_by_what_to_do(code, subcode, kind):
    assert remedy_of(code, subcode).kind == kind
