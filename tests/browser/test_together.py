"""Two people at one conversation: each sees the other, and nobody talks over anybody unawares."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import expect

from tests.browser.seats import Seat
from tests.waiting import wait_for


@pytest.fixture
async def marta(office, seats, owner) -> Seat:
    return await seats.agent(office.house, owner)


@pytest.fixture
async def luis(office, seats, colleague) -> Seat:
    return await seats.agent(office.house, colleague)


async def open_at(office, customer: str, *all_seats: Seat) -> None:
    office.says("whatsapp", customer, "Hola, ¿llega mañana?")
    for seat in all_seats:
        await seat.open(customer)


def answers(office, customer: str) -> list[str]:
    """What reached the customer's phone."""
    return [line.text for line in office.sandbox.chat("whatsapp", customer).lines if line.by == "company"]


@asynccontextmanager
async def hearing_nothing(seat: Seat):
    """While this lasts, no news of the open conversation get to the page: what two hands at once are like."""
    released = asyncio.Event()

    async def hold(route):
        await released.wait()
        await route.continue_()

    await seat.page.route("**/changes?*", hold)
    yield
    released.set()


async def test_the_second_of_two_is_told_keeps_the_text_and_may_send_it_after_reading(office, marta, luis):
    await open_at(office, "Ana", marta, luis)
    luis.forgive("409")
    async with hearing_nothing(luis):
        await marta.write("Sí, a las 9")
        await office.message(text="Sí, a las 9", status="read")
        await luis.write("Yo le confirmo en un momento")
    await expect(luis.page.locator("#guard")).to_be_visible()
    await expect(luis.text).to_have_value("Yo le confirmo en un momento")
    await expect(luis.entry("Sí, a las 9")).to_be_visible()
    await expect(luis.entry("Yo le confirmo")).to_have_count(0)
    assert answers(office, "Ana") == ["Sí, a las 9"]
    await luis.page.locator("#guard button").click()
    await luis.text.press("Enter")
    await luis.tick("Yo le confirmo", "read")
    await marta.tick("Yo le confirmo", "read")
    assert answers(office, "Ana") == ["Sí, a las 9", "Yo le confirmo en un momento"]


async def test_a_double_click_on_send_is_one_message(office, marta):
    await open_at(office, "Berta", marta)
    await marta.text.fill("Ya va en camino")
    await marta.page.locator("#send").dblclick()
    await marta.tick("Ya va en camino", "read")
    await expect(marta.page.locator("#tail .msg.out")).to_have_count(1)
    await expect(marta.page.locator("#sending .entry")).to_have_count(0)
    assert answers(office, "Berta") == ["Ya va en camino"]


async def test_an_answer_whose_receipt_was_lost_is_sent_once_when_tried_again(office, marta):
    await open_at(office, "Carla", marta)
    marta.forgive("ERR_FAILED")

    async def lose_the_answer(route):
        await route.fetch()
        await route.abort()

    async with hearing_nothing(marta):
        await marta.page.route("**/reply", lose_the_answer, times=1)
        await marta.write("Ya va en camino")
        await expect(marta.page.locator("#sending .is-failed")).to_contain_text("Ya va en camino")
        await marta.page.locator("#sending .trouble-acts button").first.click()
        await expect(marta.page.locator("#sending .is-sending")).to_be_visible()
    await marta.tick("Ya va en camino", "read")
    await expect(marta.page.locator("#sending .entry")).to_have_count(0)
    assert answers(office, "Carla") == ["Ya va en camino"]


async def test_who_types_is_seen_by_the_other_and_the_draft_waits_for_its_writer(office, marta, luis):
    await open_at(office, "Dora", marta, luis)
    await luis.text.press_sequentially("Le cuento que")
    await expect(marta.page.locator("#present .typing-now")).to_contain_text("Luis")
    await expect(marta.row("Dora")).to_contain_text("Luis")
    await luis.page.keyboard.press("Escape")

    async def kept():
        return await office.house.db["drafts"].find_one({"text": "Le cuento que"})

    await wait_for(kept)
    await luis.go()
    await luis.open("Dora")
    await expect(luis.text).to_have_value("Le cuento que")
    await expect(marta.text).to_have_value("")


async def test_who_goes_to_another_conversation_is_no_longer_seen_in_the_first(office, marta, luis):
    await open_at(office, "Elsa", luis)
    await open_at(office, "Fabio", luis, marta)
    await expect(marta.page.locator("#present")).to_contain_text("Luis")
    await luis.open("Elsa")
    await expect(marta.page.locator("#present")).to_be_empty()
    await marta.open("Elsa")
    await expect(marta.page.locator("#present")).to_contain_text("Luis")
    await luis.page.close()
    await expect(marta.page.locator("#present")).to_be_empty()
