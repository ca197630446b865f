"""A small company to look at: four people, five weeks of conversations on three channels, lively customers."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from bot.channels.contract import Said
from bot.config import Settings
from bot.ids import AccountId, AgentId, ContactId, ConversationId, IdentityId, TeamId, new_id
from bot.log import logger
from bot.records import contacts, messages, mirrors, outgoing, windows
from bot.records.accounts import AccountRecord
from bot.records.ladder import RANK
from bot.records.media import entry, store_upload
from bot.records.meeting import Meeting, Met, meet
from bot.sandbox.history import Past, PastMessage, history, move_in
from bot.sandbox.life import live
from bot.sandbox.server import Sandbox
from bot.sandbox.world.samples import SAMPLES
from bot.tasks import spawn, stop
from inbox import conversations, labels, notes, people
from inbox.house import House
from inbox.people import FIRST_TEAM, Agent, Role
from inbox.practice import PracticeChannel
from inbox.serving import Parts, running

DATA = Path("demo-data")
PASSWORD = "ferreteria-sol"  # noqa: S105 - it is printed: the company does not exist
STAFF = (
    ("Marta Ruiz", "marta@sol.example", Role.OWNER),
    ("Luis Gómez", "luis@sol.example", Role.SUPERVISOR),
    ("Sofía Castaño", "sofia@sol.example", Role.AGENT),
    ("Andrés Peña", "andres@sol.example", Role.AGENT),
)
COLOURS = ("teal", "orange", "blue", "purple", "green", "red", "yellow", "grey")
log = logger(__name__)


async def serve_demo(settings: Settings) -> None:
    """Until it is stopped. What was said stays; a second start goes on with the same company."""
    stopping = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    async with running(settings, Parts(web=True, worker=True), demo=True, warm=True) as (house, address):
        await house.practice.connect()
        sandbox = _sandbox(house)
        if not await people.has_owner(house.db):
            await _found(house, sandbox)
        _greet(house, address)
        living = spawn(live(sandbox, stopping), name="customers")
        await stopping.wait()
        await stop(living)


def _sandbox(house: House) -> Sandbox:
    practice = house.practice
    if not isinstance(practice, PracticeChannel) or practice.sandbox is None:
        raise RuntimeError("the demo's platforms are played by another process")
    return practice.sandbox


def _greet(house: House, address: str) -> None:
    click.echo(f"Bandeja: {address}")
    click.echo(f"The customers' phone: {house.practice.phone_url}")
    click.echo(f"Sign in as any of these, password {PASSWORD}:")
    for name, email, role in STAFF:
        click.echo(f"  {email}  ({name}, {role})")


async def _found(house: House, sandbox: Sandbox) -> None:
    now = house.clock.now()
    await people.rename_team(house.db, FIRST_TEAM, name="Ventas")
    await people.add_team(house.db, name="Soporte", now=now)
    staff = [
        await people.add_agent(house.db, email=email, name=name, role=role, password=PASSWORD, now=now)
        for name, email, role in STAFF
    ]
    staff = [await people.change_agent(house.db, agent.id, {"language": "es"}) for agent in staff]
    pasts = list(history(sandbox.world.company, now=now, agents=len(staff)))
    writer = _Writer(house, staff, now)
    await writer.prepare(pasts)
    for past in pasts:
        await writer.write(past)
    move_in(sandbox, pasts)
    log.info("the company is founded", conversations=len(pasts))


class _Writer:
    """Writes down what would have come in and gone out, in the form in which it would stand there."""

    def __init__(self, house: House, staff: list[Agent], now: datetime) -> None:
        self._house, self._db, self._staff, self._now = house, house.db, staff, now
        self._labels: dict[str, str] = {}
        self._files: dict[str, dict[str, Any]] = {}
        self._records: list[dict[str, Any]] = []

    async def prepare(self, pasts: list[Past]) -> None:
        names = sorted({name for past in pasts for name in past.labels})
        for index, name in enumerate(names):
            made = await labels.add_label(self._db, name=name, colour=COLOURS[index % len(COLOURS)], now=self._now)
            self._labels[name] = made["_id"]
        for key, sample in SAMPLES.items():
            self._files[key] = await store_upload(
                self._db,
                _chunks(sample.read()),
                name=sample.name,
                mime=sample.mime.partition(";")[0],
                owner=AgentId(self._staff[0].id),
                now=self._now,
                kind="voice" if sample.mime.startswith("audio/") else None,
            )

    async def write(self, past: Past) -> None:
        account = self._house.accounts.find_external(past.channel, past.account)
        if account is None:
            return
        (met,) = await meet(self._db, [Meeting(past.sender, account.id, account.practice)], now=self._now)
        conversation = self._conversation(past, account, met)
        documents = [self._message(one, past, account, met, conversation) for one in past.messages]
        conversation |= self._standing(past, documents, account)
        await self._db["messages"].insert_many(documents)
        await self._db["conversations"].insert_one(conversation)
        if self._records:
            await self._db["media"].insert_many(self._records)
            self._records = []
        await self._remember(past, account, met)
        for note in past.notes:
            await notes.add_note(
                self._db, conversation, text=note.text, mentions=(), by=self._staff[note.agent], now=self._at(note)
            )

    def _at(self, past: Any) -> datetime:
        at: datetime = self._now - timedelta(minutes=past.minutes_ago)
        return at.replace(microsecond=at.microsecond // 1000 * 1000)

    def _conversation(self, past: Past, account: AccountRecord, met: Met) -> dict[str, Any]:
        owner = self._staff[past.agent].id if past.agent is not None else None
        return conversations.blank(
            met.contact["_id"],
            team=account.team,
            name=met.contact["name"],
            account=account.id,
            channel=account.kind,
            identity=met.identity,
            practice=account.practice,
            now=self._at(past.messages[0]),
        ) | {"assignee": owner, "labels": [self._labels[name] for name in past.labels]}

    def _message(
        self, one: PastMessage, past: Past, account: AccountRecord, met: Met, conversation: Mapping[str, Any]
    ) -> dict[str, Any]:
        build = self._heard if one.direction == "in" else self._answered
        document = build(one, past, account, met, conversation)
        if one.sample:
            self._attach(document, self._files[one.sample], one.direction)
        if one.reaction:
            who = {"by": "contact", "who": met.identity, "emoji": one.reaction, "at": document["at"]}
            document["reactions"] = [who]
        return document

    def _heard(
        self, one: PastMessage, past: Past, account: AccountRecord, met: Met, conversation: Mapping[str, Any]
    ) -> dict[str, Any]:
        said = Said(past.account, past.chat, one.platform_id, past.sender, one.content, self._at(one))
        place = messages.Place(
            account=account.id,
            channel=account.kind,
            contact=met.contact["_id"],
            identity=met.identity,
            conversation=conversation["_id"],
            team=account.team,
            practice=account.practice,
        )
        return messages.compose(said, place, name=met.contact["name"], arrived_at=self._at(one))

    def _answered(
        self, one: PastMessage, past: Past, account: AccountRecord, met: Met, conversation: Mapping[str, Any]
    ) -> dict[str, Any]:
        agent, at = self._staff[one.agent or 0], self._at(one)
        draft = outgoing.Draft(
            account=AccountId(account.id),
            contact=ContactId(met.contact["_id"]),
            identity=IdentityId(met.identity),
            content=one.content,
            author=outgoing.Author("agent", agent.id, agent.name),
            conversation=ConversationId(conversation["_id"]),
            team=TeamId(account.team),
            practice=account.practice,
        )
        document = outgoing.document(draft, new_id(), channel=account.kind, quoted=None, about=None, media=[], now=at)
        times = {name: at for name in ("queued", "sent", "delivered", "read") if RANK[name] <= RANK[one.status]}
        sent = {"status": one.status, "rank": RANK[one.status], "times": times}
        return document | sent | {"chat": past.chat, "platform_id": one.platform_id}

    def _attach(self, document: dict[str, Any], file: Mapping[str, Any], direction: str) -> None:
        """Every message has a record of its own; the file behind it is kept once."""
        own = {"message": document["_id"], "contact": document["contact"], "conversation": document["conversation"]}
        record = {**file, **own, "_id": new_id(), "direction": direction, "owner": None, "at": document["at"]}
        document["media"] = [entry(record)]
        document["content"] |= {"media": record["_id"], "kind": record["kind"]}
        self._records.append(record)

    def _standing(self, past: Past, documents: list[dict[str, Any]], account: AccountRecord) -> dict[str, Any]:
        """How the conversation stands after all of it."""
        newest, is_open = documents[-1], past.status == "open"
        heard = [document for document in documents if document["direction"] == "in"]
        unanswered: list[dict[str, Any]] = []
        for document in documents:
            unanswered = [*unanswered, document] if document["direction"] == "in" else []
        window = self._house.channels[account.kind].window(heard[-1]["at"] if heard else None, self._now)
        return {
            "status": past.status,
            "open": is_open,
            "last": mirrors.last(newest),
            "at": newest["at"],
            "unread": len(unanswered) if is_open else 0,
            "waiting_since": unanswered[0]["at"] if unanswered and is_open else None,
            "window_closes_at": window.closes_at,
            "human_until": window.human_until,
            "resolved_at": None if is_open else newest["at"],
        }

    async def _remember(self, past: Past, account: AccountRecord, met: Met) -> None:
        heard = [one for one in past.messages if one.direction == "in"]
        if not heard:
            return
        last, contact = heard[-1], met.contact
        opened = windows.Heard(account.id, met.identity, contact["_id"], self._at(last), last.platform_id)
        await windows.open_windows(self._db, [opened])
        await contacts.record_heard(self._db, [contacts.Heard(contact, met.identity, self._at(one)) for one in heard])


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    yield body
