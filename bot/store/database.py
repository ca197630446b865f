"""The connection to MongoDB: every write is acknowledged by a majority and on disk before it counts."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pymongo
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient, WriteConcern
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
)

from bot.config import Settings
from bot.errors import N_, Refused, Unavailable
from bot.log import scrub
from bot.store import embedded

Document = dict[str, Any]
Collection = AsyncCollection[Document]
Session = AsyncClientSession

# An operation is tried again within this time, so that the election of a new primary (12 s by default)
# is a pause and not an error. Where somebody waits for the answer, `within` makes it shorter.
PATIENCE_SECONDS = 30.0
OPENING_SECONDS = 15.0
OLDEST = (6, 0)


class AlreadyThere(Exception):
    """A unique index already holds this. `index` names it, `key` are the values."""

    def __init__(self, index: str, key: Mapping[str, Any]) -> None:
        super().__init__(index)
        self.index, self.key = index, key


class Database:
    """`db["messages"]` is a collection. Times come back aware and in UTC."""

    def __init__(self, client: AsyncMongoClient[Document], name: str) -> None:
        self.client = client
        self.handle = client.get_database(
            name,
            codec_options=CodecOptions(tz_aware=True, uuid_representation=UuidRepresentation.STANDARD),
            write_concern=WriteConcern(w="majority", j=True),
        )
        self._collections: dict[str, Collection] = {}

    def __getitem__(self, name: str) -> Collection:
        if name not in self._collections:
            self._collections[name] = self.handle[name]
        return self._collections[name]

    async def ping(self, *, seconds: float = 2.0) -> None:
        """Raises Unavailable when no primary answers in time."""
        with within(seconds):
            await self.client.admin.command("ping")

    async def is_available(self, *, seconds: float = 2.0) -> bool:
        try:
            await self.ping(seconds=seconds)
        except Unavailable:
            return False
        return True

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """All or nothing for what is given `session=`. A conflict with another transaction aborts this
        one with an OperationFailure, and nothing is tried again: most writes are better off as one
        atomic update.
        """
        async with self.client.start_session() as session, await session.start_transaction():
            yield session


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """The database of `settings`, started first if it is the embedded one. Raises Unavailable or Refused."""
    if not settings.mongodb.embedded:
        async with _connected(settings.mongodb.uri, settings.mongodb.database) as database:
            yield database
        return
    async with (
        embedded.running(settings.data.directory, cache_gb=settings.mongodb.cache_gb) as uri,
        _connected(uri, settings.mongodb.database) as database,
    ):
        yield database


@asynccontextmanager
async def _connected(uri: str, name: str) -> AsyncIterator[Database]:
    client = _client(uri)
    try:
        await _check(client)
        yield Database(client, name)
    finally:
        await client.close()


def _client(uri: str) -> AsyncMongoClient[Document]:
    try:
        return AsyncMongoClient(
            uri,
            appname="bandeja",
            retryWrites=True,
            timeoutMS=int(PATIENCE_SECONDS * 1000),
            serverSelectionTimeoutMS=int(PATIENCE_SECONDS * 1000),
            connectTimeoutMS=5000,
        )
    except (ConfigurationError, PyMongoError, ValueError) as error:
        sentence = N_("The address in [mongodb] uri cannot be used: %(reason)s.")
        raise Refused(sentence, code="bad_uri", reason=scrub(str(error)).rstrip(".")) from error


async def _check(client: AsyncMongoClient[Document]) -> None:
    """Refuse at the start what would fail later in odd ways: too old, or without transactions and change
    streams.
    """
    try:
        with within(OPENING_SECONDS):
            hello = await client.admin.command("hello")
            build = await client.admin.command("buildInfo")
    except OperationFailure as error:
        sentence = N_("MongoDB does not let Bandeja in: %(reason)s.")
        reason = str((error.details or {}).get("errmsg", error)).rstrip(".")
        raise Refused(sentence, code="no_entry", reason=scrub(reason)) from error
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise Refused(
            N_("The MongoDB of [mongodb] uri is no replica set; start it with --replSet (one member is enough)."),
            code="no_replica_set",
        )
    if tuple(build["versionArray"][:2]) < OLDEST:
        sentence = N_("MongoDB %(version)s is too old; Bandeja needs 6.0 or newer.")
        raise Refused(sentence, code="old_mongodb", version=build["version"])


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Bound everything asked of the database inside, retries included; None lifts every bound.

    Raises Unavailable when the time is over or no primary can be reached: what was asked may have happened.
    """
    try:
        with pymongo.timeout(seconds):
            yield
    except PyMongoError as error:
        if not is_away(error):
            raise
        sentence = N_("The database does not answer; try again in a moment.")
        raise Unavailable(sentence, code="database_away") from error


def is_away(error: PyMongoError) -> bool:
    """Whether the database could not be reached in time, as against having refused."""
    return error.timeout or isinstance(error, ConnectionFailure)


@contextmanager
def already_there() -> Iterator[None]:
    """Raises AlreadyThere where a unique index refuses what is written inside."""
    try:
        yield
    except DuplicateKeyError as error:
        details = error.details or {}
        raise AlreadyThere(index_name(details), details.get("keyValue", {})) from error


def index_name(details: Mapping[str, Any]) -> str:
    """Of the unique index that refused a write, from what the server says about the refusal."""
    return str(details.get("errmsg", "")).partition(" index: ")[2].partition(" ")[0]
