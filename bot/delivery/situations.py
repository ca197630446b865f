"""Everything that decides whether messages may leave, read for many at once."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bot.channels.contract import EVERYWHERE, Address, Channel, Limits
from bot.content import Content, Media, TemplateUse
from bot.delivery.rules import Situation
from bot.errors import N_, Refused
from bot.records.accounts import AccountRecord, Accounts
from bot.store.database import Database

Document = dict[str, Any]
People = Mapping[str, list[Document]]
_SHOWN: Final = dict.fromkeys(("kind", "scope", "value", "reach", "contact", "current", "reachable", "gone"), 1)


@dataclass(frozen=True, slots=True)
class Wish:
    """`content` is wanted to go to `identity` of `contact` by `account`."""

    account: str
    contact: str
    identity: str
    content: Content


@dataclass(frozen=True, slots=True)
class Way:
    """`situation` decides whether it may leave, `to` is where it goes: the address itself, then others of the same
    person that the channel may prefer.
    """

    account: AccountRecord
    situation: Situation
    to: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    people: People
    files: Mapping[str, Document]
    templates: Mapping[tuple[str, str, str], Document]
    consents: Mapping[str, Document]


class Ways:
    """Reads what `bot.delivery.rules` judges by. Holds nothing."""

    def __init__(self, db: Database, accounts: Accounts, channels: Mapping[str, Channel]) -> None:
        self._db, self._accounts, self._channels = db, accounts, channels

    def limits(self, account_id: str) -> Limits | None:
        account = self._accounts.find(account_id)
        return self._channels[account.kind].limits if account else None

    async def people(self, contacts: Collection[str]) -> People:
        """The addresses of each, with when they were last heard by which account: in one question."""
        found: dict[str, list[Document]] = {}
        windows = {"from": "windows", "localField": "_id", "foreignField": "identity", "as": "windows"}
        theirs = {"contact": {"$in": list(contacts)}}
        question: list[dict[str, Any]] = [{"$match": theirs}, {"$project": _SHOWN}, {"$lookup": windows}]
        async for identity in await self._db["identities"].aggregate(question):
            found.setdefault(identity["contact"], []).append(identity)
        return found

    async def find(self, wishes: Sequence[Wish], people: People | None = None) -> list[Way | Refused]:
        """One answer for each wish, in their order. `people` may have been asked for before."""
        if people is None:
            people = await self.people({wish.contact for wish in wishes})
        files, stored, consents = await asyncio.gather(
            self._by_id("media", filter(None, (file_of(wish.content) for wish in wishes))),
            self._templates(wishes),
            self._consents(wish for wish in wishes if isinstance(wish.content, TemplateUse)),
        )
        known = _Known(people, files, stored, consents)
        return [self._way(wish, known) for wish in wishes]

    def _way(self, wish: Wish, known: _Known) -> Way | Refused:
        account = self._accounts.find(wish.account)
        siblings = known.people.get(wish.contact, [])
        identity = next((one for one in siblings if one["_id"] == wish.identity), None)
        if account is None:
            return Refused(N_("This account is not connected any more."), code="account_gone")
        if identity is None:
            return Refused(N_("This person has no such address any more."), code="person_gone")
        channel = self._channels[account.kind]
        own = [identity, *companions(identity, siblings, channel.limits, account.scope)]
        situation = Situation(
            channel=channel,
            account_name=account.name,
            account_scope=account.scope,
            account_state=account.state,
            identity=identity,
            consent=known.consents.get(wish.contact, {}),
            heard_at=_heard(own, account.id),
            file=known.files.get(file_of(wish.content) or ""),
            template=known.templates.get(_template_key(account, wish.content)),
        )
        return Way(account, situation, tuple(_address(one) for one in own))

    async def _by_id(self, collection: str, ids: Iterable[str]) -> dict[str, Document]:
        wanted = list(ids)
        if not wanted:
            return {}
        return {one["_id"]: one async for one in self._db[collection].find({"_id": {"$in": wanted}})}

    async def _templates(self, wishes: Iterable[Wish]) -> dict[tuple[str, str, str], Document]:
        keys = set()
        for wish in wishes:
            account = self._accounts.find(wish.account)
            if account is not None and isinstance(wish.content, TemplateUse):
                keys.add(_template_key(account, wish.content))
        if not keys:
            return {}
        either = [dict(zip(("scope", "name", "language"), key, strict=True)) for key in keys]
        found = self._db["templates"].find({"$or": either})
        return {(one["scope"], one["name"], one["language"]): one async for one in found}

    async def _consents(self, wishes: Iterable[Wish]) -> dict[str, Document]:
        found = await self._by_id("contacts", {wish.contact for wish in wishes})
        return {contact: one.get("consent") or {} for contact, one in found.items()}


def file_of(content: Content) -> str | None:
    """The media record that goes along."""
    match content:
        case Media():
            return content.media
        case TemplateUse():
            return content.header_media
    return None


def companions(identity: Document, siblings: Sequence[Document], limits: Limits, scope: str) -> list[Document]:
    """Further addresses of the same person that mean the same device: one of another kind (a phone beside an id),
    and only while it is plain which belongs to which.
    """
    usable = [
        one
        for one in siblings
        if one.get("current", True) and one["kind"] in limits.reaches and one["scope"] in (EVERYWHERE, scope)
    ]
    counts = {kind: sum(one["kind"] == kind for one in usable) for kind in limits.reaches}
    if counts.get(identity["kind"], 0) > 1:
        return []
    return [one for one in usable if one["kind"] != identity["kind"] and counts[one["kind"]] == 1]


def _heard(identities: Sequence[Document], account: str) -> datetime | None:
    windows = [window for one in identities for window in one["windows"] if window["_id"].startswith(f"{account}:")]
    return max((window["heard_at"] for window in windows if window.get("heard_at")), default=None)


def _address(identity: Document) -> Address:
    return Address(identity["kind"], identity["scope"], identity["value"], identity["reach"])


def _template_key(account: AccountRecord, content: Content) -> tuple[str, str, str]:
    if not isinstance(content, TemplateUse):
        return ("", "", "")
    return (account.template_scope, content.name, content.language)
