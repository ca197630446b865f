"""Messages that came in, on their way to being stored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

from bot.channels.contract import Moved, Said
from bot.content import Unsupported
from bot.delivery.arrivals import Arrival
from bot.ids import is_id
from bot.records import messages
from bot.records.meeting import Met
from bot.records.messages import Key, Place
from bot.records.once import insert_once
from bot.store.database import Database

_KNOWN = dict.fromkeys(
    (
        *("account", "chat", "platform_id", "conversation", "contact", "identity", "team", "direction", "status"),
        *("type", "text", "content", "author", "media", "at"),
    ),
    1,
)


# What the company said elsewhere, longer ago than this, is imported history.
OLD_NEWS = timedelta(hours=24)
Conversation = dict[str, Any]


class Seat(NamedTuple):
    """Where somebody sits down: they wrote to `account`, which belongs to `team`."""

    contact: str
    team: str
    account: str


@dataclass(slots=True, eq=False)
class Spoken:
    """`place` is its place in the batch. `before` is the same message as it is stored already; `document` is what is
    written of a new one. `seat` is None for what is said in a group: it never enters a person's conversation.

    `is_silent` is shown where something is shown already, and nobody is told: a system message, imported history,
    somebody who is blocked. `counts` says that somebody waits for an answer: on standby, another app answers.
    """

    place: int
    arrival: Arrival
    said: Said
    key: Key = field(init=False)
    met: Met | None = None
    before: dict[str, Any] | None = None
    document: dict[str, Any] | None = None
    seat: Seat | None = None
    is_silent: bool = False
    counts: bool = False

    def __post_init__(self) -> None:
        self.key = Key(self.arrival.account.id, self.said.chat, self.said.platform_id)

    def recognise(self, met: Met | None, before: dict[str, Any] | None) -> None:
        """Who said it, and whether it is stored already."""
        self.met, self.before = met, before
        blocked = met is not None and met.contact.get("blocked", False)
        heard_now = self.said.opens_window or self.said.standby
        inbound = self.said.direction == "in"
        is_old = self.arrival.arrived_at - self.said.sent_at > OLD_NEWS
        self.is_silent = (not heard_now or blocked) if inbound else is_old
        self.counts = inbound and not self.said.standby and not self.is_silent
        if met is not None:
            self.seat = Seat(met.contact["_id"], self.arrival.account.team, self.arrival.account.id)

    @property
    def begins(self) -> bool:
        """Whether there is a conversation from now on, if there was none. What a bot said elsewhere begins nothing."""
        return self.counts or self.said.standby or (self.said.author == "phone" and not self.is_silent)


class Known(NamedTuple):
    """Messages that are stored: by the platform's ids, and ours by our own."""

    by_key: dict[Key, dict[str, Any]]
    ours: dict[str, dict[str, Any]]


def read_spoken(arrivals: Mapping[int, Arrival]) -> list[Spoken]:
    """What was said, each thing once. `arrivals` are by place in the batch."""
    spoken: dict[Key, Spoken] = {}
    for place, arrival in arrivals.items():
        fact = arrival.fact.said if isinstance(arrival.fact, Moved) else arrival.fact
        if isinstance(fact, Said):
            one = Spoken(place, arrival, fact)
            spoken.setdefault(one.key, one)
    return list(spoken.values())


async def look_up(db: Database, spoken: Sequence[Spoken]) -> Known:
    """What is stored of these messages and of those they answer; and our own messages that echoes name."""
    answered = {_answered(one) for one in spoken if one.said.reply_to}
    callbacks = {one.said.callback for one in spoken if one.said.callback and is_id(one.said.callback)}
    by_key = await messages.find_known(db, {one.key for one in spoken} | answered, _KNOWN)
    return Known(by_key, await messages.find_ours(db, callbacks, _KNOWN))


def _answered(one: Spoken) -> Key:
    return Key(one.arrival.account.id, one.said.chat, one.said.reply_to or "")


def is_our_own(one: Spoken, known: Known) -> bool:
    """The platform tells us of what we sent ourselves, and gives our id back."""
    ours = known.ours.get(one.said.callback or "")
    return one.said.direction == "out" and ours is not None and ours["account"] == one.arrival.account.id


def compose(
    spoken: Iterable[Spoken], conversations: Mapping[Seat, Conversation], known: Mapping[Key, Mapping[str, Any]]
) -> None:
    """Gives each its document. Replies quote from `known`, and from messages of the same batch."""
    seen: dict[Key, Mapping[str, Any]] = dict(known)
    for one in spoken:
        answered = seen.get(_answered(one))
        one.document = _compose(one, conversations, messages.quote(answered) if answered else None)
        seen[one.key] = one.document


def _compose(
    one: Spoken, conversations: Mapping[Seat, Conversation], quoted: Mapping[str, Any] | None
) -> dict[str, Any]:
    account, met = one.arrival.account, one.met
    conversation = conversations.get(one.seat) if one.seat else None
    place = Place(
        account=account.id,
        channel=account.kind,
        contact=met.contact["_id"] if met else None,
        identity=met.identity if met else None,
        conversation=conversation["_id"] if conversation else None,
        team=conversation["team"] if conversation else account.team,
        practice=account.practice,
    )
    name = met.contact["name"] if met else one.said.sender.name
    document = messages.compose(one.said, place, name=name, arrived_at=one.arrival.arrived_at, quoted=quoted)
    if one.is_silent:
        document["silent"] = True
    if isinstance(one.said.content, Unsupported):
        document["raw"] = one.arrival.source.cut_out(one.arrival.fact) or None
    return document


async def store(db: Database, spoken: Sequence[Spoken]) -> list[Spoken]:
    """Those that were really new: the unique index refuses what another process wrote a moment before."""
    refused = await insert_once(db, "messages", [one.document for one in spoken if one.document])
    return [one for one in spoken if one.document and one.document["_id"] not in refused]


async def store_files(db: Database, spoken: Iterable[Spoken]) -> bool:
    """What is to be fetched, whether the message is new or its writer died before this. Whether there was anything."""
    wanted = [
        file
        for one in spoken
        if one.said.media and (message := one.document or one.before)
        for file in messages.wanted_files(message, one.said.media, now=one.arrival.arrived_at)
    ]
    await insert_once(db, "media", wanted)
    return bool(wanted)
