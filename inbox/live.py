"""Which pages to nudge. A nudge carries ids only; what it is about is fetched through the page's own gate.

Nudges are documents (`bot.nudges`), so that a change made in one process reaches the browsers of every other.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from bot.clock import Clock
from inbox.people import Agent
from inbox.permissions import View, view_of

EVERY_SECONDS = 0.25
# A page that lags behind this many different things is told to look at everything again instead.
MOST_ITEMS = 200

_SHOWN = ("what", "conversation", "contact", "message", "media", "account")


class Subscription:
    """One open page. Take from it with `next_items`; what arrives within a quarter of a second comes together."""

    def __init__(self, agent: Agent, clock: Clock) -> None:
        self.agent = agent
        self._view: View = view_of(agent)
        self._clock = clock
        self._waiting: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._something = asyncio.Event()
        self._last = float("-inf")

    def offer(self, item: Mapping[str, Any]) -> None:
        """Never blocks: the same news twice is one, and a page too far behind is told to reload."""
        if not self._concerns(item):
            return
        shown = {key: item[key] for key in _SHOWN if item.get(key) is not None}
        if len(self._waiting) >= MOST_ITEMS:
            self._waiting = {("reload",): {"what": "reload"}}
        elif ("reload",) not in self._waiting:
            self._waiting[tuple(shown.values())] = shown
        self._something.set()

    def _concerns(self, item: Mapping[str, Any]) -> bool:
        if item["what"] == "session":
            return bool(item.get("agent") == self.agent.id)
        if not item.get("conversation"):
            return True
        before = {"assignee": item.get("was"), "team": item.get("was_team")}
        return self._view.shows(item) or self._view.shows(before)

    async def next_items(self) -> list[dict[str, Any]]:
        """Waits for news; at most four answers a second."""
        await self._something.wait()
        rest = self._last + EVERY_SECONDS - self._clock.monotonic()
        if rest > 0:
            await self._clock.sleep(rest)
        items, self._waiting = list(self._waiting.values()), {}
        self._something.clear()
        self._last = self._clock.monotonic()
        return items


class Live:
    """All open pages of this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pages: set[Subscription] = set()

    def subscribe(self, agent: Agent) -> Subscription:
        page = Subscription(agent, self._clock)
        self._pages.add(page)
        return page

    def unsubscribe(self, page: Subscription) -> None:
        self._pages.discard(page)

    def tell(self, items: list[Mapping[str, Any]]) -> None:
        """News from the change stream."""
        for page in tuple(self._pages):
            for item in items:
                page.offer(item)

    def tell_reload(self) -> None:
        """News may have been missed (the stream broke): every page looks again."""
        self.tell([{"what": "reload"}])

    def agents_online(self) -> set[str]:
        return {page.agent.id for page in self._pages}
