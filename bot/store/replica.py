"""Makes a fresh `mongod` usable: one-member replica set, a user, a primary. Safe to repeat."""

import time
from typing import Any

from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, OperationFailure

USER = "bandeja"
REPLICA_SET = "bandeja"
LOOK_SECONDS = 0.02
AUTHENTICATION_FAILED, ALREADY_INITIALIZED = 18, 23

Client = MongoClient[dict[str, Any]]


class NotReady(Exception):
    """One clause that says what it waited for in vain."""


def prepare(port: int, password: str, *, seconds: float) -> None:
    """Comes back when it takes writes from our user. `seconds` bounds the wait; raises NotReady."""
    deadline = time.monotonic() + seconds
    with _client(port, seconds) as anonymous:
        _listens(anonymous)
    if not _knows_us(port, password, seconds):
        _first_start(port, password, seconds=seconds)
    with _client(port, seconds, password) as client:
        if "setName" not in client.admin.command("hello"):
            _move(client, port)
        _wait_for_primary(client, deadline)


def _client(port: int, seconds: float, password: str | None = None) -> Client:
    return MongoClient(
        "127.0.0.1",
        port,
        directConnection=True,
        username=USER if password else None,
        password=password,
        serverSelectionTimeoutMS=int(seconds * 1000),
    )


def _listens(client: Client) -> None:
    try:
        client.admin.command("ping")
    except ConnectionFailure as error:
        raise NotReady("it does not answer") from error


def _knows_us(port: int, password: str, seconds: float) -> bool:
    """SCRAM proves both sides: a stranger who took the port cannot pass for our database."""
    try:
        with _client(port, seconds, password) as client:
            client.admin.command("listDatabases", nameOnly=True)
    except OperationFailure as error:
        if error.code == AUTHENTICATION_FAILED:
            return False
        raise
    return True


def _first_start(port: int, password: str, *, seconds: float) -> None:
    """Uses MongoDB's localhost exception, which ends with the first user (manual, "Localhost Exception",
    6.0).
    """
    with _client(port, seconds) as client:
        try:
            client.admin.command("replSetInitiate", _members(port, version=1))
        except OperationFailure as error:
            if error.code != ALREADY_INITIALIZED:
                raise NotReady(f"its replica set was not made: {error}") from error
        _wait_for_primary(client, time.monotonic() + seconds)
        try:
            client.admin.command("createUser", USER, pwd=password, roles=["root"])
        except OperationFailure as error:
            raise NotReady("it does not know the password kept beside it") from error


def _move(client: Client, port: int) -> None:
    """The port of last time was taken: the set must learn where its only member lives now."""
    stored = client.local["system.replset"].find_one() or {}
    settings = _members(port, version=int(stored.get("version", 0)) + 1)
    client.admin.command("replSetReconfig", settings, force=True)


def _members(port: int, *, version: int) -> dict[str, Any]:
    return {
        "_id": REPLICA_SET,
        "version": version,
        "members": [{"_id": 0, "host": f"127.0.0.1:{port}"}],
    }


def _wait_for_primary(client: Client, deadline: float) -> None:
    while not client.admin.command("hello").get("isWritablePrimary"):
        if time.monotonic() > deadline:
            raise NotReady("it did not become writable")
        time.sleep(LOOK_SECONDS)
