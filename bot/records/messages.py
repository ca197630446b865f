"""What passed over a channel, both ways: found by the platform's ids, written once however often it is told."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from bot.channels.contract import MediaRef, Said
from bot.content import Media, plain_text
from bot.ids import new_id
from bot.records import ladder
from bot.records.search import words
from bot.store.database import Database

MOST_KEYS = 1000
LONGEST_QUOTE = 300


class Key(NamedTuple):
    """What is unique: our account's id, the chat ("" where platform ids are unique in the account), the platform id."""

    account: str
    chat: str
    platform_id: str


async def find_known(db: Database, keys: Collection[Key], fields: Mapping[str, Any]) -> dict[Key, dict[str, Any]]:
    """Those of `keys` that are stored. `fields` must include account, chat and platform_id."""
    found: dict[Key, dict[str, Any]] = {}
    for some in _portions(keys):
        query = {
            "account": {"$in": list({key.account for key in some})},
            "chat": {"$in": list({key.chat for key in some})},
            # Without $type the planner does not see that the partial index covers this.
            "platform_id": {"$in": [key.platform_id for key in some], "$type": "string"},
        }
        async for message in db["messages"].find(query, fields):
            found[Key(message["account"], message["chat"], message["platform_id"])] = message
    return {key: found[key] for key in keys if key in found}


async def find_by_part(db: Database, keys: Collection[Key], fields: Mapping[str, Any]) -> dict[Key, dict[str, Any]]:
    """A message that had to be split has further platform ids: those of `keys` that are such parts."""
    found: dict[Key, dict[str, Any]] = {}
    for some in _portions(keys):
        query = {
            "account": {"$in": list({key.account for key in some})},
            "parts": {"$in": [key.platform_id for key in some], "$type": "string"},
        }
        async for message in db["messages"].find(query, fields):
            found |= {Key(message["account"], message["chat"], part): message for part in message["parts"]}
    return {key: found[key] for key in keys if key in found}


async def find_ours(db: Database, ids: Collection[str], fields: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Messages that we sent, by our own ids, which platforms give back."""
    if not ids:
        return {}
    query = {"_id": {"$in": list(ids)}, "direction": "out"}
    return {message["_id"]: message async for message in db["messages"].find(query, fields)}


def _portions(keys: Collection[Key]) -> Iterable[list[Key]]:
    every = list(keys)
    return (every[start : start + MOST_KEYS] for start in range(0, len(every), MOST_KEYS))


class Place(NamedTuple):
    """Where a message belongs. In a group it is in nobody's conversation."""

    account: str
    channel: str
    contact: str | None
    identity: str | None
    conversation: str | None
    team: str | None
    practice: bool


def compose(
    said: Said, place: Place, *, name: str, arrived_at: datetime, quoted: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The document of something that was said, with ids for its files. `name` is who said it."""
    media = [_file(said, ref) for ref in said.media]
    content = said.content
    if isinstance(content, Media) and media:
        content = content.model_copy(update={"media": media[0]["id"]})
    text = plain_text(content)
    inbound = said.direction == "in"
    at = min(said.sent_at, arrived_at)
    status = "received" if inbound else "sent"
    return {
        "_id": new_id(),
        **place._asdict(),
        "chat": said.chat,
        "platform_id": said.platform_id,
        "direction": said.direction,
        "type": content.type,
        "content": content.model_dump(),
        "text": text,
        "words": words(text),
        "author": {"kind": said.author, "id": place.contact if inbound else None, "name": name if inbound else ""},
        "status": status,
        "rank": ladder.RANK[status],
        "times": {} if inbound else {"sent": at},
        "error": None,
        "reply_to": said.reply_to,
        "quoted": dict(quoted) if quoted else None,
        "reactions": [],
        "media": media,
        "referral": dict(said.referral) if said.referral else None,
        "forwarded": said.forwarded,
        "edits": [],
        "deleted_at": None,
        "group": said.group,
        "sent_at": at,
        "at": at,
        "arrived_at": arrived_at,
        "pricing": None,
        "album": said.album,
        "standby": said.standby,
    }


def _file(said: Said, ref: MediaRef) -> dict[str, Any]:
    content = said.content
    kind, name = (content.kind, content.name) if isinstance(content, Media) else ("document", "")
    return {"id": new_id(), "type": kind, "name": name, "mime": ref.mime, "size": ref.size}


def wanted_files(message: Mapping[str, Any], refs: Sequence[MediaRef], *, now: datetime) -> list[dict[str, Any]]:
    """The media records of a message that came in: what is to be fetched from the platform, at once."""
    whose = {key: message.get(key) for key in ("account", "conversation", "contact")}
    return [
        {
            "_id": file["id"],
            **whose,
            "message": message["_id"],
            "direction": "in",
            "ref": {"id": ref.id, "url": ref.url, "mime": ref.mime, "sha256": ref.sha256, "size": ref.size},
            "kind": file["type"],
            "name": file["name"],
            "mime": ref.mime,
            "size": ref.size,
            "state": "wanted",
            "tries": 0,
            "due_at": now,
            "error": None,
            "at": now,
        }
        for file, ref in zip(message["media"], refs, strict=False)
    ]


def quote(message: Mapping[str, Any]) -> dict[str, Any]:
    """What a reply shows of the message it answers, kept with the reply."""
    return {
        "id": message["_id"],
        "text": message["text"][:LONGEST_QUOTE],
        "author": message["author"],
        "type": message["type"],
    }
