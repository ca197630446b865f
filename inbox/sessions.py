"""Ways of being known: browser sessions that can be revoked, one-time links, API tokens. Only hashes are stored."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.errors import N_, NotFound, Refused
from bot.ids import new_id
from bot.nudges import publish
from bot.store.database import Database
from inbox.people import Agent, read_agent

SESSION_LIFE = timedelta(days=30)
ONETIME_LIFE = timedelta(hours=24)
TRIES, TRIES_BY_IP = 8, 60
TRIES_WITHIN = timedelta(minutes=10)
# How stale `seen_at` may grow before it is written again: one write a minute and session, not one a request.
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Session:
    id: str
    agent: Agent
    csrf: str


def hash_token(token: str) -> str:
    """Tokens carry 256 random bits, so a plain hash cannot be turned back."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def csrf_matches(session: Session, given: str) -> bool:
    return hmac.compare_digest(session.csrf.encode(), given.encode(errors="replace"))


async def open_session(db: Database, agent: Agent, *, now: datetime, ip: str, agent_string: str) -> str:
    """The cookie's value; it is not kept and cannot be shown again."""
    token = secrets.token_urlsafe(32)
    await db["sessions"].insert_one(
        {
            "_id": hash_token(token),
            "key": new_id(),
            "agent": agent.id,
            "csrf": secrets.token_urlsafe(24),
            "created_at": now,
            "seen_at": now,
            "ip": ip,
            "agent_string": agent_string[:200].encode(errors="replace").decode(),
        }
    )
    return token


async def find_session(db: Database, token: str, *, now: datetime) -> Session | None:
    """None when it was revoked, has run out, or the agent was deactivated."""
    stored = await db["sessions"].find_one({"_id": hash_token(token)})
    if not stored or stored["seen_at"] < now - SESSION_LIFE:
        return None
    agent = await db["agents"].find_one({"_id": stored["agent"], "active": True})
    if not agent:
        return None
    if stored["seen_at"] < now - SEEN_EVERY:
        await db["sessions"].update_one({"_id": stored["_id"]}, {"$set": {"seen_at": now}})
    return Session(id=stored["_id"], agent=read_agent(agent), csrf=stored["csrf"])


async def close_session(db: Database, session_id: str) -> None:
    await db["sessions"].delete_one({"_id": session_id})


async def close_sessions(db: Database, agent_id: str, *, but: str | None = None) -> int:
    """Signs the agent out everywhere, except in session `but`; API tokens stay."""
    wanted: dict[str, Any] = {"agent": agent_id}
    if but:
        wanted["_id"] = {"$ne": but}
    return (await db["sessions"].delete_many(wanted)).deleted_count


async def close_one(db: Database, agent_id: str, key: str) -> None:
    """`key` is how a page names a session; unknown ones are passed over."""
    await db["sessions"].delete_one({"agent": agent_id, "key": key})


async def last_seen(db: Database) -> dict[str, datetime]:
    """Agent id → when one of their sessions was last used."""
    rows = await db["sessions"].aggregate([{"$group": {"_id": "$agent", "at": {"$max": "$seen_at"}}}])
    return {row["_id"]: row["at"] async for row in rows}


async def tell_sessions(db: Database, agent_id: str) -> None:
    """Open pages of this agent look at once whether they are still signed in."""
    await publish(db, [{"what": "session", "agent": agent_id}])


async def list_sessions(db: Database, agent_id: str) -> list[dict[str, Any]]:
    return await db["sessions"].find({"agent": agent_id}, {"csrf": 0}).sort("seen_at", -1).to_list()


async def make_onetime(db: Database, *, purpose: str, agent: str | None, now: datetime) -> str:
    """A token for a link that works once, for a day. `purpose` is "setup" (create the owner) or "signin"."""
    token = secrets.token_urlsafe(24)
    await db["onetime"].insert_one(
        {"_id": hash_token(token), "purpose": purpose, "agent": agent, "expires_at": now + ONETIME_LIFE}
    )
    return token


async def peek_onetime(db: Database, token: str, *, now: datetime) -> Mapping[str, Any] | None:
    return await db["onetime"].find_one({"_id": hash_token(token), "expires_at": {"$gt": now}})


async def use_onetime(db: Database, token: str, *, purpose: str, now: datetime) -> Mapping[str, Any]:
    """Takes it, atomically: of two who come at once, one gets it. Raises Refused for the other."""
    taken = await db["onetime"].find_one_and_delete(
        {"_id": hash_token(token), "purpose": purpose, "expires_at": {"$gt": now}}
    )
    if not taken:
        raise Refused(N_("This link was used already or has run out. Ask for a new one."), code="link_used")
    return taken


async def give_back_onetime(db: Database, taken: Mapping[str, Any]) -> None:
    """What it was used for did not come about."""
    await db["onetime"].insert_one(dict(taken))


async def forget_onetime(db: Database, *, purpose: str) -> None:
    await db["onetime"].delete_many({"purpose": purpose})


async def throttle(db: Database, key: str, *, now: datetime, most: int = TRIES) -> None:
    """Counts a try at signing in. Raises Refused beyond `most` failed tries in ten minutes for `key`."""
    slot = await db["tries"].find_one_and_update(
        {"_id": key},
        {"$inc": {"count": 1}, "$setOnInsert": {"expires_at": now + TRIES_WITHIN}},
        upsert=True,
        return_document=True,
    )
    if slot is None or slot["expires_at"] <= now:
        await db["tries"].delete_one({"_id": key, "expires_at": {"$lte": now}})
        return
    if slot["count"] > most:
        raise Refused(N_("Too many tries. Wait ten minutes and try again."), code="too_many_tries")


async def forget_tries(db: Database, key: str) -> None:
    await db["tries"].delete_one({"_id": key})


async def create_token(db: Database, agent: Agent, *, name: str, now: datetime) -> str:
    """An API token that acts as this agent. Shown once."""
    token = "bj_" + secrets.token_urlsafe(32)
    await db["tokens"].insert_one(
        {"_id": hash_token(token), "key": new_id(), "agent": agent.id, "name": name.strip()[:60], "created_at": now}
    )
    return token


async def find_token(db: Database, token: str, *, now: datetime) -> tuple[str, Agent] | None:
    """The token's id and whom it acts for."""
    stored = await db["tokens"].find_one({"_id": hash_token(token)})
    if not stored:
        return None
    agent = await db["agents"].find_one({"_id": stored["agent"], "active": True})
    if not agent:
        return None
    if stored.get("used_at") is None or stored["used_at"] < now - SEEN_EVERY:
        await db["tokens"].update_one({"_id": stored["_id"]}, {"$set": {"used_at": now}})
    return stored["_id"], read_agent(agent)


async def list_tokens(db: Database, agent_id: str) -> list[dict[str, Any]]:
    return await db["tokens"].find({"agent": agent_id}, {"_id": 0}).sort("created_at", -1).to_list()


async def revoke_token(db: Database, agent_id: str, key: str) -> None:
    done = await db["tokens"].delete_one({"agent": agent_id, "key": key})
    if not done.deleted_count:
        raise NotFound(N_("There is no such token."))
