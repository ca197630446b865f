"""People who sit at a browser, agents and customers; each screen is watched for what must never happen on one."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    ViewportSize,
    expect,
)

from inbox import sessions
from inbox.gate import COOKIE
from inbox.house import House
from inbox.people import Agent

DESKTOP, PHONE = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=844)
# Two busy cores: a page that is right may still take its time.
PATIENCE_MS = 15_000
PLAIN_SCHEMES = ("data", "blob", "about")

expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Seat:
    """One browser of one person. What it complained about fails the test, unless the test says why it had to."""

    name: str
    page: Page
    home: str
    complaints: list[str] = field(default_factory=list)
    forgiven: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        self.page.on("request", self._see)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")

    def _see(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in PLAIN_SCHEMES and address.netloc != urlsplit(self.home).netloc:
            self.complaints.append(f"asked another host: {request.url}")

    def forgive(self, pattern: str) -> None:
        """The test provokes this: a refusal shows up in the console as a failed request."""
        self.forgiven.append(pattern)

    def unforgiven(self) -> list[str]:
        return [
            f"{self.name}: {complaint}"
            for complaint in self.complaints
            if not any(re.search(pattern, complaint) for pattern in self.forgiven)
        ]

    async def go(self, path: str = "/inbox") -> None:
        await self.page.goto(self.home + path)

    # --- the inbox, as an agent uses it ---------------------------------------------------------------------------

    @property
    def rows(self) -> Locator:
        return self.page.locator("#rows .row")

    def row(self, person: str) -> Locator:
        return self.rows.filter(has=self.page.locator("b.name", has_text=person))

    def entry(self, text: str) -> Locator:
        """A message or note of the open conversation which the server knows: not the bubble drawn ahead of it."""
        return self.page.locator("#tail .entry").filter(has_text=text)

    @property
    def text(self) -> Locator:
        return self.page.locator("#composer-text")

    async def open(self, person: str) -> None:
        await self.row(person).locator("a").click()
        await expect(self.page.locator("#head h1 .name")).to_have_text(person)

    async def write(self, text: str) -> None:
        await self.text.fill(text)
        await self.text.press("Enter")

    async def tick(self, text: str, status: str) -> None:
        """Waits until the message with this text has got so far."""
        await expect(self.entry(text).locator(".tick")).to_have_class(re.compile(rf"\btick-{status}\b"))

    async def live(self) -> None:
        """Waits until news reach this page."""
        await expect(self.page.locator("html")).to_have_attribute("data-live", "yes")


# The page says "live" on each (re)connection of its socket; kept where a test can wait for it.
REMEMBER_LIVE = "document.addEventListener('live', () => { document.documentElement.dataset.live = 'yes'; });"


class Seats:
    """Opens browsers for people and puts them away."""

    def __init__(self, chromium: Browser, home: str) -> None:
        self._chromium, self.home = chromium, home
        self._taken: list[tuple[Seat, BrowserContext]] = []

    async def take(self, name: str, *, home: str = "", **options: Any) -> Seat:
        wanted = {"locale": "es-CO", "timezone_id": "America/Bogota", "viewport": DESKTOP} | options
        context = await self._chromium.new_context(**wanted)
        context.set_default_timeout(PATIENCE_MS)
        await context.add_init_script(REMEMBER_LIVE)
        seat = Seat(name, await context.new_page(), home or self.home)
        seat.watch()
        self._taken.append((seat, context))
        return seat

    async def agent(self, house: House, agent: Agent, *, at: str = "/inbox?tab=all", **options: Any) -> Seat:
        """Somebody signed in already: the form is passed by, not the session."""
        seat = await self.take(agent.name, **options)
        token = await sessions.open_session(
            house.db, agent, now=house.clock.now(), ip="127.0.0.1", agent_string="Chromium of the tests"
        )
        await seat.page.context.add_cookies([{"name": COOKIE, "value": token, "url": self.home}])
        if at:
            await seat.go(at)
            await seat.live()
        return seat

    async def customer(self, sandbox: str, person: str, channel: str = "whatsapp", **options: Any) -> Seat:
        """The phone page with this person and channel chosen."""
        seat = await self.take(f"customer {person}", home=sandbox.rstrip("/"), **options)
        await seat.go(f"/?person={person}&channel={channel}")
        await seat.page.wait_for_selector("body[data-ready]")
        return seat

    def complaints(self) -> list[str]:
        return [complaint for seat, _ in self._taken for complaint in seat.unforgiven()]

    async def photograph(self, folder: Path, title: str) -> None:
        for number, (seat, _) in enumerate(self._taken):
            if not seat.page.is_closed():
                await seat.page.screenshot(path=folder / f"{title}-{number}-{file_name([seat.name])}.png")

    async def leave(self) -> None:
        for _, context in reversed(self._taken):
            await context.close()
        self._taken.clear()


def file_name(parts: Iterable[str]) -> str:
    return re.sub(r"[^\w.-]+", "-", "-".join(parts)).strip("-")[:120]
