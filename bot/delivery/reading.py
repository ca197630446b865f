"""From raw bodies to facts for an account of ours; what cannot get so far is set aside, alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bot.channels.contract import (
    AccountNotice,
    Channel,
    Climbed,
    ClimbedUpTo,
    Ignored,
    Inbound,
    TemplateChanged,
    Unrecognised,
)
from bot.delivery.arrivals import Arrival, Source
from bot.delivery.aside import Entry
from bot.log import logger, scrub
from bot.records.accounts import AccountRecord, Accounts

NOT_CONNECTED = "account not connected"

log = logger(__name__)


@dataclass(slots=True)
class Reading:
    """What one body said. `stray` are facts for accounts that are not connected as far as this process knows."""

    journal_id: Any
    source: Source
    arrivals: list[Arrival] = field(default_factory=list)
    aside: list[Entry] = field(default_factory=list)
    stray: list[tuple[int, Inbound]] = field(default_factory=list)
    ignored: int = 0

    @property
    def can_wait(self) -> bool:
        """Nobody looks out for statuses as they do for messages."""
        return all(isinstance(arrival.fact, Climbed | ClimbedUpTo) for arrival in self.arrivals)


class Reader:
    def __init__(self, accounts: Accounts, channels: Mapping[str, Channel]) -> None:
        self._accounts, self._channels = accounts, channels

    def read(self, stored: Mapping[str, Any], *, again: bool) -> Reading:
        """Never fails: a body that a channel stumbles over is set aside whole."""
        body, kind = bytes(stored["body"]), stored["channel"]
        source = Source(str(stored["_id"]), kind, body, stored["at"], partial(self._facts, stored))
        reading = Reading(stored["_id"], source)
        try:
            facts = source.read(body)
        except Exception as error:
            log.exception("a body could not be read", journal=source.journal_id, channel=kind)
            reason = f"cannot be read: {type(error).__name__}"
            raw = body.decode(errors="replace")
            reading.aside.append(Entry("aside", kind, stored["account"], "body", reason, raw, source.journal_id))
            return reading
        for position, fact in enumerate(facts):
            self._sort(reading, position, fact, again=again)
        return reading

    def _facts(self, stored: Mapping[str, Any], body: bytes) -> list[Inbound]:
        kind = stored["channel"]
        named = self._accounts.find(stored["account"] or "")
        external_id, scopes = named.external_id if named else "", self._accounts.scopes(kind)
        return self._channels[kind].read(body, external_id, scopes, now=stored["at"])

    def _sort(self, reading: Reading, position: int, fact: Inbound, *, again: bool) -> None:
        source = reading.source
        if isinstance(fact, Ignored):
            reading.ignored += 1
            return
        if isinstance(fact, Unrecognised):
            reading.aside.append(self._unknown(source, fact))
            return
        accounts = self._of(source.channel, fact)
        if not accounts:
            reading.stray.append((position, fact))
        reading.arrivals += [Arrival(fact, account, source, position, again) for account in accounts]

    def _of(self, kind: str, fact: Inbound) -> Sequence[AccountRecord]:
        """News of templates concerns one account of the scope, for all; a notice without an account all of them."""
        match fact:
            case TemplateChanged():
                return self._accounts.in_scope(kind, fact.scope)[:1]
            case AccountNotice(account=""):
                return self._accounts.in_scope(kind, fact.scope)
            case AccountNotice():
                found = self._accounts.find_external(kind, fact.account)
                return [found] if found else self._accounts.in_scope(kind, fact.scope)
        found = self._accounts.find_external(kind, fact.account)
        return [found] if found else []

    def _unknown(self, source: Source, fact: Unrecognised) -> Entry:
        account = self._accounts.find_external(source.channel, fact.account)
        ours, raw = account.id if account else None, source.cut_out(fact)
        return Entry("unknown", source.channel, ours, fact.kind, fact.reason, raw, source.journal_id)

    async def settle_strays(self, readings: Sequence[Reading], *, again: bool) -> None:
        """An account may have been connected a moment ago, in another process. What is still of nobody is set aside."""
        if not any(reading.stray for reading in readings):
            return
        await self._accounts.load()
        for reading in readings:
            strays, reading.stray = reading.stray, []
            for position, fact in strays:
                self._sort(reading, position, fact, again=again)
            reading.aside += [set_aside(reading.source, fact, None, NOT_CONNECTED) for _, fact in reading.stray]


def set_aside(source: Source, fact: Inbound, account: str | None, reason: str) -> Entry:
    raw = source.cut_out(fact)
    return Entry("aside", source.channel, account, type(fact).__name__, scrub(reason), raw, source.journal_id)
