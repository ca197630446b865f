"""What can be asked of the platforms: to misbehave, to limit, to hurry. Shares are 0 to 1; every key has a default."""

from random import Random
from typing import Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

Channel = Literal["whatsapp", "messenger", "telegram"]
Share = float
PART = Field(default=0.0, ge=0, le=1)


class Strict(BaseModel):
    """A wrong word in a script is an error, not a silence."""

    model_config = ConfigDict(extra="forbid")


class Refusal(Strict):
    """Answer sends with the platform's error `code` (and `subcode`). `late` accepts and fails by a status instead.

    `to` narrows it to one recipient: a person's id or the address as it is sent. `message` replaces the words.
    """

    code: int
    subcode: int | None = None
    share: Share = Field(default=1.0, ge=0, le=1)
    late: bool = False
    to: str = ""
    message: str = ""


class Faults(Strict):
    """`channels` narrows everything to some platforms; empty means all.

    Of what Bandeja asks: `http_429`, `http_500`, `expired_token` are not accepted; `lost_answers`, `garbage` and
    `gateway_errors` (an HTML page with 502) are accepted first. `lost_how` tells a cut connection from one that
    stays silent for `lost_seconds`. `slow` adds `slow_seconds` to an answer. `late_refusals` makes refusals come as
    failed statuses.
    Of what Bandeja is told: `duplicates`, `reordering` (held back up to `reorder_seconds`), `bad_signatures`,
    `lost_statuses`, and `status_delay` seconds on every status. `missing_media` are files that cannot be fetched.
    """

    channels: tuple[Channel, ...] = ()
    duplicates: Share = PART
    reordering: Share = PART
    reorder_seconds: float = Field(default=2.0, ge=0, le=600)
    bad_signatures: Share = PART
    lost_statuses: Share = PART
    status_delay: float = Field(default=0.0, ge=0, le=3600)
    lost_answers: Share = PART
    lost_how: Literal["cut", "silence"] = "cut"
    lost_seconds: float = Field(default=30.0, ge=0, le=600)
    garbage: Share = PART
    gateway_errors: Share = PART
    slow: Share = PART
    slow_seconds: float = Field(default=3.0, ge=0, le=600)
    http_429: Share = Field(default=0.0, ge=0, le=1, validation_alias=AliasChoices("http_429", "429"))
    http_500: Share = Field(default=0.0, ge=0, le=1, validation_alias=AliasChoices("http_500", "500"))
    expired_token: Share = PART
    late_refusals: Share = PART
    missing_media: Share = PART
    refusals: tuple[Refusal, ...] = ()

    def touches(self, channel: str) -> bool:
        return not self.channels or channel in self.channels

    @property
    def calm(self) -> bool:
        return self == CALM


CALM = Faults()


class Limits(Strict):
    """The platforms' own pace. WhatsApp: 80 a second per number, one in six seconds per person after a burst of 45
    (Cloud API, Throughput, 2026-08). Messenger: 300 a second (Messenger Platform, Rate limits, 2026-03). Telegram:
    about 30 a second per bot, one a second per chat after a short burst (Bots FAQ, 2026)."""

    on: bool = True
    whatsapp_per_second: float = Field(default=80, gt=0)
    whatsapp_person_seconds: float = Field(default=6, gt=0)
    whatsapp_person_burst: int = Field(default=45, ge=1)
    messenger_per_second: float = Field(default=300, gt=0)
    telegram_per_second: float = Field(default=30, gt=0)
    telegram_chat_seconds: float = Field(default=1, gt=0)
    telegram_chat_burst: int = Field(default=20, ge=1)


class Timing(Strict):
    """How long things take, as ranges in seconds. `instant` makes all of them zero and keeps the order.

    `disorder` is the share of messages whose statuses come in a wrong order. `reads` is the share of people who read
    what they get without anybody playing them. `statuses` off: none at all, for bare load.
    """

    instant: bool = False
    statuses: bool = True
    sent: tuple[float, float] = (0.1, 0.5)
    delivered: tuple[float, float] = (0.4, 2.0)
    read: tuple[float, float] = (2.0, 15.0)
    disorder: Share = Field(default=0.1, ge=0, le=1)
    reads: Share = Field(default=0.0, ge=0, le=1)
    approval_seconds: float = Field(default=3.0, ge=0)
    batch: int = Field(default=40, ge=1, le=1000)

    def within(self, span: tuple[float, float], dice: Random) -> float:
        return 0.0 if self.instant else dice.uniform(*span)

    def plan(self, dice: Random) -> list[tuple[str, float, float]]:
        """The statuses of one message in the order of telling: name, seconds until it happens, until it is told."""
        sent = self.within(self.sent, dice)
        delivered = sent + self.within(self.delivered, dice)
        read = delivered + self.within(self.read, dice)
        straight = [("sent", sent, sent), ("delivered", delivered, delivered), ("read", read, read)]
        if self.disorder == 0 or dice.random() >= self.disorder:
            return straight
        return _DISORDERS[dice.randrange(len(_DISORDERS))](straight)


Told = list[tuple[str, float, float]]


def _read_first(straight: Told) -> Told:
    sent, delivered, read = straight
    return [sent, (read[0], read[1], read[1]), (delivered[0], delivered[1], read[1])]


def _sent_last(straight: Told) -> Told:
    sent, delivered, read = straight
    return [delivered, read, (sent[0], sent[1], read[1])]


def _delivered_skipped(straight: Told) -> Told:
    return [straight[0], straight[2]]


def _delivered_twice(straight: Told) -> Told:
    sent, delivered, read = straight
    return [sent, delivered, read, (delivered[0], delivered[1], read[1])]


_DISORDERS = (_read_first, _sent_last, _delivered_skipped, _delivered_twice)
