"""The database as seen by a process that dies, or is overtaken, at a chosen operation. The database itself is real."""

from collections.abc import Awaitable, Callable
from typing import Any

from bot.store.database import Database

WRITES = frozenset(
    {
        *("insert_one", "insert_many", "bulk_write", "update_one", "update_many"),
        *("delete_one", "delete_many", "find_one_and_update"),
    }
)
Edge = Callable[[str, str], Awaitable[None]]


class EdgeDatabase(Database):
    """Calls `edge(collection, operation)` before each write; what it raises is what the writer sees."""

    def __init__(self, database: Database, edge: Edge) -> None:
        self.client, self.handle = database.client, database.handle
        self._database, self._edge = database, edge

    def __getitem__(self, name: str) -> Any:
        return _Collection(self._database[name], name, self._edge)


class _Collection:
    def __init__(self, collection: Any, name: str, edge: Edge) -> None:
        self._collection, self._name, self._edge = collection, name, edge

    def with_options(self, **options: Any) -> "_Collection":
        return _Collection(self._collection.with_options(**options), self._name, self._edge)

    def __getattr__(self, operation: str) -> Any:
        found = getattr(self._collection, operation)
        if operation not in WRITES:
            return found

        async def write(*args: Any, **more: Any) -> Any:
            await self._edge(self._name, operation)
            return await found(*args, **more)

        return write


class Death(Exception):
    """The process is gone: nothing of it runs any more."""


class Dying:
    """An edge that lets `writes` operations pass and no more."""

    def __init__(self, writes: int) -> None:
        self.left = writes

    async def __call__(self, collection: str, operation: str) -> None:
        if self.left <= 0:
            raise Death
        self.left -= 1


class Overtaken:
    """An edge that does something once, right before the given operation."""

    def __init__(self, collection: str, operation: str, action: Callable[[], Awaitable[Any]]) -> None:
        self._place, self._action = (collection, operation), action
        self.happened = False

    async def __call__(self, collection: str, operation: str) -> None:
        if (collection, operation) == self._place and not self.happened:
            self.happened = True
            await self._action()
