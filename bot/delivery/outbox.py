"""The only door out. If it is not in the outbox, it is not sent.

A row says that its message has still to go. It is written before the message: whoever dies in between leaves a row
without a message, which is nothing, and never a message that nobody sends.
"""

import asyncio
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Literal

from pymongo.errors import DuplicateKeyError

from bot.content import Content, Emoji, Media, read_content
from bot.delivery import reactions
from bot.delivery.deliver import HOPS
from bot.delivery.lanes import REPLY, Bell
from bot.delivery.rules import check, fitting_kind
from bot.delivery.situations import Way, Ways, Wish
from bot.errors import N_, Conflict, NotFound, Refused
from bot.ids import new_id
from bot.records import media
from bot.records.ladder import RANK
from bot.records.outgoing import Author, Draft, document
from bot.store.database import Database

Document = dict[str, Any]
_UNCONFIRMED: Final = N_("Nobody knows whether it arrived; it was sent again.")


class Outbox:
    def __init__(self, db: Database, ways: Ways, bell: Bell) -> None:
        self._db, self._ways, self._bell = db, ways, bell

    async def put(self, draft: Draft, *, now: datetime) -> Document:
        """The message, queued; it is stored for good when this returns. Raises Refused before anything is stored.

        The same `client_key` again answers the first message, whatever else it says.
        """
        began = time.monotonic()
        try:
            target, (way,) = await asyncio.gather(self._target(draft), self._ways.find([_wish(draft)]))
            if isinstance(way, Refused):
                raise way
            draft = replace(draft, content=_fitted(draft.content, target, way))
            check(draft.content, way.situation, human=draft.author.kind == "agent", now=now)
        except Refused:
            first = await self._first(draft.client_key)
            if first is None:
                raise
            return first
        message = self._document(draft, target, way, now)
        stored = await self._store(message, _row(draft, message))
        await self._bell.ring_for(stored, way)
        HOPS.labels("put").observe(time.monotonic() - began)
        return stored

    def _document(self, draft: Draft, target: Document | None, way: Way, now: datetime) -> Document:
        file = way.situation.file
        is_reaction = isinstance(draft.content, Emoji)
        about = (
            {"id": target["_id"], "chat": target["chat"], "before": reactions.before(target, draft.account)}
            if (target and is_reaction)
            else None
        )
        return document(
            draft,
            new_id(),
            channel=way.account.kind,
            quoted=None if is_reaction else target,
            about=about,
            media=[media.entry(file)] if file else [],
            now=now,
        )

    async def _first(self, client_key: str | None) -> Document | None:
        return await self._db["messages"].find_one({"client_key": client_key}) if client_key else None

    async def _target(self, draft: Draft) -> Document | None:
        """The message that is answered or reacted to. Raises Refused when its channel does not know it."""
        if draft.reply_to is None and not isinstance(draft.content, Emoji):
            return None
        found = await self._db["messages"].find_one({"_id": draft.reply_to, "contact": draft.contact})
        if found is None:
            raise Refused(N_("The message to answer is not there any more."), code="cannot_quote")
        if found["account"] != draft.account or not found.get("platform_id"):
            raise Refused(
                N_("A message can only be quoted on the channel it came by, once it has arrived there."),
                code="cannot_quote",
            )
        return found

    async def _store(self, message: Document, row: Document) -> Document:
        await self._db["outbox"].insert_one(row)
        try:
            await self._db["messages"].insert_one(message)
        except DuplicateKeyError:
            await self._db["outbox"].delete_one({"_id": row["_id"]})
            first = await self._first(message.get("client_key"))
            if first is None:
                raise
            return first
        if message["media"]:
            await media.attach(self._db, message)
        if message["type"] == "emoji":
            await reactions.show(self._db, message)
        return message

    # --- second thoughts ---

    async def send_again(self, message_id: str, *, by: Author, now: datetime) -> Document:
        """A new message with the same content, once for each that failed, however often it is asked for."""
        message = await self._get(message_id)
        if message["status"] != "failed":
            raise Conflict(N_("It did not fail; there is nothing to send again."), code="not_failed")
        return await self.put(_again(message, by), now=now)

    async def resolve(
        self, message_id: str, outcome: Literal["sent", "again"], *, by: Author, now: datetime
    ) -> Document:
        """A person decides what nobody can know: "sent" takes it as gone out, "again" sends a second one.

        Raises Conflict when it is no longer uncertain: the platform, or somebody else, was first.
        """
        await self._get(message_id)
        decided = _SENT if outcome == "sent" else _GIVEN_UP
        changes = {
            **decided,
            f"times.{decided['status']}": now,
            "settled_by": {"id": by.id, "name": by.name, "at": now},
        }
        message = await self._db["messages"].find_one_and_update(
            {"_id": message_id, "status": "uncertain"}, {"$set": changes}
        )
        if message is None:
            raise Conflict(N_("It is known by now what became of it."), code="settled")
        await settle(self._db, [message_id])
        await self._repeat(message, decided["status"])
        if outcome == "sent":
            return {**message, **changes}
        return await self.put(_again(message, by), now=now)

    async def cancel(self, message_id: str) -> Document:
        """Take back what has not left yet. Raises Conflict when it has."""
        message = await self._get(message_id)
        taken = await self._db["outbox"].find_one_and_update(
            {"_id": message_id, "state": {"$in": ["queued", "held"]}}, {"$set": {"state": "cancelled"}}
        )
        if taken is None:
            raise Conflict(N_("It is on its way already."), code="too_late")
        await cancelled(self._db, [message_id])
        if message["type"] == "emoji":
            await reactions.take_back(self._db, message)
        await self._repeat(message, "cancelled")
        return {**message, "status": "cancelled"}

    async def release(self, account: str) -> None:
        """The account can send again: what waited for it goes."""
        await release(self._db, [account])
        await self._bell.ring()

    async def _get(self, message_id: str) -> Document:
        found = await self._db["messages"].find_one({"_id": message_id, "direction": "out"})
        if found is None:
            raise NotFound(N_("There is no such message."))
        return found

    async def _repeat(self, message: Mapping[str, Any], status: str) -> None:
        if message["conversation"]:
            where = {"_id": message["conversation"], "last.id": message["_id"]}
            await self._db["conversations"].update_one(where, {"$set": {"last.status": status}})


