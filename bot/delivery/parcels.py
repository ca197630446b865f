"""From rows of the outbox to parcels that may leave now: consent, window and pace, looked at for a batch at once."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, NamedTuple

from bot.channels.contract import Attachment, Channel, Outbound
from bot.clock import Clock
from bot.content import Content, Media, read_content
from bot.delivery.outcomes import Outcomes, Sent
from bot.delivery.pacing import Grant, Pacing
from bot.delivery.rules import check
from bot.delivery.situations import People, Way, Ways, Wish, file_of
from bot.errors import Refused
from bot.records import media
from bot.records.accounts import Accounts
from bot.store.database import Database

Document = dict[str, Any]
# Called once for each row when nothing more happens to it now; with the seconds until its account may send again.
Done = Callable[[Document, float], None]

# A row without its message was written a moment before it, or by somebody who died in between.
ORPHANED: Final = timedelta(minutes=10)
FRESH_FOR: Final = timedelta(seconds=1)
MOST_FRESH: Final = 100
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(milliseconds=10), timedelta(seconds=5)


def person_of(row: Document) -> str:
    """Messages to the same address by the same account go one after the other."""
    return f"{row['account']}:{row['identity']}"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the way out is made of."""

    db: Database
    accounts: Accounts
    ways: Ways
    pacing: Pacing
    outcomes: Outcomes
    clock: Clock


@dataclass(frozen=True, slots=True)
class Parcel:
    row: Document
    message: Document
    content: Content
    way: Way
    attachment: Attachment | None = None

    @property
    def channel(self) -> Channel:
        return self.way.situation.channel

    @property
    def needs_work(self) -> bool:
        """Whether a child process must first make of its file what the channel takes."""
        file = self.way.situation.file
        if file is None or not isinstance(self.content, Media):
            return False
        return not media.is_ready(file, self.content.kind, self.channel.limits)

    def sent(self) -> Sent:
        return Sent(self.row, self.message, self.way.to)

    def outbound(self) -> Outbound:
        return Outbound(
            callback=self.message["_id"],
            to=self.way.to,
            content=self.content,
            reply_to=self.message["reply_to"],
            attachment=self.attachment,
            human=self.row["human"],
            heard_at=self.way.situation.heard_at,
        )


class _Found(NamedTuple):
    row: Document
    message: Document
    content: Content


class Fresh:
    """The last message of each person that was put in this process a moment ago, with the way it was found fit for:
    what was read for it then is not read again.
    """

    def __init__(self) -> None:
        self._put: OrderedDict[str, tuple[Document, Way]] = OrderedDict()

    def keep(self, message: Document, way: Way) -> None:
        self._put[person_of(message)] = (message, way)
        if len(self._put) > MOST_FRESH:
            self._put.popitem(last=False)

    def take(self, row: Document) -> tuple[Document, Way] | None:
        known = self._put.pop(person_of(row), None)
        return known if known is not None and known[0]["_id"] == row["_id"] else None

    def forget(self, row: Document) -> None:
        """Something became of this row: what was known of the person before may not hold any more."""
        self._put.pop(person_of(row), None)


