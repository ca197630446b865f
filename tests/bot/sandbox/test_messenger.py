"""The played Messenger Platform: windows, tags, echoes with metadata, watermarks, refusals."""

import aiohttp
import pytest


async def open_window(sandbox, person="ana"):
    sandbox.say("messenger", person, "Hola")
    await sandbox.settle()


def text(words="Buenos días", **more):
    return {"message": {"text": words, **more}}


async def test_a_text_is_echoed_delivered_and_read(sandbox, company, client):
    await open_window(sandbox)
    status, answer = await client.messenger(**text(metadata="outbox:1"))
    await sandbox.settle()
    assert status == 200
    said, echo, delivery, read = company.events()
    page = sandbox.account("messenger")
    address = sandbox.person("ana").messenger_id(page.id)
    assert (said["sender"]["id"], said["recipient"]["id"]) == (address, page.id)
    assert answer == {"recipient_id": address, "message_id": echo["message"]["mid"]}
    assert (echo["sender"]["id"], echo["message"]["metadata"]) == (page.id, "outbox:1")
    assert echo["message"]["is_echo"] is True and echo["message"]["app_id"] == int(page.app_id)
    assert delivery["delivery"]["mids"] == [answer["message_id"]]
    assert read["read"]["watermark"] == delivery["delivery"]["watermark"] == echo["timestamp"]
    assert sandbox.chat("messenger", "ana").lines[-1].status == "read"


REFUSED = {
    "no type": ({"messaging_type": None, **text()}, 100),
    "dead tag": ({"messaging_type": "MESSAGE_TAG", "tag": "ACCOUNT_UPDATE", **text()}, 100),
    "text of 2001": (text("a" * 2001), 100),
    "nothing": ({"message": {}}, 100),
    "text and file": ({"message": {"text": "a", "attachment": {"type": "image", "payload": {}}}}, 100),
    "fourteen quick replies": (
        text(quick_replies=[{"content_type": "text", "title": "a", "payload": "a"}] * 14),
        100,
    ),
    "title of 21": (text(quick_replies=[{"content_type": "text", "title": "a" * 21, "payload": "a"}]), 100),
    "metadata of 1001": (text(metadata="a" * 1001), 100),
    "unknown attachment": ({"message": {"attachment": {"type": "image", "payload": {"attachment_id": "1"}}}}, 100),
    "four buttons": (
        {"message": {"attachment": {"type": "template", "payload": {
            "template_type": "button", "text": "a",
            "buttons": [{"type": "postback", "title": "a", "payload": "a"}] * 4}}}},
        100,
    ),
}  # fmt: skip


@pytest.mark.parametrize("payload, code", REFUSED.values(), ids=REFUSED)
async def test_what_messenger_refuses_is_refused(sandbox, client, payload, code):
    await open_window(sandbox)
    status, answer = await client.messenger(**payload)
    assert (status, answer["error"]["code"]) == (400, code)
    assert sandbox.world.ledger.total == 0


async def test_after_a_day_only_a_person_may_answer_and_for_a_week(sandbox, client):
    cases = ((23, "RESPONSE", 200), (25, "RESPONSE", 400), (25, "MESSAGE_TAG", 200), (24 * 7 + 1, "MESSAGE_TAG", 400))
    for hours, how, expected in cases:
        sandbox.chat("messenger", "ana").heard_at = sandbox.world.now() - hours * 3600
        status, answer = await client.messenger(messaging_type=how, tag="HUMAN_AGENT", **text())
        assert status == expected, (hours, how)
        if status == 400:
            assert (answer["error"]["code"], answer["error"]["error_subcode"]) == (10, 2018278)


async def test_nobody_answers_to_a_foreign_id(sandbox, client):
    status, answer = await client.messenger(recipient={"id": "12345"}, **text())
    assert (answer["error"]["code"], answer["error"]["error_subcode"]) == (100, 2018001)


async def test_who_blocked_the_page_is_not_available(sandbox, client):
    await open_window(sandbox)
    await client.control("POST", "block", json={"channel": "messenger", "person": "ana"})
    status, answer = await client.messenger(**text())
    assert (answer["error"]["code"], answer["error"]["error_subcode"]) == (551, 1545041)


