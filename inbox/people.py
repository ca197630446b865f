"""The people of the company: agents who sign in, and the teams they belong to."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error

from bot.errors import N_, Conflict, NotFound, Refused
from bot.ids import new_id
from bot.store.database import AlreadyThere, Database, already_there

PASSWORD_LENGTH = 10
_hasher = PasswordHasher()
# Checked when the address is unknown, so that the answer takes as long as for a known one.
_NOBODY = _hasher.hash("nobody signs in with this")


class Role(StrEnum):
    OWNER = "owner"
    SUPERVISOR = "supervisor"
    AGENT = "agent"
    MARKETER = "marketer"


Sees = Literal["all", "team", "own"]
Numbers = Literal["whole", "masked"]


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody who signs in. `sees` says which conversations, `numbers` whether phone numbers are shown whole."""

    id: str
    name: str
    email: str
    role: Role
    teams: tuple[str, ...] = ()
    sees: Sees = "all"
    numbers: Numbers = "whole"
    language: str = ""
    active: bool = True
    prefs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Team:
    id: str
    name: str


def read_agent(stored: Mapping[str, Any]) -> Agent:
    return Agent(
        id=stored["_id"],
        name=stored["name"],
        email=stored["email"],
        role=Role(stored["role"]),
        teams=tuple(stored.get("teams", ())),
        sees=stored.get("sees", "all"),
        numbers=stored.get("numbers", "whole"),
        language=stored.get("language", ""),
        active=stored.get("active", True),
        prefs=stored.get("prefs", {}),
    )


async def add_agent(
    db: Database, *, email: str, name: str, role: Role, password: str | None, now: datetime, teams: Sequence[str] = ()
) -> Agent:
    """Without a password the agent can only come in by a one-time link. Raises Refused (weak password, no name,
    not an address) and Conflict when the address is taken."""
    address = _email(email)
    if not name.strip():
        raise Refused(N_("A name is needed."), code="name_missing")
    stored: dict[str, Any] = {
        "_id": new_id(),
        "name": name.strip(),
        "email": address,
        "password_hash": await hash_password(password) if password is not None else None,
        "role": str(role),
        "teams": list(teams),
        "sees": "all",
        "numbers": "whole",
        "active": True,
        "language": "",
        "prefs": {},
        "created_at": now,
    }
    try:
        with already_there():
            await db["agents"].insert_one(stored)
    except AlreadyThere as error:
        raise Conflict(N_("Somebody with the address %(email)s is there already."), email=address) from error
    return read_agent(stored)


async def hash_password(password: str) -> str:
    if len(password) < PASSWORD_LENGTH:
        raise Refused(
            N_("The password needs at least %(length)s characters."), code="password_short", length=PASSWORD_LENGTH
        )
    return await asyncio.to_thread(_hasher.hash, password)


async def check_password(db: Database, *, email: str, password: str) -> Agent | None:
    """The active agent with this address and password, else None; takes equally long either way."""
    stored = await db["agents"].find_one({"email": email.strip().lower(), "active": True})
    known = (stored or {}).get("password_hash")
    matches = await asyncio.to_thread(_verify, known or _NOBODY, password)
    return read_agent(stored) if stored and known and matches else None


