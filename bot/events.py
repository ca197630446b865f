"""A tiny bus inside this process. Events are facts in the past tense that carry ids, published after the
write.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.log import logger

Event = TypeVar("Event")
Listener = Callable[[Any], Awaitable[None] | None]

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class TemplatesOutdated:
    """Templates of these scopes are not as the platform has them."""

    scopes: frozenset[str]


class Bus:
    def __init__(self) -> None:
        self._listeners: dict[type[Any], list[Listener]] = defaultdict(list)

    def subscribe(self, kind: type[Event], listener: Callable[[Event], Awaitable[None] | None]) -> None:
        """`listener` hears every event of exactly this type, in the order of subscription."""
        self._listeners[kind].append(listener)

    async def publish(self, *events: object) -> None:
        """Waits for each listener in turn. One that fails is logged and harms nobody else."""
        for event in events:
            for listener in tuple(self._listeners.get(type(event), ())):
                await _tell(listener, event)


async def _tell(listener: Listener, event: object) -> None:
    try:
        answer = listener(event)
        if answer is not None:
            await answer
    except Exception:
        log.exception(
            "listener failed", kind=type(event).__name__, listener=getattr(listener, "__qualname__", "?")
        )
