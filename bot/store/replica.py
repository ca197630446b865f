"""Makes a fresh `mongod` usable: one-member replica set, a user, a primary. Safe to repeat at any point."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, OperationFailure

USER = "bandeja"
REPLICA_SET = "bandeja"
LOOK_SECONDS = 0.02
AUTHENTICATION_FAILED, ALREADY_INITIALIZED, NOT_A_MEMBER = 18, 23, 93

Client = MongoClient[dict[str, Any]]


class NotReady(Exception):
    """One clause that says what it waited for in vain."""


def prepare(port: int, password: str, *, seconds: float) -> None:
    """Comes back when it takes writes from our user. `seconds` bounds the wait; raises NotReady."""
    looks = _looks(seconds)
    with _client(port, seconds) as anonymous:
        _until(looks, lambda: _answers(anonymous), "it does not answer")
        if not _knows_us(port, password, seconds):
            _first_start(anonymous, port, password, looks)
    with _client(port, seconds, password) as client:
        _until(looks, lambda: _is_primary_here(client, port), "it did not become writable")


def _looks(seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(LOOK_SECONDS)


def _until(looks: Iterator[None], condition: Callable[[], bool], otherwise: str) -> None:
    if not any(condition() for _ in looks):
        raise NotReady(otherwise)


def _client(port: int, seconds: float, password: str | None = None) -> Client:
    return MongoClient(
        "127.0.0.1",
        port,
        directConnection=True,
        username=USER if password else None,
        password=password,
        serverSelectionTimeoutMS=int(seconds * 1000),
    )


def _answers(client: Client) -> bool:
    try:
        client.admin.command("ping")
    except ConnectionFailure:
        return False
    return True


def _is_primary(client: Client) -> bool:
    return bool(client.admin.command("hello").get("isWritablePrimary"))


def _knows_us(port: int, password: str, seconds: float) -> bool:
    """SCRAM proves both sides: a stranger who took the port cannot pass for our database."""
    try:
        with _client(port, seconds, password) as client:
            client.admin.command("ping")
    except OperationFailure as error:
        if error.code == AUTHENTICATION_FAILED:
            return False
        raise
    return True


def _first_start(client: Client, port: int, password: str, looks: Iterator[None]) -> None:
    """Uses MongoDB's localhost exception, which ends with the first user (manual, "Localhost Exception",
    6.0).
    """
    _until(looks, lambda: _is_initiated(client, port), "its replica set was not made")
    _until(looks, lambda: _is_primary(client), "it did not become writable")
    try:
        client.admin.command("createUser", USER, pwd=password, roles=["root"])
    except OperationFailure as error:
        raise NotReady("it does not know the password kept beside it") from error


def _is_initiated(client: Client, port: int) -> bool:
    try:
        client.admin.command("replSetInitiate", _members(port))
    except OperationFailure as error:
        return error.code == ALREADY_INITIALIZED
    return True


def _is_primary_here(client: Client, port: int) -> bool:
    """Tells the set where its only member lives now, if the port of last time was taken. Shortly after a
    start the state is not known yet, which is no reason to act.
    """
    try:
        client.admin.command("replSetGetStatus")
    except OperationFailure as error:
        if error.code == NOT_A_MEMBER:
            client.admin.command("replSetReconfig", _members(port), force=True)
        return False
    return _is_primary(client)


def _members(port: int) -> dict[str, Any]:
    """Version 1 also for a forced change, for which the server counts on from what it has."""
    return {"_id": REPLICA_SET, "version": 1, "members": [{"_id": 0, "host": f"127.0.0.1:{port}"}]}
