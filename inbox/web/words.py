"""The sentences that stand for codes: kinds of messages, things that happened, roles, permissions, notices."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bot.errors import N_

Translate = Callable[[str], str]

CHANNELS: Mapping[str, str] = {
    "whatsapp": "WhatsApp",
    "telegram": "Telegram",
    "messenger": "Messenger",
    "phone": N_("Phone"),
}

# How a message without words is called in a list, and the icon before it.
KINDS: Mapping[str, tuple[str, str]] = {
    "image": (N_("Picture"), "image"),
    "video": (N_("Video"), "video"),
    "audio": (N_("Audio"), "volume-2"),
    "voice": (N_("Voice message"), "mic"),
    "document": (N_("File"), "file-text"),
    "sticker": (N_("Sticker"), "smile"),
    "animation": (N_("Animation"), "video"),
    "media": (N_("File"), "file"),
    "location": (N_("Location"), "map-pin"),
    "cards": (N_("Contact card"), "contact"),
    "buttons": (N_("Buttons"), "list-checks"),
    "choice": (N_("Choice"), "list-checks"),
    "form": (N_("Form answers"), "list-checks"),
    "order": (N_("Order"), "shopping-cart"),
    "link": (N_("Link"), "link"),
    "template": (N_("Template"), "layout-template"),
    "emoji": (N_("Reaction"), "smile"),
    "system": (N_("Notice"), "info"),
    "unsupported": (N_("Something Bandeja cannot show yet"), "circle-question-mark"),
}

ACTIVITY: Mapping[str, str] = {
    "assigned": N_("%(actor)s assigned it to %(to)s"),
    "assigned_self": N_("%(actor)s took it"),
    "unassigned": N_("%(actor)s left it unassigned"),
    "team": N_("%(actor)s moved it to %(to)s"),
    "taken_over": N_("%(actor)s took over from %(before)s"),
    "resolved": N_("%(actor)s resolved it"),
    "reopened": N_("%(actor)s reopened it"),
    "reopened_by_contact": N_("It opened again with a new message"),
    "snoozed": N_("%(actor)s snoozed it until %(until)s"),
    "woken": N_("It woke up"),
    "labels": N_("%(actor)s changed the labels: %(labels)s"),
    "started": N_("%(actor)s wrote first"),
    "folded": N_("Two conversations became one"),
}

STATUS: Mapping[str, str] = {
    "open": N_("Open"),
    "bot": N_("With the bot"),
    "snoozed": N_("Snoozed"),
    "resolved": N_("Resolved"),
    "any": N_("All"),
}

SENDING: Mapping[str, str] = {
    "queued": N_("Waiting to be sent"),
    "sending": N_("Sending"),
    "sent": N_("Sent"),
    "delivered": N_("Delivered"),
    "read": N_("Read"),
    "failed": N_("Not sent"),
    "uncertain": N_("It is not known whether this arrived"),
    "cancelled": N_("Cancelled before it was sent"),
}

TEMPLATE_STATUS: Mapping[str, str] = {
    "approved": N_("Approved"),
    "pending": N_("In review"),
    "rejected": N_("Rejected"),
    "paused": N_("Paused"),
    "disabled": N_("Disabled"),
}

CATEGORIES: Mapping[str, str] = {
    "marketing": N_("Marketing"),
    "utility": N_("Utility"),
    "authentication": N_("Authentication"),
}

ROLES: Mapping[str, tuple[str, str]] = {
    "owner": (N_("Owner"), N_("Everything, connecting accounts and managing people included")),
    "supervisor": (N_("Supervisor"), N_("Answers, assigns, manages labels, looks after the operation")),
    "agent": (N_("Agent"), N_("Answers customers and edits their data")),
    "marketer": (N_("Marketer"), N_("Reads conversations, edits contacts; does not answer")),
}

SEES: Mapping[str, str] = {
    "all": N_("All conversations"),
    "team": N_("Those of their teams"),
    "own": N_("Only their own"),
}

PERMISSIONS: Mapping[str, str] = {
    "conversations.read": N_("Read conversations"),
    "conversations.reply": N_("Answer customers"),
    "conversations.assign": N_("Assign, resolve, snooze and label conversations"),
    "conversations.start": N_("Write first to a customer"),
    "notes.write": N_("Leave notes"),
    "contacts.read": N_("See contacts"),
    "contacts.write": N_("Change contacts"),
    "contacts.erase": N_("Erase a person and everything they said"),
    "templates.read": N_("See templates"),
    "labels.manage": N_("Create and change labels"),
    "team.read": N_("See colleagues and teams"),
    "people.manage": N_("Add people, change roles and teams"),
    "accounts.read": N_("See the connected accounts"),
    "accounts.manage": N_("Connect and change accounts"),
    "tokens.own": N_("Make API tokens for oneself"),
    "settings.read": N_("See the settings"),
    "operations": N_("Look after what was set aside"),
}

DONE: Mapping[str, str] = {
    "saved": N_("Saved."),
    "added": N_("Added."),
    "removed": N_("Removed."),
    "connected": N_("Connected."),
    "checked": N_("Checked just now."),
    "subscribed": N_("Subscribed: messages will arrive from now on."),
    "sent": N_("Sent."),
    "revoked": N_("Revoked: it works no longer."),
    "replayed": N_("Applied again."),
    "dropped": N_("Dropped."),
    "erased": N_("Erased for good."),
    "signed_out": N_("Signed out."),
    "deactivated": N_("Deactivated: this person cannot sign in any more."),
    "activated": N_("Active again."),
    "practice": N_("The practice channel is connected."),
    "synced": N_("Templates are up to date."),
    "password": N_("The password was changed. Other sessions were signed out."),
}


def say(table: Mapping[str, str], code: str | None, translate: Translate) -> str:
    """The sentence for a code; a code nobody wrote a sentence for is said as it is."""
    if not code:
        return ""
    found = table.get(code.lower())
    return translate(found) if found else code.replace("_", " ")


def channel_name(kind: str, translate: Translate) -> str:
    return translate(CHANNELS[kind]) if kind in CHANNELS else kind.capitalize()


def kind_of(last: Mapping[str, Any]) -> str:
    """The finest name of what was said: the kind of media, else the type of content."""
    kind = str(last.get("kind") or "")
    return kind if kind in KINDS else str(last.get("type") or "text")


def preview(last: Mapping[str, Any], translate: Translate) -> str:
    """A message in one line for a list: its words, else what it is."""
    if last.get("text"):
        return " ".join(str(last["text"]).split())
    named = KINDS.get(kind_of(last))
    return translate(named[0]) if named else ""


def preview_icon(last: Mapping[str, Any]) -> str:
    named = KINDS.get(kind_of(last))
    return named[1] if named else ""


def permission_rows(roles: Mapping[Any, Iterable[Any]], translate: Translate) -> list[dict[str, Any]]:
    """The role table as a page shows it: `{"permission", "text", "roles": {role: bool}}`."""
    allowed = {str(role): {str(permission) for permission in has} for role, has in roles.items()}
    every = sorted(set().union(*allowed.values()), key=lambda key: _place(key))
    return [
        {
            "permission": permission,
            "text": say(PERMISSIONS, permission, translate),
            "roles": {role: permission in has for role, has in allowed.items()},
        }
        for permission in every
    ]


def _place(permission: str) -> tuple[int, str]:
    known = list(PERMISSIONS)
    return (known.index(permission) if permission in known else len(known), permission)
