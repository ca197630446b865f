"""Each folder here is a channel, imported only when an account of its kind exists."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
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


class Channels(Mapping[str, Channel]):
    """The channels of this process by kind, each made when it is first asked for. They share `session`."""

    def __init__(self, session: ClientSession) -> None:
        self._session = session
        self._made: dict[str, Channel] = {}

    def __getitem__(self, kind: str) -> Channel:
        if kind not in self._made:
            self._made[kind] = discover(kind)(self._session)
        return self._made[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(kinds())

    def __len__(self) -> int:
        return len(kinds())

    async def close(self) -> None:
        for channel in self._made.values():
            await channel.close()
