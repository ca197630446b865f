"""Brings a database to the shape a program needs, at every start; refuses one that a newer program has
shaped.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import CollectionInvalid, OperationFailure

from bot.config import Settings
from bot.errors import N_, Refused
from bot.store.database import Database, within

META, VERSION_ID = "meta", "schema"
NOT_ALLOWED, NAMESPACE_EXISTS, OPTIONS_CONFLICT, KEYS_CONFLICT, DUPLICATE_KEY = 13, 48, 85, 86, 11000


@dataclass(frozen=True, slots=True)
class Index:
    """`keys` are field names, those that sort downwards with a leading minus. `partial` is a filter.
    `ttl_seconds` after the time in its only key a document is forgotten; it may come from the settings
    and may change later.

    An index that changes in any other way gets a new `name`, else a database made before is refused.
    """

    collection: str
    keys: tuple[str, ...]
    unique: bool = False
    partial: Mapping[str, Any] | None = None
    sparse: bool = False
    ttl_seconds: int | Callable[[Settings], int] | None = None
    collation: Mapping[str, Any] | None = None
    name: str = ""

    @property
    def label(self) -> str:
        return self.name or "_".join(f"{field}_{direction}" for field, direction in self.pairs)

    @property
    def pairs(self) -> list[tuple[str, int]]:
        return [(key.removeprefix("-"), DESCENDING if key.startswith("-") else ASCENDING) for key in self.keys]

    def seconds(self, settings: Settings) -> int | None:
        return self.ttl_seconds(settings) if callable(self.ttl_seconds) else self.ttl_seconds

    def model(self, settings: Settings) -> IndexModel:
        options = {
            "unique": self.unique or None,
            "sparse": self.sparse or None,
            "partialFilterExpression": self.partial,
            "expireAfterSeconds": self.seconds(settings),
            "collation": self.collation,
        }
        chosen = {key: value for key, value in options.items() if value is not None}
        return IndexModel(self.pairs, name=self.label, **chosen)


@dataclass(frozen=True, slots=True)
class Schema:
    """`version` grows when a program that is older could no longer work on the data. `options` are those
    of MongoDB's `create` command, by collection.
    """

    version: int
    indexes: tuple[Index, ...]
    options: Mapping[str, Mapping[str, Any]]


async def ensure(database: Database, schema: Schema, settings: Settings) -> None:
    """Safe to repeat and to run in several processes at once. Raises Refused."""
    with within(None), _allowed():
        await _refuse_newer(database, schema)
        await asyncio.gather(*(_create(database, name, options) for name, options in schema.options.items()))
        by_collection = defaultdict(list)
        for index in schema.indexes:
            by_collection[index.collection].append(index)
        await asyncio.gather(*(_index(database, name, own, settings) for name, own in by_collection.items()))
        await database[META].update_one({"_id": VERSION_ID}, {"$max": {"version": schema.version}}, upsert=True)


@contextmanager
def _allowed() -> Iterator[None]:
    try:
        yield
    except OperationFailure as error:
        if error.code != NOT_ALLOWED:
            raise
        raise Refused(
            N_("The user in [mongodb] uri may not do its work: give it the roles readWrite and dbAdmin."),
            code="no_rights",
        ) from error


async def _refuse_newer(database: Database, schema: Schema) -> None:
    stored = await database[META].find_one({"_id": VERSION_ID})
    if stored is not None and stored["version"] > schema.version:
        raise Refused(
            N_(
                "This database was shaped by a newer Bandeja (schema %(found)s, this program knows %(known)s):"
                " start the newer program, or restore a backup made before."
            ),
            code="schema_newer",
            found=stored["version"],
            known=schema.version,
        )


async def _create(database: Database, name: str, options: Mapping[str, Any]) -> None:
    try:
        await database.handle.create_collection(name, check_exists=False, **options)
    except CollectionInvalid:
        return
    except OperationFailure as error:
        if error.code != NAMESPACE_EXISTS:
            raise


async def _index(database: Database, name: str, indexes: Iterable[Index], settings: Settings) -> None:
    collection = database[name]
    existing = await collection.index_information()
    for index in indexes:
        found = existing.get(index.label, {}).get("expireAfterSeconds")
        wanted = index.seconds(settings)
        if found is not None and wanted is not None and found != wanted:
            await _change_ttl(database, index, wanted)
    try:
        await collection.create_indexes([index.model(settings) for index in indexes])
    except OperationFailure as error:
        if error.code not in {OPTIONS_CONFLICT, KEYS_CONFLICT, DUPLICATE_KEY}:
            raise
        raise Refused(
            N_("An index of the collection %(collection)s cannot be made: %(reason)s."),
            code="index_conflict",
            collection=name,
            reason=_cause(error),
        ) from error


async def _change_ttl(database: Database, index: Index, seconds: int) -> None:
    change = {"name": index.label, "expireAfterSeconds": seconds}
    await database.handle.command("collMod", index.collection, index=change)


def _cause(error: OperationFailure) -> str:
    """Without the values of a duplicate key: they may be a person's number."""
    if error.code == DUPLICATE_KEY:
        return "two documents have the same unique key"
    return str((error.details or {}).get("errmsg", error)).rstrip(".")
