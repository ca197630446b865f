"""What a person does with their phone. Each platform tells it in its own words."""

import base64
import binascii
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from bot.content import MediaKind
from bot.sandbox.world.samples import SAMPLES
from bot.sandbox.world.trouble import Strict

MAX_MEDIA_BYTES = 100 * 2**20
MIMES: dict[str, str] = {
    "image": "image/jpeg",
    "video": "video/mp4",
    "audio": "audio/mpeg",
    "voice": "audio/ogg; codecs=opus",
    "document": "application/pdf",
    "sticker": "image/webp",
    "animation": "video/mp4",
}


class Picture(Strict):
    """A file they send: `data` in base64, or the name of a built-in `sample`."""

    kind: MediaKind = "image"
    data: str = ""
    sample: str = ""
    name: str = ""
    mime: str = ""
    caption: str = ""
    seconds: int = 0

    @model_validator(mode="after")
    def _has_bytes(self) -> Self:
        if self.sample and self.sample not in SAMPLES:
            raise ValueError(f"there is no sample {self.sample!r}; there are {', '.join(SAMPLES)}")
        if not self.sample and not self.data:
            raise ValueError("media needs data (base64) or the name of a sample")
        return self

    @field_validator("data")
    @classmethod
    def _is_base64(cls, data: str) -> str:
        try:
            size = len(base64.b64decode(data, validate=True))
        except binascii.Error as error:
            raise ValueError("data must be base64") from error
        if size > MAX_MEDIA_BYTES:
            raise ValueError("the file is larger than 100 MB")
        return data

    def read(self) -> bytes:
        return SAMPLES[self.sample].read() if self.sample else base64.b64decode(self.data)

    def type(self) -> str:
        if self.mime:
            return self.mime
        return SAMPLES[self.sample].mime if self.sample else MIMES[self.kind]

    def title(self) -> str:
        return self.name or (SAMPLES[self.sample].name if self.sample else "")


class Place(Strict):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    name: str = ""
    address: str = ""


class Contact(Strict):
    name: str
    phones: tuple[str, ...] = ()
    company: str = ""


class Press(Strict):
    """`message` is the platform id of what the company sent, `button` the id of one of its choices."""

    message: str
    button: str


class Reaction(Strict):
    """An empty `emoji` takes the reaction back."""

    message: str
    emoji: str = ""


class Edit(Strict):
    message: str
    text: str


class Act(Strict):
    """Exactly one thing. `raw` is a message (WhatsApp, Telegram) or a messaging event (Messenger) to be told as it is,
    with ids and times filled in: for kinds a person cannot make on this phone.

    `at` (seconds since 1970) dates it back; without it, now. `from_company` makes it a message which somebody of the
    company wrote on a phone or in the platform's own inbox.
    """

    text: str | None = Field(default=None, max_length=65_536)
    media: Picture | None = None
    location: Place | None = None
    contact: Contact | None = None
    press: Press | None = None
    react: Reaction | None = None
    edit: Edit | None = None
    delete: str | None = None
    raw: dict[str, Any] | None = None
    reply_to: str | None = None
    forwarded: bool = False
    referral: dict[str, Any] | None = None
    from_company: bool = False
    at: float | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        things = [name for name in THINGS if getattr(self, name) is not None]
        if len(things) != 1:
            raise ValueError(f"say exactly one of {', '.join(THINGS)}")
        return self

    @property
    def thing(self) -> str:
        return next(name for name in THINGS if getattr(self, name) is not None)


THINGS = ("text", "media", "location", "contact", "press", "react", "edit", "delete", "raw")
