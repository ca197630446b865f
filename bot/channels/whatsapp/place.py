"""Where in a webhook an item stands, who is named beside it, and reading items each on its own."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.channels import items as items_of
from bot.channels.contract import EVERYWHERE, Address, Inbound, Sender
from bot.channels.fields import Odd, a_dict, a_text, an_id, moment
from bot.phones import fold, is_phone

Item = Mapping[str, Any]
# Two letters of a country, a dot, up to 128 characters; linked portfolios have `CO.ENT.…`, and drafts of the
# format had other words before the dot. WhatsApp Cloud API, Business-scoped user IDs (2026-08).
USER_ID = re.compile(r"[A-Za-z]{2,8}\.[A-Za-z0-9.]{1,136}")


@dataclass(frozen=True, slots=True)
class Place:
    """`business` is the WhatsApp Business account, `account` the phone number id where the field names one.

    `scope` is where business-scoped user ids are unique; `at` stands in for an item's own time.
    """

    business: str
    account: str
    scope: str
    field: str
    value: Item
    at: datetime
    now: datetime

    def time_of(self, item: Item) -> datetime:
        return moment(item.get("timestamp"), self.at, self.now)

    def items(self, key: str) -> list[Any]:
        """Raises Odd when there is something else than a list."""
        return a_list_of(self.value, key)

    def people(self) -> "People":
        contacts = self.value.get("contacts")
        return People(contacts if isinstance(contacts, list) else [], self.scope)

    @property
    def own_number(self) -> str:
        """The business's number, folded."""
        number = a_text(a_dict(self.value.get("metadata")).get("display_phone_number"))
        return fold("".join(filter(str.isdecimal, number)))


def a_list_of(item: Item, key: str) -> list[Any]:
    found = item.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        raise Odd(f"{key} is no list")
    return found


def each(
    place: Place, kind: str, items: Iterable[Any], reader: Callable[[dict[str, Any]], Iterable[Inbound]]
) -> Iterator[Inbound]:
    return items_of.each(place.account, kind, items, reader)


class People:
    """The `contacts` beside messages: they are not in the messages' order, and may be missing."""

    def __init__(self, contacts: list[Any], scope: str) -> None:
        self._scope = scope
        self._known: dict[str, dict[str, Any]] = {}
        self._only = a_dict(contacts[0]) if len(contacts) == 1 else {}
        for contact in contacts:
            for key in ("user_id", "wa_id"):
                self._known.setdefault(an_id(a_dict(contact).get(key)), a_dict(contact))

    def sender(self, user_id: Any, phone: Any) -> Sender:
        """Raises Odd when nobody can be told."""
        user_id, phone = an_id(user_id), an_id(phone)
        contact = self._find(user_id, phone)
        found = addresses(self._scope, user_id or an_id(contact.get("user_id")), phone or an_id(contact.get("wa_id")))
        if not found:
            raise Odd("nobody is named")
        profile = a_dict(contact.get("profile"))
        return Sender(found, name=a_text(profile.get("name")), username=a_text(profile.get("username")))

    def _find(self, user_id: str, phone: str) -> dict[str, Any]:
        if user_id and user_id in self._known:
            return self._known[user_id]
        if phone and phone in self._known:
            return self._known[phone]
        return self._only if self._may_be(user_id, phone) else {}

    def _may_be(self, user_id: str, phone: str) -> bool:
        """One contact alone is the sender, unless its ids say otherwise."""
        other_id, other_phone = an_id(self._only.get("user_id")), an_id(self._only.get("wa_id"))
        if user_id and other_id:
            return False
        return not (phone and other_phone) or fold(phone) == fold(other_phone)


def addresses(scope: str, user_id: str, phone: str) -> tuple[Address, ...]:
    """Business-scoped user id first, phone second; either may be missing, and an id may stand in a phone's place."""
    if not user_id and USER_ID.fullmatch(phone):
        user_id = phone
    found = []
    if USER_ID.fullmatch(user_id):
        found.append(Address("whatsapp", scope, user_id, user_id))
    if is_phone(phone):
        digits = phone.removeprefix("+")
        found.append(Address("phone", EVERYWHERE, fold(digits), digits))
    return tuple(found)
