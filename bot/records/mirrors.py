"""What a conversation repeats of its messages, so that a list needs one query; and whom a change there concerns."""

from collections.abc import Collection, Mapping
from typing import Any

from pymongo import UpdateOne

from bot.records.ladder import BELOW
from bot.store.database import Database

LONGEST_PREVIEW = 200
_CONCERNS = dict.fromkeys(("contact", "team", "assignee", "mentions"), 1)


def last(message: Mapping[str, Any]) -> dict[str, Any]:
    """The `last` of a conversation whose newest message this is."""
    content = message["content"]
    return {
        "id": message["_id"],
        "text": message["text"][:LONGEST_PREVIEW],
        "type": message["type"],
        "kind": content.get("kind", ""),
        "direction": message["direction"],
        "author": {"kind": message["author"]["kind"], "name": message["author"]["name"]},
        "at": message["at"],
        "status": message["status"],
    }


def status(message: Mapping[str, Any], new: str) -> UpdateOne:
    """Climbs like the message itself, and only while it is the last one."""
    where = {"_id": message["conversation"], "last.id": message["_id"], "last.status": {"$in": list(BELOW[new])}}
    return UpdateOne(where, {"$set": {"last.status": new}})


def text(message: Mapping[str, Any], new: str) -> UpdateOne:
    where = {"_id": message["conversation"], "last.id": message["_id"]}
    return UpdateOne(where, {"$set": {"last.text": new[:LONGEST_PREVIEW]}})


async def write(db: Database, updates: list[UpdateOne]) -> None:
    if updates:
        await db["conversations"].bulk_write(updates, ordered=False)


async def news(db: Database, conversations: Collection[str], *, what: str = "conversation") -> list[dict[str, Any]]:
    """Nudge items for these conversations, with what decides who may hear of them."""
    if not conversations:
        return []
    found = await db["conversations"].find({"_id": {"$in": list(conversations)}}, _CONCERNS).to_list()
    return [news_of(conversation, what=what) for conversation in found]


async def news_of_people(db: Database, contacts: Collection[str]) -> list[dict[str, Any]]:
    """The same for all open conversations of these contacts."""
    if not contacts:
        return []
    found = await db["conversations"].find({"contact": {"$in": list(contacts)}, "open": True}, _CONCERNS).to_list()
    return [news_of(conversation) for conversation in found]


def news_of(conversation: Mapping[str, Any], *, what: str = "conversation") -> dict[str, Any]:
    return {
        "what": what,
        "conversation": conversation["_id"],
        "contact": conversation["contact"],
        "team": conversation.get("team"),
        "assignee": conversation.get("assignee"),
        "mentions": conversation.get("mentions") or [],
    }
