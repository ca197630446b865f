"""The phone page and what stands behind it."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from bot.sandbox import phone
from tests.waiting import wait_for

WHO = "channel=whatsapp&person=ana"


async def test_the_page_speaks_the_browsers_language_and_runs_nothing_inline(client, http):
    titles = {"es-CO,es;q=0.9": "Teléfono de práctica", "pt-BR": "Telefone de prática", "de,en;q=0.5": "Practice phone"}
    for languages, title in titles.items():
        async with http.get(f"{client.base}/", headers={"Accept-Language": languages}) as answer:
            page = await answer.text()
            assert answer.status == 200 and f"<title>{title} · Ferretería Sol</title>" in page
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=|\{\{", page)


async def test_every_language_has_every_word():
    words = phone.all_words()
    assert words["es"].keys() == words["en"].keys() == words["pt"].keys()
    used = "".join((phone.STATIC / name).read_text() for name in ("phone.js", "draw.js"))
    wanted = set(re.findall(r"words\.([a-z_]+)", used)) - {"at", "length"}
    assert wanted <= words["es"].keys()


@pytest.mark.parametrize("name", ["phone.css", "phone.js", "draw.js", "samples/llave.jpg", "samples/voz-pedido.ogg"])
async def test_its_files_are_served_and_no_others(client, http, name):
    async with http.get(f"{client.base}/static/{name}") as answer:
        assert answer.status == 200
    for other in ("words.json", "../server.py", "samples/..%2f..%2fserver.py", "samples/nothing.jpg"):
        async with http.get(f"{client.base}/static/{other}") as answer:
            assert answer.status == 404


async def chat(client, http, who=WHO):
    async with http.get(f"{client.base}/phone/chat?{who}") as answer:
        return await answer.json()


async def test_a_chat_shows_what_both_said(sandbox, client, http):
    said = sandbox.say("whatsapp", "ana", "Hola")
    await client.text(context={"message_id": said})
    await sandbox.settle()
    shown = await chat(client, http)
    mine, theirs = shown["lines"]
    assert (mine["by"], mine["text"], mine["status"]) == ("person", "Hola", "delivered")
    assert (theirs["by"], theirs["quoted"], theirs["status"]) == ("company", said, "read")
    assert shown["company"] == "Ferretería Sol"
    async with http.get(f"{client.base}/phone/chat?channel=whatsapp&person=nobody") as answer:
        assert answer.status == 404


async def next_event(stream):
    async for line in stream.content:
        if line.startswith(b"data: "):
            return json.loads(line[6:])
    return None


async def test_changes_are_told_while_it_is_open_and_reading_waits_for_eyes(sandbox, company, client, http):
    sandbox.say("whatsapp", "ana", "Hola")
    await sandbox.settle()
    account = sandbox.account("whatsapp").id
    async with http.get(f"{client.base}/phone/events?{WHO}") as stream:
        await wait_for(lambda: sandbox.chat("whatsapp", "ana").viewers == 1)
        await client.text()
        assert await asyncio.wait_for(next_event(stream), 5) == [{"account": account, "person": "ana"}]
        await sandbox.settle()
        assert company.statuses()[-1]["status"] == "delivered"
        await client.control("POST", "seen", json={"channel": "whatsapp", "person": "ana"})
        await sandbox.settle()
        assert company.statuses()[-1]["status"] == "read"
    await wait_for(lambda: sandbox.chat("whatsapp", "ana").viewers == 0)


async def test_a_strangers_file_cannot_run_here(sandbox, client, http):
    media = {"kind": "document", "data": "PHNjcmlwdD4=", "mime": "text/html", "name": "a.html"}
    await client.control("POST", "say", json={"channel": "whatsapp", "person": "ana", "media": media})
    found = (await chat(client, http))["lines"][0]["data"]["media"]["id"]
    async with http.get(f"{client.base}/phone/files/{found}") as answer:
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == "attachment"
        assert answer.headers["Content-Security-Policy"].startswith("sandbox")


async def test_a_recording_becomes_a_voice_note(client, http):
    recorded = (Path(phone.STATIC) / "samples" / "voz-gracias.ogg").read_bytes()
    async with http.post(
        f"{client.base}/phone/voice", data=recorded, headers={"Content-Type": "application/octet-stream"}
    ) as answer:
        assert (await answer.read()).startswith(b"OggS")
        assert answer.headers["X-Seconds"] == "3"
    async with http.post(f"{client.base}/phone/voice", data=b"no sound") as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["code"] == "no_sound"


async def test_somebody_new_can_be_made_once_per_number(client):
    newcomer = {"name": "Nueva Persona", "phone": "+57 300 555 0777"}
    status, made = await client.control("POST", "people", json=newcomer)
    assert (status, made["id"]) == (200, "nueva-persona")
    status, answer = await client.control("POST", "people", json=newcomer)
    assert (status, answer["error"]["code"]) == (400, "taken")
    status, answer = await client.control("POST", "share", json={"channel": "whatsapp", "person": "nueva-persona"})
    assert status == 200
