"""Asks platforms for names that their messages do not carry. Best effort: who has no name yet is asked for again when
they write again.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from bot import nudges
from bot.channels.contract import Address, Channel
from bot.clock import Clock
from bot.log import logger
from bot.records import contacts, mirrors
from bot.records.accounts import Accounts
from bot.store.database import Database
from bot.tasks import spawn

ASK_AGAIN_SECONDS: Final = 3600.0
MOST_AT_ONCE, MOST_REMEMBERED = 4, 10_000

log = logger(__name__)


class Profiles:
    def __init__(self, db: Database, accounts: Accounts, channels: Mapping[str, Channel], clock: Clock) -> None:
        self._db, self._accounts, self._channels, self._clock = db, accounts, channels, clock
        self._asked: dict[str, float] = {}
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)

    def ask(self, account_id: str, contact_id: str, address: Address) -> None:
        """Who is behind `address`, as far as `account_id` may know. Comes back at once."""
        now = self._clock.monotonic()
        if now - self._asked.get(contact_id, float("-inf")) < ASK_AGAIN_SECONDS:
            return
        if len(self._asked) >= MOST_REMEMBERED:
            self._asked.clear()
        self._asked[contact_id] = now
        spawn(self._ask(account_id, contact_id, address), name="ask for a name")

    async def _ask(self, account_id: str, contact_id: str, address: Address) -> None:
        account = self._accounts.find(account_id)
        if account is None:
            return
        async with self._slots:
            sender = await self._channels[account.kind].profile(self._accounts.open(account), address)
        name = contacts.clean_name(sender.name) if sender else ""
        if name:
            await self._learn(contact_id, address, name)

    async def _learn(self, contact_id: str, address: Address, name: str) -> None:
        found = await self._db["contacts"].find_one({"_id": contact_id}, {"name": 1, "name_by": 1})
        if found is None or not contacts.is_nameless(found["name"]):
            return
        key = {"kind": address.kind, "scope": address.scope, "value": address.value}
        await self._db["identities"].update_one(key, {"$set": {"profile.name": name}})
        await contacts.rename(self._db, {contact_id: name})
        news = await mirrors.news_of_people(self._db, [contact_id])
        await nudges.publish(self._db, [{"what": "contact", "contact": contact_id}, *news])
