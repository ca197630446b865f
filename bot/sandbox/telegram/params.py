"""The parameters of a call, wherever they stand: query, form, multipart or JSON, as the Bot API takes them."""

from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from bot.sandbox.telegram.errors import bad

ATTACH = "attach://"


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    mime: str
    data: bytes


class Params:
    def __init__(self, values: dict[str, Any], files: dict[str, Upload]) -> None:
        self._values, self._files = values, files

    @classmethod
    async def of(cls, request: web.Request) -> "Params":
        values: dict[str, Any] = dict(request.query)
        if request.content_type == "application/json":
            return cls(values | _object(await request.read()), {})
        files: dict[str, Upload] = {}
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                files[name] = Upload(value.filename, value.content_type, value.file.read())
            else:
                values[name] = value
        return cls(values, files)

    def get(self, name: str) -> str:
        value = self._values.get(name)
        return "" if value is None else str(value)

    def text(self, name: str) -> str:
        if not (value := self.get(name)):
            raise bad(f"{name} is empty" if name != "chat_id" else "chat_id is empty")
        return value

    def number(self, name: str) -> float:
        try:
            return float(self.text(name))
        except ValueError as error:
            raise bad(f"{name} must be a number") from error

    def whole(self, name: str, default: int) -> int:
        value = self.get(name)
        try:
            return int(value) if value else default
        except ValueError as error:
            raise bad(f"{name} must be an Integer") from error

    def has(self, name: str) -> bool:
        return name in self._values

    def flag(self, name: str) -> bool:
        return self.get(name).lower() in ("true", "1")

    def json(self, name: str) -> Any:
        """An object that was sent as text in a form, or as it is in JSON."""
        value = self._values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return orjson.loads(value) if value else None
        except orjson.JSONDecodeError as error:
            raise bad(f"can't parse {name} JSON object") from error

    def file(self, name: str) -> Upload | str:
        """The file itself, or the id of one that is there already."""
        if name in self._files:
            return self._files[name]
        return self.attached(self.text(name))

    def attached(self, reference: str) -> Upload | str:
        if not reference.startswith(ATTACH):
            return reference
        if (upload := self._files.get(reference.removeprefix(ATTACH))) is None:
            raise bad("wrong file identifier/HTTP URL specified")
        return upload


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise bad("can't parse JSON object") from error
    if not isinstance(found, dict):
        raise bad("object expected")
    return found
