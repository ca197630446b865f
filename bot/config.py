"""What `config.toml` may say. Read once at the start: flags win over `BANDEJA_SECTION__KEY`, which wins
over the file.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict, SettingsError
from pydantic_settings.sources import TomlConfigSettingsSource

FILE_NAME = "config.toml"
# pydantic's words where a person who never heard of it would not understand them.
REASONS = {
    "missing": "is missing",
    "model_type": "must be a section with keys",
    "model_attributes_type": "must be a section with keys",
    "tuple_type": "must be a list",
    "path_type": "must be a path in quotes",
    "union_tag_not_found": "kind is missing",
    "union_tag_invalid": 'kind = "{tag}" is none of {expected_tags}',
    "ip_any_network": 'must be a network like "10.0.0.0/8"',
    "string_pattern_mismatch": "does not look right; it must match {pattern}",
}
PREFIX, SEPARATOR = "BANDEJA_", "__"


class ConfigError(Exception):
    """One sentence that says what to change, and where."""


class MissingSecret(Exception):
    """One sentence: which account is off, for want of which environment variables."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Server(Section):
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    public_url: str = ""
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^/\s]+/?", value):
            raise ValueError('must look like "https://inbox.example.org", without a path')
        return value.rstrip("/")


class MongoDB(Section):
    uri: str = Field(default="embedded", repr=False)
    database: str = Field(default="bandeja", pattern=r"^[A-Za-z0-9_-]{1,38}$")
    cache_gb: float = Field(default=0.25, ge=0.25, le=1024)

    @field_validator("uri")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value != "embedded" and not value.startswith(("mongodb://", "mongodb+srv://")):
            raise ValueError('must be "embedded" or begin with mongodb:// or mongodb+srv://')
        return value

    @property
    def embedded(self) -> bool:
        return self.uri == "embedded"


class Data(Section):
    directory: Path = Path("data")
    reserve_mb: int = Field(default=500, ge=0)


class Journal(Section):
    keep_days: int = Field(default=7, ge=1, le=3650)


class Inbox(Section):
    language: Literal["en", "es", "pt"] = "en"
    country: str = Field(default="", pattern=r"^([A-Z]{2})?$")
    reopen_hours: float = Field(default=24, ge=0, le=24 * 365)


class Sandbox(Section):
    port: int = Field(default=8090, ge=0, le=65535)


EnvironmentName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
NonEmpty = Annotated[str, Field(min_length=1)]


class AccountTable(Section):
    """What every kind of account has. `api_url` "" is the platform's own address."""

    name: NonEmpty
    team: str = ""
    api_url: str = Field(default="", pattern=r"^(https?://\S+)?$")

    def missing(self, environ: Mapping[str, str]) -> str:
        """Why this account is off, empty when it is not."""
        try:
            self.secrets(environ)
        except MissingSecret as reason:
            return str(reason)
        return ""

    def secrets(self, environ: Mapping[str, str]) -> dict[str, str]:
        """By name without `_env`, for instance `access_token`. Raises MissingSecret, which disables this
        account only.
        """
        names = {key: getattr(self, key) for key in type(self).model_fields if key.endswith("_env")}
        missing = [name for name in names.values() if not environ.get(name)]
        if missing:
            raise MissingSecret(f'Account "{self.name}" is off: {_is_not_set(missing)}.')
        return {key.removesuffix("_env"): environ[name] for key, name in names.items()}


class MetaAccount(AccountTable):
    access_token_env: EnvironmentName
    app_secret_env: EnvironmentName
    verify_token_env: EnvironmentName


class WhatsAppAccount(MetaAccount):
    kind: Literal["whatsapp"]
    phone_number_id: NonEmpty
    business_account_id: NonEmpty
    portfolio_id: str = ""


class MessengerAccount(MetaAccount):
    kind: Literal["messenger"]
    page_id: NonEmpty


class TelegramAccount(AccountTable):
    """`mode` "" polls unless the server has a public address."""

    kind: Literal["telegram"]
    bot_token_env: EnvironmentName
    mode: Literal["", "polling", "webhook"] = ""


