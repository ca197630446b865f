"""People who go on writing to the company, gently, and answer what it answers."""

import asyncio
from random import Random

from bot.sandbox.stage import Stage
from bot.sandbox.stories import Turn, stories, told
from bot.sandbox.world.acts import Act, Contact, Picture, Place, Reaction
from bot.sandbox.world.chats import Chat
from bot.sandbox.world.company import Account
from bot.sandbox.world.people import Person
from bot.sandbox.world.samples import SAMPLES
from bot.tasks import spawn, stop

# Seconds at pace 1. A shop with four people at the counter keeps up with this.
BETWEEN_CONVERSATIONS = (25.0, 70.0)
THINKING = (4.0, 16.0)
SECONDS_PER_LETTER = 0.12
PATIENCE = (240.0, 600.0)
SHARE_OF_READERS = 0.9
MAX_AT_ONCE, MAX_UNANSWERED = 6, 25
NUDGES = {"es": ("¿Hola?", "¿Siguen ahí?"), "pt": ("Oi?", "Alguém aí?"), "en": ("Hello?", "Anybody there?")}
SPOTS = (
    Place(latitude=4.6486, longitude=-74.0628, name="Calle 63 # 9-45", address="Chapinero, Bogotá"),
    Place(latitude=6.2442, longitude=-75.5899, name="Circular 4 # 70-12", address="Laureles, Medellín"),
    Place(latitude=4.7423, longitude=-74.0840, name="Carrera 92 # 146-20", address="Suba, Bogotá"),
)
KINDS = {".jpg": "image", ".ogg": "voice", ".pdf": "document"}


async def live(stage: Stage, stopping: asyncio.Event, pace: float = 1.0) -> None:
    """Until `stopping`. At `pace` 1 somebody begins to write about every 45 seconds; at 2 everything is twice as fast.

    When nobody at the company answers, no more people come than a queue at a counter would hold.
    """
    town, before = Town(stage, pace), stage.world.timing
    stage.world.timing = before.model_copy(update={"reads": SHARE_OF_READERS})
    try:
        while not stopping.is_set():
            town.send_somebody()
            await _pause(stopping, town.within(BETWEEN_CONVERSATIONS))
    finally:
        stage.world.timing = before
        await town.go_home()


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return


class Town:
    def __init__(self, stage: Stage, pace: float) -> None:
        self._stage, self._pace = stage, pace
        self._dice = Random(stage.world.config.seed)  # noqa: S311 (it plays, it keeps no secret)
        self._busy: dict[str, asyncio.Task[None]] = {}

    def within(self, span: tuple[float, float]) -> float:
        return self._dice.uniform(*span) / self._pace

    def send_somebody(self) -> None:
        free = [person for person in self._stage.world.people if person.id not in self._busy]
        if len(self._busy) >= MAX_AT_ONCE or not free or self._unanswered() >= MAX_UNANSWERED:
            return
        person = self._dice.choice(free)
        account = self._account(person)
        chat = self._stage.world.chats.open(account, person)
        if chat.viewers or chat.blocked:
            return
        task = spawn(self._talk(chat), name="sandbox person")
        self._busy[person.id] = task
        task.add_done_callback(lambda done: self._busy.pop(person.id, None))

    def _account(self, person: Person) -> Account:
        """Where they wrote last, mostly: people keep to a channel."""
        accounts = self._stage.world.company.accounts
        chats = [self._stage.world.chats.find(account, person) for account in accounts]
        known = [chat for chat in chats if chat and chat.heard_at]
        if known and self._dice.random() < 0.85:
            return max(known, key=lambda chat: chat.heard_at or 0).account
        weights = [{"whatsapp": 6, "telegram": 2}.get(account.kind, 2) for account in accounts]
        return self._dice.choices(accounts, weights)[0]

    def _unanswered(self) -> int:
        """Chats of the last day in which the person had the last word."""
        edge = self._stage.world.now() - 24 * 3600
        return sum(1 for chat in self._stage.world.chats if (chat.heard_at or 0) > edge and not _is_answered(chat))

    async def _talk(self, chat: Chat) -> None:
        person = chat.person
        if chat.account.kind == "telegram" and not chat.lines:
            self._say(chat, Act(text="/start"))
        turns = told(self._dice.choice(stories(person.language)), person, self._dice)
        spoken = False
        for turn in turns:
            if turn.by == "company" and spoken:
                if not await self._answered(chat):
                    return
                spoken = False
            elif turn.by in ("person", "reaction"):
                await asyncio.sleep(self.within(THINKING) + len(turn.text) * SECONDS_PER_LETTER / self._pace)
                spoken = self._turn(chat, turn) or spoken

    def _turn(self, chat: Chat, turn: Turn) -> bool:
        """Whether there was something to say it to."""
        self._stage.seen(chat)
        if turn.by == "reaction":
            last = next((line for line in reversed(chat.lines) if line.by == "company"), None)
            return bool(last and self._say(chat, Act(react=Reaction(message=last.id, emoji=turn.text))))
        return self._say(chat, act_of(turn, self._dice))

    def _say(self, chat: Chat, act: Act) -> bool:
        self._stage.say(chat.account.kind, chat.person.id, act, account=chat.account.id)
        return True

    async def _answered(self, chat: Chat) -> bool:
        """Wait for the company; ask once more when it takes long; then give up."""
        for _ in range(2):
            if await self._hears(chat, self.within(PATIENCE)):
                return True
            if not chat.viewers:
                self._say(chat, Act(text=self._dice.choice(NUDGES.get(chat.person.language, NUDGES["es"]))))
        return await self._hears(chat, self.within(PATIENCE))

    async def _hears(self, chat: Chat, seconds: float) -> bool:
        news = asyncio.Event()
        forget = self._stage.world.chats.listen(lambda changed: news.set() if changed is chat else None)
        try:
            async with asyncio.timeout(seconds):
                while not _is_answered(chat):
                    await news.wait()
                    news.clear()
        except TimeoutError:
            return False
        finally:
            forget()
        return True

    async def go_home(self) -> None:
        for task in tuple(self._busy.values()):
            await stop(task)


def _is_answered(chat: Chat) -> bool:
    return not chat.lines or chat.lines[-1].by == "company"


def act_of(turn: Turn, dice: Random) -> Act:
    if turn.thing == "lugar":
        return Act(location=dice.choice(SPOTS))
    if turn.thing == "ficha":
        return Act(contact=Contact(name="Construcciones Alba S. A. S.", phones=("+57 300 555 0190",)))
    if turn.thing:
        sample = SAMPLES[turn.thing]
        kind = KINDS[sample.file[-4:]]
        return Act(media=Picture(kind=kind, sample=turn.thing, caption=turn.text, seconds=sample.seconds))
    return Act(text=turn.text)
