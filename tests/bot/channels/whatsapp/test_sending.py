"""What WhatsApp is asked to send, body by body."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.channels import whatsapp
from bot.channels.contract import EVERYWHERE, Account, Address, Outbound, Rejected, Signal, TryLater, Uncertain
from bot.content import (
    Button,
    Buttons,
    Card,
    Cards,
    Emoji,
    Link,
    Location,
    Media,
    TemplateUse,
    Text,
)
from tests.contracts.meta import SECRETS, error
from tests.contracts.platform import DROP, Answer

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PHONE = Address("phone", EVERYWHERE, "573009998877", "573009998877")
USER_ID = Address("whatsapp", "portfolio-1", "CO.1234567890", "CO.1234567890")
OURS = "66f0a1b2c3d4e5f6a7b8c9d0"


def accepted(name="wamid.OUT", **more):
    return Answer({"messaging_product": "whatsapp", "contacts": [], "messages": [{"id": name, **more}]})


@pytest.fixture
def channel(session):
    return whatsapp.create(session, patience=1)


@pytest.fixture
def account(platform):
    url = f"{platform.url}/v26.0"
    return Account("a" * 24, "whatsapp", "1055550001", "portfolio-1", url, SECRETS, {"business_account_id": "9"})


def reply(content, to=(PHONE,), **fields):
    return Outbound(callback=OURS, to=to, content=content, heard_at=NOW - timedelta(minutes=1), **fields)


@pytest.fixture
def sent(channel, account, platform):
    async def bodies(content, **fields):
        platform.answer("/messages", accepted())
        platform.answer("/media", Answer({"id": "777"}))
        await channel.send(account, reply(content, **fields))
        return [asked.json for asked in platform.asked_at("/messages")]

    return bodies


@pytest.fixture
def sent_interactive(sent):
    async def interactive(content):
        return (await sent(content))[-1]["interactive"]

    return interactive


async def test_a_text_goes_to_the_phone_and_carries_our_id(sent, platform):
    [body] = await sent(Text(text="Hola"))
    assert body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+573009998877",
        "type": "text",
        "text": {"body": "Hola", "preview_url": False},
        "biz_opaque_callback_data": OURS,
    }
    assert platform.asked[0].path == "/v26.0/1055550001/messages"


async def test_without_a_phone_it_goes_to_the_user_id(sent):
    [body] = await sent(Text(text="Hola"), to=(USER_ID,))
    assert body["recipient"] == "CO.1234567890"
    assert "to" not in body


async def test_the_phone_is_preferred_whatever_the_order(sent):
    [body] = await sent(Text(text="Hola"), to=(USER_ID, PHONE))
    assert body["to"] == "+573009998877"
    assert "recipient" not in body


async def test_a_number_is_written_to_as_it_was_given(sent):
    argentine = Address("phone", EVERYWHERE, "541112345678", "5491112345678")
    [body] = await sent(Text(text="Hola"), to=(argentine,))
    assert body["to"] == "+5491112345678"


async def test_without_any_address_nothing_is_asked(channel, account, platform):
    with pytest.raises(Rejected):
        await channel.send(account, reply(Text(text="Hola"), to=()))
    assert platform.asked == []


async def test_a_quote_is_a_context(sent):
    [body] = await sent(Text(text="Sí"), reply_to="wamid.Q")
    assert body["context"] == {"message_id": "wamid.Q"}


async def test_a_long_text_is_several_and_only_the_first_quotes(channel, account, platform):
    platform.answer("/messages", accepted("wamid.1"), accepted("wamid.2"))
    receipt = await channel.send(account, reply(Text(text="palabra " * 600), reply_to="wamid.Q"))
    assert receipt.platform_ids == ("wamid.1", "wamid.2")
    first, second = (asked.json for asked in platform.asked)
    assert "context" in first
    assert "context" not in second
    assert len(first["text"]["body"]) <= 4096


@pytest.mark.parametrize("problem", [error(131056), error(131047), DROP, Answer(b"", 502)])
async def test_a_message_half_sent_is_uncertain_and_names_its_first_half(channel, account, platform, problem):
    platform.answer("/messages", accepted("wamid.1"), problem)
    with pytest.raises(Uncertain) as caught:
        await channel.send(account, reply(Text(text="palabra " * 600)))
    assert caught.value.settled_parts == ("wamid.1",)


@pytest.mark.parametrize(
    ("kind", "mime", "wire"),
    [
        ("image", "image/jpeg", {"type": "image", "image": {"id": "777", "caption": "pie"}}),
        ("image", "image/tiff", {"type": "document", "document": {"id": "777", "filename": "f", "caption": "pie"}}),
        ("video", "video/mp4", {"type": "video", "video": {"id": "777", "caption": "pie"}}),
        ("animation", "video/mp4", {"type": "video", "video": {"id": "777", "caption": "pie"}}),
        (
            "document",
            "application/pdf",
            {"type": "document", "document": {"id": "777", "filename": "f", "caption": "pie"}},
        ),
    ],
)
async def test_a_file_is_uploaded_first_and_sent_by_its_id(sent, platform, a_file, kind, mime, wire):
    [body] = await sent(Media(kind=kind, caption="pie"), attachment=a_file("f", mime, b"content"))
    assert {key: body[key] for key in wire} == wire
    upload, send = platform.asked
    assert upload.path == "/v26.0/1055550001/media"
    assert b'name="messaging_product"\r\n\r\nwhatsapp' in upload.body
    assert f'name="type"\r\n\r\n{mime}'.encode() in upload.body
    assert send.path.endswith("/messages")


async def test_a_voice_note_is_marked_and_its_words_follow(sent, a_file):
    voice = a_file("v.ogg", "audio/ogg; codecs=opus", b"OggS")
    body, words = await sent(Media(kind="voice", caption="oiga"), attachment=voice)
    assert body["audio"] == {"id": "777", "voice": True}
    assert words["text"]["body"] == "oiga"


async def test_a_document_keeps_the_name_that_people_see(sent, a_file):
    pdf = a_file("upload.bin", "application/pdf", b"%PDF")
    [body] = await sent(Media(kind="document", name="Factura mayo.pdf"), attachment=pdf)
    assert body["document"]["filename"] == "Factura mayo.pdf"


@pytest.mark.parametrize("answer", [DROP, Answer(b"", 502), Answer({}), error(131016)])
async def test_when_only_the_upload_failed_nothing_was_sent(channel, account, platform, a_file, answer):
    platform.answer("/media", answer)
    with pytest.raises(TryLater):
        await channel.send(account, reply(Media(kind="image"), attachment=a_file("a", "image/png", b"x")))
    assert platform.asked_at("/messages") == []


async def test_a_file_that_is_missing_or_too_large_is_not_even_uploaded(channel, account, platform, a_file):
    huge = a_file("a", "application/pdf", b"\0" * (101 * 2**20))
    for file in (None, huge):
        with pytest.raises(Rejected):
            await channel.send(account, reply(Media(kind="document"), attachment=file))
    assert platform.asked == []


async def test_places_cards_links_and_reactions(sent):
    [place] = await sent(Location(latitude=4.61, longitude=-74.08, name="Tienda"))
    assert place["location"] == {"latitude": 4.61, "longitude": -74.08, "name": "Tienda"}
    cards = await sent(Cards(cards=(Card(name="Luis", phones=("+57300",), company="ACME"),)))
    assert cards[-1]["contacts"] == [
        {
            "name": {"formatted_name": "Luis", "first_name": "Luis"},
            "phones": [{"phone": "+57300", "type": "CELL"}],
            "org": {"company": "ACME"},
        }
    ]
    link = await sent(Link(url="https://example.org", title="X"))
    assert link[-1]["text"] == {"body": "X\nhttps://example.org", "preview_url": True}
    reaction = await sent(Emoji(target="wamid.IN", emoji=""), reply_to="wamid.IN")
    assert reaction[-1]["reaction"] == {"message_id": "wamid.IN", "emoji": ""}
    assert "context" not in reaction[-1]


async def test_up_to_three_short_choices_are_buttons(sent_interactive):
    choices = (Button(id="y", title="Sí"), Button(id="n", title="No"))
    interactive = await sent_interactive(Buttons(text="¿Sigue?", buttons=choices, footer="ACME"))
    assert interactive == {
        "type": "button",
        "body": {"text": "¿Sigue?"},
        "footer": {"text": "ACME"},
        "action": {
            "buttons": [
                {"type": "reply", "reply": {"id": "y", "title": "Sí"}},
                {"type": "reply", "reply": {"id": "n", "title": "No"}},
            ]
        },
    }


async def test_more_or_longer_choices_are_a_list(sent_interactive):
    choices = tuple(Button(id=f"{number}", title=f"Opción {number}") for number in range(4))
    interactive = await sent_interactive(Buttons(text="Elija", buttons=choices, menu="Ver"))
    assert interactive["action"]["button"] == "Ver"
    assert [row["id"] for row in interactive["action"]["sections"][0]["rows"]] == ["0", "1", "2", "3"]
    long = await sent_interactive(Buttons(text="Elija", buttons=(Button(id="1", title="Una opción con título largo"),)))
    [row] = long["action"]["sections"][0]["rows"]
    assert (len(row["title"]), row["description"]) == (24, "Una opción con título largo")


async def test_one_link_is_a_link_button_and_links_among_choices_are_lines(sent_interactive):
    link = Button(id="", title="Ver", url="https://example.org")
    interactive = await sent_interactive(Buttons(text="Mire", buttons=(link,)))
    assert interactive["action"]["parameters"] == {"display_text": "Ver", "url": "https://example.org"}
    mixed = await sent_interactive(Buttons(text="Mire", buttons=(link, Button(id="y", title="Sí"))))
    assert mixed["body"]["text"] == "Mire\nVer: https://example.org"


async def test_a_long_text_over_buttons_comes_before_them(sent):
    *before, last = await sent(Buttons(text="palabra " * 200, buttons=(Button(id="y", title="Sí"),)))
    assert [body["type"] for body in before] == ["text"]
    assert len(last["interactive"]["body"]["text"]) <= 1024


async def test_eleven_choices_are_refused(channel, account):
    choices = tuple(Button(id=f"{number}", title=f"{number}") for number in range(11))
    with pytest.raises(Rejected):
        await channel.send(account, reply(Buttons(text="Elija", buttons=choices)))


@pytest.mark.parametrize(
    ("variables", "components"),
    [
        ({}, None),
        (
            {"body.2": "Cali", "body.1": "Ana\n P", "header": "Junio"},
            [
                {"type": "header", "parameters": [{"type": "text", "text": "Junio"}]},
                {"type": "body", "parameters": [{"type": "text", "text": "Ana P"}, {"type": "text", "text": "Cali"}]},
            ],
        ),
        (
            {"body.ciudad": "Cali", "header.mes": "junio"},
            [
                {
                    "type": "header",
                    "parameters": [{"type": "text", "text": "junio", "parameter_name": "mes"}],
                },
                {"type": "body", "parameters": [{"type": "text", "text": "Cali", "parameter_name": "ciudad"}]},
            ],
        ),
        (
            {"button.0": "abc123", "button.1.payload": "OPTOUT:42", "button.2.code": "PROMO25"},
            [
                {
                    "type": "button",
                    "sub_type": "url",
                    "index": "0",
                    "parameters": [{"type": "text", "text": "abc123"}],
                },
                {
                    "type": "button",
                    "sub_type": "quick_reply",
                    "index": "1",
                    "parameters": [{"type": "payload", "payload": "OPTOUT:42"}],
                },
                {
                    "type": "button",
                    "sub_type": "copy_code",
                    "index": "2",
                    "parameters": [{"type": "coupon_code", "coupon_code": "PROMO25"}],
                },
            ],
        ),
    ],
)
async def test_a_template_is_filled_by_number_or_by_name(sent, variables, components):
    [body] = await sent(TemplateUse(name="promo", language="es", variables=variables), reply_to="wamid.Q")
    assert body["template"]["name"] == "promo"
    assert body["template"]["language"] == {"code": "es"}
    assert body["template"].get("components") == components
    assert "context" not in body


async def test_a_templates_file_is_uploaded_for_its_header(sent, a_file):
    promo = TemplateUse(name="promo", language="es", header_media="m" * 24)
    [body] = await sent(promo, attachment=a_file("lista.pdf", "application/pdf", b"%PDF"))
    assert body["template"]["components"] == [
        {
            "type": "header",
            "parameters": [{"type": "document", "document": {"id": "777", "filename": "lista.pdf"}}],
        }
    ]


async def test_the_answer_tells_the_real_number_and_whether_it_is_held(channel, account, platform):
    contacts = [{"input": "+5511987654321", "wa_id": "551187654321", "user_id": "BR.9"}]
    held = {"id": "wamid.OUT", "message_status": "held_for_quality_assessment"}
    platform.answer("/messages", Answer({"contacts": contacts, "messages": [held]}))
    receipt = await channel.send(account, reply(Text(text="Oi")))
    assert receipt.held
    assert receipt.aliases == (
        Address("whatsapp", "portfolio-1", "BR.9", "BR.9"),
        Address("phone", EVERYWHERE, "5511987654321", "551187654321"),
    )


async def test_accepted_without_an_id_is_uncertain(channel, account, platform):
    platform.answer("/messages", Answer({"messaging_product": "whatsapp", "messages": []}))
    with pytest.raises(Uncertain):
        await channel.send(account, reply(Text(text="Hola")))


@pytest.mark.parametrize(("kind", "more"), [("read", {}), ("typing", {"typing_indicator": {"type": "text"}})])
async def test_signals_name_their_newest_message(channel, account, platform, kind, more):
    await channel.signal(account, Signal(kind, (PHONE,), "wamid.IN"))
    [asked] = platform.asked
    assert asked.json == {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.IN", **more}


async def test_a_signal_about_nothing_is_not_sent(channel, account, platform):
    await channel.signal(account, Signal("read", (PHONE,)))
    await channel.signal(account, Signal("acknowledge", (PHONE,), "x"))
    assert platform.asked == []


async def test_a_window_error_says_so(channel, account, platform):
    platform.answer("/messages", error(131047))
    with pytest.raises(Rejected) as caught:
        await channel.send(account, reply(Text(text="Hola")))
    assert caught.value.window
    assert caught.value.message == "This person has not written in the last 24 hours. Use a template."


def test_only_a_template_passes_a_shut_window(channel):
    shut = NOW - timedelta(hours=25)
    verdict = channel.allows(Text(text="hola"), shut, NOW, human=True)
    assert (verdict.allowed, verdict.code) == (False, "window_closed")
    assert channel.allows(TemplateUse(name="promo", language="es"), None, NOW, human=False).allowed
    assert not channel.allows(Emoji(target="x", emoji="👍"), shut, NOW, human=True).allowed
