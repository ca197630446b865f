"""Trouble on command, the ledger, what survives a restart, and sentences for wrong words."""

from typing import Any

import aiohttp
import pytest

from bot.sandbox.server import Sandbox, instant_config
from tests.bot.sandbox.conftest import Client
from tests.waiting import wait_for


async def open_windows(sandbox, person="ana"):
    for channel in ("whatsapp", "messenger", "telegram"):
        sandbox.say(channel, person, "Hola")
    await sandbox.settle()


async def send_everywhere(client):
    """The HTTP status of one message on each channel, None where the answer never came."""
    who = client.sandbox.person("ana").telegram_id
    calls = (
        lambda: client.text(),
        lambda: client.messenger(message={"text": "Hola"}),
        lambda: client.telegram("sendMessage", chat_id=who, text="Hola"),
    )
    found = []
    for call in calls:
        try:
            found.append((await call())[0])
        except aiohttp.ContentTypeError as error:
            found.append(f"not json {error.status}")
        except aiohttp.ClientError:
            found.append(None)
    return found


@pytest.mark.parametrize(
    "fault, statuses, accepted",
    [
        ({"http_429": 1}, [429] * 3, 0),
        ({"http_500": 1}, [500] * 3, 0),
        ({"expired_token": True}, [401] * 3, 0),
        ({"lost_answers": 1}, [None] * 3, 3),
        ({"lost_answers": 1, "lost_how": "silence", "lost_seconds": 0.01}, [None] * 3, 3),
        ({"garbage": 1}, ["not json 200"] * 3, 3),
        ({"gateway_errors": 1}, ["not json 502"] * 3, 3),
        ({"slow": 1, "slow_seconds": 0.01}, [200] * 3, 3),
        ({"http_500": 1, "channels": ["telegram"]}, [200, 200, 500], 2),
    ],
)
async def test_platforms_misbehave_on_command(sandbox, client, fault, statuses, accepted):
    await open_windows(sandbox)
    status, _ = await client.control("POST", "faults", json=fault)
    assert status == 200
    assert await send_everywhere(client) == statuses
    assert sandbox.world.ledger.total == accepted
    await client.control("DELETE", "faults")
    assert await send_everywhere(client) == [200] * 3


async def test_webhooks_are_doubled_and_reordered(sandbox, company, client):
    await client.control("POST", "faults", json={"duplicates": 1})
    sandbox.say("whatsapp", "ana", "Hola")
    await sandbox.settle()
    assert len(company.heard) == 2 and company.heard[0].raw == company.heard[1].raw
    company.heard.clear()
    await client.control("POST", "faults", json={"duplicates": 0, "reordering": 0.5, "reorder_seconds": 0.05})
    said = [sandbox.say("whatsapp", "ana", str(number)) for number in range(20)]
    await sandbox.settle()
    heard = [message["id"] for message in company.messages()]
    assert sorted(heard) == sorted(said) and heard != said


async def test_a_wrong_signature_can_be_asked_for(sandbox, company, client):
    await client.control("POST", "faults", json={"bad_signatures": 1})
    sandbox.say("whatsapp", "ana", "Hola")
    await sandbox.settle()
    from tests.bot.sandbox.conftest import signature

    (heard,) = company.heard
    assert heard.headers["X-Hub-Signature-256"] != signature(sandbox.account("whatsapp").app_secret, heard.raw)


async def test_what_was_not_taken_comes_again_and_lets_others_pass(sandbox, company):
    company.answers = [500, 200]
    first = sandbox.say("whatsapp", "ana", "uno")
    second = sandbox.say("whatsapp", "ana", "dos")
    await sandbox.settle()
    assert [message["id"] for message in company.messages()] == [first, second, first]


async def test_a_refusal_can_come_late(sandbox, company, client):
    await client.control("POST", "faults", json={"late_refusals": 1})
    status, _ = await client.text()
    await sandbox.settle()
    assert status == 200
    assert company.statuses()[0]["errors"][0]["code"] == 131047


async def test_the_ledger_counts_per_recipient_and_finds_doubles(sandbox, client):
    await open_windows(sandbox)
    for callback in ("m1", "m2", "m2"):
        await client.text(biz_opaque_callback_data=callback)
    _, report = await client.control("GET", "sent")
    assert (report["total"], report["doubled"]) == (3, ["m2"])
    found = report["recipients"]["573005550101"]
    assert found["count"] == 3 and found["messages"][0]["text"] == "Buenos días"
    assert (await client.control("GET", "sent?recipient=1"))[1]["total"] == 0
    await client.control("DELETE", "sent")
    assert (await client.control("GET", "sent"))[1]["total"] == 0


