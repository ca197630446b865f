"""The played Cloud API: what it takes, what it refuses and with which code, what becomes of a message."""

import pytest

from tests.bot.sandbox.conftest import signature

TEMPLATE = {"name": "pedido_listo", "language": {"code": "es"}}


def body(*texts, **more):
    return {"type": "body", "parameters": [{"type": "text", "text": text, **more} for text in texts]}


async def open_window(sandbox, person="ana"):
    sandbox.say("whatsapp", person, "Hola")
    await sandbox.settle()


async def test_a_persons_message_arrives_signed_and_escaped(sandbox, company):
    wamid = sandbox.say("whatsapp", "ana", "¿Tienen taladros? 🔩 a/b")
    await sandbox.settle()
    (heard,) = company.heard
    account = sandbox.account("whatsapp")
    assert heard.path == "/hooks/whatsapp"
    assert heard.headers["X-Hub-Signature-256"] == signature(account.app_secret, heard.raw)
    assert b"\\u00bfTienen taladros? \\ud83d\\udd29 a\\/b" in heard.raw
    (entry,) = heard.body["entry"]
    assert entry["id"] == account.owner
    (value,) = company.changes()
    assert value["metadata"]["phone_number_id"] == account.id
    (message,) = value["messages"]
    ana = sandbox.person("ana")
    assert (message["id"], message["from"], message["type"]) == (wamid, ana.phone, "text")
    assert message["from_user_id"] == value["contacts"][0]["user_id"] == ana.whatsapp_id(account.scope)
    assert message["timestamp"].isdigit()


async def test_a_hidden_number_is_left_out_everywhere(sandbox, company, client):
    await open_window(sandbox, "paola")
    user_id = sandbox.person("paola").whatsapp_id(sandbox.account("whatsapp").scope)
    status, answer = await client.whatsapp(recipient=user_id, type="text", text={"body": "Hola"})
    await sandbox.settle()
    assert status == 200
    assert answer["contacts"] == [{"input": user_id, "user_id": user_id}]
    assert "from" not in company.messages()[0]
    assert "wa_id" not in company.changes()[0]["contacts"][0]
    assert all("recipient_id" not in each and each["recipient_user_id"] == user_id for each in company.statuses())


async def test_an_accepted_text_is_sent_delivered_and_read(sandbox, company, client):
    await open_window(sandbox)
    status, answer = await client.text(biz_opaque_callback_data="m1")
    await sandbox.settle()
    assert status == 200
    assert answer["contacts"][0]["wa_id"] == "573005550101"
    wamid = answer["messages"][0]["id"]
    told = [(each["id"], each["status"], each["biz_opaque_callback_data"]) for each in company.statuses()]
    assert told == [(wamid, status, "m1") for status in ("sent", "delivered", "read")]
    assert company.statuses()[0]["pricing"]["type"] == "free_customer_service"


@pytest.mark.parametrize("spelling", ["+52 1 55 5555 0114", "525555550114", "5215555550114"])
async def test_a_mexican_number_is_found_in_all_spellings(sandbox, client, spelling):
    await open_window(sandbox, "guadalupe")
    status, answer = await client.text(to=spelling)
    assert (status, answer["contacts"][0]["wa_id"]) == (200, "5215555550114")


async def test_statuses_can_come_in_disorder(sandbox, company, client):
    await client.control("POST", "timing", json={"disorder": 1})
    await open_window(sandbox)
    for _ in range(12):
        await client.text()
    await sandbox.settle()
    orders: dict[str, list[str]] = {}
    for each in company.statuses():
        orders.setdefault(each["id"], []).append(each["status"])
    assert any(order != ["sent", "delivered", "read"] for order in orders.values())
    assert all("read" in order for order in orders.values())


