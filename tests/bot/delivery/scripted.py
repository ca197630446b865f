"""A channel that does what a test says: the other side of the contract, for the sender's own states."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from bot.channels.contract import (
    Account,
    Address,
    Fetched,
    FetchProblem,
    Health,
    Inbound,
    Limits,
    MediaRef,
    Outbound,
    Poll,
    Receipt,
    Sender,
    SendProblem,
    Signal,
    Template,
    Verdict,
    Window,
)
from bot.content import Content, TemplateUse

DAY = timedelta(hours=24)
LIMITS = Limits(
    text=100,
    caption=50,
    buttons=3,
    button_title=20,
    media_bytes={"image": 100_000, "voice": 1_000_000, "document": 2_000_000},
    mimes={"image": ("image/jpeg", "image/png"), "voice": ("audio/ogg",), "document": ("application/pdf", "text/*")},
    per_second=1000,
    per_person_seconds=0,
    person_burst=1000,
    can_write_first="template",
    settles_by="status",
    reaches=("whatsapp", "phone"),
)

Answer = Receipt | SendProblem | Callable[[Outbound], Any]


@dataclass
class Scripted:
    """`answers` are taken in turn; without any, everything is accepted. A callable may be async and may raise."""

    kind: str = "whatsapp"
    limits: Limits = LIMITS
    answers: list[Answer] = field(default_factory=list)
    sent: list[Outbound] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    files: dict[str, list[bytes | Exception]] = field(default_factory=dict)

    @property
    def texts(self) -> list[str]:
        return [outbound.content.text for outbound in self.sent if hasattr(outbound.content, "text")]

    async def send(self, account: Account, outbound: Outbound) -> Receipt:
        self.sent.append(outbound)
        answer: Any = self.answers.pop(0) if self.answers else Receipt((f"wamid.{len(self.sent)}",))
        if callable(answer):
            answer = answer(outbound)
        if asyncio.iscoroutine(answer):
            answer = await answer
        if isinstance(answer, Exception):
            raise answer
        return cast(Receipt, answer)

    def window(self, heard_at: datetime | None, now: datetime) -> Window:
        return Window(heard_at is not None and now - heard_at < DAY, heard_at + DAY if heard_at else None)

    def allows(self, content: Content, heard_at: datetime | None, now: datetime, *, human: bool) -> Verdict:
        if isinstance(content, TemplateUse) or self.window(heard_at, now).is_open:
            return Verdict(True)
        return Verdict(False, "window_closed", "The 24-hour window is closed.", {"closed": True})

    async def signal(self, account: Account, signal: Signal) -> None:
        self.signals.append(signal)

    async def fetch(self, account: Account, ref: MediaRef) -> Fetched:
        script = self.files[ref.id]
        part = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(part, FetchProblem):
            raise part
        return Fetched(ref.mime, None, _chunks(part))

    def handshake(self, query: Mapping[str, str], tokens: list[str]) -> str | None:
        raise NotImplementedError

    def verify(self, headers: Mapping[str, str], raw: bytes, secrets: list[str]) -> None:
        raise NotImplementedError

    def envelope(self, raw: bytes) -> None:
        raise NotImplementedError

    def read(
        self, raw: bytes, account: str = "", scopes: Mapping[str, str] | None = None, *, now: datetime
    ) -> list[Inbound]:
        raise NotImplementedError

    async def profile(self, account: Account, address: Address) -> Sender | None:
        return None

    async def check(self, account: Account) -> Health:
        raise NotImplementedError

    async def subscribe(self, account: Account, hook_url: str) -> None:
        raise NotImplementedError

    async def templates(self, account: Account) -> list[Template]:
        return []

    async def poll(self, account: Account, cursor: int) -> Poll | None:
        return None

    async def close(self) -> None:
        """Nothing is open."""


async def _chunks(part: bytes | Exception) -> AsyncIterator[bytes]:
    """A file in pieces; an exception breaks the connection in the middle of it."""
    if isinstance(part, Exception):
        yield b"the beginning"
        raise part
    for start in range(0, len(part), 1000):
        yield part[start : start + 1000]


@dataclass
class Held:
    """The right to send, which a test may take away."""

    epoch: int = 1
    valid: bool = True

    def is_valid(self) -> bool:
        return self.valid
