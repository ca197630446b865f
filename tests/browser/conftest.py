"""A real Chromium, and a company to look at through it. What failed leaves a picture in tests/browser/screenshots."""

import os
from pathlib import Path

import pytest
from bson import ObjectId
from playwright.async_api import async_playwright

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


@pytest.fixture
async def office_config(server, address, tmp_path):
    settings = office_settings(tmp_path, address, f"browser_{ObjectId()}")
    yield settings
    await server.client.drop_database(settings.mongodb.database)


@pytest.fixture
async def office(office_config):
    async with open_office(office_config) as office:
        yield office


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
