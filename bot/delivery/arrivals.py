"""What the journal hands over: one fact each, with the account it came by and the way back to its raw text."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from bot.channels.contract import Inbound
from bot.channels.fields import load
from bot.records.accounts import AccountRecord

Read = Callable[[bytes], list[Inbound]]
# Cutting one update out of a body means reading the body several times over.
MOST_CUTS = 32


@dataclass(slots=True)
class Source:
    """A raw body as it stands in the journal."""

    journal_id: str
    channel: str
    body: bytes
    at: datetime
    read: Read = field(repr=False)
    cuts: int = 0

    def cut_out(self, fact: Inbound) -> str:
        """The smallest body that still tells `fact`, to be kept beside it and read again by a later program.

        Empty when this body had too many to cut: it is in the journal as long as the journal keeps it.
        """
        self.cuts += 1
        if self.cuts > MOST_CUTS:
            return ""
        try:
            tree = load(self.body)
        except ValueError:
            return self.body.decode(errors="replace")
        for items in _lists(tree):
            _shorten(items, lambda: fact in self.read(orjson.dumps(tree)))
        return orjson.dumps(tree).decode()


def _lists(node: Any) -> Iterator[list[Any]]:
    """Outer lists before inner ones: by the time an inner one is asked for, the outer ones are short."""
    if isinstance(node, list):
        yield node
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for value in list(inner):
        yield from _lists(value)


def _shorten(items: list[Any], still_told: Callable[[], bool]) -> None:
    """Halves `items` for as long as one half is enough."""
    while len(items) > 1:
        every, middle = list(items), len(items) // 2
        for half in (every[:middle], every[middle:]):
            items[:] = half
            if still_told():
                break
        else:
            items[:] = every
            return


@dataclass(frozen=True, slots=True)
class Arrival:
    """`again` says that somebody may have begun to apply this before, and died."""

    fact: Inbound
    account: AccountRecord
    source: Source = field(repr=False, compare=False)
    position: int
    again: bool = False

    @property
    def arrived_at(self) -> datetime:
        return self.source.at


Handler = Callable[[Sequence[Arrival]], Awaitable[None]]
"""Applies a batch, or raises having applied some of it: whatever is given again must end the same."""
