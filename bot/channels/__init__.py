"""Each folder here is a channel, imported only when an account of its kind exists."""

import importlib
import pkgutil
from collections.abc import Callable
from typing import cast

from aiohttp import ClientSession

from bot.channels.contract import Channel

Create = Callable[[ClientSession], Channel]


def kinds() -> tuple[str, ...]:
    """The names of all channels this program has, without importing any."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg))


def discover(kind: str) -> Create:
    """What makes the channel `kind`, to be called once per process. Raises KeyError when there is none."""
    if kind not in kinds():
        raise KeyError(kind)
    return cast(Create, importlib.import_module(f"{__name__}.{kind}").create)
