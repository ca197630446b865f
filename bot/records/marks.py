"""What happens to a message after it passed: statuses, reactions, edits, deletions. In whatever order and however often
they come the end is the same. A mark on a message that is not known yet is handed back (`bot.delivery.waiting`).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

from pymongo import UpdateOne

from bot.channels.contract import MediaRef
from bot.content import CONTENT, Content, Media, plain_text
from bot.ids import is_id
from bot.records import ladder, messages, mirrors
from bot.records.ladder import Step
from bot.records.once import insert_once, update_all
from bot.records.search import words
from bot.store.database import Database

Kind = Literal["climbed", "reacted", "edited", "deleted"]
_WANTED = dict.fromkeys(
    (
        *("account", "chat", "platform_id", "parts", "conversation", "contact", "direction"),
        *("status", "rank", "times", "content", "text", "edits", "media"),
    ),
    1,
)


@dataclass(frozen=True, slots=True)
class Mark:
    """`target` is the platform's id of the message, `callback` our own where the platform gives it back.

    `data` is plain and may be stored: climbed {status, error, pricing}, reacted {by, who, emoji},
    edited {content, refs}, deleted {}.
    """

    kind: Kind
    account: str
    chat: str
    target: str
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    callback: str | None = None

    @property
    def key(self) -> messages.Key:
        return messages.Key(self.account, self.chat, self.target)


class Applied(NamedTuple):
    """`changed` are the messages that were marked, as they were before; `unknown` the marks without a message."""

    changed: list[dict[str, Any]]
    unknown: list[Mark]


async def apply(db: Database, marks: Sequence[Mark]) -> Applied:
    found = await _find(db, marks)
    marked: dict[str, tuple[dict[str, Any], list[Mark]]] = {}
    for mark, message in found:
        if message is not None:
            marked.setdefault(message["_id"], (message, []))[1].append(mark)
    updates, repeats = [], []
    for message, its in marked.values():
        its[:] = [await _with_files(db, message, mark) for mark in its]
        for update, repeat in _updates(message, its):
            updates.append(update)
            repeats += [repeat] if repeat else []
    # An id that another message holds already stays there: the platform told of our message twice.
    await update_all(db, "messages", updates)
    await mirrors.write(db, repeats)
    changed = [message for message, _ in marked.values()]
    await _settle(db, changed)
    return Applied(changed, [mark for mark, message in found if message is None])


async def _find(db: Database, marks: Sequence[Mark]) -> list[tuple[Mark, dict[str, Any] | None]]:
    known = await messages.find_known(db, {mark.key for mark in marks}, _WANTED)
    missing = [mark for mark in marks if mark.key not in known]
    if missing:
        ours = [mark.callback for mark in missing if mark.callback and is_id(mark.callback)]
        by_id = await messages.find_ours(db, ours, _WANTED)
        by_part = await messages.find_by_part(db, {mark.key for mark in missing}, _WANTED)
        for mark in missing:
            message = by_id.get(mark.callback or "")
            if message and message["account"] == mark.account:
                known[mark.key] = message
            elif mark.key in by_part:
                known[mark.key] = by_part[mark.key]
    return [(mark, known.get(mark.key)) for mark in marks]


_Pair = tuple[UpdateOne, UpdateOne | None]


def _updates(message: dict[str, Any], marks: list[Mark]) -> Iterator[_Pair]:
    """Updates of the message, each with what its conversation repeats of it."""
    climbs = [mark for mark in marks if mark.kind == "climbed"]
    if climbs and message["direction"] == "out":
        yield from _climb(message, climbs)
    shown = message
    for mark in sorted((mark for mark in marks if mark.kind == "edited"), key=lambda mark: mark.at):
        edited = _edit(shown, mark)
        if edited:
            shown, pair = edited
            yield pair
    for mark in marks:
        if mark.kind == "reacted":
            yield _react(message, mark), None
        elif mark.kind == "deleted":
            yield UpdateOne({"_id": message["_id"], "deleted_at": None}, {"$set": {"deleted_at": mark.at}}), None


def _climb(message: Mapping[str, Any], marks: list[Mark]) -> Iterator[_Pair]:
    for target in {mark.target: mark for mark in marks}.values():
        if adopted := adopt(message, target.chat, target.target):
            yield adopted, None
    told = message.get("times") or {}
    steps = [_step(mark) for mark in marks if told.get(mark.data["status"]) != mark.at]
    if not steps:
        return
    highest = max(steps, key=lambda step: (ladder.RANK[step.status], step.status == "failed"))
    repeat = mirrors.status(message, highest.status) if message.get("conversation") else None
    yield UpdateOne({"_id": message["_id"]}, ladder.climb(steps)), repeat


def _step(mark: Mark) -> Step:
    return Step(mark.data["status"], mark.at, mark.data.get("error"), mark.data.get("pricing"))


def adopt(message: Mapping[str, Any], chat: str, target: str) -> UpdateOne | None:
    """Teaches a message of ours the platform's id for it, or for a further part of it."""
    if not message.get("platform_id"):
        return UpdateOne({"_id": message["_id"], "platform_id": None}, {"$set": {"platform_id": target, "chat": chat}})
    if target == message["platform_id"] or target in (message.get("parts") or ()):
        return None
    return UpdateOne({"_id": message["_id"]}, {"$addToSet": {"parts": target}})


