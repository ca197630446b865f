"""What can be put into an answer: files by button, drop and paste, a voice note, emoji, a quote, a template."""

import base64
import io
import time
from typing import Any

import av
import pytest
from playwright.async_api import expect

from bot.sandbox.world.acts import Act
from bot.sandbox.world.samples import SAMPLES
from tests.browser.seats import Seat
from tests.waiting import wait_for

PICTURE = SAMPLES["llave"].read()
TWO_DAYS = 2 * 86_400
# A file from outside the page, as the browser hands it over on a drop or a paste.
HAND_OVER = """([target, event, field, name, type, data]) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const carried = new DataTransfer();
    carried.items.add(new File([bytes], name, { type }));
    const more = { bubbles: true, cancelable: true, [field]: carried };
    const kind = event === "paste" ? ClipboardEvent : DragEvent;
    document.querySelector(target).dispatchEvent(new kind(event, more));
}"""


@pytest.fixture
def customer(request) -> str:
    """Somebody who writes in this test alone."""
    return str(request.node.name)


@pytest.fixture
async def marta(office, owner, seats, customer) -> Seat:
    """In a conversation with the customer on WhatsApp."""
    office.says("whatsapp", customer, "¿Cómo es la llave?")
    seat = await seats.agent(office.house, owner)
    await seat.open(customer)
    return seat


async def hand_over(seat: Seat, event: str, name: str, mime: str, data: bytes) -> None:
    field, target = ("clipboardData", "#composer-text") if event == "paste" else ("dataTransfer", "#flow")
    await seat.page.evaluate(HAND_OVER, [target, event, field, name, mime, base64.b64encode(data).decode()])


async def ready(seat: Seat, count: int = 1) -> None:
    await expect(seat.page.locator("#attached li:not(:has(progress))")).to_have_count(count)


async def received(office, customer: str) -> list[dict[str, Any]]:
    """What reached the customer from the company, once it was read."""
    chat = office.sandbox.chat("whatsapp", customer)

    def lines():
        return [line for line in chat.lines if line.by == "company" and line.status == "read"]

    await wait_for(lines, seconds=15)
    return [{"text": line.text, **line.data.get("media", {})} for line in lines()]


async def test_a_picture_by_the_button_goes_out_with_its_caption(office, marta, customer):
    await marta.page.set_input_files("#attach", {"name": "llave.jpg", "mimeType": "image/jpeg", "buffer": PICTURE})
    await ready(marta)
    await marta.write("Así es")
    await marta.tick("Así es", "read")
    picture = marta.entry("Así es").locator("img")
    await expect(picture).to_have_js_property("complete", True)
    assert await picture.evaluate("image => image.naturalWidth") > 0
    (sent,) = await received(office, customer)
    assert (sent["kind"], sent["text"]) == ("image", "Así es")
    await picture.click()
    await expect(marta.page.locator("#lightbox img")).to_be_visible()


async def test_a_dropped_document_and_a_pasted_picture_go_out(office, marta, customer):
    await hand_over(marta, "dragenter", "lista.pdf", "application/pdf", b"")
    await expect(marta.page.locator("#composer.dropping .drop")).to_be_visible()
    await hand_over(marta, "drop", "lista.pdf", "application/pdf", SAMPLES["lista"].read())
    await ready(marta)
    await expect(marta.page.locator("#composer.dropping")).to_have_count(0)
    await hand_over(marta, "paste", "image.png", "image/jpeg", PICTURE)
    await ready(marta, 2)
    await marta.page.click("#send")
    await expect(marta.page.locator("#tail .msg.out .tick-read")).to_have_count(2)
    assert sorted(sent["kind"] for sent in await received(office, customer)) == ["document", "image"]
    await expect(marta.page.locator("#tail .msg.out a.file")).to_contain_text("lista.pdf")


async def test_what_the_channel_would_refuse_is_said_before_it_is_sent(office, owner, seats, tmp_path):
    office.says("messenger", "Ema", "¿Hay un video?")
    marta = await seats.agent(office.house, owner)
    await marta.open("Ema")
    huge = tmp_path / "pelicula.mp4"
    with huge.open("wb") as file:
        file.truncate(26_500_000)
    await marta.page.set_input_files("#attach", huge)
    await expect(marta.page.locator(".toast.bad")).to_contain_text("pelicula.mp4")
    await marta.page.set_input_files("#attach", {"name": "foto.jpg", "mimeType": "image/jpeg", "buffer": PICTURE})
    await ready(marta)
    await expect(marta.page.locator("#attached li")).to_contain_text("foto.jpg")
    await marta.page.locator("#attached li button").click()
    await expect(marta.page.locator("#attached")).to_be_hidden()


async def test_a_picture_that_is_none_goes_out_as_the_file_it_is(office, marta, customer):
    await marta.page.set_input_files("#attach", {"name": "falsa.jpg", "mimeType": "image/jpeg", "buffer": b"nada"})
    await ready(marta)
    await marta.page.click("#send")
    await expect(marta.page.locator("#tail .msg.out a.file")).to_contain_text("falsa.jpg")
    (sent,) = await received(office, customer)
    assert sent["kind"] == "document"


