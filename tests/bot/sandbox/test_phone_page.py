"""The phone page in a real browser: written, answered, pressed, read, at both widths, for everybody."""

import os
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from tests.browser.install import find_browser

# A microphone that hums, and nobody who must be asked whether it may be used.
FAKE_MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
AXE = Path(__file__).parents[2] / "browser" / "vendor" / "axe.min.js"


@pytest.fixture(scope="module")
async def chromium():
    found = find_browser()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=found.path, env={**os.environ, **found.env}, args=[*found.args, *FAKE_MICROPHONE]
        )
        yield browser
        await browser.close()


@pytest.fixture(params=[(1280, 900), (390, 844)], ids=["desktop", "phone"])
async def page(request, chromium, client):
    width, height = request.param
    size = {"width": width, "height": height}
    context = await chromium.new_context(viewport=size, locale="es-CO", reduced_motion="reduce")
    page = await context.new_page()
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    await context.close()
    assert complaints == []


async def open_as(page, client, person="ana", channel="whatsapp"):
    await page.goto(f"{client.base}/?person={person}&channel={channel}")
    await page.wait_for_selector("body[data-ready]")


async def violations(page):
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run(document)")
    return [(each["id"], [node["target"] for node in each["nodes"]]) for each in found["violations"]]


async def test_a_customer_writes_is_answered_and_reads(page, sandbox, company, client):
    await open_as(page, client)
    await page.get_by_placeholder("Mensaje").fill("¿Tienen taladros?")
    await page.keyboard.press("Enter")
    mine = page.locator(".line.mine")
    await expect(mine).to_contain_text("¿Tienen taladros?")
    await expect(mine.locator(".foot .delivered")).to_be_visible()
    assert company.messages()[0]["text"]["body"] == "¿Tienen taladros?"
    wamid = company.messages()[0]["id"]
    buttons = [{"type": "reply", "reply": {"id": "si", "title": "Sí, por favor"}}]
    asked = {"type": "button", "body": {"text": "¿Le aparto uno?"}, "action": {"buttons": buttons}}
    await client.whatsapp(type="interactive", interactive=asked)
    await client.whatsapp(status="read", message_id=wamid)
    await expect(mine.locator(".foot .read")).to_be_visible()
    await expect(page.get_by_text("La empresa ve: leído")).to_be_visible()
    await page.get_by_role("button", name="Sí, por favor").click()
    await expect(mine.last).to_contain_text("Sí, por favor")
    await sandbox.settle()
    assert company.messages()[-1]["interactive"]["button_reply"]["id"] == "si"
    assert company.statuses()[-1]["status"] == "read"
    assert await violations(page) == []


async def test_a_picture_a_reaction_and_a_quote(page, sandbox, company, client):
    said = sandbox.say("whatsapp", "ana", "Hola")
    await client.text("Buenos días, Ana")
    await open_as(page, client)
    await page.get_by_role("button", name="Adjuntar").click()
    assert await violations(page) == []
    await page.get_by_role("button", name="taladro").click()
    await expect(page.locator("img.media")).to_be_visible()
    await page.get_by_role("button", name="Opciones del mensaje: Buenos días, Ana").click()
    await page.get_by_role("button", name="👍").click()
    await expect(page.locator(".reactions")).to_have_text("👍")
    await page.get_by_role("button", name="Opciones del mensaje: Buenos días, Ana").click()
    await page.get_by_role("button", name="Responder").click()
    await page.get_by_placeholder("Mensaje").fill("Eso")
    await page.get_by_role("button", name="Enviar", exact=True).click()
    await expect(page.locator(".line.mine .quote")).to_have_text("Buenos días, Ana")
    await sandbox.settle()
    assert [message["type"] for message in company.messages()] == ["text", "image", "reaction", "text"]
    assert company.messages()[-1]["context"]["id"] != said


async def test_what_a_stranger_says_is_only_text(page, sandbox, client):
    sandbox.say("whatsapp", "ana", "<img src=x onerror=alert(1)>")
    await open_as(page, client)
    await expect(page.locator(".bubble")).to_contain_text("<img src=x onerror=alert(1)>")
    assert await page.locator(".bubble img").count() == 0


async def test_a_bot_is_started_and_its_keys_are_pressed(page, sandbox, client):
    await open_as(page, client, "rosa", "telegram")
    await page.get_by_role("button", name="Iniciar").click()
    await expect(page.locator(".line.mine")).to_contain_text("/start")
    keyboard = {"keyboard": [[{"text": "Mi número", "request_contact": True}]]}
    who = sandbox.person("rosa").telegram_id
    await client.telegram("sendMessage", chat_id=who, text="¿Su número?", reply_markup=keyboard)
    await page.get_by_role("button", name="Mi número").click()
    await expect(page.locator(".line.mine").last).to_contain_text("Rosa Beltrán")
    assert await violations(page) == []


async def test_somebody_new_writes(page, sandbox, company, client):
    await page.goto(f"{client.base}/")
    await page.wait_for_selector("body[data-ready]")
    await page.get_by_role("button", name="Otra persona").click()
    await page.get_by_label("Nombre").fill("Nora Nueva")
    await page.get_by_label("Teléfono", exact=True).fill("+57 300 555 0777")
    await page.get_by_role("button", name="Crear").click()
    await expect(page.get_by_label("Nombre")).to_be_hidden()
    await page.get_by_placeholder("Mensaje").fill("Hola")
    await page.keyboard.press("Enter")
    await expect(page.locator(".line.mine")).to_contain_text("Hola")
    assert company.messages()[0]["from"] == "573005550777"


async def test_a_blocked_company_is_told_on_the_phone(page, sandbox, client):
    await open_as(page, client)
    await client.control("POST", "block", json={"channel": "whatsapp", "person": "ana"})
    await expect(page.get_by_role("button", name="Desbloquear")).to_be_visible()
    await page.get_by_role("button", name="Desbloquear").click()
    await expect(page.get_by_role("button", name="Desbloquear")).to_be_hidden()
    assert not sandbox.chat("whatsapp", "ana").blocked


async def test_a_voice_note_is_recorded_as_a_phone_would(page, sandbox, company, client):
    await open_as(page, client)
    await page.get_by_role("button", name="Grabar nota de voz").click()
    await expect(page.get_by_text("Grabando…")).to_be_visible()
    await page.wait_for_timeout(600)
    await page.get_by_role("button", name="Terminar y enviar").click()
    await expect(page.locator(".voice")).to_be_visible(timeout=20_000)
    await sandbox.settle()
    (message,) = company.messages()
    assert (message["type"], message["audio"]["voice"]) == ("audio", True)
    assert message["audio"]["mime_type"] == "audio/ogg; codecs=opus"
    assert sandbox.world.files.find(message["audio"]["id"]).data.startswith(b"OggS")
