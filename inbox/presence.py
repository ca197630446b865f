"""Who is looking at a conversation and who is typing in it. Signs live seconds and are renewed by the page."""

from datetime import datetime, timedelta
from typing import Any

from bot.nudges import publish
from bot.store.database import Database
from inbox.people import Agent

LOOKING = timedelta(seconds=45)
TYPING = timedelta(seconds=6)


async def look(db: Database, conversation: dict[str, Any], agent: Agent, *, now: datetime) -> None:
    await _sign(db, conversation, agent, {"looking_until": now + LOOKING}, now=now)


async def type_in(db: Database, conversation: dict[str, Any], agent: Agent, *, now: datetime) -> None:
    await _sign(db, conversation, agent, {"looking_until": now + LOOKING, "typing_until": now + TYPING}, now=now)


async def stop_typing(db: Database, conversation_id: str, agent_id: str, *, now: datetime) -> None:
    """What was typed is sent: the sign does not linger. They still look."""
    typed = await db["presence"].find_one_and_update(
        {"_id": f"{conversation_id}:{agent_id}", "typing_until": {"$gt": now}}, {"$set": {"typing_until": now}}
    )
    if typed:
        await publish(db, [{"what": "presence", **typed["where"]}])


async def leave(db: Database, conversation_id: str, agent_id: str) -> None:
    gone = await db["presence"].find_one_and_delete({"_id": f"{conversation_id}:{agent_id}"})
    if gone:
        await publish(db, [{"what": "presence", **gone["where"]}])


async def _sign(
    db: Database, conversation: dict[str, Any], agent: Agent, until: dict[str, datetime], *, now: datetime
) -> None:
    where = {
        "conversation": conversation["_id"],
        "team": conversation.get("team"),
        "assignee": conversation.get("assignee"),
        "mentions": conversation.get("mentions", []),
    }
    before = await db["presence"].find_one_and_update(
        {"_id": f"{conversation['_id']}:{agent.id}"},
        {
            "$set": {
                **until,
                "conversation": conversation["_id"],
                "agent": agent.id,
                "name": agent.name,
                "where": where,
                "expires_at": now + LOOKING,
            }
        },
        upsert=True,
    )
    if not before or _was_quiet(before, until, now):
        await publish(db, [{"what": "presence", **where}])


def _was_quiet(before: dict[str, Any], until: dict[str, datetime], now: datetime) -> bool:
    """Whether this sign changes what others see, rather than prolonging it."""
    if before["looking_until"] <= now:
        return True
    return "typing_until" in until and before.get("typing_until", now) <= now


async def present(db: Database, conversation_id: str, *, but: str, now: datetime) -> list[dict[str, Any]]:
    """The others: `{"agent", "name", "typing"}`, typing ones first."""
    found = await db["presence"].find({"conversation": conversation_id, "agent": {"$ne": but}}).to_list()
    here = [
        {"agent": sign["agent"], "name": sign["name"], "typing": sign.get("typing_until", now) > now}
        for sign in found
        if sign["looking_until"] > now
    ]
    return sorted(here, key=lambda sign: (not sign["typing"], sign["name"]))


async def typing_in(db: Database, conversation_ids: list[str], *, but: str, now: datetime) -> dict[str, str]:
    """Conversation id → the name of a colleague who is typing there, for the list's rows."""
    found = (
        await db["presence"]
        .find({"conversation": {"$in": conversation_ids}, "agent": {"$ne": but}, "typing_until": {"$gt": now}})
        .to_list()
    )
    return {sign["conversation"]: sign["name"] for sign in found}
