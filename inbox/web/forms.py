"""What pages post, one model a form. Lengths are generous; the rules themselves live with the actions."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from inbox.people import Numbers, Role, Sees

Id = Annotated[str, Field(pattern=r"^[0-9a-f]{24}$")]
MaybeId = Annotated[str, Field(pattern=r"^([0-9a-f]{24})?$")]


class Posted(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Reply(Posted):
    """`media` are ids of uploads; `voice` says that the first is a voice note."""

    text: str = Field(default="", max_length=40_000)
    client_key: str = Field(default="", max_length=64)
    account: MaybeId = ""
    identity: MaybeId = ""
    reply_to: MaybeId = ""
    last_seen: MaybeId = ""
    media: list[Id] = Field(default_factory=list, max_length=10)
    voice: bool = False
    template: MaybeId = ""
    header_media: MaybeId = ""


class NewConversation(Reply):
    contact: MaybeId = ""
    to: str = Field(default="", max_length=60)


class NoteForm(Posted):
    text: str = Field(max_length=20_000)
    mentions: list[Id] = Field(default_factory=list, max_length=50)
    client_key: str = Field(default="", max_length=64)


class Draft(Posted):
    kind: Literal["reply", "note"]
    text: str = Field(default="", max_length=40_000)


class Assign(Posted):
    agent: str = Field(default="", pattern=r"^([0-9a-f]{24}|me|none)?$")
    team: MaybeId = ""


class Snooze(Posted):
    until: str = Field(max_length=40)


class Labels(Posted):
    label: list[Id] = Field(default_factory=list, max_length=50)


class LabelForm(Posted):
    name: str = Field(max_length=200)
    colour: str = "grey"


class Settle(Posted):
    outcome: Literal["sent", "again"]


class React(Posted):
    emoji: str = Field(default="", max_length=32)


class Profile(Posted):
    name: str = Field(max_length=80)
    language: Literal["", "es", "en", "pt"] = ""
    theme: Literal["auto", "light", "dark"] = "auto"
    enter: bool = False
    sound: bool = False
    keys: bool = False


class NewPassword(Posted):
    current: str = Field(default="", max_length=1000)
    password: str = Field(max_length=1000)


class PersonForm(Posted):
    name: str = Field(max_length=80)
    email: str = Field(max_length=254)
    role: Role
    teams: list[Id] = Field(default_factory=list, max_length=50)
    sees: Sees = "all"
    numbers: Numbers = "whole"


class NameForm(Posted):
    name: str = Field(max_length=200)
