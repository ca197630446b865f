"""The story of Bandeja, told in a browser from the first start on. Later work makes it longer."""

import re
from typing import Any

import aiohttp
import pytest
from playwright.async_api import expect

from inbox import sessions
from inbox.house import House
from tests.browser.seats import PHONE, Seat, Seats
from tests.office import PASSWORD

# The practice channel has Telegram too, whose library takes long to load.
LOADING_MS = 60_000
ASKED, ANSWER = "Hola, ¿tienen llaves inglesas?", "Sí, de 8 y de 10 pulgadas"


@pytest.fixture
def home(newborn) -> str:
    return newborn[1]


async def first_start(seat: Seat, house: House) -> None:
    """The owner comes in by the one-time link, which works once."""
    token = await sessions.make_onetime(house.db, purpose="setup", agent=None, now=house.clock.now())
    await seat.go(f"/welcome/{token}")
    await seat.page.fill("[name=name]", "Marta Quiroga")
    await seat.page.fill("[name=email]", "marta@sol.example")
    await seat.page.fill("[name=password]", PASSWORD)
    await seat.page.click("button.main")
    await expect(seat.page).to_have_url(re.compile(r"/inbox$"))
    seat.forgive("404")
    await seat.go(f"/welcome/{token}")
    await expect(seat.page.locator(".error-code")).to_have_text("404")


async def press_practice(seat: Seat) -> str:
    """One click on the empty inbox. The address of the phone page."""
    await seat.go()
    await seat.page.click("form.way-main button", timeout=LOADING_MS)
    link = seat.page.locator('a[target=_blank][href^="http://127.0.0.1"]').first
    await expect(link).to_be_visible()
    return str(await link.get_attribute("href"))


async def control(phone: str, name: str, **body: Any) -> Any:
    async with aiohttp.ClientSession() as http, http.post(f"{phone}control/{name}", json=body) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def say(customer: Seat, text: str) -> None:
    await customer.page.fill("#text", text)
    await customer.page.press("#text", "Enter")


async def mark(seat: Seat) -> None:
    """A load of the page would wipe this out."""
    await seat.page.evaluate("window.stayed = true")


async def stayed(seat: Seat) -> bool:
    return bool(await seat.page.evaluate("window.stayed === true"))


async def ticks_climb(seat: Seat, customer: Seat, house: House, phone: str) -> None:
    """Step by step: the network tells nothing by itself, and the customer does not look, until they are told to."""
    await control(phone, "timing", statuses=False, disorder=0)
    await customer.page.uncheck("#reading")
    await seat.write(ANSWER)
    await seat.tick(ANSWER, "sent")
    await expect(customer.page.locator("#flow")).to_contain_text(ANSWER)
    message = await house.db["messages"].find_one({"text": ANSWER})
    account = house.accounts.find(message["account"]) if message else None
    assert message is not None and account is not None
    status = {"id": message["platform_id"], "status": "delivered", "timestamp": str(int(message["at"].timestamp()))}
    metadata = {"phone_number_id": account.external_id, "display_phone_number": "576015550100"}
    value = {"messaging_product": "whatsapp", "metadata": metadata, "statuses": [status]}
    await control(phone, "webhook", field="messages", value=value)
    await seat.tick(ANSWER, "delivered")
    await customer.page.check("#reading")
    await seat.tick(ANSWER, "read")
    await control(phone, "timing", statuses=True, sent=[0, 0], delivered=[0, 0.1], read=[0, 0.1])


async def invite(owner: Seat, seats: Seats) -> Seat:
    """A colleague comes in by the link the owner is shown, sets nothing up, and is in the inbox."""
    await owner.go("/settings/people")
    form = owner.page.locator('form[action="/settings/people"]')
    await form.locator("[name=name]").fill("Luis Peña")
    await form.locator("[name=email]").fill("luis@sol.example")
    await form.locator("button.main").click()
    link = await owner.page.locator("[data-copy*='/enter/']").get_attribute("data-copy")
    colleague = await seats.take("Luis")
    await colleague.page.goto(str(link))
    await colleague.page.click("form[action^='/enter/'] button")
    await colleague.page.wait_for_url("**/settings/profile")
    await colleague.go()
    await colleague.live()
    return colleague


async def take_over(first: Seat, second: Seat) -> None:
    await second.open("Ana Prieto")
    await expect(first.page.locator("#present")).to_contain_text("Luis")
    await second.page.keyboard.press("i")
    await expect(second.page.locator("#head .assign .face")).to_be_visible()
    await expect(first.page.locator("#head .assign")).to_contain_text("Luis")
    await expect(first.row("Ana Prieto")).to_contain_text("Luis")


