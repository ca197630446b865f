"""What pages are given, as small as a template can bear: rows, messages, panes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from inbox.people import Agent, Role
from inbox.permissions import ROLES
from inbox.thread import Item
from inbox.web.render import Viewer

NOW = datetime(2026, 11, 21, 15, 43, tzinfo=UTC)
ZONE = ZoneInfo("America/Bogota")
MARTA = Agent(id="a" * 24, name="Marta Gómez", email="marta@sol.example", role=Role.OWNER)
FILTERS = dict.fromkeys(("account", "channel", "team", "label", "assignee"), "") | {
    "tab": "mine",
    "status": "open",
    "sort": "newest",
}


def viewer(language: str = "es", **more: Any) -> Viewer:
    may = frozenset(str(permission) for permission in ROLES[Role.OWNER])
    return Viewer(
        **{"now": NOW, "language": language, "zone": ZONE, "csrf": "c5rf", "agent": MARTA, "may": may, **more}
    )


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def a_row(**more: Any) -> dict[str, Any]:
    last = {
        "text": "¿Tienen taladros?",
        "type": "text",
        "kind": None,
        "direction": "in",
        "author": {"kind": "contact", "name": "Ana"},
        "at": NOW,
        "status": "received",
    }
    return {
        "id": "c1",
        "contact": "p1",
        "name": "Ana Prieto",
        "channel": "whatsapp",
        "channels": ["whatsapp"],
        "last": last,
        "labels": [],
        "assignee": {"id": MARTA.id, "name": MARTA.name},
        "mine": True,
        "team": {"id": "t1", "name": "Ventas"},
        "unread": 0,
        "waiting_since": None,
        "window_closes_at": None,
        "human_until": None,
        "snoozed_until": None,
        "status": "open",
        "practice": False,
        "at": NOW,
        "draft": "",
        "typing": "",
        "sort_key": 1,
        "url": "/inbox/c1",
        "may": dict.fromkeys(("reply", "note", "assign", "resolve", "label"), True),
        **more,
    }


def a_message(content: dict[str, Any] | None = None, *, at: datetime = NOW, **more: Any) -> Item:
    direction = more.get("direction", "in")
    author = {"kind": "contact", "id": "p1", "name": "Ana"}
    if direction == "out":
        author = {"kind": "agent", "id": MARTA.id, "name": MARTA.name}
    document = {
        "_id": f"m{at.timestamp():.0f}",
        "account": "w",
        "channel": "whatsapp",
        "direction": direction,
        "content": content or {"type": "text", "text": "Hola"},
        "author": author,
        "status": "received" if direction == "in" else "sent",
        "media": [],
        "reactions": [],
        "edits": [],
        "at": at,
    }
    return Item("message", at, {**document, **more})


def a_line(kind: str, *, at: datetime = NOW, **data: Any) -> Item:
    actor = {"kind": "agent", "id": "b" * 24, "name": "Luis"}
    return Item("activity", at, {"_id": f"x{at.timestamp():.0f}", "kind": kind, "actor": actor, "data": data, "at": at})


def a_note(text: str, *, at: datetime = NOW) -> Item:
    author = {"id": MARTA.id, "name": MARTA.name}
    return Item("note", at, {"_id": f"n{at.timestamp():.0f}", "author": author, "text": text, "mentions": [], "at": at})


def a_route(state: str = "open", **more: Any) -> dict[str, Any]:
    return {
        "id": "w:i1",
        "account": "w",
        "identity": "i1",
        "kind": "whatsapp",
        "name": "Ventas",
        "to": "+57 300 ••• 77",
        "state": state,
        "closes_at": None,
        "sentence": "",
        "templates": True,
        "last": True,
        "chosen": True,
        "limits": {"text": 4096, "media_bytes": {"image": 5_000_000}, "mimes": {}},
        **more,
    }


def a_composer(route: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    chosen = route or a_route()
    return {
        "routes": [chosen],
        "chosen": chosen,
        "draft": "",
        "note_draft": "",
        "may_reply": True,
        "may_note": True,
        "enter": True,
        "last_seen": "",
        "agents": [],
        "practice": False,
        **more,
    }