def _verify(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except Argon2Error:
        return False


def _email(text: str) -> str:
    address = text.strip().lower()
    local, at, host = address.rpartition("@")
    if not (at and local and host) or any(character.isspace() for character in address) or len(address) > 254:
        raise Refused(N_("%(email)s is not an e-mail address."), code="email_invalid", email=address)
    return address


async def find_agent(db: Database, agent_id: str) -> Agent | None:
    stored = await db["agents"].find_one({"_id": agent_id})
    return read_agent(stored) if stored else None


async def get_agent(db: Database, agent_id: str) -> Agent:
    agent = await find_agent(db, agent_id)
    if agent is None:
        raise NotFound(N_("There is no such person."))
    return agent


async def find_agent_by_email(db: Database, email: str) -> Agent | None:
    stored = await db["agents"].find_one({"email": email.strip().lower()})
    return read_agent(stored) if stored else None


async def list_agents(db: Database, *, active: bool | None = True) -> list[Agent]:
    wanted = {} if active is None else {"active": active}
    return [read_agent(stored) async for stored in db["agents"].find(wanted).sort("name", 1)]


async def change_agent(db: Database, agent_id: str, changes: Mapping[str, Any]) -> Agent:
    """`changes` are stored keys that a form has validated. The last active owner keeps role and access: Refused."""
    if changes.get("active") is False or changes.get("role", Role.OWNER) != Role.OWNER:
        await _leave_an_owner(db, agent_id)
    if "email" in changes:
        changes = {**changes, "email": _email(changes["email"])}
    try:
        with already_there():
            stored = await db["agents"].find_one_and_update(
                {"_id": agent_id}, {"$set": dict(changes)}, return_document=True
            )
    except AlreadyThere as error:
        raise Conflict(
            N_("Somebody with the address %(email)s is there already."), email=changes.get("email")
        ) from error
    if stored is None:
        raise NotFound(N_("There is no such person."))
    return read_agent(stored)


async def _leave_an_owner(db: Database, agent_id: str) -> None:
    others = {"role": str(Role.OWNER), "active": True, "_id": {"$ne": agent_id}}
    this_one = {"_id": agent_id, "role": str(Role.OWNER), "active": True}
    if await db["agents"].find_one(this_one) and not await db["agents"].find_one(others):
        raise Refused(N_("Somebody must stay owner: name another owner first."), code="last_owner")


async def set_password(db: Database, agent_id: str, password: str) -> None:
    await db["agents"].update_one({"_id": agent_id}, {"$set": {"password_hash": await hash_password(password)}})


async def has_password(db: Database, agent_id: str) -> bool:
    """False for somebody who has only ever come in by a one-time link."""
    return await db["agents"].find_one({"_id": agent_id, "password_hash": {"$ne": None}}, {"_id": 1}) is not None


async def has_owner(db: Database) -> bool:
    return await db["agents"].find_one({"role": str(Role.OWNER)}) is not None


async def ensure_first_team(db: Database, *, name: str, now: datetime) -> Team:
    """The first team always exists; its id is fixed, so that several processes starting at once make one."""
    await db["teams"].update_one({"_id": FIRST_TEAM}, {"$setOnInsert": {"name": name, "created_at": now}}, upsert=True)
    return await get_team(db, FIRST_TEAM)


FIRST_TEAM = "0" * 24


async def add_team(db: Database, *, name: str, now: datetime) -> Team:
    team: dict[str, Any] = {"_id": new_id(), "name": _team_name(name), "created_at": now}
    try:
        with already_there():
            await db["teams"].insert_one(team)
    except AlreadyThere as error:
        raise Conflict(N_("There is a team %(name)s already."), name=team["name"]) from error
    return Team(id=team["_id"], name=team["name"])


async def rename_team(db: Database, team_id: str, *, name: str) -> None:
    try:
        with already_there():
            done = await db["teams"].update_one({"_id": team_id}, {"$set": {"name": _team_name(name)}})
    except AlreadyThere as error:
        raise Conflict(N_("There is a team %(name)s already."), name=name) from error
    if not done.matched_count:
        raise NotFound(N_("There is no such team."))


async def delete_team(db: Database, team_id: str) -> None:
    """Refused while accounts or open conversations belong to it, and for the first team."""
    if team_id == FIRST_TEAM:
        raise Refused(N_("The first team stays; it can be renamed."), code="first_team")
    if await db["accounts"].find_one({"team": team_id}) or await db["conversations"].find_one(
        {"team": team_id, "open": True}
    ):
        raise Refused(N_("Accounts or open conversations belong to this team: move them first."), code="team_in_use")
    await db["teams"].delete_one({"_id": team_id})
    await db["agents"].update_many({"teams": team_id}, {"$pull": {"teams": team_id}})


def _team_name(text: str) -> str:
    name = " ".join(text.split())[:60]
    if not name:
        raise Refused(N_("A name is needed."), code="name_missing")
    return name


async def get_team(db: Database, team_id: str) -> Team:
    stored = await db["teams"].find_one({"_id": team_id})
    if stored is None:
        raise NotFound(N_("There is no such team."))
    return Team(id=stored["_id"], name=stored["name"])


async def team_named(db: Database, name: str, *, now: datetime) -> str:
    """The id of the team of this name, made if need be; the first team's for an empty name."""
    if not name.strip():
        return FIRST_TEAM
    wanted = _team_name(name)
    for team in await list_teams(db):
        if team.name.casefold() == wanted.casefold():
            return team.id
    try:
        return (await add_team(db, name=wanted, now=now)).id
    except Conflict:
        return await team_named(db, wanted, now=now)


async def list_teams(db: Database) -> list[Team]:
    return [Team(id=stored["_id"], name=stored["name"]) async for stored in db["teams"].find().sort("name", 1)]