class Packing:
    def __init__(self, parts: Parts, fresh: Fresh) -> None:
        self._parts, self._db, self._clock, self._fresh = parts, parts.db, parts.clock, fresh

    async def prepare(self, rows: Sequence[Document], done: Done) -> list[Parcel]:
        """Those that may leave now, in their order. `done` is called for all others."""
        parcels = {row["_id"]: parcel for row in rows if (parcel := self._just_put(row))}
        others = [row for row in rows if row["_id"] not in parcels]
        read, grants = await asyncio.gather(self._read(others, done), self._grants(rows))
        parcels |= {parcel.row["_id"]: parcel for parcel in read}
        return _paced([parcels[row["_id"]] for row in rows if row["_id"] in parcels], grants, done)

    def _just_put(self, row: Document) -> Parcel | None:
        """The account is looked at nevertheless: it is in memory anyway."""
        known, account = self._fresh.take(row), self._parts.accounts.find(row["account"])
        if known is None or account is None or account.state != "active":
            return None
        if row["attempts"] or self._clock.now() - row["put_at"] > FRESH_FOR:
            return None
        message, way = known
        return Parcel(row, message, read_content(message["content"]), replace(way, account=account))

    async def _read(self, rows: Sequence[Document], done: Done) -> list[Parcel]:
        if not rows:
            return []
        people, messages = await asyncio.gather(
            self._parts.ways.people({row["contact"] for row in rows}), self._messages(rows)
        )
        found = []
        for row in rows:
            message = messages.get(row["_id"])
            if message is not None and message["status"] in ("queued", "sending"):
                found.append(_Found(row, message, read_content(message["content"])))
            else:
                await self._drop(row, message)
                done(row, 0)
        return await self._allowed(found, people, done)

    async def _messages(self, rows: Sequence[Document]) -> dict[str, Document]:
        found = self._db["messages"].find({"_id": {"$in": [row["_id"] for row in rows]}}, {"words": 0})
        return {message["_id"]: message async for message in found}

    async def _grants(self, rows: Sequence[Document]) -> dict[str, Grant]:
        """By account. Asked for beside the other questions: what turns out not to be sent costs a token."""
        wanted = Counter(row["account"] for row in rows)
        take, limits = self._parts.pacing.take_at_once, self._parts.ways.limits
        asked = {account: take(account, its, wanted[account]) for account in wanted if (its := limits(account))}
        return dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))

    async def _drop(self, row: Document, message: Document | None) -> None:
        """Settled meanwhile, or without its message: that may still be on its way into the database."""
        mine, now = {"_id": row["_id"], "state": "queued"}, self._clock.now()
        age = now - row["put_at"]
        if message is None and age < ORPHANED:
            due_at = now + min(max(age, SHORTEST_PAUSE), LONGEST_PAUSE)
            await self._db["outbox"].update_one(mine, {"$set": {"due_at": due_at}})
        else:
            await self._db["outbox"].delete_one(mine)

    async def _allowed(self, found: Sequence[_Found], people: People, done: Done) -> list[Parcel]:
        wishes = [Wish(row["account"], row["contact"], row["identity"], content) for row, _, content in found]
        parcels = []
        for one, way in zip(found, await self._parts.ways.find(wishes, people), strict=True):
            parcel = await self._judged(one, way)
            if parcel is None:
                done(one.row, 0)
            else:
                parcels.append(parcel)
        return parcels

    async def _judged(self, found: _Found, way: Way | Refused) -> Parcel | None:
        try:
            if isinstance(way, Refused):
                raise way
            check(found.content, way.situation, human=found.row["human"], now=self._clock.now())
        except Refused as refusal:
            await self.refuse(Sent(found.row, found.message), refusal)
            return None
        if way.account.state == "broken":
            await self._hold(found.row)
            return None
        return Parcel(*found, way)

    async def refuse(self, sent: Sent, refusal: Refused) -> None:
        """What was right when it was put is not any more."""
        await self._parts.outcomes.failed(sent, _error(refusal), at=self._clock.now())

    async def _hold(self, row: Document) -> None:
        await self._db["outbox"].update_one({"_id": row["_id"], "state": "queued"}, {"$set": {"state": "held"}})

    async def pack(self, parcel: Parcel, done: Done) -> Parcel | None:
        """With its file; None when that cannot be sent after all."""
        file = parcel.way.situation.file
        if file is None or file_of(parcel.content) is None:
            return parcel
        kind = parcel.content.kind if isinstance(parcel.content, Media) else None
        try:
            attachment = await media.prepared(self._db, file, kind, parcel.channel.limits)
        except Refused as refusal:
            await self.refuse(parcel.sent(), refusal)
            done(parcel.row, 0)
            return None
        return replace(parcel, attachment=attachment)


def _paced(parcels: Sequence[Parcel], grants: Mapping[str, Grant], done: Done) -> list[Parcel]:
    """As many of each account as it was granted; the others come again."""
    granted: list[Parcel] = []
    used: Counter[str] = Counter()
    for parcel in parcels:
        grant = grants[parcel.row["account"]]
        if used[parcel.row["account"]] < grant.count:
            used[parcel.row["account"]] += 1
            granted.append(parcel)
        else:
            done(parcel.row, grant.wait_seconds)
    return granted


def _error(refusal: Refused) -> Document:
    remedy = "window" if refusal.code == "window_closed" else "rejected"
    error = {"code": refusal.code, "message": refusal.message, "detail": "", "remedy": remedy}
    return error | ({"fields": dict(refusal.fields)} if refusal.fields else {})