async def leave_a_note(writer: Seat, named: Seat, customer: Seat) -> None:
    await writer.page.keyboard.press("n")
    await writer.page.keyboard.type("@mar")
    await expect(writer.page.locator("#mentions [role=option]")).to_have_text("Marta Quiroga")
    await writer.page.keyboard.press("Enter")
    await writer.page.keyboard.type("¿le hacemos descuento?")
    await writer.page.keyboard.press("Enter")
    for seat in (writer, named):
        await expect(seat.page.locator("#tail .note")).to_contain_text("@Marta Quiroga ¿le hacemos descuento?")
    await expect(named.page.locator("#views a[href*='tab=mentions'] .figure")).to_have_text("1")
    await expect(customer.page.locator("#flow")).not_to_contain_text("descuento")


async def label_and_snooze(seat: Seat, customer: Seat) -> None:
    await seat.text.press("Escape")
    await seat.page.keyboard.press("l")
    await seat.page.locator("#labels-menu .menu-new [name=name]").fill("Pedido")
    await seat.page.locator("#labels-menu .menu-new button").click()
    await expect(seat.page.locator("#head .head-labels")).to_contain_text("Pedido")
    await expect(seat.row("Ana Prieto")).to_contain_text("Pedido")
    await seat.page.keyboard.press("h")
    await seat.page.locator("#snooze-menu [value=tomorrow]").click()
    await expect(seat.row("Ana Prieto")).to_have_count(0)
    await expect(seat.page.locator("#head .chip-warn")).to_be_visible()
    await say(customer, "¿Y cuánto cuesta la de 10?")
    await expect(seat.row("Ana Prieto")).to_contain_text("la de 10")


async def resolve_and_reopen(seat: Seat) -> None:
    await seat.page.keyboard.press("e")
    await expect(seat.row("Ana Prieto")).to_have_count(0)
    await expect(seat.page.locator("#thread")).to_be_visible()
    await seat.page.locator(".toast button").last.click()
    await expect(seat.row("Ana Prieto")).to_be_visible()
    await expect(seat.page.locator("#head .resolve[hx-post$='/resolve']")).to_be_visible()
    await seat.page.keyboard.press("e")
    await expect(seat.row("Ana Prieto")).to_have_count(0)
    await seat.page.locator(".tabs a[href*='status=resolved']").click()
    await expect(seat.row("Ana Prieto")).to_be_visible()


async def test_from_the_first_link_to_a_resolved_conversation(seats, newborn):
    house, _ = newborn
    marta = await seats.take("Marta")
    await first_start(marta, house)
    phone = await press_practice(marta)
    luis = await invite(marta, seats)
    await marta.go()
    await marta.live()
    await mark(marta)
    ana = await seats.customer(phone, "ana")
    await say(ana, ASKED)
    await expect(marta.row("Ana Prieto")).to_contain_text(ASKED)
    await expect(marta.page).to_have_title(re.compile(r"^\(1\)"))
    await marta.open("Ana Prieto")
    await expect(marta.entry(ASKED)).to_be_visible()
    await ticks_climb(marta, ana, house, phone)
    await take_over(marta, luis)
    await leave_a_note(luis, marta, ana)
    await label_and_snooze(marta, ana)
    await resolve_and_reopen(marta)
    assert await stayed(marta)


async def test_the_same_path_at_phone_width(seats, newborn):
    house, _ = newborn
    marta = await seats.take("Marta", viewport=PHONE, has_touch=True, is_mobile=True)
    await first_start(marta, house)
    phone = await press_practice(marta)
    await marta.live()
    ana = await seats.customer(phone, "ana", viewport=PHONE)
    await say(ana, ASKED)
    await marta.row("Ana Prieto").locator("a").tap()
    await expect(marta.entry(ASKED)).to_be_in_viewport()
    await expect(marta.page.locator("#list")).not_to_be_in_viewport()
    await marta.text.fill(ANSWER)
    await marta.page.locator("#send").tap()
    await marta.tick(ANSWER, "read")
    await expect(ana.page.locator("#flow")).to_contain_text(ANSWER)
    await marta.page.locator("#head .who-button").tap()
    await expect(marta.page.locator("#person h2")).to_be_in_viewport()
    await marta.page.locator("#person .person-close").tap()
    await marta.page.locator("#head [data-key=e]").tap()
    await marta.page.locator("#head .back").tap()
    await expect(marta.page.locator("#rows")).to_be_in_viewport()
    await expect(marta.row("Ana Prieto")).to_have_count(0)
    assert await marta.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
