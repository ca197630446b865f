"""What can be said, the same on every channel. One tagged union; a new kind of message is one new class here."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

MediaKind = Literal["image", "video", "audio", "voice", "document", "sticker", "animation"]


def _of_the_web(url: str) -> str:
    return url if url.lower().startswith(("https://", "http://")) else ""


# What is no address of the web ("javascript:…") becomes none: people will press it.
WebAddress = Annotated[str, AfterValidator(_of_the_web)]


class Piece(BaseModel):
    """Frozen, and unknown keys are dropped: a stored document may be older or newer than this program."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Text(Piece):
    type: Literal["text"] = "text"
    text: str


class Media(Piece):
    """A picture, sound, film or file. `media` is the id of our own media record, set once it exists."""

    type: Literal["media"] = "media"
    kind: MediaKind
    media: str | None = None
    caption: str = ""
    name: str = ""
    mime: str = ""
    size: int | None = None
    seconds: float | None = None


class Location(Piece):
    type: Literal["location"] = "location"
    latitude: float
    longitude: float
    name: str = ""
    address: str = ""
    url: WebAddress = ""


class Card(Piece):
    name: str = ""
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    company: str = ""


class Cards(Piece):
    """Contact cards. `own` is true when the platform vouches that the card is the sender's own."""

    type: Literal["cards"] = "cards"
    cards: tuple[Card, ...]
    own: bool = False


class Button(Piece):
    id: str
    title: str
    description: str = ""
    url: WebAddress = ""


class Buttons(Piece):
    """A text with choices below it. `menu` is the word on the list's opener where the channel draws a list."""

    type: Literal["buttons"] = "buttons"
    text: str
    buttons: tuple[Button, ...]
    footer: str = ""
    menu: str = ""


class Choice(Piece):
    """A person pressed a button, chose a list row or used a quick reply. `target` is the platform id it belongs to."""

    type: Literal["choice"] = "choice"
    id: str
    title: str
    target: str | None = None


class Form(Piece):
    """The answers of a form (a WhatsApp flow, an address form): whatever JSON the platform gave."""

    type: Literal["form"] = "form"
    name: str = ""
    answers: Any = None


class OrderItem(Piece):
    product: str
    quantity: float
    price: float | None = None
    currency: str = ""


class Order(Piece):
    type: Literal["order"] = "order"
    items: tuple[OrderItem, ...]
    text: str = ""
    catalog: str = ""


class Link(Piece):
    """A shared link, post, reel or product."""

    type: Literal["link"] = "link"
    url: WebAddress = ""
    title: str = ""


class TemplateUse(Piece):
    """A template approved by the platform, filled. `text` is how it reads, for the thread.

    `variables` are keyed `header`, `body.1`, `body.NAME`, `button.0` …; `header_media` is the id of a media record.
    """

    type: Literal["template"] = "template"
    name: str
    language: str
    variables: dict[str, str] = Field(default_factory=dict)
    header_media: str | None = None
    text: str = ""


class Emoji(Piece):
    """Our reaction to their message `target` (a platform id); empty `emoji` takes it back."""

    type: Literal["emoji"] = "emoji"
    target: str
    emoji: str


class System(Piece):
    """What the platform tells about the person, in the thread but not said by anybody."""

    type: Literal["system"] = "system"
    kind: str
    text: str = ""


class Unsupported(Piece):
    """Something Bandeja cannot show yet; the raw update is kept beside the message for a later program."""

    type: Literal["unsupported"] = "unsupported"
    kind: str = ""
    reason: str = ""


Content = Annotated[
    Text
    | Media
    | Location
    | Cards
    | Buttons
    | Choice
    | Form
    | Order
    | Link
    | TemplateUse
    | Emoji
    | System
    | Unsupported,
    Field(discriminator="type"),
]

CONTENT: TypeAdapter[Content] = TypeAdapter(Content)


def read_content(stored: dict[str, Any]) -> Content:
    """A stored `content` document as its class. Raises `pydantic.ValidationError` on an unknown type."""
    return CONTENT.validate_python(stored)


def plain_text(content: Content) -> str:
    """The words in it, for the list's preview and for search; empty when there are none."""
    match content:
        case Text() | Buttons() | TemplateUse() | System():
            return content.text
        case Media():
            return content.caption or content.name
        case Location():
            return " ".join(filter(None, (content.name, content.address)))
        case Cards():
            return ", ".join(card.name for card in content.cards if card.name)
        case Choice() | Link():
            return content.title
        case Order():
            return content.text
        case _:
            return ""
