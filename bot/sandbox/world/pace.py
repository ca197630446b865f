"""Token buckets: how fast one account, or one person of it, may be written to."""

from bot.clock import Clock

MANY = 50_000


class Buckets:
    """One bucket per key. Full ones are forgotten when there are many: a new one starts full anyway."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, key: str, *, per_second: float, burst: float) -> float:
        """0 when there was one to take, else the seconds until there will be (and nothing is taken)."""
        now = self._clock.monotonic()
        level, at = self._levels.get(key, (burst, now))
        level = min(burst, level + (now - at) * per_second)
        if level < 1:
            return (1 - level) / per_second
        self._levels[key] = (level - 1, now)
        if len(self._levels) > MANY:
            self._forget(now)
        return 0.0

    def clear(self) -> None:
        self._levels.clear()

    def _forget(self, now: float) -> None:
        # An hour fills every bucket there is.
        self._levels = {key: held for key, held in self._levels.items() if now - held[1] < 3600}
