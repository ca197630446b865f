"""The last weeks of a lively shop, for a demonstration: who wrote, what was answered, what is still open."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Literal

from bot.channels.contract import EVERYWHERE, Address, Sender
from bot.content import Card, Cards, Content, Location, Media, Text
from bot.phones import fold
from bot.sandbox.life import KINDS, SPOTS
from bot.sandbox.stage import Stage
from bot.sandbox.stories import Turn, stories, told
from bot.sandbox.world.chats import Chat, Line
from bot.sandbox.world.company import Account, Company, Kind
from bot.sandbox.world.people import Person, address_of, cast
from bot.sandbox.world.samples import SAMPLES

# Local time of the shop in Bogotá, and when it is open.
UTC_OFFSET, OPENS, SHUTS = timedelta(hours=-5), 7.5, 19.5
# Of the conversations of the last hours some wait for a first answer.
WEEKS, RECENT_HOURS, SHARE_OF_RECENT = 5, 30, 0.2
FIRST = (
    "Andrea Camilo Diana Esteban Felipe Gloria Iván Juliana Laura Mateo Natalia Óscar Patricia Ramiro Sandra Yolanda"
)
LAST = "Acosta Barrera Cifuentes Duque Escobar Forero Garzón Hoyos Jaramillo Lozano Marulanda Ospina Pineda Rojas Vélez"
FIRST_PT, LAST_PT = "Aline Bruno Denise Fábio Luana Rafael", "Almeida Barbosa Cardoso Moreira"
UNTOUCHED = 0.35
UNDELIVERABLE = "131026"
Status = Literal["received", "sent", "delivered", "read", "failed"]
PHONES = {"CO": "57300555", "MX": "521555555", "AR": "549115555", "BR": "551195555"}


@dataclass(frozen=True, slots=True)
class PastMessage:
    """`agent` counts from 0 where a colleague wrote it. `sample` names the file of a media content.

    `platform_id` is the one a channel reads from the platform; `reaction` is the person's to this message.
    `failure` is the platform's code where `status` is "failed".
    """

    minutes_ago: float
    direction: Literal["in", "out"]
    agent: int | None
    content: Content
    status: Status
    platform_id: str
    sample: str = ""
    reaction: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class PastNote:
    minutes_ago: float
    agent: int
    text: str


@dataclass(frozen=True, slots=True)
class Past:
    """One conversation. `account` is the platform's id of it, `chat` Telegram's chat id, "" elsewhere."""

    person: Person
    sender: Sender
    channel: Kind
    account: str
    chat: str
    messages: tuple[PastMessage, ...]
    notes: tuple[PastNote, ...]
    labels: tuple[str, ...]
    status: Literal["open", "resolved"]
    agent: int | None


def history(
    company: Company, *, now: datetime, conversations: int = 320, agents: int = 4, seed: int = 7
) -> Iterator[Past]:
    """Oldest first. At most one open conversation per person, and that one is their last."""
    writer = _Writer(company, now, agents, Random(seed))  # noqa: S311 (it plays, it keeps no secret)
    pasts = itertools.chain.from_iterable(writer.life(person) for person in crowd(conversations * 2 // 3))
    chosen = list(itertools.islice(pasts, conversations))
    yield from sorted(chosen, key=lambda past: -past.messages[-1].minutes_ago)


def crowd(count: int) -> list[Person]:
    """The cast, then others made of common names, always the same."""
    people = cast(count)
    names = [f"{first} {last}" for last in LAST.split() for first in FIRST.split()]
    names_pt = [f"{first} {last}" for last in LAST_PT.split() for first in FIRST_PT.split()]
    for number in range(count - len(people)):
        brazilian = number % 9 == 4
        name = (names_pt if brazilian else names)[number // 9 if brazilian else number * 7 % len(names)]
        country = "BR" if brazilian else ("CO", "CO", "MX", "CO", "AR")[number % 5]
        username = name.lower().replace(" ", ".").encode("ascii", "ignore").decode() if number % 3 == 0 else ""
        phone = f"{PHONES[country]}{1000 + number}"
        hidden = bool(username) and number % 4 == 0
        language = "pt" if brazilian else "es"
        people.append(Person(f"p{number + 1}", name, phone, username, language, country, hidden))
    return people


class _Writer:
    def __init__(self, company: Company, now: datetime, agents: int, dice: Random) -> None:
        self._company, self._now, self._agents, self._dice = company, now, agents, dice
        self._serial = itertools.count(1)
        self._counters: dict[int, itertools.count[int]] = {}

    def life(self, person: Person) -> Iterator[Past]:
        """A person's conversations, oldest first, a few days apart."""
        times = self._dice.choices((1, 2, 3, 4), (5, 3, 2, 1))[0]
        days = sorted(self._dice.sample(range(2, WEEKS * 7), times), reverse=True)
        account = self._account()
        for index, day in enumerate(days):
            last = index == len(days) - 1
            recent = last and self._dice.random() < SHARE_OF_RECENT * 2
            # Some go on by another channel: one person, one history.
            account = self._account() if self._dice.random() < 0.15 else account
            start = self._recently() if recent else self._on_day(day)
            yield self._past(person, account, start, recent=recent)

    def _account(self) -> Account:
        accounts = self._company.accounts
        return self._dice.choices(accounts, [6 if each.kind == "whatsapp" else 2 for each in accounts])[0]

    def _on_day(self, days_ago: int) -> float:
        """Minutes before now, at a time of day when the shop is open."""
        midnight = (self._now + UTC_OFFSET).replace(hour=0, minute=0, second=0) - UTC_OFFSET
        moment = midnight - timedelta(days=days_ago) + timedelta(hours=self._dice.uniform(OPENS, SHUTS - 2))
        return (self._now - moment) / timedelta(minutes=1)

    def _recently(self) -> float:
        return self._dice.triangular(4, RECENT_HOURS * 60, 40)

    def _past(self, person: Person, account: Account, start: float, *, recent: bool) -> Past:
        story = self._dice.choice(stories(person.language))
        turns = told(story, person, self._dice)
        is_open = recent and self._dice.random() < 0.8
        if is_open:
            turns = turns[: 1 if self._dice.random() < UNTOUCHED else self._dice.randint(1, len(turns))]
        agent = self._dice.randrange(self._agents)
        messages, notes = self._messages(person, account, turns, start, agent)
        answered = any(message.direction == "out" for message in messages)
        owned = answered or self._dice.random() < 0.3
        return Past(
            person=person,
            sender=sender_of(person, account),
            channel=account.kind,
            account=account.id,
            chat=str(person.telegram_id) if account.kind == "telegram" else "",
            messages=messages,
            notes=notes,
            labels=story.labels if answered or self._dice.random() < 0.4 else (),
            status="open" if is_open else "resolved",
            agent=agent if owned or not is_open else None,
        )

    def _messages(
        self, person: Person, account: Account, turns: list[Turn], start: float, agent: int
    ) -> tuple[tuple[PastMessage, ...], tuple[PastNote, ...]]:
        messages: list[PastMessage] = []
        notes: list[PastNote] = []
        gap = min(1.0, start / (len(turns) * 6))
        at = start
        for turn in turns:
            if turn.by == "reaction":
                messages[-1] = replace(messages[-1], reaction=turn.text)
            elif turn.by == "note":
                notes.append(PastNote(at, agent, turn.text))
            else:
                messages.append(self._message(person, account, turn, at, agent))
                at = max(at - gap * self._dice.lognormvariate(1.0, 0.8), at / 2)
        return tuple(messages), tuple(notes)

    def _message(self, person: Person, account: Account, turn: Turn, at: float, agent: int) -> PastMessage:
        content, sample = content_of(turn, self._dice), turn.thing if turn.thing in SAMPLES else ""
        own = self._id(person, account)
        if turn.by == "person":
            return PastMessage(at, "in", None, content, "received", own, sample)
        status = self._status(account)
        failure = UNDELIVERABLE if status == "failed" else ""
        return PastMessage(at, "out", agent, content, status, own, sample, failure=failure)

    def _status(self, account: Account) -> Status:
        if account.kind == "telegram":
            return "sent"
        weights = (82, 15, 2, 1) if account.kind == "whatsapp" else (82, 15, 3, 0)
        statuses: tuple[Status, ...] = ("read", "delivered", "sent", "failed")
        return self._dice.choices(statuses, weights)[0]

    def _id(self, person: Person, account: Account) -> str:
        if account.kind != "telegram":
            prefix = "wamid.PAST" if account.kind == "whatsapp" else "m_PAST"
            return f"{prefix}{next(self._serial):012d}"
        counter = self._counters.setdefault(person.telegram_id, itertools.count(1))
        return f"{person.telegram_id}:{next(counter)}"


