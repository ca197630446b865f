"""What may be asked: the bodies and queries of the API. The OpenAPI document is made from these very models."""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints, model_validator

from inbox.api.reading import Body, Query

LIMIT, MOST = 50, 200
_ID = "6920a1f4c3b7e85d90f1a234"

Limit = Annotated[int, Field(ge=1, le=MOST, description="How many items at most.")]
Cursor = Annotated[str, Field(max_length=300, description="`next` of the page before.")]
Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
Long = Annotated[str, StringConstraints(max_length=20_000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
# Keys become names inside documents, where dots and dollars mean something else.
FieldName = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^.$\x00][^.\x00]{0,59}$")]
FieldValue = Annotated[str, StringConstraints(max_length=2000)]
Tags = Annotated[list[Word], Field(max_length=100)]


class Paging(Query):
    limit: Limit = LIMIT
    cursor: Cursor | None = None


class ConversationsQuery(Paging):
    status: Annotated[
        Literal["open", "bot", "snoozed", "resolved"] | None,
        Field(description="All where it is missing. `open` means work to do: those that a bot holds are among them."),
    ] = None
    assignee: Annotated[Id | None, Field(description="An agent's id, `me`, or `none`.")] = None
    team: Id | None = None
    account: Id | None = None
    channel: Annotated[Id | None, Field(description="The kind of account last used: `whatsapp` …")] = None
    label: Annotated[Word | None, Field(description="A label's name or id.")] = None
    q: Annotated[
        Annotated[str, StringConstraints(max_length=200)] | None,
        Field(description="Words of names or messages, a piece of a number; among very many matches the newest only."),
    ] = None


class ContactsQuery(Paging):
    q: Annotated[
        Annotated[str, StringConstraints(max_length=200)] | None,
        Field(description="Beginnings of names or e-mail addresses, any piece of a phone number."),
    ] = None
    tag: Word | None = None


class TemplatesQuery(Paging):
    account: Id | None = None
    name: Word | None = None
    status: Annotated[Word | None, Field(description="As the platform says it: `APPROVED`, `PENDING` …")] = None


class FileQuery(Query):
    download: Annotated[str, Field(description="Anything: as a download, even where it could be shown.")] = ""


class TemplateBody(Body):
    name: Annotated[str, StringConstraints(min_length=1, max_length=512)]
    language: Annotated[str, StringConstraints(min_length=1, max_length=20)]
    variables: Annotated[
        dict[str, str], Field(description="By place: `header`, `body.1` or `body.name`, `button.0` …")
    ] = {}
    header_media: Annotated[Id | None, Field(description="Upload id of the picture, film or file at the top.")] = None


class Words(Body):
    """What can be said: words, a template, files."""

    text: Long | None = None
    template: TemplateBody | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if self.template and self.text:
            raise ValueError("give text or template, not both")
        return self

    @property
    def words(self) -> str:
        return (self.text or "").strip() and (self.text or "")


class SendBody(Words):
    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "Sí, la tenemos en azul.", "last_seen": _ID}]})

    media: Annotated[
        Id | Annotated[list[Id], Field(max_length=10)] | None,
        Field(description="Upload id, or several; `text` is then the caption of the first."),
    ] = None
    voice: Annotated[bool, Field(description="Send a sound as a voice note.")] = False
    account: Annotated[Id | None, Field(description="Where it is missing: by which the person last wrote.")] = None
    reply_to: Annotated[Id | None, Field(description="Id of the message this answers.")] = None
    last_seen: Annotated[
        Id | None, Field(description="Id of the newest message you know of: refused when there is a newer one.")
    ] = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.template and self.media:
            raise ValueError("give media or template, not both; a template takes its file as header_media")
        if not (self.words or self.template or self.media):
            raise ValueError("one of text, template and media is needed")
        return self

    @property
    def files(self) -> tuple[str, ...]:
        if self.media is None:
            return ()
        return (self.media,) if isinstance(self.media, str) else tuple(self.media)


class StartBody(Words):
    model_config = ConfigDict(
        json_schema_extra={"examples": [
            {
                "account": _ID,
                "to": "+573001112233",
                "template": {"name": "pedido_listo", "language": "es", "variables": {"body.1": "Ana"}},
            }
        ]}
    )  # fmt: skip

    contact: Id | None = None
    account: Annotated[Id | None, Field(description="Needed with `to`.")] = None
    to: Annotated[
        Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] | None,
        Field(description="A phone number with country code."),
    ] = None

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if bool(self.contact) == bool(self.to):
            raise ValueError("give contact, or account and to")
        if self.to and not self.account:
            raise ValueError("with to, account is needed")
        if not (self.words or self.template):
            raise ValueError("one of text and template is needed")
        return self


class NoteBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "Pide factura. @Luis, ¿la haces tú?"}]})

    text: Annotated[str, StringConstraints(max_length=5000)]
    mentions: Annotated[list[Id], Field(max_length=50, description="Ids of agents; @Name in the text counts too.")] = []


class AssignBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"agent": "me"}]})

    agent: Annotated[Id | None, Field(description="An agent's id or `me`; null for nobody.")] = None
    team: Id | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if len(self.model_fields_set) != 1 or (self.team is None and "team" in self.model_fields_set):
            raise ValueError("give agent or team")
        return self


class SnoozeBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"until": "2026-11-23T09:00:00-05:00"}]})

    until: Annotated[AwareDatetime, Field(description="With a time zone, within the next year.")]


class LabelsBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"labels": ["pedido", "mayorista"]}]})

    labels: Annotated[list[Word], Field(max_length=50, description="The whole set, by name or id.")]


class ContactBody(Body):
    """What the company knows of a person. `fields` are merged, null forgets one; `tags` are the whole set."""

    name: Name | None = None
    phone: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)] | None = None
    email: Annotated[str, StringConstraints(strip_whitespace=True, max_length=254)] | None = None
    fields: Annotated[dict[FieldName, FieldValue | None], Field(max_length=100)] = {}
    tags: Tags = []
    owner: Annotated[Id | None, Field(description="The agent this person belongs to.")] = None
    language: Annotated[str, StringConstraints(pattern=r"^([a-z]{2,3}([-_][A-Za-z]{2,4})?)?$")] = ""
    country: Annotated[str, StringConstraints(pattern=r"^([A-Z]{2})?$")] = ""


class NewContactBody(ContactBody):
    model_config = ConfigDict(
        json_schema_extra={"examples": [
            {"name": "Ana Rojas", "phone": "+573001112233", "fields": {"ciudad": "Cali"}, "tags": ["mayorista"]}
        ]}
    )  # fmt: skip

    @model_validator(mode="after")
    def _is_somebody(self) -> Self:
        if not (self.name or self.phone or self.email):
            raise ValueError("one of name, phone and email is needed")
        return self


class ChangeContactBody(ContactBody):
    """Only what is given is changed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ana@sol.example", "fields": {"zip": None}}]})

