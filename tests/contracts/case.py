"""What the suite must know of a channel to try it. Each file of `cases/` has one, named CASE."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import ClientSession

from bot.channels.contract import Account, Address, Channel, MediaRef, SendProblem
from tests.contracts.platform import Answer

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Case:
    """`create(session, patience, now)` waits at most `patience` seconds for an answer and believes it is `now`.

    `texts` makes webhook bodies that carry these texts from a person, one update each; None is a broken one.
    `sign` gives the headers of a body. `handshake` is None where a platform has none. Paths are ends of paths.
    """

    kind: str
    create: Callable[[ClientSession, float, datetime], Channel]
    secret: str
    sign: Callable[[bytes, str], Mapping[str, str]]
    signs_the_body: bool
    texts: Callable[[Sequence[str | None]], list[bytes]]
    foreign: tuple[bytes, ...]
    account: Callable[[str], Account]
    person: Address
    window_hours: float | None
    send_path: str
    accepted: Answer
    accepted_id: str
    problems: tuple[tuple[str, Answer, type[SendProblem]], ...]
    check_answers: Mapping[str, Answer]
    refused_credentials: Answer
    file: Callable[[str], MediaRef]
    file_answers: Callable[[str, bytes], Mapping[str, Answer]]
    foreign_file: Callable[[str], tuple[MediaRef, Mapping[str, Answer]]]
    handshake: Callable[[str], Mapping[str, str]] | None = None
    scopes: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<case {self.kind}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))