async def test_a_file_goes_in_one_step_and_by_id(sandbox, company, client, http):
    await open_window(sandbox)
    page = sandbox.account("messenger")
    address = sandbox.person("ana").messenger_id(page.id)
    form = aiohttp.FormData(
        {
            "recipient": f'{{"id":"{address}"}}',
            "messaging_type": "RESPONSE",
            "message": '{"attachment":{"type":"file","payload":{"is_reusable":true}},"metadata":"m"}',
        }
    )
    form.add_field("filedata", b"%PDF-1.7", filename="factura.pdf", content_type="application/pdf")
    status, answer = await client.graph("POST", f"{page.id}/messages", kind="messenger", data=form)
    assert status == 200
    await sandbox.settle()
    (attachment,) = company.events()[1]["message"]["attachments"]
    async with http.get(attachment["payload"]["url"]) as found:
        assert await found.read() == b"%PDF-1.7"
    again = {"attachment": {"type": "file", "payload": {"attachment_id": answer["attachment_id"]}}}
    assert (await client.messenger(message=again))[0] == 200


async def test_quick_replies_and_postbacks_are_told(sandbox, company, client):
    await open_window(sandbox)
    quick = {"content_type": "text", "title": "Sí", "payload": "YES"}
    card = {"template_type": "button", "text": "¿Algo más?", "buttons": [
        {"type": "postback", "title": "Catálogo", "payload": "CATALOG"}]}  # fmt: skip
    for message, button in (
        ({"text": "¿Sigue?", "quick_replies": [quick]}, "YES"),
        ({"attachment": {"type": "template", "payload": card}}, "CATALOG"),
    ):
        _, answer = await client.messenger(message=message)
        press = {"message": answer["message_id"], "button": button}
        await client.control("POST", "say", json={"channel": "messenger", "person": "ana", "press": press})
    await sandbox.settle()
    heard = [event for event in company.events() if event["sender"]["id"] != sandbox.account("messenger").id]
    assert any(event.get("message", {}).get("quick_reply") == {"payload": "YES"} for event in heard)
    assert any(event.get("postback", {}).get("payload") == "CATALOG" for event in heard)


async def test_reactions_edits_pictures_and_a_colleague(sandbox, company, client):
    said = sandbox.say("messenger", "ana", "Hola")
    for act in (
        {"react": {"message": said, "emoji": "❤"}},
        {"edit": {"message": said, "text": "Hola."}},
        {"media": {"kind": "image", "data": "aGVsbG8="}},
        {"text": "Le atiendo yo", "from_company": True},
    ):
        status, _ = await client.control("POST", "say", json={"channel": "messenger", "person": "ana", **act})
        assert status == 200
    await sandbox.settle()
    _, reaction, edit, picture, echo = company.events()
    assert reaction["reaction"] == {"mid": said, "action": "react", "emoji": "❤", "reaction": "love"}
    assert edit["message_edit"] == {"mid": said, "text": "Hola.", "num_edit": "1"}
    assert picture["message"]["attachments"][0]["type"] == "image"
    assert echo["message"]["is_echo"] and "metadata" not in echo["message"]
    assert echo["message"]["app_id"] != int(sandbox.account("messenger").app_id)


async def test_seen_and_typing_show_on_the_phone(sandbox, client):
    await open_window(sandbox)
    chat = sandbox.chat("messenger", "ana")
    await client.messenger(sender_action="typing_on")
    assert chat.typing_until > sandbox.world.now()
    await client.messenger(sender_action="mark_seen")
    assert chat.lines[0].status == "read"


async def test_only_subscribed_fields_are_told(sandbox, company, client):
    page = sandbox.account("messenger")
    edge = f"{page.id}/subscribed_apps"
    status, answer = await client.graph("POST", edge, kind="messenger")
    assert (status, answer["error"]["code"]) == (400, 100)
    await client.graph("POST", f"{edge}?subscribed_fields=messages", kind="messenger")
    _, found = await client.graph("GET", edge, kind="messenger")
    assert found["data"][0]["subscribed_fields"] == ["messages"]
    await open_window(sandbox)
    await client.messenger(**text())
    await sandbox.settle()
    assert [list(event)[-1] for event in company.events()] == ["message"]


async def test_profiles_and_the_page_have_names(sandbox, client):
    page = sandbox.account("messenger")
    address = sandbox.person("lucia").messenger_id(page.id)
    _, profile = await client.graph("GET", f"{address}?fields=first_name,last_name,profile_pic", kind="messenger")
    assert profile == {"id": address, "first_name": "Lucía", "last_name": "Castaño"}
    assert (await client.graph("GET", "me", kind="messenger"))[1] == {"name": page.name, "id": page.id}
