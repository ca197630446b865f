"""The people who write to the company: names, phones and one address per platform, the same after every start."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from bot.sandbox.world.company import Account

NOT_DIGITS = re.compile(r"\D")


@dataclass(slots=True)
class Person:
    """`phone` is what WhatsApp calls them (digits). With `hidden` it is withheld from businesses.

    `moves` counts changed numbers: each makes a new WhatsApp user id. Addresses follow from `id` alone, so that a
    person who is set up again is the same person to the program that knew them.
    """

    id: str
    name: str
    phone: str = ""
    username: str = ""
    language: str = "es"
    country: str = "CO"
    hidden: bool = False
    moves: int = 0

    @property
    def first_name(self) -> str:
        return self.name.split(" ", 1)[0]

    @property
    def last_name(self) -> str:
        return self.name.partition(" ")[2]

    @property
    def telegram_id(self) -> int:
        return 5_000_000_000 + _number("telegram", self.id) % 2_000_000_000

    def whatsapp_id(self, portfolio: str) -> str:
        """Business-scoped user id: WhatsApp Cloud API, Business-scoped user IDs (2026-08)."""
        return f"{self.country}.{_number('whatsapp', portfolio, self.id, str(self.moves)) % 10**16:016d}"

    def messenger_id(self, page: str) -> str:
        return str(10**15 + _number("messenger", page, self.id) % (8 * 10**15))


class People:
    """Everybody, found by any of their addresses."""

    def __init__(self, accounts: Iterable[Account], people: Iterable[Person] = ()) -> None:
        self._accounts = list(accounts)
        self._by_id: dict[str, Person] = {}
        self._by_address: dict[str, Person] = {}
        self._by_name: dict[str, Person] = {}
        for person in people:
            self.add(person)

    def __iter__(self) -> Iterator[Person]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, person: Person) -> Person:
        self._by_id[person.id] = person
        for name in filter(None, (person.name.lower(), person.username.lower())):
            self._by_name.setdefault(name, person)
        self._index(person)
        return person

    def move(self, person: Person, phone: str) -> None:
        """A new number: the old address leads nowhere from now on."""
        for address in self._addresses(person):
            self._by_address.pop(address, None)
        person.phone, person.moves = only_digits(phone), person.moves + 1
        self._index(person)

    def at_phone(self, phone: str) -> Person | None:
        return self._by_address.get(f"phone:{phone}")

    def at(self, account: Account, address: str) -> Person | None:
        """By the account's own kind of address (WhatsApp user id, page-scoped id, Telegram id)."""
        return self._by_address.get(f"{account.kind}:{account.scope}:{address}")

    def find(self, reference: str) -> Person | None:
        """By id, phone, username or name: whatever somebody typed into a script."""
        name = reference.strip().lower().removeprefix("@")
        return self._by_id.get(reference) or self.at_phone(only_digits(reference)) or self._by_name.get(name)

    def dump(self) -> list[dict[str, Any]]:
        return [asdict(person) for person in self]

    def _index(self, person: Person) -> None:
        self._by_address.update(dict.fromkeys(self._addresses(person), person))

    def _addresses(self, person: Person) -> Iterator[str]:
        for phone in variants(person.phone):
            yield f"phone:{phone}"
        for account in self._accounts:
            yield f"{account.kind}:{account.scope}:{address_of(person, account)}"


def address_of(person: Person, account: Account) -> str:
    match account.kind:
        case "whatsapp":
            return person.whatsapp_id(account.scope)
        case "messenger":
            return person.messenger_id(account.id)
        case _:
            return str(person.telegram_id)


def variants(phone: str) -> set[str]:
    """One mobile under its national spellings: Mexico's 1, Argentina's 9, Brazil's ninth digit."""
    if not phone:
        return set()
    country, rest = phone[:2], phone[2:]
    if country == "52":
        return {"52" + rest[-10:], "521" + rest[-10:]}
    if country == "54":
        return {"54" + rest[-10:], "549" + rest[-10:]}
    if country == "55" and len(rest) in (10, 11):
        return {"55" + rest[:2] + rest[-8:], "55" + rest[:2] + "9" + rest[-8:]}
    return {phone}


def only_digits(text: str) -> str:
    return NOT_DIGITS.sub("", text)


def _number(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256(":".join(parts).encode()).digest()[:8], "big")


# Numbers of the ranges that are kept for fiction where a country has one; the others end in 555 01xx as well.
CAST = (
    Person("ana", "Ana Prieto", "573005550101", "anaprieto"),
    Person("jorge", "Jorge Mendieta", "573005550102"),
    Person("lucia", "Lucía Castaño", "573005550103", "lucia.castano"),
    Person("rosa", "Rosa Beltrán", "573005550104"),
    Person("hernan", "Hernán Gaitán", "573005550105", "hgaitan"),
    Person("carmen", "Carmen Montoya", "573005550106"),
    Person("wilson", "Wilson Quintero", "573005550107"),
    Person("paola", "Paola Restrepo 🌻", "573005550108", "pao.restrepo", hidden=True),
    Person("taller", "Taller San Martín", "573005550109"),
    Person("valentina", "Valentina Duarte", "5491155550110", "valduarte", country="AR"),
    Person("martin", "Martín Olivera", "5493515550111", country="AR"),
    Person("sofia", "Sofía Bianchi", "5491155550112", "sofibianchi", country="AR", hidden=True),
    Person("tomas", "Tomás Ledesma", "5493415550113", country="AR"),
    Person("guadalupe", "Guadalupe Ríos", "5215555550114", "lupita.rios", country="MX"),
    Person("emiliano", "Emiliano Cárdenas", "5218155550115", country="MX"),
    Person("ximena", "Ximena Salgado", "5213355550116", "xime_s", country="MX"),
    Person("refugio", "Don Refugio Hdz.", "5215555550117", country="MX"),
    Person("beatriz", "Beatriz Nogueira", "5511955550118", "bianogueira", "pt", "BR"),
    Person("caio", "Caio Ferraz", "553195550119", "", "pt", "BR"),
    Person("marina", "Marina Lopes", "5521955550120", "mari.lopes", "pt", "BR", hidden=True),
    Person("edson", "Edson Pacheco", "554195550121", "", "pt", "BR"),
    Person("grace", "Grace Holloway", "12025550122", "graceholloway", "en", "US"),
    Person("owen", "Owen Carlisle", "447700900123", "", "en", "GB"),
    Person("priya", "Priya Raman", "14155550124", "priya.raman", "en", "US"),
)


def cast(count: int) -> list[Person]:
    """The first `count` of the cast, as objects of their own."""
    return [Person(**asdict(person)) for person in CAST[:count]]