async def test_a_voice_note_recorded_in_the_browser_arrives_as_ogg_with_opus(office, marta, customer):
    await marta.page.click("[data-act=record]")
    await expect(marta.page.locator("#recorder [data-timer]")).to_have_text("0:01")
    await marta.page.click("[data-act=record-stop]")
    await expect(marta.page.locator("[data-act=record-listen]")).to_be_visible()
    await marta.page.click("#send")
    await expect(marta.page.locator("#tail .msg.out .voice")).to_be_visible()
    await expect(marta.page.locator("#tail .msg.out .tick-read")).to_be_visible()
    (sent,) = await received(office, customer)
    stored = office.sandbox.world.files.find(sent["id"])
    assert (sent["kind"], stored.mime.split(";")[0]) == ("voice", "audio/ogg")
    with av.open(io.BytesIO(stored.data)) as sound:
        assert (sound.format.name, sound.streams.audio[0].codec_context.name) == ("ogg", "opus")
    await marta.page.locator("#tail .voice .play").click()
    await expect(marta.page.locator("#tail .voice.playing")).to_be_visible()


async def test_a_discarded_recording_leaves_nothing_behind(office, marta, customer):
    await marta.page.click("[data-act=record]")
    await expect(marta.page.locator("#recorder")).to_be_visible()
    await marta.page.click("[data-act=record-discard]")
    await expect(marta.page.locator("#recorder")).to_be_hidden()
    await expect(marta.page.locator("#attached")).to_be_hidden()
    await marta.write("Mejor le escribo")
    await marta.tick("Mejor le escribo", "read")
    assert [sent["text"] for sent in await received(office, customer)] == ["Mejor le escribo"]


async def test_an_emoji_is_put_where_the_cursor_stands(marta):
    await marta.text.fill("Hola  Ana")
    await marta.page.evaluate("document.getElementById('composer-text').setSelectionRange(5, 5)")
    await marta.page.click("[data-act=emoji]")
    search = marta.page.locator("emoji-picker input.search")
    await search.fill("corazón rojo")
    await marta.page.locator("emoji-picker .emoji-menu button.emoji").first.click()
    await expect(marta.text).to_have_value("Hola ❤️ Ana")


async def test_an_answer_quotes_the_message_it_is_for(office, marta, customer):
    asked = marta.entry("¿Cómo es la llave?")
    await asked.hover()
    await asked.locator("[data-act=quote]").click()
    await expect(marta.page.locator("#quoting")).to_contain_text("¿Cómo es la llave?")
    await marta.write("Es inglesa")
    await marta.tick("Es inglesa", "read")
    await expect(marta.entry("Es inglesa").locator(".quote")).to_contain_text("¿Cómo es la llave?")
    said, answered = office.sandbox.chat("whatsapp", customer).lines
    assert answered.quoted == said.id


async def test_a_reaction_reaches_the_customer_and_stands_on_the_message(office, marta, customer):
    asked = marta.entry("¿Cómo es la llave?")
    await asked.hover()
    await asked.locator("[data-act=react]").click()
    await marta.page.locator("#reactions-menu button").first.click()
    await expect(asked.locator(".reactions")).to_contain_text("👍")
    line = office.sandbox.chat("whatsapp", customer).lines[0]
    await wait_for(lambda: line.reactions.get("company") == "👍")


async def test_a_shut_window_offers_templates_and_one_is_filled_seen_and_sent(office, owner, seats):
    office.says("whatsapp", "Ana", Act(text="Hola, ¿sigue el pedido?", at=time.time() - TWO_DAYS))
    marta = await seats.agent(office.house, owner)
    await marta.open("Ana")
    await expect(marta.page.locator("#composer-state")).to_have_attribute("data-state", "closed")
    await expect(marta.text).to_be_hidden()
    await marta.page.locator("#composer .shut [data-act=templates]").click()
    await marta.page.locator("#template-list button", has_text="pedido listo").click()
    form = marta.page.locator("[data-template-form]")
    await expect(form.locator("[name='variables.body.1']")).to_have_value("Ana")
    await form.locator("[name='variables.body.2']").fill("4821")
    await expect(form.locator(".handset")).to_contain_text("Hola Ana, su pedido 4821 ya está listo")
    await form.locator("button.main").click()
    await expect(marta.page.locator("#dialog")).to_be_hidden()
    await marta.tick("su pedido 4821", "read")
    (sent,) = await received(office, "Ana")
    assert sent["text"].startswith("Hola Ana, su pedido 4821")


async def test_after_a_day_messenger_is_answered_as_a_human_agent(office, owner, seats):
    office.says("messenger", "Gael", Act(text="¿Sigue la oferta?", at=time.time() - TWO_DAYS))
    marta = await seats.agent(office.house, owner)
    await marta.open("Gael")
    await expect(marta.page.locator("#composer-state")).to_have_attribute("data-state", "human")
    await marta.write("Sí, hasta el viernes")
    await marta.tick("hasta el viernes", "read")
    (line,) = [line for line in office.sandbox.chat("messenger", "Gael").lines if line.by == "company"]
    assert line.text == "Sí, hasta el viernes"