def content_of(turn: Turn, dice: Random) -> Content:
    if turn.thing == "lugar":
        spot = dice.choice(SPOTS)
        return Location(latitude=spot.latitude, longitude=spot.longitude, name=spot.name, address=spot.address)
    if turn.thing == "ficha":
        return Cards(cards=(Card(name="Construcciones Alba S. A. S.", phones=("+57 300 555 0190",)),))
    if not turn.thing:
        return Text(text=turn.text)
    sample = SAMPLES[turn.thing]
    return Media(
        kind=KINDS[sample.file[-4:]],
        caption=turn.text,
        name=sample.name,
        mime=sample.mime,
        size=len(sample.read()),
        seconds=sample.seconds or None,
    )


def sender_of(person: Person, account: Account) -> Sender:
    """As the channel would read them from a message."""
    own = address_of(person, account)
    if account.kind == "telegram":
        address = Address("telegram", EVERYWHERE, own, own)
        return Sender((address,), name=person.name, username=person.username, language=person.language)
    addresses = [Address(account.kind, account.scope, own, own)]
    if account.kind == "whatsapp" and not person.hidden:
        addresses.append(Address("phone", EVERYWHERE, fold(person.phone), person.phone))
    username = person.username if account.kind == "whatsapp" else ""
    return Sender(tuple(addresses), name=person.name, username=username)