REFUSED = {
    "no type of ours": ({"type": "poll", "poll": {}}, 100),
    "no body": ({"type": "text", "text": {}}, 100),
    "text too long": ({"type": "text", "text": {"body": "a" * 4097}}, 100),
    "no media": ({"type": "image", "image": {"caption": "x"}}, 100),
    "caption on a sound": ({"type": "audio", "audio": {"link": "https://a.example/x.mp3", "caption": "x"}}, 100),
    "caption too long": ({"type": "image", "image": {"link": "https://a.example/x.jpg", "caption": "a" * 1025}}, 100),
    "unknown media": ({"type": "image", "image": {"id": "1"}}, 131009),
    "card without name": ({"type": "contacts", "contacts": [{"phones": []}]}, 100),
    "place off the earth": ({"type": "location", "location": {"latitude": 91, "longitude": 0}}, 131009),
    "reaction that is a word": ({"type": "reaction", "reaction": {"message_id": "wamid.X", "emoji": "ok"}}, 131009),
    "callback too long": ({"type": "text", "text": {"body": "a"}, "biz_opaque_callback_data": "a" * 513}, 100),
    "foreign user id": ({"recipient": "CO.999", "type": "text", "text": {"body": "a"}}, 131009),
    "own number": ({"to": "576015550100", "type": "text", "text": {"body": "a"}}, 131021),
    "template unknown": ({"type": "template", "template": {**TEMPLATE, "name": "otro"}}, 132001),
    "language unknown": ({"type": "template", "template": {**TEMPLATE, "language": {"code": "es_MX"}}}, 132001),
    "too few parameters": ({"type": "template", "template": {**TEMPLATE, "components": [body("Ana")]}}, 132000),
    "names where numbers are": (
        {"type": "template", "template": {**TEMPLATE, "components": [body("a", "b", parameter_name="x")]}},
        132012,
    ),
    "newline in a parameter": (
        {"type": "template", "template": {**TEMPLATE, "components": [body("a\nb", "1")]}},
        132018,
    ),
    "text longer once filled": (
        {"type": "template", "template": {**TEMPLATE, "components": [body("a" * 700, "b" * 700)]}},
        132005,
    ),
    "header picture missing": (
        {"type": "template", "template": {"name": "herramientas_del_mes", "language": {"code": "es"},
                                          "components": [body("Ana", "20 %")]}},
        132012,
    ),
}  # fmt: skip


@pytest.mark.parametrize("message, code", REFUSED.values(), ids=REFUSED)
async def test_what_meta_refuses_is_refused_with_its_code(sandbox, client, message, code):
    await open_window(sandbox)
    status, answer = await client.whatsapp(**message)
    assert status in (400, 404)
    assert answer["error"]["code"] == code
    assert answer["error"]["type"] == "OAuthException" and answer["error"]["fbtrace_id"]
    assert sandbox.world.ledger.total == 0


def interactive(kind, action, text="Elija"):
    return {"type": "interactive", "interactive": {"type": kind, "body": {"text": text}, "action": action}}


def reply(own="a", title="Sí"):
    return {"type": "reply", "reply": {"id": own, "title": title}}


def rows(count, **more):
    return [{"title": "Uno", "rows": [{"id": str(each), "title": f"Fila {each}", **more} for each in range(count)]}]


INTERACTIVE_REFUSED = {
    "four buttons": interactive("button", {"buttons": [reply(str(each), f"B{each}") for each in range(4)]}),
    "title of 21": interactive("button", {"buttons": [reply(title="a" * 21)]}),
    "titles alike": interactive("button", {"buttons": [reply("a"), reply("b")]}),
    "body of 1025": interactive("button", {"buttons": [reply()]}, "a" * 1025),
    "eleven rows": interactive("list", {"button": "Ver", "sections": rows(11)}),
    "row description of 73": interactive("list", {"button": "Ver", "sections": rows(1, description="a" * 73)}),
    "link that is none": interactive("cta_url", {"parameters": {"display_text": "Ver", "url": "ftp://a"}}),
    "kind unknown": interactive("poll", {"options": []}),
}


@pytest.mark.parametrize("message", INTERACTIVE_REFUSED.values(), ids=INTERACTIVE_REFUSED)
async def test_interactive_messages_are_measured(sandbox, client, message):
    await open_window(sandbox)
    status, answer = await client.whatsapp(**message)
    assert (status, answer["error"]["code"]) == (400, 131009)


async def test_the_window_is_shut_without_a_word_and_after_a_day(sandbox, client):
    status, answer = await client.text()
    assert (status, answer["error"]["code"]) == (400, 131047)
    yesterday = sandbox.world.now() - 25 * 3600
    await client.control("POST", "say", json={"channel": "whatsapp", "person": "ana", "text": "Hola", "at": yesterday})
    status, answer = await client.text()
    assert answer["error"]["code"] == 131047
    assert answer["error"]["error_data"]["messaging_product"] == "whatsapp"


async def test_a_template_needs_no_window_and_is_drawn_filled(sandbox, client):
    template = {**TEMPLATE, "components": [body("Ana", "4821")]}
    status, answer = await client.whatsapp(type="template", template=template)
    assert status == 200 and answer["messages"][0]["message_status"] == "accepted"
    chat = sandbox.chat("whatsapp", "ana")
    assert chat.lines[-1].text == "Hola Ana, su pedido 4821 ya está listo para recoger en la tienda. Lo esperamos."