_SENT: Final[Document] = {"status": "sent", "rank": RANK["sent"], "error": None}
_GIVEN_UP: Final[Document] = {
    "status": "failed",
    "rank": RANK["failed"],
    "error": {"code": "unconfirmed", "message": _UNCONFIRMED, "detail": "", "remedy": "uncertain"},
}


async def settle(db: Database, message_ids: Collection[str]) -> None:
    """It is known what became of these messages: their rows go, whatever they were waiting for."""
    if message_ids:
        await db["outbox"].delete_many({"_id": {"$in": list(message_ids)}})


async def release(db: Database, accounts: Collection[str]) -> None:
    held = {"account": {"$in": list(accounts)}, "state": "held"}
    await db["outbox"].update_many(held, {"$set": {"state": "queued"}})


async def cancelled(db: Database, message_ids: Collection[str]) -> None:
    """Finishes what `cancel` began: the row says that it will never be sent, so the message may say so too."""
    query = {"_id": {"$in": list(message_ids)}, "status": {"$in": ["queued", "sending"]}}
    await db["messages"].update_many(query, {"$set": {"status": "cancelled", "rank": RANK["cancelled"]}})
    await db["outbox"].delete_many({"_id": {"$in": list(message_ids)}, "state": "cancelled"})


def _wish(draft: Draft) -> Wish:
    return Wish(draft.account, draft.contact, draft.identity, draft.content)


def _row(draft: Draft, message: Document) -> Document:
    now = message["times"]["queued"]
    return {
        "_id": message["_id"],
        "account": draft.account,
        "identity": draft.identity,
        "contact": draft.contact,
        "lane": REPLY,
        "state": "queued",
        "order": now,
        "put_at": now,
        "due_at": None,
        "attempts": 0,
        "epoch": 0,
        "token": None,
        "intent_at": None,
        "human": draft.author.kind == "agent",
    }


def _fitted(content: Content, target: Document | None, way: Way) -> Content:
    """A reaction learns its target's id; a file goes as what the channel takes it as."""
    if isinstance(content, Emoji) and target is not None:
        return content.model_copy(update={"target": target["platform_id"]})
    file = way.situation.file
    if not isinstance(content, Media) or file is None or file["state"] != "stored":
        return content
    kind = fitting_kind(way.situation.channel.limits, content.kind, file["mime"], file["size"])
    told = {"name": file["name"], "mime": file["mime"], "size": file["size"], "seconds": file.get("seconds")}
    return content.model_copy(update={**told, "kind": kind or content.kind})


def _again(message: Mapping[str, Any], by: Author) -> Draft:
    about, quoted = message.get("about"), message.get("quoted")
    return Draft(
        account=message["account"],
        contact=message["contact"],
        identity=message["identity"],
        content=read_content(message["content"]),
        author=by,
        conversation=message["conversation"],
        team=message["team"],
        reply_to=(about or quoted or {}).get("id"),
        client_key=f"again:{message['_id']}",
        again_of=message["_id"],
        practice=message["practice"],
    )
