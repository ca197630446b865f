"""The platforms and the people on one stage: what the controls, the phone page and a program do with them."""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from bot.clock import Clock
from bot.sandbox.graph.hooks import Hooks
from bot.sandbox.graph.messenger import Messenger
from bot.sandbox.graph.messenger_people import MessengerPeople
from bot.sandbox.graph.templates import Templates
from bot.sandbox.graph.whatsapp import WhatsApp
from bot.sandbox.graph.whatsapp_people import WhatsAppPeople
from bot.sandbox.telegram.people import TelegramPeople
from bot.sandbox.telegram.updates import Updates
from bot.sandbox.world.acts import Act
from bot.sandbox.world.chats import Chat
from bot.sandbox.world.company import Account
from bot.sandbox.world.people import Person
from bot.sandbox.world.world import SandboxConfig, World


class Crowd(Protocol):
    """One platform from the side of the people."""

    def act(self, chat: Chat, act: Act) -> str: ...
    def share_phone(self, chat: Chat) -> str: ...
    def block(self, chat: Chat, blocked: bool) -> None: ...


class Reader(Protocol):
    def seen(self, chat: Chat) -> None: ...


class Stage:
    def __init__(self, config: SandboxConfig, clock: Clock, saved: Mapping[str, Any] | None) -> None:
        self.world = World(config, clock, saved)
        self.hooks = Hooks(self.world)
        self.updates = Updates(self.world, (saved or {}).get("telegram"))
        self.templates = Templates(self.world, self.hooks, (saved or {}).get("templates"))
        self.whatsapp = WhatsApp(self.world, self.hooks, self.templates)
        self.messenger = Messenger(self.world, self.hooks, self.templates)
        self.whatsapp_people = WhatsAppPeople(self.world, self.hooks)
        telegram = TelegramPeople(self.world, self.updates)
        self._crowds: dict[str, Crowd] = {
            "whatsapp": self.whatsapp_people,
            "messenger": MessengerPeople(self.world, self.hooks),
            "telegram": telegram,
        }
        self._readers: dict[str, Reader] = {
            "whatsapp": self.whatsapp,
            "messenger": self.messenger,
            "telegram": telegram,
        }

    def dump(self) -> dict[str, Any]:
        """Everything worth keeping, as plain JSON. It holds secrets."""
        return self.world.dump() | {"telegram": self.updates.dump(), "templates": self.templates.dump()}

    async def settle(self, *, seconds: float = 10.0) -> None:
        """Back when nothing is planned and all webhooks of WhatsApp and Messenger were taken. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while len(self.world.timetable) or self.hooks.waiting():
                await self.world.timetable.idle()
                await self.hooks.idle()

    def account(self, channel: str, account: str | None = None) -> Account:
        """Raises LookupError with a sentence."""
        found = self.world.company.find(channel, account)
        if found is None:
            raise LookupError(f"There is no {channel} account{f' {account}' if account else ''} here.")
        return found

    def person(self, reference: str) -> Person:
        found = self.world.people.find(reference)
        if found is None:
            raise LookupError(f"Nobody here is called {reference!r}.")
        return found

    def chat(self, channel: str, person: str, account: str | None = None) -> Chat:
        return self.world.chats.open(self.account(channel, account), self.person(person))

    def say(self, channel: str, person: str, act: Act | str, *, account: str | None = None) -> str:
        """`person` (id, name, phone) does something; a plain string is said. The platform's id of it.

        Raises LookupError with a sentence.
        """
        chat = self.chat(channel, person, account)
        return self._crowds[channel].act(chat, Act(text=act) if isinstance(act, str) else act)

    def share_phone(self, chat: Chat) -> str:
        if not chat.person.phone:
            raise LookupError("This person has no phone number.")
        return self._crowds[chat.account.kind].share_phone(chat)

    def block(self, chat: Chat, blocked: bool) -> None:
        self._crowds[chat.account.kind].block(chat, blocked)

    def seen(self, chat: Chat) -> None:
        """The person looks at the chat: what the company wrote is read."""
        if not chat.blocked:
            self._readers[chat.account.kind].seen(chat)