def move_in(stage: Stage, pasts: Iterable[Past]) -> None:
    """Let the platforms remember the same: the people exist, their windows are open, their phones show it all."""
    now = stage.world.now()
    for past in pasts:
        if stage.world.people.find(past.person.id) is None:
            stage.world.people.add(past.person)
        person = stage.person(past.person.id)
        chat = stage.world.chats.open(stage.account(past.channel, past.account), person)
        for message in past.messages:
            line = _line(chat, message, now)
            chat.counter += chat.account.kind == "telegram"
            stage.world.chats.recall(chat, line)


def _line(chat: Chat, message: PastMessage, now: float) -> Line:
    at, mine = now - message.minutes_ago * 60, message.direction == "in"
    line = Line(message.platform_id.rpartition(":")[2], "person" if mine else "company", "text", at, status="read")
    match message.content:
        case Text(text=text):
            line.text = text
        case Media() as media:
            line.kind, line.text = media.kind, media.caption
            line.data = {"media": {"kind": media.kind, "id": f"sample:{message.sample}", "name": media.name}}
        case Location() as spot:
            line.kind, line.data = "location", {"place": spot.model_dump(exclude={"type", "url"})}
        case Cards(cards=cards):
            line.kind, line.data = "contacts", {"cards": [card.model_dump() for card in cards]}
    if message.reaction:
        line.reactions["person"] = message.reaction
    if not mine and message.status != "read" and chat.account.kind != "telegram":
        line.status = message.status
    return line