async def test_the_pair_and_the_number_are_paced(sandbox, client):
    await open_window(sandbox)
    await client.control("POST", "limits", json={"on": True, "whatsapp_person_burst": 2})
    codes = [(await client.text())[1].get("error", {}).get("code") for _ in range(3)]
    assert codes == [None, None, 131056]
    await client.control("POST", "limits", json={"whatsapp_per_second": 1, "whatsapp_person_burst": 45})
    codes = [(await client.text())[1].get("error", {}).get("code") for _ in range(2)]
    assert codes == [None, 130429]


async def test_a_wrong_or_missing_token_is_refused(sandbox, client):
    account = sandbox.account("whatsapp")
    for token, code in (("EAAwrong", 190), ("", 0)):
        status, answer = await client.graph("GET", account.id, token)
        assert (status, answer["error"]["code"]) == (401, code)
    status, answer = await client.graph("GET", account.id, sandbox.account("messenger").token)
    assert (status, answer["error"]["code"], answer["error"]["error_subcode"]) == (400, 100, 33)


async def test_a_number_that_is_not_on_whatsapp_fails_later(sandbox, company, client):
    template = {**TEMPLATE, "components": [body("Ana", "4821")]}
    status, _ = await client.whatsapp("573005550000", type="template", template=template)
    await sandbox.settle()
    assert status == 200
    (told,) = company.statuses()
    assert (told["status"], told["errors"][0]["code"]) == ("failed", 131026)


async def test_scripted_refusals_come_at_once_or_late(sandbox, company, client):
    await open_window(sandbox)
    await client.control("POST", "faults", json={"refusals": [{"code": 131049, "to": "ana"}]})
    status, answer = await client.text()
    assert answer["error"]["code"] == 131049
    await client.control("POST", "faults", json={"refusals": [{"code": 131042, "late": True}]})
    status, answer = await client.text()
    await sandbox.settle()
    assert status == 200
    assert company.statuses()[-1]["errors"][0]["code"] == 131042


async def test_reading_and_typing_show_on_the_phone(sandbox, client):
    wamid = sandbox.say("whatsapp", "ana", "Hola")
    await sandbox.settle()
    chat = sandbox.chat("whatsapp", "ana")
    assert chat.lines[0].status == "delivered"
    signal = {"status": "read", "message_id": wamid, "typing_indicator": {"type": "text"}}
    assert await client.whatsapp(**signal) == (200, {"success": True})
    assert chat.lines[0].status == "read"
    assert chat.typing_until > sandbox.world.now()
    status, answer = await client.whatsapp(status="read", message_id="wamid.unknown")
    assert (status, answer["error"]["code"]) == (400, 131009)


async def test_buttons_are_pressed_and_answered(sandbox, company, client):
    await open_window(sandbox)
    _, sent = await client.whatsapp(**interactive("list", {"button": "Ver", "sections": rows(2, description="d")}))
    _, asked = await client.whatsapp(**interactive("button", {"buttons": [reply("si", "Sí")]}))
    for answer, button in ((sent, "1"), (asked, "si")):
        press = {"message": answer["messages"][0]["id"], "button": button}
        status, _ = await client.control("POST", "say", json={"channel": "whatsapp", "person": "ana", "press": press})
        assert status == 200
    await sandbox.settle()
    row, button = company.messages()[-2:]
    assert row["interactive"]["list_reply"] == {"id": "1", "title": "Fila 1", "description": "d"}
    assert button["interactive"] == {"type": "button_reply", "button_reply": {"id": "si", "title": "Sí"}}
    assert button["context"]["id"] == asked["messages"][0]["id"]


async def test_media_goes_both_ways_and_needs_the_token(sandbox, company, client, http):
    await client.control("POST", "say", json={"channel": "whatsapp", "person": "ana", "media": {"data": "aGVsbG8="}})
    await sandbox.settle()
    image = company.messages()[0]["image"]
    status, found = await client.graph("GET", image["id"])
    assert status == 200 and found["mime_type"] == "image/jpeg"
    async with http.get(found["url"]) as answer:
        assert answer.status == 401
    token = sandbox.account("whatsapp").token
    async with http.get(found["url"], headers={"Authorization": f"Bearer {token}"}) as answer:
        assert await answer.read() == b"hello"
    status, uploaded = await upload(client, b"\xff\xd8\xff picture", "image/jpeg")
    status, answer = await client.whatsapp(type="image", image={"id": uploaded["id"], "caption": "Mire"})
    assert status == 200
    assert sandbox.chat("whatsapp", "ana").lines[-1].data["media"]["id"] == uploaded["id"]


