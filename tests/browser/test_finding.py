"""Getting about without the mouse: search that knows no accents, single keys, the command bar, writing first."""

import time

import pytest
from playwright.async_api import expect

from bot.sandbox.world.acts import Act
from bot.sandbox.world.people import Person
from tests.browser.seats import Seat

CUSTOMERS = {
    "lucia": ("Lucía Castaño", "Necesito un cotización de tubería PVC"),
    "jose": ("José Núñez", "¿Abren el sábado?"),
    "rosa": ("Rosa Beltrán", "Ya pagué, adjunto el comprobante"),
}


@pytest.fixture(scope="module", autouse=True)
async def customers(office) -> None:
    """Three conversations; José's is the newest but one. WhatsApp tells times in whole seconds."""
    for number, (person, (name, text)) in enumerate(CUSTOMERS.items()):
        office.sandbox.world.people.add(Person(person, name, f"57300555010{number}"))
        office.says("whatsapp", person, Act(text=text, at=time.time() - 60 + 10 * number))
        await office.message(text=text)


@pytest.fixture
async def marta(office, owner, seats) -> Seat:
    return await seats.agent(office.house, owner)


def opened(seat: Seat):
    return expect(seat.page.locator("#head h1 .name"))


async def test_people_are_found_without_their_accents(marta):
    await marta.page.keyboard.press("/")
    await marta.page.keyboard.type("castano")
    found = marta.page.locator("#found a[data-person]")
    await expect(found).to_have_count(1)
    await marta.page.keyboard.press("Enter")
    await opened(marta).to_have_text("Lucía Castaño")


async def test_a_message_is_found_by_its_words_and_shown_where_it_stands(marta):
    await marta.page.fill("#search", "TUBERIA")
    hit = marta.page.locator("#found a[data-message]")
    await expect(hit.locator("mark")).to_have_text("tubería")
    await marta.page.keyboard.press("ArrowDown")
    await marta.page.keyboard.press("Enter")
    await expect(marta.entry("tubería")).to_be_in_viewport()
    await opened(marta).to_have_text("Lucía Castaño")


async def test_what_is_not_there_is_said_and_escape_brings_the_list_back(marta):
    await marta.page.fill("#search", "zanahoria")
    await expect(marta.page.locator("#found .empty")).to_contain_text("zanahoria")
    await marta.page.keyboard.press("Escape")
    await expect(marta.page.locator("#found")).to_be_hidden()
    await expect(marta.rows).to_have_count(3)


async def test_the_list_is_walked_answered_noted_and_resolved_by_single_keys(marta):
    page = marta.page
    for key, name in (("j", "Rosa Beltrán"), ("j", "José Núñez"), ("j", "Lucía Castaño"), ("k", "José Núñez")):
        await page.keyboard.press(key)
        await opened(marta).to_have_text(name)
    await page.keyboard.press("n")
    await expect(page.locator("#composer-form")).to_have_attribute("data-mode", "note")
    await expect(marta.text).to_be_focused()
    await page.keyboard.type("jek")
    await page.keyboard.press("Escape")
    await page.keyboard.press("r")
    await expect(page.locator("#composer-form")).to_have_attribute("data-mode", "reply")
    await expect(marta.text).to_have_value("")
    await page.keyboard.press("Escape")
    await page.keyboard.press("e")
    await expect(marta.row("José Núñez")).to_have_count(0)
    await expect(page.locator("#head .resolve[hx-post$='/reopen']")).to_be_visible()
    await page.keyboard.press("e")
    await expect(marta.row("José Núñez")).to_be_visible()


async def test_question_mark_shows_the_keys_and_keys_can_be_switched_off(office, owner, marta):
    await marta.page.keyboard.press("?")
    await expect(marta.page.locator("#keys-sheet")).to_be_visible()
    await marta.page.keyboard.press("j")
    await marta.page.keyboard.press("Escape")
    await expect(marta.page.locator("#keys-sheet")).to_be_hidden()
    await expect(marta.page.locator("#thread")).to_have_count(0)
    await marta.go("/settings/profile")
    await marta.page.locator("[name=keys]").uncheck(force=True)
    await marta.page.locator("form[action='/settings/profile'] button.main").click()
    await marta.page.wait_for_url("**done=saved")
    await marta.go("/inbox?tab=all")
    await marta.live()
    await marta.page.keyboard.press("j")
    await marta.page.keyboard.press("Control+k")
    await expect(marta.page.locator("#bar")).to_be_visible()
    await expect(marta.page.locator("#thread")).to_have_count(0)
    await marta.go("/settings/profile")
    await marta.page.locator("[name=keys]").check(force=True)
    await marta.page.locator("form[action='/settings/profile'] button.main").click()
    await marta.page.wait_for_url("**done=saved")


async def test_the_command_bar_goes_to_people_and_does_what_it_says(marta):
    await marta.page.keyboard.press("Control+k")
    await marta.page.keyboard.type("nunez")
    await expect(marta.page.locator("#bar-list [role=option]")).to_contain_text(["José Núñez"])
    await marta.page.keyboard.press("Enter")
    await opened(marta).to_have_text("José Núñez")
    await marta.page.keyboard.press("Control+k")
    await marta.page.keyboard.type("etiq")
    await expect(marta.page.locator("#bar-list [role=option]").first).to_contain_text("Etiquetas")
    await marta.page.keyboard.press("Enter")
    await expect(marta.page.locator("#labels-menu")).to_be_visible()


async def test_somebody_writes_first_to_a_typed_number_by_template(office, marta):
    await marta.page.keyboard.press("c")
    await marta.page.fill("#new-who", "+57 300 555 0177")
    await marta.page.locator("#new-found [data-to]").click()
    await marta.page.locator("#template-list button", has_text="pedido listo").click()
    form = marta.page.locator("#dialog [data-template-form]")
    await form.locator("[name='variables.body.1']").fill("Pilar")
    await form.locator("[name='variables.body.2']").fill("77")
    await form.locator("button.main").click()
    await expect(marta.page.locator("#tail .msg.out")).to_contain_text("Hola Pilar, su pedido 77")
    await office.message(text={"$regex": "pedido 77"}, status="read")
