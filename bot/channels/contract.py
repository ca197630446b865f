"""What a channel is. Everything above speaks these words only and never asks which channel it is."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from bot.content import Content

IdentityKind = Literal["phone", "whatsapp", "telegram", "messenger"]
EVERYWHERE = "everywhere"


@dataclass(frozen=True, slots=True)
class Address:
    """One address of a person. `value` is the canonical form that is unique; `reach` is what the platform wants.

    A phone's `value` is folded by `bot.phones.fold` (national variants of one number are one value), its
    `reach` the digits exactly as the platform or the agent gave them.
    """

    kind: IdentityKind
    scope: str
    value: str
    reach: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """The person: addresses in order of trust (WhatsApp: business-scoped user id first, phone second).

    In a message that went out (an echo) it is still the person, not the account.
    """

    addresses: tuple[Address, ...]
    name: str = ""
    username: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class MediaRef:
    """Where the platform keeps a file. `url` may live minutes only (WhatsApp: five)."""

    id: str = ""
    url: str = ""
    mime: str = ""
    sha256: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a platform did not deliver: its code, our sentence (a translation key), and what to do about it."""

    code: str
    message: str
    remedy: Literal["later", "rejected", "gone", "broken", "window", "optout", "uncertain"]
    detail: str = ""


# --- what platforms tell us -------------------------------------------------------------------------------------------
# `account` is the platform's id of the account (phone number id, page id, bot id). `chat` is "" where platform ids are
# unique in the account, else the chat. All times are aware UTC datetimes.


@dataclass(frozen=True, slots=True)
class Said:
    """A message passed: in from a person, or out by somebody outside Bandeja (`direction="out"`, an echo).

    Inbound with `opens_window=False` was not said just now (imported history) or by nobody (a system
    message): it is shown, and neither counts as unread nor wakes anybody.
    """

    account: str
    chat: str
    platform_id: str
    sender: Sender
    content: Content
    sent_at: datetime
    direction: Literal["in", "out"] = "in"
    author: Literal["contact", "phone", "bot"] = "contact"
    media: tuple[MediaRef, ...] = ()
    reply_to: str | None = None
    referral: Mapping[str, Any] | None = None
    forwarded: bool = False
    group: str | None = None
    group_title: str = ""
    callback: str | None = None
    opens_window: bool = True
    standby: bool = False
    album: str | None = None
    acknowledge: str | None = None
    raw: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Climbed:
    """A status of something we sent. `callback` is the id of our message where the platform gives it back."""

    account: str
    chat: str
    platform_id: str
    status: Literal["sent", "delivered", "read", "failed"]
    at: datetime
    callback: str | None = None
    failure: Failure | None = None
    pricing: Mapping[str, Any] | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class ClimbedUpTo:
    """Everything we sent to this person until `at` has reached `status` (Messenger's watermarks)."""

    account: str
    address: Address
    status: Literal["delivered", "read"]
    at: datetime


@dataclass(frozen=True, slots=True)
class Reacted:
    """`emoji` None takes the reaction back. `target` is the platform id of the message it belongs to."""

    account: str
    chat: str
    target: str
    sender: Sender
    emoji: str | None
    at: datetime
    direction: Literal["in", "out"] = "in"
    opens_window: bool = False


@dataclass(frozen=True, slots=True)
class Edited:
    """Their message `target` now reads `content`. `media` is the file it now carries (Telegram lets people swap it)."""

    account: str
    chat: str
    target: str
    content: Content
    at: datetime
    number: int = 0
    media: tuple[MediaRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Deleted:
    account: str
    chat: str
    target: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Moved:
    """A person's number or id changed: `new` now belongs to whoever had `old`."""

    account: str
    old: tuple[Address, ...]
    new: tuple[Address, ...]
    at: datetime
    said: Said | None = None


@dataclass(frozen=True, slots=True)
class Reachable:
    """The person blocked the account (`reachable=False`) or can be written to again."""

    account: str
    address: Address
    reachable: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class PhoneShared:
    """The platform vouches that this phone is the sender's own."""

    account: str
    sender: Sender
    phone: Address
    at: datetime


@dataclass(frozen=True, slots=True)
class Preference:
    """The platform's own marketing switch, turned by the person."""

    account: str
    sender: Sender
    marketing: Literal["stop", "resume"]
    at: datetime


@dataclass(frozen=True, slots=True)
class TemplateChanged:
    """News of one template. `scope` is the platform's owner of templates (WhatsApp Business account id, page id)."""

    scope: str
    platform_id: str
    name: str
    language: str
    at: datetime
    status: str | None = None
    reason: str | None = None
    quality: str | None = None
    category: str | None = None
    resync: bool = False


@dataclass(frozen=True, slots=True)
class AccountNotice:
    """Something happened to the account itself: quality, limits, restriction, disconnection, a policy warning.

    Matched by `account`, else by `scope` (WhatsApp Business account id). `broken` None leaves the state as it is.
    """

    account: str
    scope: str
    kind: str
    severity: Literal["info", "warning", "critical"]
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    broken: bool | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """Understood and of no consequence (a test event, a typing sign). Counted, nothing else."""

    account: str
    kind: str


@dataclass(frozen=True, slots=True)
class Unrecognised:
    """An update of a kind or shape this program does not know; it is set aside with `reason` and can be replayed."""

    account: str
    kind: str
    reason: str
    raw: Any


Inbound = (
    Said
    | Climbed
    | ClimbedUpTo
    | Reacted
    | Edited
    | Deleted
    | Moved
    | Reachable
    | PhoneShared
    | Preference
    | TemplateChanged
    | AccountNotice
    | Ignored
    | Unrecognised
)


# --- what we tell platforms -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Account:
    """A connected account as a channel sees it. `secrets` are open here: never log or store this object."""

    id: str
    kind: str
    external_id: str
    scope: str
    api_url: str
    secrets: Mapping[str, str] = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)


