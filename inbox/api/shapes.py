"""Stored documents as the API's items, with numbers hidden from those who may not see them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bot.records.accounts import AccountRecord
from inbox.api import items
from inbox.people import Agent
from inbox.permissions import View

Stored = Mapping[str, Any]
Translate = Callable[[str], str]

_TYPES: Mapping[str, items.MessageType] = {
    "text": "text",
    "location": "location",
    "cards": "contacts",
    "buttons": "buttons",
    "choice": "choice",
    "form": "form",
    "order": "order",
    "link": "link",
    "template": "template",
    "emoji": "reaction",
    "system": "system",
}
# An animation is a film without sound, on every channel.
_MEDIA_TYPES: Mapping[str, items.MessageType] = {
    "image": "image",
    "video": "video",
    "animation": "video",
    "audio": "audio",
    "voice": "voice",
    "document": "document",
    "sticker": "sticker",
}


def message_type(content: Stored) -> items.MessageType:
    """What later programs may store and this one does not know is `unsupported` too."""
    if content["type"] == "media":
        return _MEDIA_TYPES.get(content.get("kind", ""), "document")
    return _TYPES.get(content["type"], "unsupported")


def conversation(stored: Stored, labels: Mapping[str, str], view: View) -> items.Conversation:
    return items.Conversation(**_conversation(stored, labels, view))


def started(stored: Stored, labels: Mapping[str, str], view: View, message: items.Message) -> items.Started:
    return items.Started(**_conversation(stored, labels, view), message=message)


def _conversation(stored: Stored, labels: Mapping[str, str], view: View) -> dict[str, Any]:
    return {
        "id": stored["_id"],
        "status": stored["status"],
        "contact": items.Somebody(stored["contact"], view.text(stored.get("name") or "")),
        "channel": stored["channel"],
        "account": stored.get("account"),
        "team": stored.get("team"),
        "assignee": stored.get("assignee"),
        "labels": [labels[label] for label in stored.get("labels", ()) if label in labels],
        "last_message": _last(stored.get("last"), view),
        "unread": stored.get("unread", 0),
        "waiting_since": stored.get("waiting_since"),
        "window_closes_at": stored.get("window_closes_at"),
        "practice": stored.get("practice", False),
        "snoozed_until": stored.get("snoozed_until"),
        "resolved_at": stored.get("resolved_at"),
        "created_at": stored["created_at"],
        "at": stored["at"],
    }


def _last(last: Stored | None, view: View) -> items.LastMessage | None:
    if not last:
        return None
    return items.LastMessage(view.text(last.get("text") or ""), last["direction"], last["at"])


def message(stored: Stored, files: Mapping[str, Stored], view: View, translate: Translate) -> items.Message:
    return items.Message(**_message(stored, files, view, translate))


def sent(
    stored: Stored, files: Mapping[str, Stored], view: View, translate: Translate, further: list[str]
) -> items.Sent:
    return items.Sent(**_message(stored, files, view, translate), further=further)


def _message(stored: Stored, files: Mapping[str, Stored], view: View, translate: Translate) -> dict[str, Any]:
    return {
        "id": stored["_id"],
        "direction": stored["direction"],
        "type": message_type(stored["content"]),
        "text": view.text(stored.get("text") or ""),
        "media": [file(kept, files.get(kept["id"], {}), view) for kept in stored.get("media", ())],
        "channel": stored["channel"],
        "account": stored["account"],
        # WhatsApp's ids hold the person's number, only written in another alphabet.
        "platform_id": None if view.masked else stored.get("platform_id"),
        "reply_to": (stored.get("quoted") or {}).get("id"),
        "author": _author(stored["author"], view),
        "status": stored["status"],
        "error": problem(stored.get("error"), translate),
        "sent_at": stored["sent_at"],
        "conversation": stored.get("conversation"),
        "contact": stored["contact"],
        "content": view.texts(_without_target(stored["content"], view)),
        "reactions": [items.Reaction(one["by"], one["emoji"], one["at"]) for one in stored.get("reactions", ())],
        "edited": bool(stored.get("edits")),
        "deleted": stored.get("deleted_at") is not None,
    }


def _without_target(content: Stored, view: View) -> Stored:
    """A press and a reaction name the platform's id of what they belong to."""
    return {**content, "target": None} if view.masked and "target" in content else content


