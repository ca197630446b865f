"""The ladder a sent message climbs: queued 1 < sending 2 < sent 3 < delivered 4 < read 5; it never falls.

`failed` overrides what is at most sent, delivered and read override `failed`. So a failed message stands on rank 3,
an uncertain one on 2. In whatever order and however often statuses come, the end is the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Status = Literal["sent", "delivered", "read", "failed"]
RANK: Mapping[str, int] = {
    "received": 0,
    "cancelled": 0,
    "queued": 1,
    "sending": 2,
    "uncertain": 2,
    "sent": 3,
    "failed": 3,
    "delivered": 4,
    "read": 5,
}
_NAME: Mapping[int, str] = {3: "sent", 4: "delivered", 5: "read"}
_UNSETTLED = ("queued", "sending", "uncertain", "cancelled")
# What each status may override.
BELOW: Mapping[str, tuple[str, ...]] = {
    "sent": _UNSETTLED,
    "failed": (*_UNSETTLED, "sent"),
    "delivered": (*_UNSETTLED, "sent", "failed"),
    "read": (*_UNSETTLED, "sent", "failed", "delivered"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One status the platform told. `error` is the stored form `{code, message, detail, remedy}` of a failure."""

    status: Status
    at: datetime
    error: Mapping[str, Any] | None = None
    pricing: Mapping[str, Any] | None = None


def climb(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """The update that takes a message up all `steps` at once: a pipeline, so that it is right whatever it finds.

    Each status keeps its own time even when a higher one came first; of two failures the newest is kept.
    """
    top = max((RANK[step.status] for step in steps if step.status != "failed"), default=0)
    failure = max((step for step in steps if step.status == "failed"), key=lambda step: step.at, default=None)
    status = _status(top, failed=failure is not None)
    changes: dict[str, Any] = {
        "status": status,
        "rank": {"$max": ["$rank", top, RANK["failed"] if failure else 0]},
        "error": _error(status, failure),
    }
    changes |= _times(steps)
    if pricing := next((step.pricing for step in steps if step.pricing), None):
        changes["pricing"] = {"$ifNull": ["$pricing", {"$literal": dict(pricing)}]}
    return [{"$set": changes}]


def _status(top: int, *, failed: bool) -> dict[str, Any]:
    """The new status as an expression over the old one."""
    branches: list[dict[str, Any]] = [{"case": {"$gte": ["$rank", RANK["delivered"]]}, "then": "$status"}]
    if top > RANK["sent"]:
        branches.insert(0, {"case": {"$lt": ["$rank", top]}, "then": _NAME[top]})
    elif failed:
        branches.append({"case": True, "then": "failed"})
    elif top:
        branches.append({"case": {"$lt": ["$rank", top]}, "then": _NAME[top]})
    return {"$switch": {"branches": branches, "default": "$status"}}


def _error(status: dict[str, Any], failure: Step | None) -> dict[str, Any]:
    """A failure's reason stays with it; a message that got further has none."""
    kept: Any = "$error"
    if failure is not None:
        newer = {"$and": [{"$eq": ["$status", "failed"]}, {"$gt": ["$times.failed", failure.at]}]}
        kept = {"$cond": [newer, "$error", {"$literal": dict(failure.error or {})}]}
    branches = [
        {"case": {"$eq": [status, "failed"]}, "then": kept},
        {"case": {"$ne": [status, "$status"]}, "then": None},
    ]
    return {"$switch": {"branches": branches, "default": "$error"}}


def _times(steps: Sequence[Step]) -> dict[str, Any]:
    """The first time of each; the newest failure's, which stands beside that failure's reason."""
    times: dict[str, Any] = {}
    for name in {step.status for step in steps}:
        # $min and $max leave out what is missing.
        at = [step.at for step in steps if step.status == name]
        times[f"times.{name}"] = {"$max" if name == "failed" else "$min": [f"$times.{name}", *at]}
    return times
