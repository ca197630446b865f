"""What the API answers, shape by shape. Times are RFC 3339 in UTC; ids are 24 hexadecimal digits."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field

Item = TypeVar("Item")
Direction = Literal["in", "out"]
MessageType = Literal[
    "text", "image", "video", "audio", "voice", "document", "sticker", "location", "contacts", "buttons", "choice",
    "order", "form", "link", "template", "reaction", "system", "unsupported",
]  # fmt: skip
MessageStatus = Literal[
    "received", "queued", "sending", "sent", "delivered", "read", "failed", "uncertain", "cancelled"
]


@dataclass(frozen=True, slots=True)
class ListOf(Generic[Item]):
    items: list[Item]
    next: Annotated[str | None, Field(description="Give it as `cursor` to go on; null at the end.")] = None


@dataclass(frozen=True, slots=True)
class Somebody:
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class LastMessage:
    text: str
    direction: Direction
    at: datetime


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    status: Literal["open", "bot", "snoozed", "resolved"]
    contact: Somebody
    channel: Annotated[str, Field(description="The kind of account last used: `whatsapp` …")]
    account: Annotated[str | None, Field(description="The account last used.")]
    team: str | None
    assignee: Annotated[str | None, Field(description="The agent whose it is.")]
    labels: Annotated[list[str], Field(description="By name.")]
    last_message: LastMessage | None
    unread: int
    waiting_since: Annotated[datetime | None, Field(description="Since when they wait for an answer.")]
    window_closes_at: Annotated[
        datetime | None, Field(description="Until when free words may be sent; null where nothing limits them.")
    ]
    practice: Annotated[bool, Field(description="Of the practice channel: nobody real.")]
    snoozed_until: datetime | None
    resolved_at: datetime | None
    created_at: datetime
    at: Annotated[datetime, Field(description="When something last happened; lists are sorted by it.")]


@dataclass(frozen=True, slots=True)
class File:
    id: str
    type: Annotated[str, Field(description="`image`, `video`, `audio`, `voice`, `document`, `sticker`, `animation`")]
    name: str
    mime: str
    size: Annotated[int | None, Field(description="In bytes; null until it is known.")]
    state: Annotated[
        Literal["wanted", "fetching", "stored", "failed"], Field(description="`stored`: `url` answers with the file.")
    ]
    url: Annotated[str, Field(description="A path of this server, asked with the same token.")]


@dataclass(frozen=True, slots=True)
class Author:
    kind: Literal["contact", "agent", "bot", "campaign", "phone"]
    name: str
    id: str | None


@dataclass(frozen=True, slots=True)
class Problem:
    code: str
    message: Annotated[str, Field(description="What went wrong and what helps, for a person.")]


@dataclass(frozen=True, slots=True)
class Reaction:
    by: Literal["contact", "agent"]
    emoji: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    direction: Direction
    type: MessageType
    text: Annotated[str, Field(description="The words in it; empty when there are none.")]
    media: list[File]
    channel: str
    account: str
    platform_id: Annotated[str | None, Field(description="The platform's own id, once it has given one.")]
    reply_to: Annotated[str | None, Field(description="Id of the message it answers.")]
    author: Author
    status: MessageStatus
    error: Problem | None
    sent_at: Annotated[datetime, Field(description="When the platform says it was sent.")]
    conversation: str | None
    contact: str
    content: Annotated[dict[str, Any], Field(description="All of it, by kind: places, cards, buttons, answers …")]
    reactions: list[Reaction]
    edited: bool
    deleted: bool


@dataclass(frozen=True, slots=True)
class Sent(Message):
    further: Annotated[
        list[str], Field(description="Ids of further messages, where one could not hold it all.")
    ] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Started(Conversation):
    message: Message


@dataclass(frozen=True, slots=True)
class Upload:
    id: str
    type: Annotated[str, Field(description="As what it would be sent: `image`, `document` …")]
    name: str
    mime: str
    size: int
    url: str


@dataclass(frozen=True, slots=True)
class Note:
    id: str
    conversation: str
    author: Somebody
    text: str
    mentions: list[str]
    at: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    id: str
    kind: str
    scope: str
    value: Annotated[str, Field(description="The address as it is kept: a phone in its one folded form.")]
    account: Annotated[str | None, Field(description="The account that met it first.")]


@dataclass(frozen=True, slots=True)
class Contact:
    id: str
    name: str
    phone: str
    email: str
    identities: list[Identity]
    fields: dict[str, Any]
    tags: list[str]
    owner: str | None
    consent: dict[str, Any]
    language: str
    country: str
    blocked: bool
    practice: bool
    first_heard_at: datetime | None
    last_heard_at: datetime | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of an erasure. It holds nothing of the person but the id they had here."""

    id: str
    contact: str
    erased_at: datetime
    by: Somebody
    counts: Annotated[dict[str, int], Field(description="How much of what was erased.")]


@dataclass(frozen=True, slots=True)
class Colleague:
    id: str
    name: str
    email: str
    role: str
    teams: list[str]
    active: bool


@dataclass(frozen=True, slots=True)
class Label:
    id: str
    name: str
    colour: str


@dataclass(frozen=True, slots=True)
class AccountItem:
    id: str
    kind: str
    name: str
    team: str | None
    state: Annotated[Literal["active", "broken", "off"], Field(description="`broken`: what is written to it waits.")]
    problem: Problem | None
    practice: bool
    external_id: Annotated[str, Field(description="The platform's id of it: phone number id, page id, bot id.")]


@dataclass(frozen=True, slots=True)
class Template:
    id: str
    accounts: Annotated[list[str], Field(description="The accounts that may send it.")]
    name: str
    language: str
    category: str
    status: str
    quality: str
    reason: str
    header: str
    header_kind: str
    body: str
    footer: str
    buttons: list[dict[str, Any]]
    variables: Annotated[list[str], Field(description="The places to fill, as `variables` of a template wants them.")]


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """Beside these two there may be fields that belong to the code."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Error:
    error: ErrorDetail
