"""How fast: one token bucket per account in the database, one per person in the memory of whoever serves them.

An account's bucket is shared by everything that sends for it, in whatever process, so it is one small document which
the database advances by its own clock (`$$NOW`): two workers together never exceed what one may. Asking costs one
operation per batch, and replies keep a few tokens in hand. A person is served by one lane at a time, so a
bucket of theirs needs no document; a new holder of the lane begins with a full one, and at worst the platform says
"later" once.
"""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pymongo import ReturnDocument, WriteConcern

from bot.channels.contract import Limits
from bot.clock import Clock
from bot.store.database import Database
from bot.tasks import spawn

# After a "too fast" the rate is halved, at most once in this time (many sends hear it at once), down to a twentieth;
# it comes back by a twentieth of the full rate every ten seconds.
SLOWED_ONCE_SECONDS: Final = 5
SLOWEST: Final = 1 / 20
RAISED_PER_SECOND: Final = 1 / 200
PERSONS: Final = 10_000
IN_HAND: Final = 5

# Losing a bucket costs at most one burst.
_AT_ONCE = WriteConcern(w=1, j=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """`count` may be sent now; more not before `wait_seconds`."""

    count: int
    wait_seconds: float


class Pacing:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._pace = db["pace"].with_options(write_concern=_AT_ONCE)
        self._clock = clock
        self._persons: OrderedDict[str, _Bucket] = OrderedDict()
        self._in_hand: dict[str, int] = {}
        self._slowed: Counter[str] = Counter()

    async def take_at_once(self, account: str, limits: Limits, want: int) -> Grant:
        """As `take`, for replies: a few tokens are kept in hand, so that an answer does not wait for the database.

        They were taken from the bucket when there was room, so that the rate holds; a burst may be longer by them.
        """
        in_hand = self._in_hand.pop(account, 0)
        grant = Grant(want, 0) if in_hand >= want else await self._more(account, limits, want, in_hand)
        left = in_hand - want
        if grant.count == want and left < IN_HAND // 2:
            spawn(self._refill(account, limits), name="take tokens in hand")
        if left > 0:
            self._in_hand[account] = self._in_hand.get(account, 0) + left
        return grant

    async def _more(self, account: str, limits: Limits, want: int, in_hand: int) -> Grant:
        grant = await self.take(account, limits, want - in_hand)
        return Grant(grant.count + in_hand, grant.wait_seconds)

    async def _refill(self, account: str, limits: Limits) -> None:
        """Never the last ones, and of a slow account none: somebody else may have more use for them."""
        want = int(min(IN_HAND, limits.per_second / 5))
        if want and self._in_hand.get(account, 0) < want:
            slowed = self._slowed[account]
            grant = await self.take(account, limits, want, leave=want)
            # What was taken before the platform said "too fast" counts for nothing after it.
            if self._slowed[account] == slowed:
                self._in_hand[account] = self._in_hand.get(account, 0) + grant.count

    async def take(self, account: str, limits: Limits, want: int, *, leave: int = 0) -> Grant:
        """Up to `want` sends for this account, leaving `leave` tokens to those who come first (replies)."""
        bucket: Any = await self._pace.find_one_and_update(
            {"_id": f"account:{account}"},
            _taking(want, limits.per_second, leave),
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return Grant(int(bucket["granted"]), bucket["wait_ms"] / 1000)

    async def slow_down(self, account: str, limits: Limits, *, seconds: float) -> None:
        """The platform said "too fast": nobody sends for this account before `seconds`, and slower then."""
        self._slowed[account] += 1
        await self._pace.update_one({"_id": f"account:{account}"}, _slowing(limits.per_second, seconds), upsert=True)
        self._slowed[account] += 1
        self._in_hand.pop(account, None)

    def wait_for_person(self, account: str, identity: str, limits: Limits) -> float:
        """Seconds until this person may get the next message; 0 when now."""
        return self._bucket(account, identity, limits).wait(self._clock.monotonic())

    def spend_on_person(self, account: str, identity: str, limits: Limits) -> None:
        self._bucket(account, identity, limits).spend(self._clock.monotonic())

    def _bucket(self, account: str, identity: str, limits: Limits) -> "_Bucket":
        key = f"{account}:{identity}"
        bucket = self._persons.get(key)
        if bucket is None:
            bucket = self._persons[key] = _Bucket(limits.per_person_seconds, limits.person_burst)
        self._persons.move_to_end(key)
        if len(self._persons) > PERSONS:
            self._persons.popitem(last=False)
        return bucket


class _Bucket:
    """One token every `seconds`, at most `burst` saved up."""

    def __init__(self, seconds: float, burst: int) -> None:
        self._seconds, self._burst = seconds, max(1, burst)
        self._tokens, self._at = float(self._burst), float("-inf")

    def wait(self, now: float) -> float:
        self._fill(now)
        return max(0.0, (1 - self._tokens) * self._seconds)

    def spend(self, now: float) -> None:
        self._fill(now)
        self._tokens -= 1

    def _fill(self, now: float) -> None:
        gained = (now - self._at) / self._seconds if self._seconds else self._burst
        self._tokens, self._at = min(self._burst, self._tokens + gained), now


def _taking(want: int, full: float, leave: int) -> list[Mapping[str, Any]]:
    """A pipeline: refill by the time passed, then give out what is there. `wait_ms` says when there is one more."""
    missing = {"$subtract": [1 + leave, "$tokens"]}
    return [
        {"$set": {"passed": _seconds_since("$at"), "rate": {"$ifNull": ["$rate", full]}}},
        {
            "$set": {
                "tokens": {
                    "$min": [max(1.0, full), {"$add": [_or("$tokens", full), {"$multiply": ["$passed", "$rate"]}]}]
                },
                "rate": {"$min": [full, {"$add": ["$rate", {"$multiply": ["$passed", full * RAISED_PER_SECOND]}]}]},
                "blocked_ms": {"$max": [0, {"$subtract": [_or("$blocked_until", "$$NOW"), "$$NOW"]}]},
                "at": "$$NOW",
            }
        },
        {"$set": {"granted": {"$cond": [{"$gt": ["$blocked_ms", 0]}, 0, _affordable(want, leave)]}}},
        {"$set": {"tokens": {"$subtract": ["$tokens", "$granted"]}}},
        {"$set": {"wait_ms": {"$max": ["$blocked_ms", {"$divide": [{"$multiply": [missing, 1000]}, "$rate"]}, 0]}}},
        {"$unset": ["passed", "blocked_ms"]},
    ]


def _affordable(want: int, leave: int) -> dict[str, Any]:
    return {"$max": [0, {"$min": [want, {"$floor": {"$subtract": ["$tokens", leave]}}]}]}


def _slowing(full: float, seconds: float) -> list[Mapping[str, Any]]:
    until = {"$add": ["$$NOW", int(seconds * 1000)]}
    halved = {"$max": [full * SLOWEST, {"$divide": [_or("$rate", full), 2]}]}
    is_news = {"$gt": [_seconds_since("$slowed_at"), SLOWED_ONCE_SECONDS]}
    return [
        {
            "$set": {
                "rate": {"$cond": [is_news, halved, _or("$rate", full)]},
                "slowed_at": {"$cond": [is_news, "$$NOW", "$slowed_at"]},
                "blocked_until": {"$max": ["$blocked_until", until]},
                "tokens": 0,
                "at": "$$NOW",
            }
        }
    ]


def _or(value: str, otherwise: Any) -> dict[str, Any]:
    return {"$ifNull": [value, otherwise]}


def _seconds_since(time: str) -> dict[str, Any]:
    """A time that is missing was long ago."""
    return {"$divide": [{"$subtract": ["$$NOW", _or(time, {"$subtract": ["$$NOW", 3_600_000]})]}, 1000]}
