"""A real browser with one page open, which tells when words stood on its screen (`probe.js`)."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, async_playwright

from benchmarks.programs import Failed
from inbox.gate import COOKIE
from tests.browser.install import NoBrowser, find_browser

PROBE = Path(__file__).with_name("probe.js").read_text()
PAINT_SECONDS = 20.0
PAINTED = re.compile(r"^(rows|flow|bare) (zq\d+)$")


@dataclass(frozen=True, slots=True)
class Seen:
    """Seconds since 1970: when nudges were heard, what was fetched from when to when, what was painted where."""

    heard: list[float]
    fetched: list[tuple[str, float, float]]
    painted: Mapping[tuple[str, str], float]


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """Raises Failed where there is none."""
    try:
        found = find_browser()
    except NoBrowser as problem:
        raise Failed(str(problem)) from problem
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=found.path, env={**found.env} or None, args=list(found.args)
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def open_page(browser: Browser, url: str, *, cookie: str = "", lives: str = "/live") -> AsyncIterator[Page]:
    """A page of its own profile, from when it has its WebSocket."""
    context = await browser.new_context(viewport={"width": 1400, "height": 900})
    try:
        await context.add_init_script(PROBE)
        if cookie:
            host = urlsplit(url).hostname or ""
            await context.add_cookies([{"name": COOKIE, "value": cookie, "domain": host, "path": "/"}])
        page = await context.new_page()
        async with page.expect_websocket(lambda socket: lives in socket.url):
            await page.goto(url)
        await asyncio.sleep(1)
        yield page
    finally:
        await context.close()


async def wait_for(page: Page, place: str, word: str) -> None:
    """Until the word was painted there. Raises Failed."""
    script = "([place, word]) => window.seenByProbe.painted[`${place} ${word}`] > 0"
    try:
        await page.wait_for_function(script, arg=[place, word], timeout=PAINT_SECONDS * 1000)
    except Exception as error:
        raise Failed(f"{word} was not painted in #{place} within {PAINT_SECONDS:g} s.") from error


async def look(page: Page) -> Seen:
    told: dict[str, Any] = await page.evaluate("() => window.seenByProbe")
    painted = {}
    for key, at in told["painted"].items():
        if at and (match := PAINTED.match(key)):
            painted[match[1], match[2]] = at / 1000
    return Seen(
        heard=[at / 1000 for at in told["heard"]],
        fetched=[(one["name"], one["began"] / 1000, one["ended"] / 1000) for one in told["fetched"]],
        painted=painted,
    )
