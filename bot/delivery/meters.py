"""What is counted on the way in, for whoever watches the machine."""

from collections import Counter as Tally
from collections.abc import Sequence
from datetime import datetime

from prometheus_client import Counter, Gauge

from bot.delivery.aside import Entry
from bot.delivery.reading import Reading

WEBHOOKS = Counter("bandeja_webhooks_total", "Webhook requests by answer", ["channel", "status"])
_FACTS = Counter("bandeja_facts_total", "Facts read from what platforms sent", ["channel", "kind"])
_ASIDE = Counter("bandeja_set_aside_total", "Updates set aside, by why", ["channel", "state"])
_LAG = Gauge("bandeja_journal_lag_seconds", "Age of the oldest of the entries applied last")


def applied(readings: Sequence[Reading], entries: Sequence[Entry], *, now: datetime) -> None:
    kinds = Tally((one.source.channel, type(one.fact).__name__) for reading in readings for one in reading.arrivals)
    for reading in readings:
        kinds[reading.source.channel, "Ignored"] += reading.ignored
    for (channel, kind), count in kinds.items():
        _FACTS.labels(channel, kind).inc(count)
    for (channel, state), count in Tally((entry.channel, entry.state) for entry in entries).items():
        _ASIDE.labels(channel, state).inc(count)
    _LAG.set((now - min(reading.source.at for reading in readings)).total_seconds())
