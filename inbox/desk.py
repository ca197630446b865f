"""The front desk: takes what came in, in batches, one write per collection. Given anything twice, wholly or in part, it
ends the same: that is what lets the journal give a batch again after a crash.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot import nudges
from bot.clock import Clock
from bot.delivery import waiting
from bot.delivery.arrivals import Arrival
from bot.events import Bus, TemplatesOutdated
from bot.records import mirrors
from bot.records.accounts import Accounts
from bot.records.contacts import is_nameless
from bot.records.meeting import Met
from bot.records.profiles import Profiles
from bot.store.database import Database
from inbox.receive import mend, people, told
from inbox.receive.bump import bump, extend_windows
from inbox.receive.failures import heed_failures
from inbox.receive.spoken import Known, Spoken, compose, is_our_own, look_up, read_spoken, store, store_files
from inbox.receive.standing import apply_standing
from inbox.receive.sums import Channels
from inbox.receive.threads import Thread, gather, join

TOUCHED_EVERY = timedelta(seconds=30)


@dataclass(slots=True)
class _Heard:
    """What one lane of people said: who they are by place in the batch, the conversations with something new in them,
    whether files are wanted, and echoes of what we sent ourselves.
    """

    people: dict[int, Met] = field(default_factory=dict)
    threads: list[Thread] = field(default_factory=list)
    files: bool = False
    echoes: list[Spoken] = field(default_factory=list)


class Desk:
    """`reopen` is how long after resolving a message still belongs to the same conversation."""

    def __init__(
        self,
        db: Database,
        accounts: Accounts,
        channels: Channels,
        *,
        clock: Clock,
        bus: Bus,
        reopen: timedelta,
    ) -> None:
        self._db, self._accounts, self._channels = db, accounts, channels
        self._clock, self._bus, self._reopen = clock, bus, reopen
        self._profiles = Profiles(db, accounts, channels, clock)
        self._touched: dict[str, datetime] = {}

    async def receive(self, arrivals: Sequence[Arrival]) -> None:
        """Applies all of it, or raises having applied some."""
        now = self._clock.now()
        await people.move_people(self._db, arrivals, now=now)
        lanes = [self._hear(lane, now) for lane in people.lanes(arrivals)]
        # Whatever fails, nothing of this batch may go on behind the back of whoever tries again.
        ended = await asyncio.gather(*lanes, return_exceptions=True)
        heard = _all_of(ended)
        marked = await self._mark(arrivals, heard, now)
        concerned, outdated = await apply_standing(self._db, self._accounts, arrivals, heard.people)
        concerned |= set(await told.climb_up_to(self._db, arrivals))
        await heed_failures(self._db, self._accounts, arrivals)
        await asyncio.gather(self._tell(heard, marked, concerned), self._touch(arrivals, now))
        if outdated:
            await self._bus.publish(TemplatesOutdated(frozenset(outdated)))

    async def _hear(self, arrivals: Mapping[int, Arrival], now: datetime) -> _Heard:
        spoken = read_spoken(arrivals)
        met, known = await asyncio.gather(people.meet_people(self._db, arrivals, now=now), look_up(self._db, spoken))
        for one in spoken:
            one.recognise(met.get(one.place), known.by_key.get(one.key))
        echoes = [one for one in spoken if is_our_own(one, known)]
        heard = _Heard(people=met, echoes=echoes)
        await self._record(heard, [one for one in spoken if one not in echoes], known, arrivals, now)
        return heard

    async def _record(
        self, heard: _Heard, spoken: Sequence[Spoken], known: Known, arrivals: Mapping[int, Arrival], now: datetime
    ) -> None:
        """Stores what was said and tells the conversations; what a dead process had begun is finished."""
        new = [one for one in spoken if one.before is None]
        conversations = await join(self._db, new, reopen=self._reopen, now=now)
        compose(new, conversations, known.by_key)
        stored = await store(self._db, new)
        begun = [one for one in spoken if one.before and one.arrival.again]
        heard.threads, heard.files, reactions = await asyncio.gather(
            bump(self._db, gather(stored, conversations), self._channels, now=now),
            store_files(self._db, [*stored, *begun]),
            people.record_heard(self._db, [*stored, *begun], arrivals, heard.people),
        )
        kinds = {arrival.account.id: arrival.account.kind for arrival in arrivals.values()}
        await extend_windows(self._db, reactions, kinds, self._channels, now=now)
        await waiting.apply_for_all(self._db, [one.key for one in [*stored, *begun]])
        heard.threads += await mend.finish(self._db, begun, self._channels, now=now)
        heard.files |= bool(await mend.read_again(self._db, spoken))
        for one in stored:
            if one.counts and one.met and is_nameless(one.met.contact["name"]):
                self._profiles.ask(one.arrival.account.id, one.met.contact["_id"], one.said.sender.addresses[0])

    async def _mark(self, arrivals: Sequence[Arrival], heard: _Heard, now: datetime) -> list[dict[str, Any]]:
        """After the messages: what a batch tells of one may stand before it."""
        marks = told.read_marks(arrivals, heard.people)
        marks += [told.settled_by_echo(one.said, one.arrival.account.id) for one in heard.echoes]
        return await waiting.apply_or_hold(self._db, marks, now=now)

    async def _tell(self, heard: _Heard, marked: Sequence[Mapping[str, Any]], concerned: set[str]) -> None:
        items = [
            {**mirrors.news_of(thread.document, what="message"), "message": (thread.spoken[-1].document or {})["_id"]}
            for thread in heard.threads
        ]
        told_of = {item["conversation"] for item in items}
        conversations = {message["conversation"] for message in marked if message.get("conversation")}
        items += await mirrors.news(self._db, conversations - told_of)
        items += await mirrors.news_of_people(self._db, concerned)
        if heard.files:
            items.append({"what": "wanted"})
        await nudges.publish(self._db, items)

    async def _touch(self, arrivals: Sequence[Arrival], now: datetime) -> None:
        """When each account last heard anything, for whoever watches over them. To the half minute."""
        seen = {arrival.account.id for arrival in arrivals}
        stale = [one for one in seen if one not in self._touched or now - self._touched[one] >= TOUCHED_EVERY]
        if stale:
            self._touched |= dict.fromkeys(stale, now)
            await self._accounts.touch(stale, at=now)


def _all_of(lanes: Sequence[_Heard | BaseException]) -> _Heard:
    """The lanes as one. Raises what any of them raised."""
    whole = _Heard()
    for lane in lanes:
        if isinstance(lane, BaseException):
            raise lane
        whole.people |= lane.people
        whole.threads += lane.threads
        whole.files |= lane.files
        whole.echoes += lane.echoes
    return whole
