"""One event of Messenger: who, when, by which way; and the facts that all kinds are made of."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.channels.contract import Address, Said, Sender
from bot.channels.fields import Odd, a_dict, an_id, moment
from bot.content import Content


@dataclass(frozen=True, slots=True)
class Event:
    """`at` stands in for the event's own time."""

    page: str
    body: Mapping[str, Any]
    at: datetime
    now: datetime
    standby: bool

    @property
    def time(self) -> datetime:
        return moment(self.body.get("timestamp"), self.at, self.now)

    def part(self, key: str) -> dict[str, Any]:
        found = self.body.get(key)
        if not isinstance(found, dict):
            raise Odd(f"{key} is no object")
        return found

    def person(self, side: str = "sender") -> Sender:
        name = an_id(a_dict(self.body.get(side)).get("id"))
        if not name:
            raise Odd("nobody is named")
        return Sender((Address("messenger", self.page, name, name),))

    def is_from_page(self) -> bool:
        return an_id(a_dict(self.body.get("sender")).get("id")) == self.page

    def said(self, platform_id: str, content: Content, **more: Any) -> Said:
        return Said(
            account=self.page,
            chat="",
            platform_id=platform_id,
            sender=more.pop("sender", None) or self.person(),
            content=content,
            sent_at=self.time,
            standby=self.standby,
            **more,
        )

    def name(self, kind: str, *words: str) -> str:
        """An id for what the platform gives none: the same however often and by which way it comes."""
        sender, time = an_id(a_dict(self.body.get("sender")).get("id")), an_id(self.body.get("timestamp"))
        digest = hashlib.sha1("\0".join((sender, time, *words)).encode(errors="replace"), usedforsecurity=False)
        return f"{kind}:{digest.hexdigest()}"
