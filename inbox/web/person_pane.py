"""The person at the side: who they are, where they can be found, what was before."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot import phones
from inbox import conversations
from inbox.gate import AGENT, HOUSE, translator
from inbox.permissions import Permission, View, access_contact, may, view_of
from inbox.thread import story
from inbox.web.rows import Names

FILES, EARLIER = 6, 10


async def build_person(
    request: web.Request, contact_id: str, names: Names, *, current: str | None = None, earlier: int = EARLIER
) -> dict[str, Any]:
    """Raises NotFound. Numbers are hidden from those who may not see them."""
    house, agent = request.app[HOUSE], request[AGENT]
    view = view_of(agent)
    contact = await access_contact(house.db, agent, contact_id)
    identities = await house.db["identities"].find({"contact": contact_id}).to_list()
    past = await conversations.of_contact(house.db, view, contact_id, limit=earlier)
    stored = {**await story(house.db, view, contact_id), "state": "stored"}
    files = await house.db["media"].find(stored).sort("at", -1).to_list(FILES)
    return {
        **{key: contact.get(key) for key in ("language", "country", "first_heard_at", "last_heard_at")},
        "id": contact["_id"],
        "name": view.text(contact.get("name") or ""),
        "phone": view.phone(phones.display(contact.get("phone") or "")),
        "email": contact.get("email") or "",
        "practice": contact.get("practice", False),
        "blocked": contact.get("blocked", False),
        "owner": names.agent(contact.get("owner")),
        "tags": contact.get("tags", []),
        "identities": [_identity(request, identity, view) for identity in identities],
        "fields": [{"key": key, "value": view.text(str(value))} for key, value in contact.get("fields", {}).items()],
        "conversations": [_earlier(row, names, view, current) for row in past],
        "files": [
            {
                "id": file["_id"],
                "type": file["kind"],
                "name": view.text(file.get("name", "")),
                "thumb": bool(file.get("thumb")),
            }
            for file in files
        ],
        "may_edit": may(agent, Permission.CONTACTS_WRITE),
    }


def _identity(request: web.Request, identity: Mapping[str, Any], view: View) -> dict[str, Any]:
    profile, gone = identity.get("profile", {}), identity.get("gone")
    account = request.app[HOUSE].accounts.find(identity.get("account", ""))
    return {
        "id": identity["_id"],
        "kind": identity["kind"],
        "value": shown_address(identity, view),
        "name": view.text(profile.get("name", "")),
        "username": view.text(profile.get("username", "")),
        "reachable": identity.get("reachable", True),
        "gone": {"message": translator(request)(gone.get("message", ""))} if gone else None,
        "scope": identity["scope"],
        "account_name": account.name if account else "",
    }


def _earlier(row: Mapping[str, Any], names: Names, view: View, current: str | None) -> dict[str, Any]:
    last = row.get("last")
    return {
        "id": row["_id"],
        "status": row["status"],
        "team": names.team(row.get("team")),
        "channel": row.get("channel"),
        "at": row["at"],
        "last": {**last, "text": view.text(last.get("text") or "")} if last else None,
        "current": row["_id"] == current,
    }


def shown_address(identity: Mapping[str, Any], view: View) -> str:
    """How a person reads an address: a number with its plus, a username with its at, else a short id."""
    if identity["kind"] == "phone":
        return view.phone(phones.display(identity["reach"]))
    username = identity.get("profile", {}).get("username")
    return view.text(f"@{username}") if username else "···" + identity["value"][-6:]
