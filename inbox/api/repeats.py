"""Writes that may be asked twice: with an Idempotency-Key the same request is done once and answered alike.

The key is claimed by an atomic insert before anything is done. A claim whose process died is taken over after a
minute; what it may have sent is not sent again, for messages carry the key as well (`client_key`).
"""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import orjson
from aiohttp import web

from bot.errors import N_, Conflict
from bot.store.database import AlreadyThere, Database, already_there
from inbox.api.reading import Invalid, read_raw
from inbox.gate import AGENT, HOUSE, TOKEN, Handler, errors

HEADER = "Idempotency-Key"
LONGEST_KEY = 200
CLAIM = timedelta(minutes=1)
WAIT_SECONDS, LOOK_SECONDS = 5.0, 0.05
# Answers that say nothing about the request itself: the same again may well do.
_PASSING = frozenset({401, 408, 409, 413, 429})


def once(handler: Handler) -> Handler:
    """The handler, done once for each key. Without the header nothing changes."""

    async def done_once(request: web.Request) -> web.StreamResponse:
        if HEADER not in request.headers:
            return await handler(request)
        return await answer_once(request, handler, await fingerprint(request))

    return done_once


async def answer_once(request: web.Request, handler: Handler, asked: str) -> web.StreamResponse:
    """`asked` says what was asked: the same key with another one is refused. Raises Conflict."""
    house = request.app[HOUSE]
    key = key_of(request)
    before = await _claim(house.db, key, asked, now=house.clock.now())
    waited = 0.0
    while before is not None:
        if before["hash"] != asked:
            raise Conflict(N_("This Idempotency-Key was used for another request."), code="idempotency_conflict")
        if before["status"] is not None:
            return _again(before)
        if waited >= WAIT_SECONDS:
            raise Conflict(N_("The same request is still being worked on. Ask again in a moment."), code="in_progress")
        await house.clock.sleep(LOOK_SECONDS)
        waited += LOOK_SECONDS
        before = await _claim(house.db, key, asked, now=house.clock.now())
    return await _do(request, handler, key)


async def _do(request: web.Request, handler: Handler, key: str) -> web.StreamResponse:
    db = request.app[HOUSE].db
    answer = await errors(request, handler)
    if isinstance(answer, web.Response) and answer.status < 500 and answer.status not in _PASSING:
        kept = {"status": answer.status, "body": answer.text}
        await db["idempotency"].update_one({"_id": key}, {"$set": kept})
    else:
        await db["idempotency"].delete_one({"_id": key})
    return answer


def key_of(request: web.Request) -> str:
    """One token's keys are nothing to another's. Raises Invalid."""
    key = request.headers[HEADER].strip()
    if not key or len(key) > LONGEST_KEY or not key.isprintable():
        raise Invalid(N_("The Idempotency-Key must have 1 to %(most)s characters."), most=LONGEST_KEY)
    return f"{request.get(TOKEN) or request[AGENT].id}:{key}"


def client_key(request: web.Request) -> str | None:
    """What makes a message unique by the request's key; None without the header."""
    return f"api:{key_of(request)}" if HEADER in request.headers else None


async def fingerprint(request: web.Request) -> str:
    """The same for the same method, address and body, however the JSON is spaced or its keys ordered."""
    raw = await read_raw(request)
    with suppress(orjson.JSONDecodeError):
        raw = orjson.dumps(orjson.loads(raw), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(b"\0".join((request.method.encode(), request.path_qs.encode(), raw))).hexdigest()


async def _claim(db: Database, key: str, asked: str, *, now: datetime) -> Mapping[str, Any] | None:
    """None when it is ours to do, else how it stands with whoever came first."""
    row = {"_id": key, "hash": asked, "status": None, "body": None, "at": now, "until": now + CLAIM}
    try:
        with already_there():
            await db["idempotency"].insert_one(row)
    except AlreadyThere:
        left = {"_id": key, "hash": asked, "status": None, "until": {"$lte": now}}
        if await db["idempotency"].find_one_and_update(left, {"$set": {"until": now + CLAIM}}):
            return None
        # Gone in between: the first one failed in passing, and this one may try.
        return await db["idempotency"].find_one({"_id": key}) or {"hash": asked, "status": None}
    return None


def _again(before: Mapping[str, Any]) -> web.Response:
    return web.Response(
        text=before["body"],
        status=before["status"],
        content_type="application/json",
        headers={"Idempotent-Replay": "true"},
    )
