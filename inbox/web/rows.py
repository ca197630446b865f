"""The rows of the list: conversations joined with what a row shows, numbers hidden from those who may not see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.store.database import Database
from inbox import drafts, presence
from inbox.conversations import Sort
from inbox.gate import AGENT, HOUSE
from inbox.labels import list_labels
from inbox.people import list_agents, list_teams
from inbox.permissions import View, view_of

_SORTED_BY: Mapping[Sort, str] = {"newest": "at", "waiting": "waiting_since", "window": "window_closes_at"}


@dataclass(frozen=True, slots=True)
class Names:
    """Ids to what people call them, fetched once for a page."""

    agents: Mapping[str, str] = field(default_factory=dict)
    teams: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def agent(self, agent_id: str | None) -> dict[str, str] | None:
        return {"id": agent_id, "name": self.agents.get(agent_id, "")} if agent_id else None

    def team(self, team_id: str | None) -> dict[str, str] | None:
        return {"id": team_id, "name": self.teams.get(team_id, "")} if team_id else None

    def label_list(self, label_ids: Sequence[str]) -> list[Mapping[str, str]]:
        return [self.labels[label_id] for label_id in label_ids if label_id in self.labels]


async def read_names(db: Database) -> Names:
    return Names(
        agents={agent.id: agent.name for agent in await list_agents(db, active=None)},
        teams={team.id: team.name for team in await list_teams(db)},
        labels={
            label["_id"]: {"id": label["_id"], "name": label["name"], "colour": label["colour"]}
            for label in await list_labels(db)
        },
    )


async def build_rows(
    request: web.Request, conversations: Sequence[Mapping[str, Any]], names: Names, *, sort: Sort = "newest"
) -> list[dict[str, Any]]:
    house, agent = request.app[HOUSE], request[AGENT]
    ids = [conversation["_id"] for conversation in conversations]
    now = house.clock.now()
    begun = await drafts.drafts_in(house.db, ids, agent.id)
    typing = await presence.typing_in(house.db, ids, but=agent.id, now=now)
    kinds = {account.id: account.kind for account in house.accounts.all()}
    view = view_of(agent)
    return [
        {
            **build_row(conversation, names, view, kinds),
            "draft": begun.get(conversation["_id"], ""),
            "typing": typing.get(conversation["_id"], ""),
            "sort_key": _sort_key(conversation, sort),
        }
        for conversation in conversations
    ]


def build_row(conversation: Mapping[str, Any], names: Names, view: View, kinds: Mapping[str, str]) -> dict[str, Any]:
    """One row without what belongs to the moment (draft, typing)."""
    last = conversation.get("last")
    used = [kinds[account] for account in conversation.get("accounts", ()) if account in kinds]
    return {
        **conversation,
        "id": conversation["_id"],
        "name": view.text(conversation.get("name") or ""),
        "channels": list(dict.fromkeys([conversation.get("channel"), *used])),
        "last": {**last, "text": view.text(last.get("text") or "")} if last else None,
        "labels": names.label_list(conversation.get("labels", ())),
        "assignee": names.agent(conversation.get("assignee")),
        "mine": conversation.get("assignee") == view.agent,
        "team": names.team(conversation.get("team")),
        "waiting_since": conversation.get("waiting_since"),
        "window_closes_at": conversation.get("window_closes_at"),
        "human_until": conversation.get("human_until"),
        "unread": conversation.get("unread", 0),
        "practice": conversation.get("practice", False),
        "url": f"/inbox/{conversation['_id']}",
        "draft": "",
        "typing": "",
        "sort_key": _sort_key(conversation, "newest"),
    }


def _sort_key(conversation: Mapping[str, Any], sort: Sort) -> int:
    moment: datetime | None = conversation.get(_SORTED_BY[sort])
    return int(moment.timestamp() * 1000) if moment else 0
