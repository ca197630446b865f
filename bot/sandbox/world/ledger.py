"""Everything the company's program ever sent and the platforms accepted, counted per recipient."""

from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 50_000


@dataclass(frozen=True, slots=True)
class Entry:
    """`callback` is the sender's own string (WhatsApp callback data, Messenger metadata), "" where there is none."""

    id: str
    at: float
    account: str
    recipient: str
    kind: str
    text: str
    callback: str


class Ledger:
    """Counts always; whole entries, the newest of them, only with `full`: they cost memory with every message."""

    def __init__(self, *, full: bool) -> None:
        self.full = full
        self.total = 0
        self.counts: Counter[tuple[str, str]] = Counter()
        self.entries: deque[Entry] = deque(maxlen=KEPT)
        self._callbacks: Counter[str] = Counter()

    def count(self, account: str, recipient: str) -> None:
        self.total += 1
        self.counts[account, recipient] += 1

    def enter(self, entry: Entry) -> None:
        self.entries.append(entry)
        if entry.callback:
            self._callbacks[entry.callback] += 1

    def doubled(self) -> list[str]:
        """Callbacks that were accepted more than once: the sender sent one message twice."""
        return [callback for callback, count in self._callbacks.items() if count > 1]

    def clear(self) -> None:
        self.total = 0
        self.counts.clear()
        self.entries.clear()
        self._callbacks.clear()

    def report(self, *, account: str = "", recipient: str = "") -> dict[str, Any]:
        people: dict[str, dict[str, Any]] = {}
        for (owner, who), count in self.counts.items():
            if account in ("", owner) and recipient in ("", who):
                people.setdefault(who, {"count": 0})["count"] += count
        for entry in self.entries if self.full else ():
            if entry.recipient in people and account in ("", entry.account):
                people[entry.recipient].setdefault("messages", []).append(asdict(entry))
        total = sum(each["count"] for each in people.values())
        whole = self.full and len(self.entries) == self.total
        return {"total": total, "whole": whole, "doubled": self.doubled(), "recipients": people}
