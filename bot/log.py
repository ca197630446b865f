"""Structured log lines on standard error, one per event, with ids; what must not be read is taken out on
the way.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "[hidden]"
HIDDEN_WORDS = re.compile(r"token|secret|passw|authorization|cookie|credential|signature|api_key")
# fmt: off
HIDDEN_KEYS = frozenset({
    "address", "addresses", "body", "caption", "chat", "content", "email", "msisdn", "payload",
    "phone", "raw", "reach", "text", "title", "user_id", "wa_id",
})
# fmt: on What looks like a secret or a person wherever it stands: a Telegram bot token, a Graph access
# token, the password inside a database address, a bearer header, a phone number in international form.
PATTERNS = re.compile(
    r"(?<!\d)\d{6,12}:[A-Za-z0-9_-]{30,}|\bEAA[A-Za-z0-9]{20,}|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|(?i:bearer)\s+[\w.~+/=-]{8,}|\+\d{8,15}\b"
)
QUIET = ("aiohttp.access", "aiogram", "apscheduler", "pymongo", "PIL", "asyncio")
SHORTEST_SECRET = 6

Style = Literal["auto", "console", "json"]
Logger = structlog.stdlib.BoundLogger


class _Secrets:
    """The secrets this process knows. One per process, as there is one log per process."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, value: str) -> None:
        if len(value) < SHORTEST_SECRET or value in self._values:
            return
        self._values.add(value)
        longest_first = sorted(self._values, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def scrub(self, text: str) -> str:
        known = text if self._pattern is None else self._pattern.sub(HIDDEN, text)
        return PATTERNS.sub(HIDDEN, known)


_secrets = _Secrets()


def hide(secret: str) -> None:
    """Never let this value reach a log line. Values under six characters are left alone: they would hide
    words.
    """
    _secrets.add(secret)


def scrub(text: str) -> str:
    """`text` without anything hidden, for a sentence that goes elsewhere than to the log."""
    return _secrets.scrub(text)


def logger(name: str) -> Logger:
    return cast(Logger, structlog.get_logger(name))


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: HIDDEN if _is_hidden(key) else _clean(value) for key, value in event.items()}


def _is_hidden(key: str) -> bool:
    name = str(key).lower()
    return name in HIDDEN_KEYS or HIDDEN_WORDS.search(name) is not None


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _secrets.scrub(value)
    if isinstance(value, Mapping):
        return {key: HIDDEN if _is_hidden(key) else _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _secrets.scrub(str(value))


def configure(*, style: Style = "auto", level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send everything, other libraries' lines included, to `stream` (standard error). "auto" means readable
    lines for a terminal and JSON for anything else.
    """
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    handler.setFormatter(_formatter(_is_readable(style, target), colours=target.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _is_readable(style: Style, target: TextIO) -> bool:
    return style == "console" or (style == "auto" and target.isatty())


def _formatter(readable: bool, *, colours: bool) -> logging.Formatter:
    console = structlog.dev.ConsoleRenderer(
        colors=colours, exception_formatter=structlog.dev.plain_traceback, sort_keys=False
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,
            console if readable else structlog.processors.JSONRenderer(),
        ],
    )


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

# At import, so that a line written before `configure` can never land on standard output.
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)
