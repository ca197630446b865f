"""The played Bot API: polling as the real server does it, webhooks, methods and their refusals."""

import asyncio

import pytest

from tests.waiting import wait_for


def told(sandbox, person="ana", words="Hola"):
    return sandbox.say("telegram", person, words)


async def chat_id(sandbox, person="ana"):
    told(sandbox, person, "/start")
    return sandbox.person(person).telegram_id


async def test_updates_stay_until_a_higher_offset_confirms_them(sandbox, client):
    told(sandbox), told(sandbox, words="¿Abren hoy?")
    _, first = await client.telegram("getUpdates")
    _, again = await client.telegram("getUpdates")
    assert first == again and len(first["result"]) == 2
    one, two = first["result"]
    assert two["update_id"] == one["update_id"] + 1
    assert two["message"]["text"] == "¿Abren hoy?"
    assert two["message"]["chat"]["id"] == two["message"]["from"]["id"] == sandbox.person("ana").telegram_id
    _, rest = await client.telegram("getUpdates", offset=two["update_id"])
    assert rest["result"] == [two]
    assert sandbox.chat("telegram", "ana").lines[0].status == "read"
    _, none = await client.telegram("getUpdates", offset=two["update_id"] + 1)
    assert none["result"] == []


async def test_a_negative_offset_forgets_the_older_ones(sandbox, client):
    for words in "abc":
        told(sandbox, words=words)
    _, answer = await client.telegram("getUpdates", offset=-1)
    assert [update["message"]["text"] for update in answer["result"]] == ["c"]
    assert len((await client.telegram("getUpdates"))[1]["result"]) == 1


async def test_a_long_poll_ends_with_the_first_update(sandbox, client):
    poll = asyncio.create_task(client.telegram("getUpdates", timeout=30))
    await wait_for(lambda: sandbox.updates.is_polled(sandbox.account("telegram")))
    told(sandbox)
    status, answer = await poll
    assert (status, len(answer["result"])) == (200, 1)


async def test_a_second_poller_ends_the_first(sandbox, client):
    bot = sandbox.account("telegram")
    first = asyncio.create_task(client.telegram("getUpdates", timeout=30))
    await wait_for(lambda: sandbox.updates.is_polled(bot))
    second = asyncio.create_task(client.telegram("getUpdates", timeout=30))
    status, answer = await first
    assert (status, answer["error_code"]) == (409, 409)
    assert "terminated by other getUpdates request" in answer["description"]
    await wait_for(lambda: sandbox.updates.is_polled(bot))
    await client.telegram("setWebhook", url="https://example.com/hook")
    status, answer = await second
    assert status == 409 and "terminated by setWebhook request" in answer["description"]
    status, answer = await client.telegram("getUpdates")
    assert status == 409 and "webhook is active" in answer["description"]


async def test_a_webhook_gets_the_secret_and_tries_again(sandbox, company, client):
    told(sandbox)
    company.answers = [500, 503]
    await client.telegram("setWebhook", url=f"{company.url}/hooks/telegram", secret_token="s3cret")
    told(sandbox, words="segundo")
    await wait_for(lambda: len(company.heard) == 4)
    assert [update["message"]["text"] for update in company.updates()] == ["Hola", "Hola", "Hola", "segundo"]
    assert company.heard[0].headers["X-Telegram-Bot-Api-Secret-Token"] == "s3cret"
    await wait_for(lambda: sandbox.updates.waiting(sandbox.account("telegram")) == 0)
    _, info = await client.telegram("getWebhookInfo")
    assert info["result"]["pending_update_count"] == 0
    assert info["result"]["last_error_message"] == "Wrong response from the webhook: 503"
    await client.telegram("deleteWebhook")
    assert (await client.telegram("getWebhookInfo"))[1]["result"]["url"] == ""


async def test_reactions_are_told_only_when_asked_for(sandbox, client):
    said = told(sandbox)
    act = {"channel": "telegram", "person": "ana", "react": {"message": said, "emoji": "🔥"}}
    await client.control("POST", "say", json=act)
    _, answer = await client.telegram("getUpdates", allowed_updates=["message", "message_reaction"])
    assert [list(update)[1] for update in answer["result"]] == ["message"]
    await client.control("POST", "say", json=act)
    _, answer = await client.telegram("getUpdates")
    assert answer["result"][-1]["message_reaction"]["new_reaction"] == [{"type": "emoji", "emoji": "🔥"}]


