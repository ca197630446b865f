"""A real Chromium, and a company to look at through it. What failed leaves a picture in tests/browser/screenshots."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bson import ObjectId
from playwright.async_api import async_playwright

from inbox.house import House
from inbox.people import Agent, Role
from inbox.serving import Parts, running
from tests.browser.install import NoBrowser, find_browser
from tests.browser.seats import Seats, file_name
from tests.office import office_settings, open_office

PICTURES = Path(__file__).resolve().parent / "screenshots"
FAILED = pytest.StashKey[bool]()
# A microphone that hums, and nobody who must be asked whether it may be used.
FAKE_MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture(scope="session")
async def chromium():
    try:
        found = find_browser()
    except NoBrowser as problem:
        pytest.skip(str(problem))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=found.path, env={**os.environ, **found.env}, args=[*found.args, *FAKE_MICROPHONE]
        )
        yield browser
        await browser.close()


@pytest.fixture(scope="module")
async def office(server, address, tmp_path_factory):
    """One for all tests of a file: each has customers of its own."""
    settings = office_settings(tmp_path_factory.mktemp("office"), address, f"browser_{ObjectId()}")
    async with open_office(settings) as office:
        yield office
    await server.client.drop_database(settings.mongodb.database)


@pytest.fixture
async def newborn(server, address, tmp_path) -> AsyncIterator[tuple[House, str]]:
    """Bandeja as it starts in an empty folder, and where it is."""
    settings = office_settings(tmp_path, address, f"newborn_{ObjectId()}")
    async with running(settings, Parts(web=True, worker=True)) as started:
        yield started
    await server.client.drop_database(settings.mongodb.database)


@pytest.fixture(scope="module")
async def owner(office) -> Agent:
    return await office.hire("Marta", Role.OWNER, language="es")


@pytest.fixture(scope="module")
async def colleague(office) -> Agent:
    return await office.hire("Luis", Role.AGENT, language="es")


@pytest.fixture
def home(office) -> str:
    """Where the site is."""
    return office.address


@pytest.fixture
async def seats(chromium, home, request):
    """Browsers for the people of a test. A console error, a violated policy or a foreign host fails it."""
    seats = Seats(chromium, home)
    yield seats
    failed = request.node.stash.get(FAILED, True)
    if failed:
        await seats.photograph(PICTURES, file_name([request.node.name]))
    complaints = seats.complaints()
    await seats.leave()
    assert failed or not complaints, "\n".join(complaints)