async def test_a_number_nobody_has_belongs_to_somebody(sandbox, company, client):
    stranger = {"channel": "whatsapp", "person": "+52 1 55 5555 0999", "text": "Hola"}
    for _ in range(2):
        assert (await client.control("POST", "say", json=stranger))[0] == 200
    await sandbox.settle()
    assert {message["from"] for message in company.messages()} == {"5215555550999"}
    assert {message["from_user_id"][:3] for message in company.messages()} == {"MX."}


async def test_many_people_speak_at_once(sandbox, company, client):
    items = [
        {"channel": "whatsapp", "person": {"name": f"Cliente {n}", "phone": f"57300555{n:04d}"}, "text": "Hola"}
        for n in range(500, 560)
    ]
    status, answer = await client.control("POST", "say", json={"items": items})
    await sandbox.settle()
    assert status == 200 and len(answer["ids"]) == 60
    assert {message["from"] for message in company.messages()} == {f"57300555{n:04d}" for n in range(500, 560)}


@pytest.mark.parametrize(
    "path, body, status, sentence",
    [
        ("say", {"channel": "whatsapp", "person": "nobody", "text": "a"}, 404, "Nobody here is called 'nobody'."),
        ("say", {"channel": "whatsapp", "person": "ana"}, 400, "say exactly one of text, media"),
        ("say", {"channel": "fax", "person": "ana", "text": "a"}, 400, "channel: Input should be"),
        ("say", {"channel": "whatsapp", "person": "ana", "txt": "a"}, 400, "txt: Extra inputs are not permitted."),
        ("say", {"channel": "whatsapp", "person": "ana", "media": {"data": "%"}}, 400, "data must be base64"),
        ("faults", {"duplicates": 2}, 400, "duplicates: Input should be less than or equal to 1."),
        ("faults", {"dupes": 1}, 400, "dupes: Extra inputs are not permitted."),
        ("templates", {"name": "x", "language": "es"}, 404, "There is no template x in es."),
    ],
)
async def test_wrong_words_get_one_clear_sentence(client, path, body, status, sentence):
    found, answer = await client.control("POST", path, json=body)
    assert found == status
    assert sentence in answer["error"]["message"]


async def test_pages_of_other_sites_pull_no_strings(client):
    status, _ = await client.control("POST", "faults", json={"slow": 1}, headers={"Origin": "https://evil.example"})
    assert status == 403
    status, _ = await client.control("POST", "faults", data='{"slow":1}', headers={"Content-Type": "text/plain"})
    assert status == 400


async def test_it_listens_on_this_machine_only():
    with pytest.raises(ValueError, match="loopback"):
        async with Sandbox(instant_config()).serve("0.0.0.0"):
            pass


async def test_a_restart_keeps_people_secrets_and_chats(company, http):
    kept: dict[str, Any] = {}
    first = Sandbox(instant_config(), hook_base=company.url, save=kept.update)
    async with first.serve():
        client = Client(http, first)
        await client.control("POST", "people", json={"name": "Nueva Persona", "phone": "573005550777"})
        first.say("whatsapp", "nueva-persona", "Hola")
        first.say("telegram", "ana", "Hola")
        _, updates = await client.telegram("getUpdates")
    second = Sandbox(instant_config(), hook_base=company.url, saved=kept)
    async with second.serve():
        client = Client(http, second)
        assert second.account("whatsapp") == first.account("whatsapp")
        assert (await client.text(to="573005550777"))[0] == 200
        second.say("telegram", "ana", "¿Siguen ahí?")
        _, later = await client.telegram("getUpdates")
        assert later["result"][0]["update_id"] > updates["result"][0]["update_id"]
        assert later["result"][0]["message"]["message_id"] == 2


async def test_statuses_go_together_under_load(company, http):
    from bot.sandbox.world.trouble import Timing

    timing = Timing(instant=True, disorder=0, reads=1, batch=50)
    sandbox = Sandbox(instant_config(timing=timing), hook_base=company.url)
    async with sandbox.serve():
        client = Client(http, sandbox)
        sandbox.say("whatsapp", "ana", "Hola")
        await sandbox.settle()
        for _ in range(40):
            await client.text()
        await sandbox.settle()
    assert len(company.statuses()) == 120
    assert len(company.heard) < 120


async def test_state_tells_everything_but_secrets(sandbox, client):
    _, state = await client.control("GET", "state")
    assert [account["kind"] for account in state["accounts"]] == ["whatsapp", "messenger", "telegram"]
    account = sandbox.account("whatsapp")
    assert not any(secret in str(state) for secret in (account.token, account.app_secret, account.verify_token))
    _, answer = await client.control("POST", "handshake", json={"channel": "whatsapp"})
    assert answer == {"verified": True}
    await wait_for(lambda: sandbox.hooks.waiting() == 0)


async def test_the_controls_explain_themselves(client):
    _, index = await client.control("GET", "")
    assert "POST /control/say" in index["routes"]
    assert "lost_answers" in index["bodies"]["faults"]["properties"]
