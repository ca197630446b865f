"""Reading: long threads and long lists come in pages, and what is being read never jumps away."""

import time

import pytest
from playwright.async_api import Locator, expect

from bot.sandbox.world.acts import Act
from tests.browser.seats import Seat
from tests.waiting import wait_for

MESSAGES, PEOPLE = 90, 45
MINUTE = 60


@pytest.fixture(scope="module", autouse=True)
async def long_day(office) -> None:
    """Berta wrote all the time, and many people once; she is the newest."""
    began = time.time() - MESSAGES * MINUTE
    for number in range(PEOPLE):
        office.says("messenger", f"Persona {number:02}", Act(text=f"Hola {number}", at=began - number * MINUTE))
    for number in range(MESSAGES):
        office.says("whatsapp", "Berta", Act(text=f"Mensaje {number}", at=began + number * MINUTE))
    await office.message(text=f"Mensaje {MESSAGES - 1}")

    async def all_there() -> bool:
        return bool(await office.house.db["messages"].count_documents({}) == MESSAGES + PEOPLE)

    await wait_for(all_there, seconds=20)


@pytest.fixture
async def marta(office, owner, seats) -> Seat:
    return await seats.agent(office.house, owner)


# Where the message that is being read stands, in every frame the browser draws from now on.
WATCH = """(message) => {
    window.stood = [];
    const look = () => {
        window.stood.push(Math.round(document.getElementById(message.id).getBoundingClientRect().top));
        requestAnimationFrame(look);
    };
    look();
}"""


def messages(seat: Seat) -> Locator:
    return seat.page.locator("#flow .msg")


async def read_back(seat: Seat) -> None:
    """Up to the beginning, page by page."""

    async def at_the_beginning() -> bool:
        await seat.page.locator("#flow").evaluate("(flow) => { flow.scrollTop = 0; }")
        return await messages(seat).count() >= MESSAGES

    await wait_for(at_the_beginning, seconds=15)


async def test_older_messages_come_on_the_way_up_in_their_order(marta):
    await marta.open("Berta")
    await expect(marta.entry("Mensaje 89")).to_be_in_viewport()
    assert await messages(marta).count() < MESSAGES
    await read_back(marta)
    await expect(messages(marta).locator(".text")).to_have_text([f"Mensaje {number}" for number in range(MESSAGES)])


async def test_a_new_message_does_not_move_what_is_read_further_up(office, marta):
    await marta.open("Berta")
    await expect(marta.entry("Mensaje 89")).to_be_in_viewport()
    await read_back(marta)
    reading = messages(marta).filter(has_text="Mensaje 50")
    await reading.scroll_into_view_if_needed()
    await reading.evaluate(WATCH)
    office.says("whatsapp", "Berta", "Uno más")
    pill = marta.page.locator(".newest")
    await expect(pill).to_be_visible()
    stood = await marta.page.evaluate("window.stood")
    assert len(set(stood)) == 1
    await expect(marta.entry("Uno más")).not_to_be_in_viewport()
    await pill.click()
    await expect(marta.entry("Uno más")).to_be_in_viewport()
    await expect(pill).to_have_count(0)


async def test_the_list_goes_on_as_one_scrolls(marta):
    assert await marta.rows.count() < PEOPLE

    async def at_the_end() -> bool:
        await marta.page.locator("#rows").evaluate("(rows) => { rows.scrollTop = rows.scrollHeight; }")
        return await marta.rows.count() == PEOPLE + 1

    await wait_for(at_the_end, seconds=15)
    names = await marta.page.locator("#rows b.name").all_text_contents()
    assert names == ["Berta", *(f"Persona {number:02}" for number in range(PEOPLE))]


async def test_who_writes_now_rises_to_the_top_wherever_they_were(office, marta):
    office.says("messenger", "Persona 44", "¿Hay alguien?")
    await expect(marta.rows.first).to_contain_text("¿Hay alguien?")
    await expect(marta.row("Persona 44")).to_have_count(1)
