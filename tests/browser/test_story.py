"""The story of Bandeja, told in a browser from the first start on. Later work makes it longer."""

import re

import aiohttp
import pytest
from playwright.async_api import expect

from inbox import sessions
from inbox.house import House
from inbox.people import Role, add_agent
from inbox.serving import Parts, running
from tests.browser.seats import PHONE, Seat
from tests.office import PASSWORD
from tests.waiting import wait_for


@pytest.fixture
async def newborn(office_config):
    """Bandeja as it starts in an empty folder."""
    async with running(office_config, Parts(web=True, worker=True)) as started:
        yield started


@pytest.fixture
def home(newborn) -> str:
    return newborn[1]


async def first_start(seat: Seat, house: House) -> None:
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
    """The address of the phone page."""
    await seat.go()
    await seat.page.click("form.way-main button")
    link = seat.page.locator('a[target=_blank][href^="http://127.0.0.1"]').first
    await expect(link).to_be_visible()
    return str(await link.get_attribute("href"))


async def test_from_the_first_link_to_a_resolved_conversation(seats, newborn):
    house, _ = newborn
    marta = await seats.take("Marta")
    await first_start(marta, house)
    phone = await press_practice(marta)
    await marta.live()
    ana = await seats.customer(phone, "ana")
    await ana.page.fill("#text", "Hola, ¿tienen llaves inglesas?")
    await ana.page.press("#text", "Enter")
    await expect(marta.row("Ana Prieto")).to_contain_text("llaves inglesas")