class Attachment(Protocol):
    """A file of ours to be sent: read as often as needed."""

    name: str
    mime: str
    size: int

    def chunks(self) -> AsyncIterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class Outbound:
    """One thing to send. `callback` is our message id; `human` says a person wrote it (Messenger's human-agent tag).

    `heard_at` is when the person last wrote to this account by this address: the service window counts from it.
    """

    callback: str
    to: tuple[Address, ...]
    content: Content
    reply_to: str | None = None
    attachment: Attachment | None = None
    human: bool = True
    heard_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Accepted by the platform. Several ids where one message had to be split; the first is the message's own.

    `aliases` are addresses the platform told us about (WhatsApp answers with the real number).
    """

    platform_ids: tuple[str, ...]
    chat: str = ""
    aliases: tuple[Address, ...] = ()
    held: bool = False


@dataclass(frozen=True, slots=True)
class Signal:
    """Mark as read, show typing, acknowledge a button press. Never worth failing for.

    `target` is the platform id of their newest message (or the acknowledge token).
    """

    kind: Literal["read", "typing", "acknowledge"]
    to: tuple[Address, ...]
    target: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """May this be sent now? `code` is e.g. window_closed; `message` a translation key with `fields`."""

    allowed: bool
    code: str = ""
    message: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Window:
    """How free-form messages are limited. `closes_at` None: no limit applies.

    `human_until`: after `closes_at` a person (never a bot) may still answer until then (Messenger's human-agent tag).
    """

    is_open: bool
    closes_at: datetime | None = None
    human_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a channel accepts, shown to people before they try. Sizes in bytes, lengths in characters.

    `reaches` are the kinds of address it can write to, the preferred one first. `free_a_month` is how many answers the
    platform delivers without charge, per account and calendar month (those whose `pricing` has the category "service");
    0 where it never charges. `hook_per_account`
    says that updates do not name their account, so that each account has a webhook address of its own.
    """

    text: int
    caption: int
    buttons: int
    button_title: int
    media_bytes: Mapping[str, int]
    mimes: Mapping[str, tuple[str, ...]]
    per_second: float
    per_person_seconds: float
    person_burst: int = 1
    voice_mime: str = "audio/ogg"
    can_quote: bool = True
    can_react: bool = True
    can_typing: bool = True
    can_mark_read: bool = True
    can_read_receipts: bool = True
    can_write_first: Literal["template", "never", "always"] = "never"
    settles_by: Literal["status", "echo", "nothing"] = "nothing"
    reaches: tuple[IdentityKind, ...] = ()
    free_a_month: int = 0
    hook_per_account: bool = False
    can_poll: bool = False


@dataclass(frozen=True, slots=True)
class Health:
    """What a check of the credentials found. `missing` are sentences (translation keys): what is still to be done."""

    name: str
    details: Mapping[str, str] = field(default_factory=dict)
    subscribed: bool | None = None
    missing: tuple[str, ...] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A template as the platform has it. `components` in the platform-neutral form of `bot.records.templates`."""

    platform_id: str
    name: str
    language: str
    category: str
    status: str
    header: str = ""
    header_kind: Literal["", "text", "image", "video", "document", "location"] = ""
    body: str = ""
    footer: str = ""
    buttons: tuple[Mapping[str, str], ...] = ()
    variables: tuple[str, ...] = ()
    quality: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An open download. Iterate `chunks` once; size and type are the platform's claims, not to be trusted."""

    mime: str
    size: int | None
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Poll:
    """What a poll brought: raw updates, and the cursor to ask with next once they are stored."""

    updates: tuple[bytes, ...]
    cursor: int


# --- what can go wrong, named by the remedy ---------------------------------------------------------------------------


class NotFromPlatform(Exception):
    """The signature or secret is missing or wrong."""


class Malformed(Exception):
    """Not JSON, or not an envelope of this platform at all."""


class SendProblem(Exception):
    """A send that was not accepted. `message` is a sentence for the agent (translation key), `code` the platform's."""

    def __init__(self, code: str, message: str, *, detail: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.detail = code, message, detail


class TryLater(SendProblem):
    """Nothing was sent; `after` says when to try again, `whole_account` whether others must wait too."""

    def __init__(
        self, code: str, message: str, *, after: timedelta, whole_account: bool = False, detail: str = ""
    ) -> None:
        super().__init__(code, message, detail=detail)
        self.after, self.whole_account = after, whole_account


class Rejected(SendProblem):
    """This message will never be accepted as it is. `window` says that the service window is shut."""

    def __init__(self, code: str, message: str, *, detail: str = "", window: bool = False) -> None:
        super().__init__(code, message, detail=detail)
        self.window = window


class PersonGone(SendProblem):
    """This person cannot be reached by this address any more."""


class AccountBroken(SendProblem):
    """The account cannot send until a person mends it (token, payment, restriction). Nothing was sent."""


class Uncertain(SendProblem):
    """The request left and no answer tells what became of it. `settled_parts` ids were accepted before."""

    def __init__(self, code: str, message: str, *, detail: str = "", settled_parts: tuple[str, ...] = ()) -> None:
        super().__init__(code, message, detail=detail)
        self.settled_parts = settled_parts


class FetchProblem(Exception):
    """A file could not be fetched. `final` says that trying again is useless; `message` is a translation key."""

    def __init__(self, code: str, message: str, *, final: bool = False) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.final = code, message, final


class PollLost(Exception):
    """Somebody else receives this account's updates: another poller, or a webhook that is set (`webhook`)."""

    def __init__(self, *, webhook: bool) -> None:
        super().__init__("a webhook is set" if webhook else "another poller asks for these updates")
        self.webhook = webhook


# --- the channel itself -----------------------------------------------------------------------------------------------


class Channel(Protocol):
    """One instance per process; stateless about accounts, which come as arguments."""

    kind: str
    limits: Limits

    def handshake(self, query: Mapping[str, str], tokens: list[str]) -> str | None:
        """The challenge to answer with when the verify token is one of `tokens`, else None."""
        ...

    def verify(self, headers: Mapping[str, str], raw: bytes, secrets: list[str]) -> None:
        """Constant-time check of the raw bytes against any of `secrets`. Raises NotFromPlatform."""
        ...

    def envelope(self, raw: bytes) -> None:
        """Cheap check that this is JSON of this platform's kind. Raises Malformed."""
        ...

    def read(
        self, raw: bytes, account: str = "", scopes: Mapping[str, str] | None = None, *, now: datetime
    ) -> list[Inbound]:
        """Pure. Every entry, change and message of the body in order; what is not understood becomes Unrecognised.

        `account` is the external id for platforms whose bodies do not name it (Telegram). `scopes` maps the
        platform's account id to the identity scope (WhatsApp: portfolio, else business account).
        `now` is when it arrived: it stands in for a time that is missing or absurd.
        """
        ...

    def window(self, heard_at: datetime | None, now: datetime) -> Window: ...

    def allows(self, content: Content, heard_at: datetime | None, now: datetime, *, human: bool) -> Verdict: ...

    async def send(self, account: Account, outbound: Outbound) -> Receipt:
        """Raises a SendProblem. Returns only when the platform has accepted."""
        ...

    async def signal(self, account: Account, signal: Signal) -> None:
        """Best effort; raises nothing."""
        ...

    async def fetch(self, account: Account, ref: MediaRef) -> Fetched:
        """Raises FetchProblem. Only the platform's own hosts (and api_url's host) are asked."""
        ...

    async def profile(self, account: Account, address: Address) -> Sender | None:
        """The person's name, where messages do not carry it (Messenger); None when there is none to see.

        Best effort; raises nothing.
        """
        ...

    async def check(self, account: Account) -> Health:
        """Ask the platform who this is. Raises AccountBroken with a sentence when the credentials do not work,
        TryLater when the platform cannot be asked now.
        """
        ...

    async def subscribe(self, account: Account, hook_url: str) -> None:
        """Make the platform send us updates, where its API allows it. Raises AccountBroken or Rejected."""
        ...

    async def templates(self, account: Account) -> list[Template]:
        """All templates of the account; empty where the platform has none."""
        ...

    async def poll(self, account: Account, cursor: int) -> Poll | None:
        """Long-poll for updates after `cursor`; None where the platform only pushes.

        Raises PollLost, TryLater or AccountBroken; what was not returned is asked for again.
        """
        ...

    async def close(self) -> None: ...
