"""What somebody here wants to say, and the message document it becomes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from bot.content import Content, Emoji, plain_text
from bot.ids import AccountId, ContactId, ConversationId, IdentityId, MessageId, TeamId
from bot.records.ladder import RANK
from bot.records.messages import quote
from bot.records.search import words


@dataclass(frozen=True, slots=True)
class Author:
    kind: Literal["agent", "bot", "campaign"]
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Draft:
    """`reply_to` is our id of the message that is quoted, or that is reacted to: an `Emoji` needs no target of its
    own. `client_key` is any string its maker chooses: the same key again is the same message.
    """

    account: AccountId
    contact: ContactId
    identity: IdentityId
    content: Content
    author: Author
    conversation: ConversationId | None = None
    team: TeamId | None = None
    reply_to: MessageId | None = None
    client_key: str | None = None
    again_of: MessageId | None = None
    practice: bool = False


def document(
    draft: Draft,
    message_id: str,
    *,
    channel: str,
    quoted: Mapping[str, Any] | None,
    about: Mapping[str, Any] | None,
    media: Sequence[Mapping[str, Any]],
    now: datetime,
) -> dict[str, Any]:
    """Queued, with no platform id yet. `quoted` is the message that is answered, `about` what a reaction must
    know of the message it belongs to: its `id`, its `chat`, and the reaction it had `before`.
    """
    text = plain_text(draft.content)
    optional = {"client_key": draft.client_key, "again_of": draft.again_of, "about": about}
    return {
        "_id": message_id,
        "account": draft.account,
        "channel": channel,
        "chat": "",
        "contact": draft.contact,
        "identity": draft.identity,
        "conversation": draft.conversation,
        "team": draft.team,
        "direction": "out",
        "type": draft.content.type,
        "content": draft.content.model_dump(),
        "text": text,
        "words": words(text),
        "author": {"kind": draft.author.kind, "id": draft.author.id, "name": draft.author.name},
        "status": "queued",
        "rank": RANK["queued"],
        "times": {"queued": now},
        "error": None,
        "reply_to": quoted["platform_id"] if quoted else None,
        "quoted": quote(quoted) if quoted else None,
        "reactions": [],
        "media": list(media),
        "referral": None,
        "forwarded": False,
        "edits": [],
        "deleted_at": None,
        "group": None,
        "sent_at": now,
        "at": now,
        "arrived_at": now,
        "pricing": None,
        "album": None,
        "standby": False,
        "practice": draft.practice,
        "hidden": isinstance(draft.content, Emoji),
        **{key: value for key, value in optional.items() if value is not None},
    }