def _author(author: Stored, view: View) -> items.Author:
    return items.Author(author["kind"], view.text(author.get("name") or ""), author.get("id"))


def problem(error: Stored | None, translate: Translate) -> items.Problem | None:
    return items.Problem(str(error["code"]), translate(error["message"])) if error else None


def file(kept: Stored, record: Stored, view: View) -> items.File:
    """`kept` stands in the message, `record` is the media record, which knows what became of it."""
    return items.File(
        id=kept["id"],
        type=kept["type"],
        name=view.text(record.get("name") or kept.get("name") or ""),
        mime=record.get("mime") or kept.get("mime") or "",
        size=record.get("size") or kept.get("size"),
        state=record.get("state", "wanted"),
        url=media_url(kept["id"]),
    )


def media_url(media_id: str) -> str:
    return f"/api/v1/media/{media_id}"


def upload(record: Stored) -> items.Upload:
    return items.Upload(
        id=record["_id"],
        type=record["kind"],
        name=record["name"],
        mime=record["mime"],
        size=record["size"],
        url=media_url(record["_id"]),
    )


def note(stored: Stored, view: View) -> items.Note:
    return items.Note(
        id=stored["_id"],
        conversation=stored["conversation"],
        author=items.Somebody(stored["author"]["id"], stored["author"]["name"]),
        text=view.text(stored["text"]),
        mentions=stored.get("mentions", []),
        at=stored["at"],
    )


def contact(stored: Stored, identities: Iterable[Stored], view: View) -> items.Contact:
    phone = stored.get("phone") or ""
    return items.Contact(
        id=stored["_id"],
        name=view.text(stored.get("name") or ""),
        phone=view.phone(f"+{phone.removeprefix('+')}") if phone else "",
        email=stored.get("email") or "",
        identities=[_identity(identity, view) for identity in identities],
        fields=view.texts(stored.get("fields") or {}),
        tags=stored.get("tags", []),
        owner=stored.get("owner"),
        consent=stored.get("consent") or {},
        language=stored.get("language") or "",
        country=stored.get("country") or "",
        blocked=stored.get("blocked", False),
        practice=stored.get("practice", False),
        first_heard_at=stored.get("first_heard_at"),
        last_heard_at=stored.get("last_heard_at"),
        created_at=stored.get("created_at"),
    )


def _identity(identity: Stored, view: View) -> items.Identity:
    value = identity["value"]
    return items.Identity(
        id=identity["_id"],
        kind=identity["kind"],
        scope=identity["scope"],
        value=view.phone(value) if identity["kind"] == "phone" else value,
        account=identity.get("account") or None,
    )


def colleague(agent: Agent) -> items.Colleague:
    return items.Colleague(agent.id, agent.name, agent.email, str(agent.role), list(agent.teams), agent.active)


def account(record: AccountRecord, translate: Translate) -> items.AccountItem:
    return items.AccountItem(
        id=record.id,
        kind=record.kind,
        name=record.name,
        team=record.team,
        state=record.state,
        problem=problem(record.problem, translate),
        practice=record.practice,
        external_id=record.external_id,
    )


def template(stored: Stored, accounts: list[str]) -> items.Template:
    texts = ("category", "status", "quality", "reason", "header", "header_kind", "body", "footer")
    return items.Template(
        id=stored["_id"],
        accounts=accounts,
        name=stored["name"],
        language=stored["language"],
        **{key: stored.get(key) or "" for key in texts},
        buttons=[dict(button) for button in stored.get("buttons", ())],
        variables=list(stored.get("variables", ())),
    )
