"""The thread as it is drawn: day lines, runs of one author, folded small lines, and where the new messages begin."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any

from bot.errors import N_
from inbox.thread import Item
from inbox.web import words
from inbox.web.times import day_title, long_when

RUN_GAP = timedelta(minutes=5)
Translate = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Names:
    """What ids are called, and who looks."""

    zone: tzinfo
    now: datetime
    language: str
    translate: Translate
    me: str = ""
    agents: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


def lay_out(items: Sequence[Item], names: Names, *, new_since: datetime | None = None) -> list[dict[str, Any]]:
    """Blocks for fragments/timeline.html, oldest first: kinds "day", "new", "message", "note" and "lines"."""
    blocks: list[dict[str, Any]] = []
    day, previous, waits = None, None, new_since
    for item in items:
        local = item.at.astimezone(names.zone).date()
        if local != day:
            blocks.append(_day(local, names))
            day, previous = local, None
        if waits is not None and _is_new(item, waits):
            blocks.append({"kind": "new"})
            waits, previous = None, None
        previous = _add(blocks, item, previous, names)
    return blocks


def _day(day: Any, names: Names) -> dict[str, Any]:
    today = names.now.astimezone(names.zone).date()
    return {"kind": "day", "date": day.isoformat(), "title": day_title(day, today, names.language, names.translate)}


def _is_new(item: Item, since: datetime) -> bool:
    return item.kind == "message" and item.document.get("direction") == "in" and item.at > since


def _add(blocks: list[dict[str, Any]], item: Item, previous: Item | None, names: Names) -> Item | None:
    """Appends the item's block and answers what the next one may continue."""
    if item.kind == "message":
        if item.document["content"]["type"] == "system":
            _append_line(blocks, item.document["_id"], item.document["content"].get("text", ""), item.at)
            return None
        blocks.append(_message(item, previous, names))
        return item
    if item.kind == "note":
        blocks.append({"kind": "note", "note": item.document, "mine": item.document["author"]["id"] == names.me})
        return None
    _append_line(blocks, item.document["_id"], activity_text(item.document, names), item.at)
    return None


def _message(item: Item, previous: Item | None, names: Names) -> dict[str, Any]:
    message = item.document
    runs_on = previous is not None and _same_run(previous, item)
    return {
        "kind": "message",
        "message": message,
        "side": "out" if message["direction"] == "out" else "in",
        "runs_on": runs_on,
        "label": "" if runs_on else author_text(message, names),
    }


def _same_run(before: Item, after: Item) -> bool:
    old, new = before.document, after.document
    same = all(old.get(key) == new.get(key) for key in ("direction", "channel", "account"))
    return same and _author(old) == _author(new) and after.at - before.at < RUN_GAP


def _author(message: Mapping[str, Any]) -> tuple[str, str]:
    author = message.get("author") or {}
    return (author.get("kind") or "", author.get("id") or "")


def author_text(message: Mapping[str, Any], names: Names) -> str:
    """Who wrote, as the small line above a run says it."""
    kind, author_id = _author(message)
    if kind == "agent":
        if author_id == names.me:
            return names.translate(N_("You"))
        return str(names.agents.get(author_id) or message["author"].get("name") or "")
    said = {
        "bot": N_("Bot"),
        "campaign": N_("Campaign"),
        "phone": N_("From the phone"),
        "contact": str((message.get("author") or {}).get("name") or ""),
    }
    return names.translate(said.get(kind, ""))


def _append_line(blocks: list[dict[str, Any]], line_id: str, text: str, at: datetime) -> None:
    line = {"text": text, "at": at}
    if blocks and blocks[-1]["kind"] == "lines":
        blocks[-1]["lines"].append(line)
    else:
        blocks.append({"kind": "lines", "id": line_id, "lines": [line]})


def activity_text(activity: Mapping[str, Any], names: Names) -> str:
    """A sentence for what happened, with the names as they were when it did."""
    data = activity.get("data") or {}
    kind = _finer_kind(activity, data)
    sentence = names.translate(words.ACTIVITY.get(kind, "%(actor)s: " + kind))
    return sentence % {
        "actor": (activity.get("actor") or {}).get("name") or "Bandeja",
        "to": data.get("name") or "?",
        "before": data.get("before") or "?",
        "until": long_when(data["until"], names.zone, names.language) if data.get("until") else "?",
        "labels": _label_changes(data, names),
    }


def _label_changes(data: Mapping[str, Any], names: Names) -> str:
    added = [f"+ {names.labels[label]}" for label in data.get("added", ()) if label in names.labels]
    return ", ".join(added + [f"− {names.labels[label]}" for label in data.get("removed", ()) if label in names.labels])


def _finer_kind(activity: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    kind, actor = str(activity["kind"]), (activity.get("actor") or {}).get("id")
    if kind == "assigned" and actor and data.get("to") == actor:
        return "assigned_self"
    if kind == "taken_over" and not data.get("before"):
        return "assigned_self"
    if kind == "reopened" and not actor:
        return "reopened_by_contact"
    return kind