async def test_a_sent_text_is_a_message_and_stands_on_the_phone(sandbox, client):
    chat = await chat_id(sandbox)
    quote = {"message_id": 1}
    status, answer = await client.telegram("sendMessage", chat_id=chat, text="Buenas", reply_parameters=quote)
    assert status == 200
    message = answer["result"]
    assert (message["message_id"], message["text"], message["chat"]["id"]) == (2, "Buenas", chat)
    line = sandbox.chat("telegram", "ana").lines[-1]
    assert (line.text, line.quoted) == ("Buenas", "1")


@pytest.mark.parametrize(
    "method, params, code, words",
    [
        ("sendMessage", {"text": ""}, 400, "message text is empty"),
        ("sendMessage", {"text": "a" * 4097}, 400, "message is too long"),
        ("sendMessage", {"text": "<b", "parse_mode": "HTML"}, 400, "can't parse entities"),
        ("sendMessage", {"text": "a", "reply_parameters": {"message_id": 99}}, 400, "message to be replied not found"),
        (
            "sendMessage",
            {"text": "a", "reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "ñ" * 33}]]}},
            400,
            "BUTTON_DATA_INVALID",
        ),
        ("sendPhoto", {"photo": "nothing"}, 400, "wrong file identifier"),
        ("editMessageText", {"message_id": 99, "text": "a"}, 400, "message to edit not found"),
        ("editMessageText", {"message_id": 1, "text": "a"}, 400, "message can't be edited"),
        ("setMessageReaction", {"message_id": 1, "reaction": [{"emoji": "x"}]}, 400, "REACTION_INVALID"),
        ("answerCallbackQuery", {"callback_query_id": "1"}, 400, "query is too old"),
        ("getFile", {"file_id": "1"}, 400, "invalid file_id"),
        ("doNothing", {}, 404, "Not Found"),
    ],
)
async def test_what_telegram_refuses_is_refused_in_its_words(sandbox, client, method, params, code, words):
    chat = await chat_id(sandbox)
    status, answer = await client.telegram(method, chat_id=chat, **params)
    assert (status, answer["ok"], answer["error_code"]) == (code, False, code)
    assert words in answer["description"]


async def test_a_bot_cannot_write_first(sandbox, client):
    who = sandbox.person("ana").telegram_id
    status, answer = await client.telegram("sendMessage", chat_id=who, text="Hola")
    assert (status, answer["description"]) == (400, "Bad Request: chat not found")


async def test_a_block_is_told_and_refuses(sandbox, client):
    chat = await chat_id(sandbox)
    for blocked, status in ((True, "kicked"), (False, "member")):
        await client.control("POST", "block", json={"channel": "telegram", "person": "ana", "blocked": blocked})
        _, answer = await client.telegram("getUpdates")
        assert answer["result"][-1]["my_chat_member"]["new_chat_member"]["status"] == status
        code, _ = await client.telegram("sendMessage", chat_id=chat, text="¿Sigue ahí?")
        assert code == (403 if blocked else 200)


async def test_wrong_tokens_are_told_apart(client):
    assert (await client.telegram("getMe", token="1:wrong"))[0] == 401
    assert (await client.telegram("getMe", token="nonsense"))[0] == 404


async def test_limits_name_the_seconds(sandbox, client):
    chat = await chat_id(sandbox)
    await client.control("POST", "limits", json={"on": True, "telegram_chat_burst": 1})
    await client.telegram("sendMessage", chat_id=chat, text="uno")
    status, answer = await client.telegram("sendMessage", chat_id=chat, text="dos")
    assert (status, answer["parameters"]) == (429, {"retry_after": 1})


async def test_a_callback_is_pressed_once_and_answered(sandbox, client):
    chat = await chat_id(sandbox)
    markup = {"inline_keyboard": [[{"text": "Sí", "callback_data": "yes"}, {"text": "Web", "url": "https://a.example"}]]}
    _, sent = await client.telegram("sendMessage", chat_id=chat, text="¿Confirma?", reply_markup=markup)
    press = {"message": str(sent["result"]["message_id"]), "button": "yes"}
    await client.control("POST", "say", json={"channel": "telegram", "person": "ana", "press": press})
    _, answer = await client.telegram("getUpdates")
    query = answer["result"][-1]["callback_query"]
    assert (query["data"], query["message"]["text"]) == ("yes", "¿Confirma?")
    status, _ = await client.telegram("answerCallbackQuery", callback_query_id=query["id"], text="Listo")
    assert status == 200
    edited = {"chat_id": chat, "message_id": sent["result"]["message_id"], "text": "Confirmado"}
    assert (await client.telegram("editMessageText", **edited))[0] == 200
    status, answer = await client.telegram("editMessageText", **edited)
    assert status == 400 and "message is not modified" in answer["description"]


async def test_a_phone_is_shared_by_a_key(sandbox, client):
    chat = await chat_id(sandbox)
    keyboard = {"keyboard": [[{"text": "Mi número", "request_contact": True}]]}
    _, sent = await client.telegram("sendMessage", chat_id=chat, text="¿Su número?", reply_markup=keyboard)
    press = {"message": str(sent["result"]["message_id"]), "button": "Mi número"}
    await client.control("POST", "say", json={"channel": "telegram", "person": "ana", "press": press})
    _, answer = await client.telegram("getUpdates")
    message = answer["result"][-1]["message"]
    assert message["contact"]["user_id"] == message["from"]["id"]
    assert message["contact"]["phone_number"] == sandbox.person("ana").phone


async def test_files_go_both_ways(sandbox, client, http):
    chat = await chat_id(sandbox)
    for kind, key in (("image", "photo"), ("voice", "voice"), ("document", "document"), ("sticker", "sticker")):
        media = {"kind": kind, "data": "aGVsbG8=", "name": "a.bin"}
        await client.control("POST", "say", json={"channel": "telegram", "person": "ana", "media": media})
        _, answer = await client.telegram("getUpdates")
        found = answer["result"][-1]["message"][key]
        file_id = (found[-1] if kind == "image" else found)["file_id"]
        _, answer = await client.telegram("getFile", file_id=file_id)
        base = f"{client.base}/telegram/file/bot{sandbox.account('telegram').token}"
        async with http.get(f"{base}/{answer['result']['file_path']}") as download:
            assert await download.read() == b"hello"
    file = {"photo": ("a.jpg", b"\xff\xd8\xff", "image/jpeg")}
    status, answer = await client.telegram("sendPhoto", chat_id=chat, caption="Mire", files=file)
    assert (status, answer["result"]["caption"]) == (200, "Mire")
    again = answer["result"]["photo"][-1]["file_id"]
    assert (await client.telegram("sendPhoto", chat_id=chat, photo=again))[0] == 200
    album = [{"type": "photo", "media": again}, {"type": "photo", "media": "attach://two"}]
    two = {"two": ("b.jpg", b"\xff\xd8\xff", "image/jpeg")}
    status, answer = await client.telegram("sendMediaGroup", chat_id=chat, media=album, files=two)
    assert len({message["media_group_id"] for message in answer["result"]}) == 1


async def test_the_rest_a_bot_may_do(sandbox, client):
    chat = await chat_id(sandbox)
    for method, params in (
        ("sendLocation", {"latitude": 4.6, "longitude": -74.1}),
        ("sendVenue", {"latitude": 4.6, "longitude": -74.1, "title": "Tienda", "address": "Cl. 45"}),
        ("sendContact", {"phone_number": "+573005550188", "first_name": "Luis"}),
        ("sendChatAction", {"action": "typing"}),
        ("setMessageReaction", {"message_id": 1, "reaction": [{"type": "emoji", "emoji": "👍"}]}),
        ("deleteMessage", {"message_id": 1}),
        ("getChat", {}),
        ("getMe", {}),
    ):
        status, answer = await client.telegram(method, chat_id=chat, **params)
        assert (status, answer["ok"]) == (200, True), method
