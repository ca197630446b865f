"""The thread as it is drawn: day lines, runs of one author, folded small lines, and where the new messages begin."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
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
    page = _Page(names, new_since)
    for item in items:
        page.add(item)
    return page.blocks


class _Page:
    """What has been laid out so far, and what the next item may continue."""

    def __init__(self, names: Names, new_since: datetime | None) -> None:
        self.blocks: list[dict[str, Any]] = []
        self._names = names
        self._new_since = new_since
        self._day: date | None = None
        self._previous: Item | None = None
        self._channel: str | None = None
        self._writer: tuple[str, str] | None = None

    def add(self, item: Item) -> None:
        self._begin_day(item.at.astimezone(self._names.zone).date())
        if item.kind == "message" and item.document["content"]["type"] != "system":
            self._mark_new(item)
            self.blocks.append(self._message(item))
            self._previous = item
            return
        self._previous = None
        if item.kind == "note":
            mine = item.document["author"]["id"] == self._names.me
            self.blocks.append({"kind": "note", "note": item.document, "mine": mine})
        elif item.kind == "message":
            self._line(item, item.document["content"].get("text") or "")
        else:
            self._line(item, activity_text(item.document, self._names))

    def _begin_day(self, day: date) -> None:
        if day == self._day:
            return
        self._day, self._previous, self._writer = day, None, None
        today = self._names.now.astimezone(self._names.zone).date()
        title = day_title(day, today, self._names.language, self._names.translate)
        self.blocks.append({"kind": "day", "date": day.isoformat(), "title": title})

    def _mark_new(self, item: Item) -> None:
        """Once, before the first message of theirs that came after this agent last looked."""
        if self._new_since and item.document["direction"] == "in" and item.at > self._new_since:
            self.blocks.append({"kind": "new"})
            self._new_since, self._previous = None, None

    def _message(self, item: Item) -> dict[str, Any]:
        message = item.document
        moved = message.get("channel") != self._channel
        side, writer = ("out" if message["direction"] == "out" else "in"), _author(message)
        says_who = moved or (side == "out" and writer != self._writer) or bool(message.get("group"))
        self._channel = message.get("channel")
        self._writer = writer if side == "out" else self._writer
        return {
            "kind": "message",
            "message": message,
            "side": side,
            "runs_on": self._previous is not None and _same_run(self._previous, item),
            "moved": moved,
            "label": author_text(message, self._names) if says_who else "",
        }

    def _line(self, item: Item, text: str) -> None:
        line = {"text": text, "at": item.at}
        if self.blocks[-1]["kind"] == "lines":
            self.blocks[-1]["lines"].append(line)
        else:
            self.blocks.append({"kind": "lines", "id": item.document["_id"], "lines": [line]})


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