async def upload(client, data, mime):
    import aiohttp

    form = aiohttp.FormData({"messaging_product": "whatsapp", "type": mime})
    form.add_field("file", data, filename="a", content_type=mime)
    return await client.graph("POST", f"{client.sandbox.account('whatsapp').id}/media", data=form)


async def test_uploads_are_looked_at(client):
    for data, mime, code in ((b"MZ", "application/x-msdownload", 100), (b"no picture", "image/jpeg", 131053)):
        status, answer = await upload(client, data, mime)
        assert (status, answer["error"]["code"]) == (400, code)


async def test_a_file_of_the_wrong_kind_fails_later(sandbox, company, client):
    await open_window(sandbox)
    _, uploaded = await upload(client, b"%PDF-1.7", "application/pdf")
    status, _ = await client.whatsapp(type="image", image={"id": uploaded["id"]})
    await sandbox.settle()
    assert status == 200
    assert company.statuses()[-1]["errors"][0]["code"] == 131053


async def test_accounts_answer_for_themselves(sandbox, client):
    account = sandbox.account("whatsapp")
    status, found = await client.graph("GET", f"{account.id}?fields=verified_name,status,quality_rating")
    assert (status, found["status"], found["id"]) == (200, "CONNECTED", account.id)
    status, found = await client.graph("GET", f"{account.id}?fields=colour")
    assert (status, found["error"]["code"]) == (400, 100)
    status, found = await client.graph("GET", f"debug_token?input_token={account.token}")
    assert found["data"]["is_valid"] and "whatsapp_business_messaging" in found["data"]["scopes"]
    status, found = await client.graph("GET", "1234567890")
    assert (status, found["error"]["error_subcode"]) == (400, 33)


async def test_a_subscription_with_an_address_shakes_hands(sandbox, company, client):
    account = sandbox.account("whatsapp")
    edge = f"{account.owner}/subscribed_apps"
    wrong = {"override_callback_uri": f"{company.url}/here", "verify_token": "wrong"}
    status, answer = await client.graph("POST", edge, json=wrong)
    assert (status, answer["error"]["code"]) == (400, 2200)
    status, answer = await client.graph("POST", edge, json=wrong | {"verify_token": company.verify_token})
    assert (status, answer) == (200, {"success": True})
    sandbox.say("whatsapp", "ana", "Hola")
    await sandbox.settle()
    assert company.heard[-1].path == "/here"
    await client.graph("DELETE", edge)
    assert (await client.graph("GET", edge))[1] == {"data": []}
    sandbox.say("whatsapp", "ana", "¿Hola?")
    await sandbox.settle()
    assert len(company.heard) == 1


async def test_templates_are_reviewed_and_may_be_refused(sandbox, company, client):
    edge = f"{sandbox.account('whatsapp').owner}/message_templates"
    part = {"type": "BODY", "text": "Hola {{1}}, gracias por escribirnos hoy.", "example": {"body_text": [["Ana"]]}}
    draft = {"name": "gracias", "language": "es", "category": "UTILITY", "components": [part]}
    status, made = await client.graph("POST", edge, json=draft)
    assert (status, made["status"]) == (200, "PENDING")
    await client.graph("POST", edge, json=draft | {"name": "please_reject_me"})
    await sandbox.settle()
    told = company.changes("message_template_status_update")
    assert [(each["message_template_name"], each["event"]) for each in told] == [
        ("gracias", "APPROVED"),
        ("please_reject_me", "REJECTED"),
    ]
    status, listed = await client.graph("GET", f"{edge}?fields=name,status&limit=3")
    assert len(listed["data"]) == 3 and "next" in listed["paging"]
    status, rest = await client.graph("GET", f"{edge}?limit=100&after={listed['paging']['cursors']['after']}")
    assert "next" not in rest["paging"]
    assert {"gracias", "please_reject_me"} <= {row["name"] for row in rest["data"]}


