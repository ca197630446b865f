"""What stands on the phones: one chat per account and person, its newest lines, and who must hear of a change."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from bot.sandbox.world.company import Account, Company
from bot.sandbox.world.people import People, Person

By = Literal["person", "company", "system"]
HELD = 50_000
LADDER = ("failed", "waiting", "sent", "delivered", "read")


@dataclass(slots=True)
class Line:
    """One thing in a chat as the phone draws it. `at` is in seconds; `data` holds buttons, media, a place."""

    id: str
    by: By
    kind: str
    at: float
    text: str = ""
    status: str = "sent"
    quoted: str | None = None
    reactions: dict[str, str] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)

    def climb(self, status: str) -> bool:
        """True when it changed. Never down: platforms tell out of order."""
        if LADDER.index(status) <= LADDER.index(self.status):
            return False
        self.status = status
        return True


COLUMNS = tuple(column.name for column in fields(Line))


@dataclass(slots=True)
class Chat:
    """`heard_at` is when the person last wrote: the service window counts from it.

    `viewers` are open phone pages: while somebody plays the person, only what that one has seen is read.
    """

    account: Account
    person: Person
    lines: deque[Line]
    heard_at: float | None = None
    blocked: bool = False
    viewers: int = 0
    typing_until: float = 0.0
    counter: int = 0

    def add(self, line: Line) -> Line:
        self.lines.append(line)
        return line

    def find(self, line_id: str | None) -> Line | None:
        return next((line for line in reversed(self.lines) if line.id == line_id), None)

    def unread(self) -> list[Line]:
        """What the company said and the person has not seen."""
        return [line for line in self.lines if line.by == "company" and line.status in ("sent", "delivered")]

    def mark_read(self, *, until: str = "") -> None:
        """The company has read what the person wrote, up to the line with this id."""
        for line in self.lines:
            if line.by == "person":
                line.climb("read")
            if line.id == until:
                return

    def next_number(self) -> int:
        self.counter += 1
        return self.counter


class Chats:
    """The newest `lines_per_chat` lines of at most `max_chats` chats; the one that slept longest makes room."""

    def __init__(self, *, lines_per_chat: int, max_chats: int) -> None:
        self._chats: OrderedDict[tuple[str, str], Chat] = OrderedDict()
        self._lines_per_chat, self._max_chats = lines_per_chat, max_chats
        self._holders: OrderedDict[str, Chat] = OrderedDict()
        self._listeners: list[Callable[[Chat], None]] = []

    def __iter__(self) -> Iterator[Chat]:
        return iter(self._chats.values())

    def find(self, account: Account, person: Person) -> Chat | None:
        return self._chats.get((account.id, person.id))

    def open(self, account: Account, person: Person) -> Chat:
        key = (account.id, person.id)
        chat = self._chats.get(key)
        if chat is None:
            chat = self._chats[key] = Chat(account, person, deque(maxlen=self._lines_per_chat))
            if len(self._chats) > self._max_chats:
                self._chats.popitem(last=False)
        return chat

    def hear(self, chat: Chat, line: Line) -> None:
        """The person said `line`."""
        chat.add(line)
        chat.heard_at = max(chat.heard_at or 0.0, line.at)
        self._holders[line.id] = chat
        if len(self._holders) > HELD:
            self._holders.popitem(last=False)
        self.changed(chat)

    def recall(self, chat: Chat, line: Line) -> None:
        """Something said long ago: nobody hears of it again."""
        chat.add(line)
        if line.by == "person":
            chat.heard_at = max(chat.heard_at or 0.0, line.at)
            self._holders[line.id] = chat

    def holder(self, line_id: str) -> Chat | None:
        """The chat in which a person said this lately."""
        return self._holders.get(line_id)

    def listen(self, listener: Callable[[Chat], None]) -> Callable[[], None]:
        """`listener` hears of every changed chat until the returned function is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def changed(self, chat: Chat) -> None:
        key = (chat.account.id, chat.person.id)
        if key in self._chats:
            self._chats.move_to_end(key)
        for listener in self._listeners:
            listener(chat)

    def dump(self, *, chats: int, lines: int) -> list[dict[str, Any]]:
        """The `chats` that were alive last, each with its newest `lines`."""
        return [
            {
                "account": chat.account.id,
                "person": chat.person.id,
                "heard_at": chat.heard_at,
                "blocked": chat.blocked,
                "counter": chat.counter,
                "lines": [{name: getattr(line, name) for name in COLUMNS} for line in list(chat.lines)[-lines:]],
            }
            for chat in list(self._chats.values())[-chats:]
        ]

    def restore(self, saved: Iterable[Mapping[str, Any]], company: Company, people: People) -> None:
        accounts = {account.id: account for account in company.accounts}
        known = {person.id: person for person in people}
        for row in saved:
            account, person = accounts.get(row["account"]), known.get(row["person"])
            if account is None or person is None:
                continue
            chat = self.open(account, person)
            chat.heard_at, chat.blocked, chat.counter = row["heard_at"], row["blocked"], row["counter"]
            for line in row["lines"]:
                self.recall(chat, Line(**line))
