"""What an owner does with the people of the company: invite, change, let go, and see how much each team holds."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.errors import N_, Refused
from bot.store.database import Database
from inbox import people, sessions
from inbox.actions.states import assign
from inbox.labels import list_labels
from inbox.people import FIRST_TEAM, Agent, Role


async def invite(
    db: Database,
    *,
    name: str,
    email: str,
    role: Role,
    teams: Sequence[str],
    sees: str,
    numbers: str,
    by: Agent,
    now: datetime,
) -> Agent:
    """An agent without a password, who comes in by a one-time link. Raises Refused and Conflict."""
    _check_rank(role, by)
    agent = await people.add_agent(
        db, email=email, name=name, role=role, password=None, now=now, teams=await _known(db, teams)
    )
    return await people.change_agent(db, agent.id, {"sees": sees, "numbers": numbers})


def _check_rank(role: Role, by: Agent) -> None:
    if role == Role.OWNER and by.role != Role.OWNER:
        raise Refused(N_("Only an owner can make somebody owner."), code="rank", field="role")


async def _known(db: Database, teams: Sequence[str]) -> list[str]:
    known = {team.id for team in await people.list_teams(db)}
    return [team for team in teams if team in known]


async def change(db: Database, agent_id: str, form: Mapping[str, Any]) -> Agent:
    changes = {key: form[key] for key in ("name", "email", "sees", "numbers")}
    if not changes["name"].strip():
        raise Refused(N_("A name is needed."), code="name_missing", field="name")
    changed = await people.change_agent(
        db, agent_id, {**changes, "role": str(form["role"]), "teams": await _known(db, form["teams"])}
    )
    # Open pages were opened with the old rights.
    await sessions.tell_sessions(db, agent_id)
    return changed


async def deactivate(db: Database, agent_id: str, *, hand_to: str | None, by: Agent, now: datetime) -> None:
    """Signed out everywhere at once, tokens included; open conversations go to `hand_to`, or back to the queue."""
    await people.change_agent(db, agent_id, {"active": False})
    await sessions.close_sessions(db, agent_id)
    await db["tokens"].delete_many({"agent": agent_id})
    await sessions.tell_sessions(db, agent_id)
    async for conversation in db["conversations"].find({"assignee": agent_id, "open": True}):
        await assign(db, conversation, to=hand_to, by=by, now=now)


async def open_count(db: Database, agent_id: str) -> int:
    return await db["conversations"].count_documents({"assignee": agent_id, "open": True})


async def team_figures(db: Database) -> list[dict[str, Any]]:
    agents = await people.list_agents(db)
    accounts = await _count_by(db, "accounts", "team", {})
    held = await _count_by(db, "conversations", "team", {"open": True})
    return [
        {
            "id": team.id,
            "name": team.name,
            "people": sum(team.id in agent.teams for agent in agents),
            "accounts": accounts.get(team.id, 0),
            "open": held.get(team.id, 0),
            "first": team.id == FIRST_TEAM,
        }
        for team in await people.list_teams(db)
    ]


async def label_figures(db: Database) -> list[dict[str, Any]]:
    used = await _count_by(db, "conversations", "labels", {"open": True})
    return [{**label, "id": label["_id"], "count": used.get(label["_id"], 0)} for label in await list_labels(db)]


async def _count_by(db: Database, collection: str, key: str, wanted: Mapping[str, Any]) -> dict[str, int]:
    counted = await db[collection].aggregate(
        [{"$match": dict(wanted)}, {"$unwind": f"${key}"}, {"$group": {"_id": f"${key}", "count": {"$sum": 1}}}]
    )
    return {row["_id"]: row["count"] async for row in counted}
