"""Valid documents of the people's floor; a test overrides what it is about."""

from datetime import UTC, datetime
from typing import Any

from bot.ids import new_id
from bot.store.database import Database
from inbox.people import FIRST_TEAM, Agent, Role, read_agent

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def an_agent(db: Database, name: str = "Marta", **more: Any) -> Agent:
    agent_id = new_id()
    stored = {
        "_id": agent_id,
        "name": name,
        "email": f"{name.lower()}-{agent_id[-4:]}@sol.example",
        "password_hash": None,
        "role": str(Role.AGENT),
        "teams": [],
        "sees": "all",
        "numbers": "whole",
        "active": True,
        "prefs": {},
        "created_at": NOON,
        **more,
    }
    await db["agents"].insert_one(stored)
    return read_agent(stored)


async def a_contact(db: Database, name: str = "Ana Prieto", **more: Any) -> dict[str, Any]:
    contact = {"_id": new_id(), "name": name, "created_at": NOON, "last_heard_at": NOON, "search": [], **more}
    await db["contacts"].insert_one(contact)
    return contact


async def a_conversation(db: Database, **more: Any) -> dict[str, Any]:
    status = more.get("status", "open")
    conversation = {
        "_id": new_id(),
        "contact": new_id(),
        "team": FIRST_TEAM,
        "status": status,
        "open": status != "resolved",
        "assignee": None,
        "account": None,
        "accounts": [],
        "channel": "whatsapp",
        "labels": [],
        "mentions": [],
        "name": "Ana Prieto",
        "last": None,
        "unread": 0,
        "waiting_since": None,
        "window_closes_at": None,
        "human_until": None,
        "created_at": NOON,
        "at": NOON,
        "folded_into": None,
        **more,
    }
    await db["conversations"].insert_one(conversation)
    return conversation


async def a_message(db: Database, conversation: dict[str, Any], **more: Any) -> dict[str, Any]:
    message = {
        "_id": new_id(),
        "conversation": conversation["_id"],
        "contact": conversation["contact"],
        "account": "a" * 24,
        "channel": "whatsapp",
        "chat": "",
        "platform_id": new_id(),
        "direction": "in",
        "type": "text",
        "content": {"type": "text", "text": more.get("text", "Hola")},
        "text": "Hola",
        "words": ["hola"],
        "author": {"kind": "contact", "id": None, "name": "Ana"},
        "status": "received",
        "rank": 0,
        "media": [],
        "at": NOON,
        "sent_at": NOON,
        **more,
    }
    await db["messages"].insert_one(message)
    return message
