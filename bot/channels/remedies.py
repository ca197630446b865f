"""A platform's error code as what to do about it: one table row a code, one exception or failure a row."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeVar

from bot.channels.contract import (
    AccountBroken,
    Failure,
    PersonGone,
    Rejected,
    SendProblem,
    TryLater,
    Uncertain,
)
from bot.errors import N_

Part = TypeVar("Part")
Kind = Literal["later", "rejected", "gone", "broken", "window", "optout", "uncertain"]


@dataclass(frozen=True, slots=True)
class Remedy:
    """`sentence` is a translation key. The last two matter for "later" only; the platform may ask for more time."""

    kind: Kind
    sentence: str
    wait_seconds: float = 30
    whole_account: bool = False

    def failure(self, code: str, detail: str = "") -> Failure:
        """What a status reports long after the platform accepted the message."""
        return Failure(code, self.sentence, self.kind, detail)

    def problem(self, code: str, detail: str = "", *, at_least_seconds: float = 0) -> SendProblem:
        """What the answer to a send means."""
        match self.kind:
            case "later":
                after = timedelta(seconds=max(self.wait_seconds, at_least_seconds))
                return TryLater(code, self.sentence, after=after, whole_account=self.whole_account, detail=detail)
            case "gone":
                return PersonGone(code, self.sentence, detail=detail)
            case "broken":
                return AccountBroken(code, self.sentence, detail=detail)
            case "uncertain":
                return Uncertain(code, self.sentence, detail=detail)
            case "rejected" | "window" | "optout":
                return Rejected(code, self.sentence, detail=detail, window=self.kind == "window")


UNREACHED = Remedy(
    "later",
    N_("The platform cannot be reached right now. Bandeja will try again."),
    wait_seconds=15,
    whole_account=True,
)
NO_ANSWER = Remedy("uncertain", N_("The platform did not answer, so it is not known whether this message was sent."))
THROTTLED = Remedy(
    "later", N_("The platform asks for a pause. Bandeja will send this shortly."), wait_seconds=60, whole_account=True
)
HALF_SENT = N_("Only the first part of this long message was sent for certain.")
SHUT_OUT = N_("The platform refuses the access token of this account. An administrator must connect it again.")


async def send_each(parts: Sequence[Part], send: Callable[[Part], Awaitable[str]]) -> tuple[str, ...]:
    """The platform's ids of all parts, sent in order.

    A problem after the first part is Uncertain whatever it is: the message must not go out again as a whole.
    """
    accepted: list[str] = []
    for part in parts:
        try:
            accepted.append(await send(part))
        except SendProblem as problem:
            if not accepted:
                raise
            detail = f"{problem.message} {problem.detail}".strip()
            raise Uncertain(problem.code, HALF_SENT, detail=detail, settled_parts=tuple(accepted)) from problem
    return tuple(accepted)
