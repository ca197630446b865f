"""Facts as a channel would read them, ready for the front desk; a test overrides what it is about."""

import itertools
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.channels.contract import EVERYWHERE, Account, Address, Inbound, Said, Sender, Window
from bot.content import Text
from bot.delivery.arrivals import Arrival, Source
from bot.records.accounts import AccountRecord
from tests.clocks import START

TEAM = "t" * 24
ANA = Sender((Address("whatsapp", "P1", "CO.1"), Address("phone", EVERYWHERE, "573001112233")), name="Ana")
BEA = Sender((Address("whatsapp", "P1", "CO.2"), Address("phone", EVERYWHERE, "573009998877")), name="Bea")
_numbers = itertools.count(1)


class DayChannel:
    """Answers within a day, and a person by hand within a week. `names` are those it tells when asked."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    async def profile(self, account: Account, address: Address) -> Sender | None:
        name = self.names.get(address.value)
        return Sender((address,), name=name) if name else None

    def window(self, heard_at: datetime | None, now: datetime) -> Window:
        if heard_at is None:
            return Window(is_open=False)
        closes_at = heard_at + timedelta(days=1)
        return Window(now < closes_at, closes_at, heard_at + timedelta(days=7))


CHANNELS: Mapping[str, Any] = {"whatsapp": DayChannel(), "telegram": DayChannel()}


def an_account(account_id: str = "a" * 24, **more: Any) -> AccountRecord:
    fields = {
        "kind": "whatsapp",
        "external_id": f"number {account_id[:4]}",
        "name": "Ventas",
        "team": TEAM,
        "scope": "P1",
        "api_url": "",
        "options": {},
        "hook_key": "",
        "origin": "page",
        "practice": False,
        "state": "active",
        "sealed": {},
    }
    return AccountRecord(id=account_id, **{**fields, **more})


SALES = an_account()


def said(text: str = "Hola", sender: Sender = ANA, *, at: datetime = START, **more: Any) -> Said:
    fields = {
        "account": SALES.external_id,
        "chat": "",
        "platform_id": f"wamid.{next(_numbers)}",
        "sender": sender,
        "content": Text(text=text),
        "sent_at": at,
    }
    return Said(**{**fields, **more})


def echo(text: str = "Con gusto", sender: Sender = ANA, **more: Any) -> Said:
    """Typed on the company's phone."""
    return said(text, sender, **{"direction": "out", "author": "phone", "opens_window": False, **more})


def arrive(
    *facts: Inbound, account: AccountRecord = SALES, at: datetime = START, body: bytes = b"{}", again: bool = False
) -> list[Arrival]:
    source = Source("j" * 24, account.kind, body, at, lambda raw: list(facts))
    return [Arrival(fact, account, source, place, again) for place, fact in enumerate(facts)]
