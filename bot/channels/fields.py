"""Reading fields of JSON that nobody vouches for: a wrong type is the same as a missing field."""

import json
import math
import re
import unicodedata
from datetime import UTC, datetime
from typing import Any

import orjson

# No platform we speak to is older than WhatsApp, January 2009.
EARLIEST = datetime(2009, 1, 1, tzinfo=UTC)
MILLISECONDS_FROM = 100_000_000_000
LARGEST_STORED = 2**63 - 1
DEEPEST_STORED = 40
LONGEST_FILE_NAME = 200
DIGITS = re.compile(r"[0-9]{1,18}")


class Odd(ValueError):
    """The item lacks what it cannot be understood without; the text says what."""


def load(raw: bytes | str) -> Any:
    """Raises ValueError. Half a surrogate pair, legal in JSON and in nothing else, becomes U+FFFD."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _load_leniently(raw)


def _load_leniently(raw: bytes | str) -> Any:
    try:
        return storable(json.loads(raw, parse_constant=_refuse))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def storable(value: Any, depth: int = 0) -> Any:
    """The same with what a database document cannot hold made harmless: integers beyond 64 bits, half
    surrogates, zero bytes in keys, and what is nested more than forty levels deep.
    """
    match value:
        case dict() | list() if depth > DEEPEST_STORED:
            return "…"
        case dict():
            return {_key(key): storable(item, depth + 1) for key, item in value.items()}
        case list():
            return [storable(item, depth + 1) for item in value]
        case str():
            return _whole_text(value)
        case int() if abs(value) > LARGEST_STORED:
            return str(value)
        case float() if not math.isfinite(value):
            return None
    return value


def _key(name: Any) -> str:
    return _whole_text(str(name)).replace("\0", "")


def _whole_text(value: str) -> str:
    return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def a_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def a_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def a_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def an_id(value: Any) -> str:
    """Ids are text here; platforms write some of them as numbers."""
    if isinstance(value, str):
        return value
    number = an_integer(value)
    return "" if number is None else str(number)


def an_integer(value: Any) -> int | None:
    """Also one that was written as text."""
    if isinstance(value, str):
        return int(value) if DIGITS.fullmatch(value) else None
    fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST_STORED
    return value if fits else None


def a_number(value: Any) -> float | None:
    """Also one that was written as text; never infinite."""
    if isinstance(value, str):
        value = _parsed(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) <= LARGEST_STORED else None


def _parsed(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def moment(value: Any, fallback: datetime, now: datetime) -> datetime:
    """Seconds or milliseconds since 1970, as a number or as text. `fallback` for a time that is missing or
    cannot be; a time after `now` is `now`.
    """
    seconds = a_number(value)
    if seconds is None or seconds <= 0:
        return fallback
    try:
        at = datetime.fromtimestamp(seconds / 1000 if seconds >= MILLISECONDS_FROM else seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return fallback
    return min(at, now) if at >= EARLIEST else fallback


def a_file_name(value: Any) -> str:
    """The last part of a path, without control and direction characters (which can hide an extension)."""
    name = re.split(r"[/\\]", a_text(value))[-1]
    name = "".join(char for char in name if unicodedata.category(char) not in ("Cc", "Cf", "Cs")).strip()
    if len(name) <= LONGEST_FILE_NAME:
        return name
    stem, dot, extension = name.rpartition(".")
    return name[:LONGEST_FILE_NAME] if len(extension) > 10 else stem[:LONGEST_FILE_NAME] + dot + extension
