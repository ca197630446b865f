"""Every page passes axe, light and dark, wide and narrow, in Spanish; none breaks the policy or asks another host."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import ViewportSize, expect

from inbox import people, sessions
from inbox.people import Role
from inbox.web.routes import PUBLIC, ROUTES
from tests.browser.lively import furnish
from tests.browser.seats import DESKTOP, PHONE, Seat, Seats

AXE = (Path(__file__).resolve().parent / "vendor/axe.min.js").read_text("utf-8")
RUN = """async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    const told = (rule, node) => `${rule.id} at ${node.target.join(" ")}: ${node.failureSummary}`;
    return violations.flatMap((rule) => rule.nodes.map((node) => told(rule, node)));
}"""
NOT_PAGES = re.compile(r"^(/|/settings|/live|/ui/.*|/media/.*)$")
PAGES = [row.path for row in ROUTES if row.method == "GET" and not NOT_PAGES.match(row.path) and row.path not in PUBLIC]
MORE = (
    "/inbox?tab=mine",
    "/inbox?tab=all&status=resolved",
    "/inbox?tab=all&label=none",
    "/search?q=llaves",
    "/contacts?q=nadie",
    "/new?contact={contact}",
    "/settings/accounts/new?kind=telegram",
    "/settings/accounts/new?kind=whatsapp",
    "/settings/accounts/new?kind=messenger",
)
WIDTHS = (DESKTOP, PHONE)
MENUS = ("assign", "labels", "snooze")


@pytest.fixture(scope="module")
async def ids(office, owner, colleague) -> dict[str, Any]:
    return await furnish(office, owner, colleague)


@pytest.fixture(scope="module")
async def reader(office, owner, chromium, ids):
    """One browser for all pages: a new one for each would take longer than the looking."""
    seats = Seats(chromium, office.address)
    seat = await seats.agent(office.house, owner, at="")
    yield seat
    await seats.leave()


def address(path: str, ids: dict[str, Any]) -> str:
    """The path of a route with its places filled."""
    return re.sub(r"\{(\w+)(:[^}]*)?\}", lambda found: ids[found[1]], re.sub(r"\{(\w+):[^}]*\}\}", r"{\1}", path))


async def violations(seat: Seat) -> list[str]:
    """Light and dark, at the width the page has now."""
    await seat.page.evaluate(AXE)
    width, found = (seat.page.viewport_size or DESKTOP)["width"], []
    for colours in ("light", "dark"):
        await seat.page.emulate_media(color_scheme=colours, reduced_motion="reduce")
        found += [f"{width} {colours} {one}" for one in await seat.page.evaluate(RUN)]
    return found


async def load(seat: Seat, path: str, status: int = 200) -> None:
    seat.complaints.clear()
    answer = await seat.page.goto(seat.home + path)
    assert answer is not None and answer.status == status


async def check(seat: Seat, *sizes: ViewportSize) -> None:
    """At these widths, else as it stands; what it found is told all at once."""
    await expect(seat.page.locator("html")).to_have_attribute("lang", "es")
    found = []
    for size in sizes or [seat.page.viewport_size or DESKTOP]:
        await seat.page.set_viewport_size(size)
        found += await violations(seat)
    assert not found, "\n".join(found)
    assert not seat.unforgiven()


@pytest.mark.parametrize("path", [*PAGES, *MORE])
async def test_every_page_passes(reader, ids, path):
    await load(reader, address(path, ids))
    await check(reader, *WIDTHS)


async def test_the_page_for_what_is_not_there_passes(reader):
    await load(reader, "/nowhere", status=404)
    reader.complaints.clear()
    await check(reader, *WIDTHS)


async def test_a_picture_without_words_is_noticed(reader):
    """The check itself can fail."""
    await load(reader, "/contacts")
    await reader.page.evaluate("document.querySelector('main').append(new Image())")
    assert [found.split()[2] for found in await violations(reader)] == ["image-alt"] * 2


async def test_the_ways_in_pass(newborn, chromium):
    house, site = newborn
    seats = Seats(chromium, site)
    stranger, now = await seats.take("stranger"), house.clock.now()
    setup = await sessions.make_onetime(house.db, purpose="setup", agent=None, now=now)
    agent = await people.add_agent(
        house.db, email="luis@sol.example", name="Luis", role=Role.AGENT, password=None, now=now
    )
    signin = await sessions.make_onetime(house.db, purpose="signin", agent=agent.id, now=now)
    ways = {"/sign-in": "/sign-in", "/welcome/{token}": f"/welcome/{setup}", "/enter/{token}": f"/enter/{signin}"}
    assert set(ways) == PUBLIC
    for way in ways.values():
        await load(stranger, way)
        await check(stranger, *WIDTHS)
    await load(stranger, "/welcome/used-up", status=404)
    stranger.complaints.clear()
    await check(stranger, *WIDTHS)
    await seats.leave()


async def open_menu(reader: Seat, menu: str) -> None:
    """By its own button, or through the one that holds them all where there is no room."""
    button = reader.page.locator(f"#head [popovertarget={menu}-menu]")
    if not await button.is_visible():
        await reader.page.locator("#head .more-button").click()
        key = await button.get_attribute("data-key")
        button = reader.page.locator(f"#more-menu [data-press={key}]")
    await button.click()


@pytest.mark.parametrize("size", WIDTHS, ids=["wide", "narrow"])
@pytest.mark.parametrize("menu", MENUS)
async def test_the_menus_of_a_conversation_pass(reader, ids, menu, size):
    await reader.page.set_viewport_size(size)
    await load(reader, address("/inbox/{conversation}", ids))
    await open_menu(reader, menu)
    form = reader.page.locator(f"#{menu}-menu form").first
    await expect(form).to_be_visible()
    await expect(form).to_be_in_viewport(ratio=1)
    await check(reader)


@pytest.mark.parametrize("size", WIDTHS, ids=["wide", "narrow"])
@pytest.mark.parametrize("menu", ["filter", "sort"])
async def test_the_menus_of_the_list_pass(reader, menu, size):
    await reader.page.set_viewport_size(size)
    await load(reader, "/inbox?tab=all")
    await reader.page.locator(f"[popovertarget={menu}-menu]").click()
    await expect(reader.page.locator(f"#{menu}-menu")).to_be_in_viewport(ratio=1)
    await check(reader)


@pytest.mark.parametrize("size", WIDTHS, ids=["wide", "narrow"])
@pytest.mark.parametrize("key", ["?", "c", "Control+k"])
async def test_the_dialogs_pass(reader, ids, key, size):
    await reader.page.set_viewport_size(size)
    await load(reader, address("/inbox/{conversation}", ids))
    await reader.live()
    await reader.page.keyboard.press(key)
    await expect(reader.page.locator("dialog[open]")).to_be_visible()
    await check(reader)


@pytest.mark.parametrize("size", WIDTHS, ids=["wide", "narrow"])
async def test_the_template_picker_passes(reader, ids, size):
    await reader.page.set_viewport_size(size)
    await load(reader, address("/inbox/{conversation}", ids))
    await reader.page.locator("#composer .template-button").click()
    await reader.page.locator("#template-list button", has_text="pedido listo").click()
    await expect(reader.page.locator("[data-template-form]")).to_be_visible()
    await check(reader)
