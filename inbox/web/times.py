"""How times are said to people: in their zone and language, as short as can be."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any, Literal

from babel.dates import format_date

from bot.errors import N_

Translate = Callable[[str], str]
Level = Literal["calm", "warn", "danger", "shut"]

# Babel's own long patterns put commas and the year where a thread's day line wants neither.
_SPELT = {
    "es": ("EEEE d 'de' MMMM", "d 'de' MMMM 'de' y"),
    "pt": ("EEEE, d 'de' MMMM", "d 'de' MMMM 'de' y"),
    "en": ("EEEE d MMMM", "d MMMM y"),
}
WARN_UNDER = timedelta(hours=4)
DANGER_UNDER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Countdown:
    """How long a service window stays open; `level` is what its colour says."""

    level: Level
    left: str


def clock(at: datetime, zone: tzinfo) -> str:
    local = at.astimezone(zone)
    return f"{local.hour}:{local.minute:02}"


def short_when(at: datetime, now: datetime, zone: tzinfo, language: str, translate: Translate) -> str:
    """As a list says it: the time today, then "yesterday", the weekday, the date."""
    day, today = at.astimezone(zone).date(), now.astimezone(zone).date()
    if day == today:
        return clock(at, zone)
    if day == today - timedelta(days=1):
        return translate(N_("yesterday"))
    if today - timedelta(days=7) < day < today:
        return _written(day, "EEE", language)
    return _written(day, "d MMM" if day.year == today.year else "d MMM y", language)


def long_when(at: datetime, zone: tzinfo, language: str) -> str:
    day = at.astimezone(zone).date()
    return f"{_written(day, 'd MMM y', language)} {clock(at, zone)}"


def day_title(day: date, today: date, language: str, translate: Translate) -> str:
    """As the thread's day lines say it."""
    if day == today:
        return translate(N_("Today"))
    if day == today - timedelta(days=1):
        return translate(N_("Yesterday"))
    this_year, other_year = _SPELT.get(language, _SPELT["en"])
    written = _written(day, this_year if day.year == today.year else other_year, language)
    return written[:1].upper() + written[1:]


@lru_cache(maxsize=4096)
def _written(day: date, pattern: str, language: str) -> str:
    return format_date(day, pattern, locale=language).replace(".", "")


def length(seconds: float | None) -> str:
    """Of a sound or film: 0:14, 1:02:03."""
    whole = max(0, round(seconds or 0))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def span(elapsed: timedelta) -> str:
    """In its largest unit: 6 min, 3 h, 2 d. The units read alike in all our languages."""
    minutes = max(0, int(elapsed.total_seconds()) // 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // 1440} d"


def countdown(closes_at: datetime | None, now: datetime) -> Countdown | None:
    """None where no window applies."""
    if closes_at is None:
        return None
    left = closes_at - now
    if left <= timedelta(0):
        return Countdown("shut", "")
    if left < DANGER_UNDER:
        return Countdown("danger", span(left))
    return Countdown("warn" if left < WARN_UNDER else "calm", span(left))


def snooze_presets(now: datetime, zone: tzinfo, translate: Translate) -> list[dict[str, Any]]:
    """`{"key", "label", "at"}`, soonest first; only those that lie ahead."""
    local = now.astimezone(zone)
    presets = (
        ("3h", N_("In 3 hours"), local + timedelta(hours=3)),
        ("afternoon", N_("This afternoon"), _at(local, 0, 13)),
        ("evening", N_("This evening"), _at(local, 0, 19)),
        ("tomorrow", N_("Tomorrow morning"), _at(local, 1, 8)),
        ("weekend", N_("Saturday"), _at(local, _days_to(local, 5), 10)),
        ("week", N_("Next week"), _at(local, _days_to(local, 0), 8)),
    )
    ahead = sorted((at.astimezone(UTC), key, label) for key, label, at in presets if at > local)
    return [{"key": key, "label": translate(label), "at": at} for at, key, label in ahead]


def _at(local: datetime, days: int, hour: int) -> datetime:
    """Put together from date and time, so that a change of summer time does not shift the hour."""
    return datetime.combine(local.date() + timedelta(days=days), time(hour), local.tzinfo)


def _days_to(local: datetime, weekday: int) -> int:
    """1 to 7: never today."""
    return (weekday - local.weekday() - 1) % 7 + 1