Account = WhatsAppAccount | MessengerAccount | TelegramAccount
KINDS: dict[str, type[AccountTable]] = {
    "whatsapp": WhatsAppAccount,
    "messenger": MessengerAccount,
    "telegram": TelegramAccount,
}


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=PREFIX, env_nested_delimiter=SEPARATOR
    )

    server: Server = Server()
    mongodb: MongoDB = MongoDB()
    data: Data = Data()
    journal: Journal = Journal()
    inbox: Inbox = Inbox()
    sandbox: Sandbox = Sandbox()
    account: tuple[Annotated[Account, Field(discriminator="kind")], ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [account.name for account in self.account]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f'two [[account]] tables are named "{min(twice)}"; give each its own name')
        return self

    @model_validator(mode="after")
    def _webhooks_have_an_address(self) -> Self:
        for account in self.account:
            if (
                isinstance(account, TelegramAccount)
                and account.mode == "webhook"
                and not self.server.public_url
            ):
                raise ValueError(
                    f'account "{account.name}" has mode = "webhook", which needs [server] public_url'
                )
        return self

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The account tables, with every `mode` decided."""
        return tuple(self._decided(account) for account in self.account)

    def _decided(self, account: Account) -> Account:
        if not isinstance(account, TelegramAccount) or account.mode:
            return account
        return account.model_copy(update={"mode": "webhook" if self.server.public_url else "polling"})


def load_settings(
    path: Path | None = None, overrides: Mapping[str, Mapping[str, Any]] | None = None
) -> Settings:
    """`path` None means `config.toml` in the working directory where there is one, else the built-in
    defaults.

    `overrides` are flags, as {"server": {"port": 8081}}. Relative paths count from the folder of the file,
    those in `overrides` too: a flag's path is made absolute by whoever read the flag. Raises ConfigError.
    """
    file = _existing(path)
    layers = {
        "the command line": {name: dict(section) for name, section in (overrides or {}).items()},
        "the environment": _from_environment(),
        file.name if file else FILE_NAME: _from_file(file),
    }
    merged = _merge(layers)
    _make_absolute(merged, file.parent if file else Path.cwd())
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_sentence(error.errors()[0], layers)) from None


def _existing(path: Path | None) -> Path | None:
    if path is None:
        found = Path(FILE_NAME).absolute()
        return found if found.is_file() else None
    if not path.is_file():
        raise ConfigError(f"There is no file {path}; give --config the path of a configuration file.")
    return path.absolute()


def _from_file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return TomlConfigSettingsSource(Settings, path)()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error


def _from_environment() -> dict[str, Any]:
    _refuse_unknown_sections()
    try:
        return EnvSettingsSource(Settings)()
    except SettingsError as error:
        raise ConfigError(f"The environment cannot be read: {error}; lists are written as JSON.") from error


def _refuse_unknown_sections() -> None:
    for name in sorted(os.environ):
        section, separator, _ = name.upper().removeprefix(PREFIX).partition(SEPARATOR)
        if name.upper().startswith(PREFIX) and separator and section.lower() not in Settings.model_fields:
            raise ConfigError(f"The environment variable {name} names no section; {_choices(Settings)}.")


def _merge(layers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for layer in reversed(list(layers.values())):
        for name, section in layer.items():
            both_tables = isinstance(section, Mapping) and isinstance(merged.get(name), Mapping)
            merged[name] = {**merged[name], **section} if both_tables else section
    return merged


def _make_absolute(merged: dict[str, Any], folder: Path) -> None:
    data = merged.setdefault("data", {})
    if isinstance(data, dict) and isinstance(data.get("directory", "data"), str | Path):
        directory = Path(data.get("directory", "data")).expanduser()
        merged["data"] = {**data, "directory": folder / directory}


def _sentence(error: ErrorDetails, layers: Mapping[str, Mapping[str, Any]]) -> str:
    loc = error["loc"]
    model = _model(loc)
    # pydantic names the kind of account inside the location, where a person wrote no such key.
    where = loc[:2] + loc[3:] if loc[:1] == ("account",) and model is not None else loc
    source = next((name for name, layer in layers.items() if _holds(layer, where)), list(layers)[-1])
    if error["type"] == "extra_forbidden":
        return f"In {source}, {_unknown(where, model)}."
    place = _place(where)
    return f"In {source}, {place + ': ' if place else ''}{_reason(error)}."


def _reason(error: ErrorDetails) -> str:
    known = REASONS.get(error["type"])
    if known is not None:
        return known.format(**error.get("ctx", {}))
    return error["msg"].removeprefix("Value error, ").replace("Input should", "should", 1).replace("'", '"')


def _model(loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model whose key the last part of `loc` is."""
    if len(loc) < 2:
        return Settings
    if loc[0] == "account":
        return KINDS.get(str(loc[2])) if len(loc) > 2 else None
    field = Settings.model_fields.get(str(loc[0]))
    section: Any = field.default if field is not None else None
    return type(section) if isinstance(section, Section) else None


def _holds(layer: Mapping[str, Any], where: tuple[int | str, ...]) -> bool:
    section = layer.get(str(where[0])) if where else None
    return where[1] in section if isinstance(section, Mapping) and len(where) > 1 else section is not None


def _place(where: tuple[int | str, ...]) -> str:
    if where[:1] == ("account",):
        number = f" number {int(where[1]) + 1}" if len(where) > 1 else ""
        return f"[[account]]{number} {' '.join(map(str, where[2:]))}".rstrip()
    return f"[{where[0]}] {' '.join(map(str, where[1:]))}".rstrip() if where else ""


def _unknown(where: tuple[int | str, ...], model: type[BaseModel] | None) -> str:
    name = str(where[-1])
    known = f"; {_choices(model, name)}" if model is not None else ""
    if len(where) == 1:
        return f"there is no section [{name}]{known}"
    return f'{_place(where[:-1])} has no key "{name}"{known}'


def _choices(model: type[BaseModel], tried: str = "") -> str:
    close = difflib.get_close_matches(tried, model.model_fields, n=1)
    return f'did you mean "{close[0]}"' if close else f"there are {', '.join(model.model_fields)}"


def _is_not_set(names: list[str]) -> str:
    if len(names) == 1:
        return f"the environment variable {names[0]} is not set"
    return f"the environment variables {', '.join(names)} are not set"
