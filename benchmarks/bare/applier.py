"""The least that applying a message writes: the message, its person's contact, their conversation; 200 at a time."""

import time
from datetime import UTC, datetime
from itertools import count
from random import Random

from pymongo import UpdateOne

from bot.config import Settings
from bot.ids import new_id
from bot.store.database import Database, Document
from bot.store.indexes import ensure

BATCH, PEOPLE = 200, 20_000


async def rate(db: Database, *, seconds: float) -> float:
    """Messages a second, with the indexes of the real collections."""
    await ensure(db, Settings())
    dice, numbers = Random(1), count()
    began, written = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        now = datetime.fromtimestamp(int(time.time()), UTC)
        people = [f"person {dice.randrange(PEOPLE)}" for _ in range(BATCH)]
        await db["contacts"].bulk_write([_contact(person, now) for person in set(people)], ordered=False)
        await db["messages"].insert_many([_message(person, next(numbers), now) for person in people], ordered=False)
        await db["conversations"].bulk_write([_conversation(person, now) for person in set(people)], ordered=False)
        written += BATCH
    return written / (time.perf_counter() - began)


def _contact(person: str, now: datetime) -> UpdateOne:
    first = {"name": person, "search": [person], "created_at": now}
    return UpdateOne({"_id": person}, {"$set": {"last_heard_at": now}, "$setOnInsert": first}, upsert=True)


def _message(person: str, number: int, now: datetime) -> Document:
    text = "Hola, quería saber si el taladro viene con maletín y cuánto demora el envío."
    return {
        "_id": new_id(),
        "account": "a",
        "chat": "",
        "platform_id": f"wamid.{number:030d}",
        "contact": person,
        "conversation": person,
        "direction": "in",
        "text": text,
        "words": text.lower().split(),
        "content": {"type": "text", "text": text},
        "status": "received",
        "at": now,
    }


def _conversation(person: str, now: datetime) -> UpdateOne:
    first = {"contact": person, "team": "t", "open": True, "status": "open", "assignee": None, "accounts": ["a"]}
    last = {"at": now, "last": {"text": "Hola", "at": now}, "window_closes_at": now, "waiting_since": now}
    return UpdateOne({"_id": person}, {"$set": last, "$inc": {"unread": 1}, "$setOnInsert": first}, upsert=True)