BAD_TEMPLATES = {
    "name": ({"name": "Con Espacio"}, 100),
    "category": ({"category": "NEWS"}, 100),
    "no body": ({"components": [{"type": "FOOTER", "text": "x"}]}, 2388073),
    "variable first": ({"components": [{"type": "BODY", "text": "{{1}} hola a todos"}]}, 2388299),
    "no example": ({"components": [{"type": "BODY", "text": "Hola {{1}} gracias por todo"}]}, 2388073),
    "too many variables": ({"components": [{"type": "BODY", "text": "Hola {{1}} y {{2}} ya"}]}, 2388293),
}


@pytest.mark.parametrize("change, code", BAD_TEMPLATES.values(), ids=BAD_TEMPLATES)
async def test_a_template_against_the_rules_is_not_taken(sandbox, client, change, code):
    draft = {"name": "x", "language": "es", "category": "UTILITY", "components": [{"type": "BODY", "text": "Hola"}]}
    edge = f"{sandbox.account('whatsapp').owner}/message_templates"
    status, answer = await client.graph("POST", edge, json=draft | change)
    assert (status, answer["error"]["code"]) == (400, code)
    assert answer["error"].get("error_user_msg")


async def test_a_paused_template_is_not_sent(sandbox, company, client):
    news = {"name": "pedido_listo", "language": "es", "status": "PAUSED", "quality": "RED"}
    assert (await client.control("POST", "templates", json=news))[0] == 200
    status, answer = await client.whatsapp(type="template", template={**TEMPLATE, "components": [body("a", "b")]})
    await sandbox.settle()
    assert (status, answer["error"]["code"]) == (400, 132015)
    assert company.changes("message_template_status_update")[0]["event"] == "PAUSED"
    assert company.changes("message_template_quality_update")[0]["new_quality_score"] == "RED"


async def test_a_changed_number_links_the_old_user_id_to_the_new(sandbox, company, client):
    scope = sandbox.account("whatsapp").scope
    before = sandbox.person("ana").whatsapp_id(scope)
    assert (await client.control("POST", "move", json={"person": "ana", "phone": "573005550199"}))[0] == 200
    await sandbox.settle()
    system = company.messages()[0]["system"]
    assert system["previous_user_id"] == before != system["user_id"] == sandbox.person("ana").whatsapp_id(scope)
    assert sandbox.world.people.at_phone("573005550101") is None


async def test_the_rest_of_what_people_do(sandbox, company, client):
    said = sandbox.say("whatsapp", "ana", "Hola")
    acts = (
        {"react": {"message": said, "emoji": "👍"}},
        {"react": {"message": said}},
        {"edit": {"message": said, "text": "Hola."}},
        {"delete": said},
        {"location": {"latitude": 4.6, "longitude": -74.1, "name": "Casa"}},
        {"contact": {"name": "Luis Gil", "phones": ["+573005550188"]}},
        {"text": "cita", "reply_to": said},
        {"raw": {"type": "order", "order": {"catalog_id": "c", "product_items": []}}},
        {"text": "del anuncio", "referral": {"source_type": "ad", "source_id": "1"}},
    )
    for act in acts:
        status, _ = await client.control("POST", "say", json={"channel": "whatsapp", "person": "ana", **act})
        assert status == 200
    await sandbox.settle()
    kinds = [message["type"] for message in company.messages()]
    assert kinds == ["text", "reaction", "reaction", "edit", "revoke", "location", "contacts", "text", "order", "text"]
    assert "emoji" not in company.messages()[2]["reaction"]
    assert company.messages()[7]["context"]["id"] == said
    assert company.messages()[9]["referral"]["source_id"] == "1"


async def test_a_colleague_on_the_phone_is_echoed(sandbox, company, client):
    act = {"channel": "whatsapp", "person": "ana", "text": "Ya le contesto", "from_company": True}
    await client.control("POST", "say", json=act)
    await sandbox.settle()
    (echo,) = company.changes("smb_message_echoes")[0]["message_echoes"]
    assert (echo["to"], echo["text"]["body"]) == ("573005550101", "Ya le contesto")
    assert sandbox.chat("whatsapp", "ana").heard_at is None


async def test_a_blocked_company_gets_no_further_than_sent(sandbox, company, client):
    await open_window(sandbox)
    await client.control("POST", "block", json={"channel": "whatsapp", "person": "ana"})
    await client.text()
    await sandbox.settle()
    assert [each["status"] for each in company.statuses()] == ["sent"]


async def test_the_stop_switch_is_told(sandbox, company, client):
    await client.control("POST", "marketing", json={"channel": "whatsapp", "person": "ana", "stop": True})
    await sandbox.settle()
    assert company.changes("user_preferences")[0]["user_preferences"][0]["value"] == "stop"
