"""An installation with one account and one person who has just written, ready to answer."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from bot.content import Content, Text
from bot.delivery.lanes import Bell, ReplyLane
from bot.delivery.outbox import Outbox
from bot.delivery.outcomes import Outcomes
from bot.delivery.pacing import Pacing
from bot.delivery.parcels import Parts
from bot.delivery.situations import Ways
from bot.ids import AccountId, ContactId, ConversationId, IdentityId, TeamId, new_id
from bot.records.accounts import Accounts, Connection
from bot.records.outgoing import Author, Draft
from bot.store.secrets import Vault
from tests.bot.delivery.scripted import Held, Scripted
from tests.clocks import StillClock
from tests.waiting import wait_for

ANN = Author("agent", "agent-ann", "Ann")
CONNECTION = Connection("whatsapp", "1001", "portfolio", "Sales", "team", {"access_token": "a token"})


@dataclass
class Shop:
    """Everything a test of the way out touches."""

    db: Any
    clock: StillClock
    channel: Scripted
    accounts: Accounts
    account: str
    parts: Parts
    bell: Bell
    outbox: Outbox
    hold: Held

    async def a_person(self, name: str = "Ana", *, heard: timedelta | None = timedelta(minutes=1)) -> "Person":
        """`heard` ago they wrote; None means never."""
        contact, identity, conversation = new_id(), new_id(), new_id()
        now = self.clock.now()
        await self.db["contacts"].insert_one({"_id": contact, "name": name, "consent": {}})
        await self.db["identities"].insert_one(
            {
                "_id": identity, "kind": "whatsapp", "scope": "portfolio", "value": f"CO.{identity}",
                "reach": f"CO.{identity}", "contact": contact, "current": True, "reachable": True, "gone": None,
                "profile": {"name": name, "username": ""}, "last_seen_at": now,
            }
        )  # fmt: skip
        opened = {"_id": conversation, "contact": contact, "team": "team", "open": True}
        await self.db["conversations"].insert_one(opened)
        if heard is not None:
            window = {"identity": identity, "heard_at": now - heard, "last_in": "wamid.in"}
            await self.db["windows"].insert_one({"_id": f"{self.account}:{identity}", **window})
        return Person(self, contact, identity, conversation)

    async def message(self, message_id: str) -> dict:
        return await self.db["messages"].find_one({"_id": message_id})

    async def row(self, message_id: str) -> dict:
        return await self.db["outbox"].find_one({"_id": message_id})

    async def statuses(self, *messages: dict) -> list[str]:
        return [(await self.message(message["_id"]))["status"] for message in messages]

    def lane(self) -> ReplyLane:
        return ReplyLane(self.parts, self.bell)

    async def send(self, lane: ReplyLane | None = None) -> None:
        """What may go now goes, and everything that follows from it."""
        lane = lane or self.lane()
        await lane.turn(self.hold)
        while lane.in_flight():
            await wait_for(lambda: not lane.in_flight())
            await lane.turn(self.hold)


@dataclass
class Person:
    shop: Shop
    contact: str
    identity: str
    conversation: str

    async def gets(self, what: str | Content, **more: Any) -> dict:
        content = Text(text=what) if isinstance(what, str) else what
        draft = Draft(
            account=AccountId(self.shop.account), contact=ContactId(self.contact),
            identity=IdentityId(self.identity), content=content, author=more.pop("author", ANN),
            conversation=ConversationId(self.conversation), team=TeamId("team"), **more,
        )  # fmt: skip
        return await self.shop.outbox.put(draft, now=self.shop.clock.now())


@pytest.fixture
def channel() -> Scripted:
    return Scripted()


@pytest.fixture
async def shop(store, clock, channel) -> Shop:
    accounts = Accounts(store, Vault(bytes(32)))
    account = await accounts.connect(CONNECTION, now=clock.now())
    ways = Ways(store, accounts, {"whatsapp": channel})
    parts = Parts(store, accounts, ways, Pacing(store, clock), Outcomes(store, accounts), clock)
    bell = Bell(store)
    bell.is_heard_here = True
    return Shop(store, clock, channel, accounts, account.id, parts, bell, Outbox(store, ways, bell), Held())


@pytest.fixture
async def ana(shop) -> Person:
    return await shop.a_person()
