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


class Channels:
    """The channels of this process, each made when it is first needed. They share `session`."""

    def __init__(self, session: ClientSession) -> None:
        self._session = session
        self._made: dict[str, Channel] = {}

    def get(self, kind: str) -> Channel:
        """Raises KeyError when this program has no such channel."""
        if kind not in self._made:
            self._made[kind] = discover(kind)(self._session)
        return self._made[kind]

    async def close(self) -> None:
        for channel in self._made.values():
            await channel.close()
