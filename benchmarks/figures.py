"""What is made of measured values: percentiles, medians, and rows that say whether a bar is met."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.machine import Load


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank: a value that was really measured. `share` is 0 to 1."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else math.nan


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a result. `bare` is the limit it is held against, `met` whether it passes `bar` (None: no bar)."""

    what: str
    value: float
    unit: str
    bare: float | None = None
    bar: str = ""
    met: bool | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.value / self.bare if self.bare else None


@dataclass(slots=True)
class Result:
    """What one benchmark found. `samples` are the single values behind its rows, `notes` what a reader must know."""

    name: str
    load: Load = field(default_factory=Load)
    rows: list[Row] = field(default_factory=list)
    samples: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, what: str, value: float, unit: str, **more: Any) -> None:
        self.rows.append(Row(what, value, unit, **more))

    @property
    def met(self) -> bool:
        return all(row.met is not False for row in self.rows)


def summary(values: Sequence[float]) -> dict[str, float]:
    """Of times in seconds: milliseconds, and how many there were."""
    milliseconds = [value * 1000 for value in values]
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {"count": len(values), **{name: percentile(milliseconds, share) for name, share in shares.items()}}
