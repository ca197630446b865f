"""Who may do what, and who may see what: one role table, one view, and the only functions that hand out objects."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.errors import N_, Forbidden, NotFound
from bot.ids import is_id
from bot.store.database import Database
from inbox.people import Agent, Role


class Permission(StrEnum):
    CONVERSATIONS_READ = "conversations.read"
    CONVERSATIONS_REPLY = "conversations.reply"
    CONVERSATIONS_ASSIGN = "conversations.assign"
    CONVERSATIONS_START = "conversations.start"
    NOTES_WRITE = "notes.write"
    CONTACTS_READ = "contacts.read"
    CONTACTS_WRITE = "contacts.write"
    CONTACTS_ERASE = "contacts.erase"
    TEMPLATES_READ = "templates.read"
    LABELS_MANAGE = "labels.manage"
    TEAM_READ = "team.read"
    PEOPLE_MANAGE = "people.manage"
    ACCOUNTS_READ = "accounts.read"
    ACCOUNTS_MANAGE = "accounts.manage"
    TOKENS_OWN = "tokens.own"
    SETTINGS_READ = "settings.read"
    OPERATIONS = "operations"


_EVERYBODY = frozenset(
    {
        Permission.CONVERSATIONS_READ,
        Permission.CONTACTS_READ,
        Permission.TEMPLATES_READ,
        Permission.TEAM_READ,
        Permission.ACCOUNTS_READ,
        Permission.TOKENS_OWN,
        Permission.SETTINGS_READ,
    }
)
_DESK = _EVERYBODY | {
    Permission.CONVERSATIONS_REPLY,
    Permission.CONVERSATIONS_ASSIGN,
    Permission.CONVERSATIONS_START,
    Permission.NOTES_WRITE,
    Permission.CONTACTS_WRITE,
}
ROLES: Mapping[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.SUPERVISOR: _DESK | {Permission.LABELS_MANAGE, Permission.CONTACTS_ERASE, Permission.OPERATIONS},
    Role.AGENT: _DESK,
    Role.MARKETER: _EVERYBODY | {Permission.CONTACTS_WRITE, Permission.NOTES_WRITE},
}


def may(agent: Agent, permission: Permission) -> bool:
    return agent.active and permission in ROLES[agent.role]


def require(agent: Agent, permission: Permission) -> None:
    if not may(agent, permission):
        raise Forbidden(N_("Your role does not allow this."), permission=str(permission))


# A run of digits as people write numbers: eight or more of them, with the usual marks between.
_NUMBER = re.compile(r"\+?\d(?:[\s().\-]{0,2}\d){7,}")


@dataclass(frozen=True, slots=True)
class View:
    """What one agent sees: which conversations, and whether phone numbers are shown whole.

    Everybody sees a conversation they are assigned to or were mentioned in.
    """

    agent: str
    sees: str
    teams: tuple[str, ...]
    masked: bool

    def conversations(self) -> dict[str, Any]:
        """A condition on conversation documents; empty when everything may be seen."""
        if self.sees == "all":
            return {}
        mine: list[dict[str, Any]] = [{"assignee": self.agent}, {"mentions": holds(self.agent)}]
        if self.sees == "team":
            mine.append({"team": {"$in": list(self.teams)}})
        return {"$or": mine}

    def shows(self, item: Mapping[str, Any]) -> bool:
        """The same rule for one conversation, or for a nudge that carries its team, assignee and mentions."""
        if self.sees == "all" or item.get("assignee") == self.agent or self.agent in (item.get("mentions") or ()):
            return True
        return self.sees == "team" and item.get("team") in self.teams

    def phone(self, number: str) -> str:
        """The number whole, or with all but the last two digits hidden."""
        if not self.masked or not number:
            return number
        return f"{number[:3] if number.startswith('+') else ''}•••{number[-2:]}"

    def text(self, text: str) -> str:
        """Text in which numbers are hidden from those who may not see them."""
        return _NUMBER.sub("•••", text) if self.masked else text

    def texts(self, value: Any) -> Any:
        """The same for every text in a nested value; an id of ours stays, though digits may run in it."""
        if not self.masked:
            return value
        match value:
            case str():
                return value if is_id(value) else self.text(value)
            case Mapping():
                return {key: self.texts(inner) for key, inner in value.items()}
            case list() | tuple():
                return [self.texts(inner) for inner in value]
        return value


def holds(value: str) -> dict[str, Any]:
    """A condition on a list of ids. The type is named because partial indexes are passed over without it."""
    return {"$eq": value, "$type": "string"}


def view_of(agent: Agent) -> View:
    return View(agent=agent.id, sees=agent.sees, teams=agent.teams, masked=agent.numbers == "masked")


async def access_conversation(db: Database, agent: Agent, conversation_id: str) -> dict[str, Any]:
    """The conversation, if this agent may see it. Raises NotFound otherwise: what is hidden looks absent.

    A conversation that was folded into another answers with that other one.
    """
    found = await db["conversations"].find_one({"_id": conversation_id})
    for _ in range(5):
        if not found or not found.get("folded_into"):
            break
        found = await db["conversations"].find_one({"_id": found["folded_into"]})
    if not found or not view_of(agent).shows(found):
        raise NotFound(N_("There is no such conversation."))
    return found


async def access_contact(db: Database, agent: Agent, contact_id: str) -> dict[str, Any]:
    """The contact, if this agent sees everybody or at least one conversation with them."""
    found = await db["contacts"].find_one({"_id": contact_id})
    view = view_of(agent)
    if found and (view.sees == "all" or found.get("owner") == agent.id):
        return found
    if found and await db["conversations"].find_one({"contact": contact_id, **view.conversations()}, {"_id": 1}):
        return found
    raise NotFound(N_("There is no such contact."))


async def access_message(db: Database, agent: Agent, message_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The message and its conversation."""
    found = await db["messages"].find_one({"_id": message_id})
    if not found or not found.get("conversation"):
        raise NotFound(N_("There is no such message."))
    return found, await access_conversation(db, agent, found["conversation"])


async def access_media(db: Database, agent: Agent, media_id: str) -> dict[str, Any]:
    """The media record, if the agent uploaded it or may read the conversation it hangs in."""
    found = await db["media"].find_one({"_id": media_id})
    if not found:
        raise NotFound(N_("There is no such file."))
    if found.get("owner") == agent.id:
        return found
    if found.get("conversation"):
        await access_conversation(db, agent, found["conversation"])
        return found
    if found.get("contact"):
        await access_contact(db, agent, found["contact"])
        return found
    raise NotFound(N_("There is no such file."))
