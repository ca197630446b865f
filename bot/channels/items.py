"""Reading the items of a webhook each on its own, so that one that is broken costs no other."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bot.channels.contract import Inbound, Unrecognised
from bot.channels.fields import Odd, storable

# What reading a field of the wrong shape can raise.
SPOILT = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def each(
    account: str, kind: str, items: Iterable[Any], reader: Callable[[dict[str, Any]], Iterable[Inbound]]
) -> Iterator[Inbound]:
    """The facts of all items; one that cannot be read is Unrecognised, alone and whole."""
    for item in items:
        try:
            if not isinstance(item, dict):
                raise Odd("not an object")
            facts = list(reader(item))
        except SPOILT as error:
            facts = [set_aside(account, kind, error, item)]
        yield from facts


def set_aside(account: str, kind: str, error: Exception, raw: Any) -> Unrecognised:
    reason = str(error) if isinstance(error, Odd) else type(error).__name__
    return Unrecognised(account, kind, reason, storable(raw))
