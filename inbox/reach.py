"""By which account and address a person can be answered now, and where not, why not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from bot import phones
from bot.channels.contract import EVERYWHERE, Channel, Window
from bot.errors import N_, Refused
from bot.records.accounts import AccountRecord
from bot.store.database import Database
from inbox.house import House

State = Literal["open", "human", "closed", "broken", "gone", "off"]
_SENTENCES: Mapping[State, str] = {
    "open": "",
    "human": N_("The 24 hours are over. A person may still answer by hand, for seven days after their last message."),
    "closed": N_("They last wrote more than 24 hours ago. What is possible now: a template, or waiting for them."),
    "broken": N_("This account cannot send at the moment. What you write waits until it is mended."),
    "gone": N_("This person cannot be reached here any more."),
    "off": N_("This account is switched off."),
}


@dataclass(frozen=True, slots=True)
class Reach:
    """One way to a person. `heard_at` is when they last wrote this way; None where they never did."""

    account: AccountRecord
    identity: Mapping[str, Any]
    heard_at: datetime | None
    window: Window
    state: State

    @property
    def id(self) -> str:
        return f"{self.account.id}:{self.identity['_id']}"

    @property
    def sentence(self) -> str:
        """A translation key; empty when nothing stands in the way."""
        return _SENTENCES[self.state]


async def ways_to(house: House, contact_id: str, *, now: datetime) -> list[Reach]:
    """One per account that can reach this person, the one they last wrote on first."""
    identities = await house.db["identities"].find({"contact": contact_id, "current": {"$ne": False}}).to_list()
    heard = await _heard(house.db, [identity["_id"] for identity in identities])
    ways = [
        way
        for account in house.accounts.all()
        if (way := _best_way(account, house.channels[account.kind], identities, heard, now))
    ]
    return sorted(ways, key=lambda way: (way.heard_at is None, -(way.heard_at or now).timestamp(), way.account.name))


async def way_to_number(house: House, digits: str, *, now: datetime) -> list[Reach]:
    """The accounts that may write first to a phone number; a person who has it already is reached as usual."""
    value = phones.fold(digits)
    known = await house.db["identities"].find_one({"kind": "phone", "scope": EVERYWHERE, "value": value})
    if known and known.get("contact"):
        return await ways_to(house, known["contact"], now=now)
    stranger = {"_id": "", "kind": "phone", "scope": EVERYWHERE, "value": value, "reach": digits}
    return [
        way
        for account in house.accounts.all()
        if (way := _best_way(account, house.channels[account.kind], [stranger], {}, now))
    ]


async def _heard(db: Database, identity_ids: Sequence[str]) -> dict[tuple[str, str], datetime]:
    windows = await db["windows"].find({"identity": {"$in": list(identity_ids)}}).to_list()
    return {(window["account"], window["identity"]): window["heard_at"] for window in windows}


def _best_way(
    account: AccountRecord,
    channel: Channel,
    identities: Sequence[Mapping[str, Any]],
    heard: Mapping[tuple[str, str], datetime],
    now: datetime,
) -> Reach | None:
    """Several addresses may lead there (a phone and a business-scoped id): one that works, then the latest heard."""
    fitting = [identity for identity in identities if _fits(identity, account, channel, heard)]
    if not fitting:
        return None
    heard_at = max(
        (heard[key] for identity in fitting if (key := (account.id, identity["_id"])) in heard), default=None
    )
    order = channel.limits.reaches
    best = min(
        fitting,
        key=lambda identity: (
            not identity.get("reachable", True),
            (account.id, identity["_id"]) not in heard,
            order.index(identity["kind"]),
        ),
    )
    window = channel.window(heard_at, now)
    return Reach(account, best, heard_at, window, _state(account, best, window))


def _fits(
    identity: Mapping[str, Any],
    account: AccountRecord,
    channel: Channel,
    heard: Mapping[tuple[str, str], datetime],
) -> bool:
    if identity["kind"] not in channel.limits.reaches or identity["scope"] not in (EVERYWHERE, account.scope):
        return False
    return channel.limits.can_write_first != "never" or (account.id, identity["_id"]) in heard


def _state(account: AccountRecord, identity: Mapping[str, Any], window: Window) -> State:
    if account.state == "off":
        return "off"
    if not identity.get("reachable", True):
        return "gone"
    if account.state == "broken":
        return "broken"
    if window.is_open:
        return "open"
    return "human" if window.human_until else "closed"


def choose(ways: Sequence[Reach], *, account: str | None = None, identity: str | None = None) -> Reach:
    """The way asked for, else the one the person last wrote on. Raises Refused when there is none."""
    for way in ways:
        if (account is None or way.account.id == account) and (identity is None or way.identity["_id"] == identity):
            return way
    if account:
        raise Refused(N_("This person cannot be reached by that account."), code="unreachable")
    raise Refused(N_("There is no account by which this person can be reached."), code="unreachable")