def _edit(message: dict[str, Any], mark: Mark) -> tuple[dict[str, Any], _Pair] | None:
    """None when nothing visible changes: Telegram tells of such edits too."""
    content = _kept_file(message, CONTENT.validate_python(mark.data["content"]), mark)
    if content == message["content"]:
        return None
    text = plain_text(CONTENT.validate_python(content))
    key = hashlib.sha256(f"{mark.at.isoformat()} {content!r}".encode()).hexdigest()[:12]
    newest = {"_id": message["_id"], "edits.at": {"$not": {"$gt": mark.at}}, "edits.key": {"$ne": key}}
    media = mark.data.get("media") or message.get("media") or []
    change = {
        "$set": {"content": content, "text": text, "words": words(text), "media": media},
        "$push": {"edits": {"text": message["text"], "at": mark.at, "key": key}},
    }
    repeat = mirrors.text(message, text) if message.get("conversation") else None
    return {**message, "content": content, "text": text, "media": media}, (UpdateOne(newest, change), repeat)


async def _with_files(db: Database, message: dict[str, Any], mark: Mark) -> Mark:
    """An edit may have swapped the file: then the new one is wanted, and `media` says so."""
    refs = [MediaRef(**ref) for ref in mark.data.get("refs") or ()]
    if not refs:
        return mark
    known = await db["media"].distinct("ref.id", {"message": message["_id"]})
    if all(ref.id in known for ref in refs):
        return mark
    content = mark.data["content"]
    files = [_swapped(message, ref, content) for ref in refs]
    wanted = messages.wanted_files({**message, "media": files}, refs, now=mark.at)
    await insert_once(db, "media", wanted)
    return replace(mark, data={**mark.data, "media": files})


def _swapped(message: Mapping[str, Any], ref: MediaRef, content: Mapping[str, Any]) -> dict[str, Any]:
    """The same file of the same message always has the same id here."""
    file_id = hashlib.sha256(f"{message['_id']} {ref.id or ref.url}".encode()).hexdigest()[:24]
    kind, name = content.get("kind", "document"), content.get("name", "")
    return {"id": file_id, "type": kind, "name": name, "mime": ref.mime, "size": ref.size}


def _kept_file(message: Mapping[str, Any], new: Content, mark: Mark) -> dict[str, Any]:
    """An edited caption comes without the file it stands below, or with the one that we have."""
    if not isinstance(new, Media):
        return new.model_dump()
    if files := mark.data.get("media"):
        return new.model_copy(update={"media": files[0]["id"]}).model_dump()
    old = message["content"]
    return {**old, "caption": new.caption} if old.get("type") == "media" else new.model_dump()


def _react(message: Mapping[str, Any], mark: Mark) -> UpdateOne:
    """The newest of each person stands. What was taken back is remembered: an older reaction may come after it."""
    who, emoji = mark.data["who"], mark.data.get("emoji")
    mine = {"who": who, "at": mark.at}
    shown = [{"by": mark.data["by"], "emoji": emoji, **mine}] if emoji else []
    everything = {"$concatArrays": [_list("reactions"), _list("unreacted")]}
    newer = {"$and": [{"$eq": ["$$one.who", who]}, {"$gt": ["$$one.at", mark.at]}]}
    late = {"$anyElementTrue": {"$map": {"input": everything, "as": "one", "in": newer}}}
    changes = {
        "reactions": {"$cond": [late, _list("reactions"), _replaced("reactions", who, shown)]},
        "unreacted": {"$cond": [late, _list("unreacted"), _replaced("unreacted", who, [] if emoji else [mine])]},
    }
    return UpdateOne({"_id": message["_id"]}, [{"$set": changes}])


def _list(name: str) -> dict[str, Any]:
    return {"$ifNull": [f"${name}", []]}


def _replaced(name: str, who: str, new: list[dict[str, Any]]) -> dict[str, Any]:
    others = {"$filter": {"input": _list(name), "as": "one", "cond": {"$ne": ["$$one.who", who]}}}
    return {"$concatArrays": [others, {"$literal": new}]}


async def _settle(db: Database, changed: list[dict[str, Any]]) -> None:
    """What nobody knew the outcome of is known now: the door out may forget it."""
    settled = [message["_id"] for message in changed if message["status"] == "uncertain"]
    if settled:
        await db["outbox"].delete_many({"_id": {"$in": settled}, "state": "settling"})
