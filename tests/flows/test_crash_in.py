"""Two sites and two workers under a flood of webhooks, killed again and again: what was acknowledged stands in the
conversations, each message once.
"""

import asyncio
import hashlib
import hmac
import itertools
import os
import random
import signal
import socket
import sys
from collections import Counter
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from bson import ObjectId

from bot.config import Data, Settings
from bot.store.database import Database, open_database
from bot.tasks import spawn
from tests.waiting import wait_for

SECRET, NUMBER = "the app's secret", "1055550001"
PEOPLE = 25

CONFIG = """
[mongodb]
uri = "{uri}"
database = "{database}"
[data]
directory = "{directory}"
[[account]]
kind = "whatsapp"
name = "Ventas"
phone_number_id = "{number}"
business_account_id = "W1"
access_token_env = "FLOOD_TOKEN"
app_secret_env = "FLOOD_SECRET"
verify_token_env = "FLOOD_TOKEN"
"""


def a_webhook(person: int, messages: list[str]) -> bytes:
    """One body with some messages of one person, as WhatsApp sends it."""
    phone = f"57300{person:07d}"
    said = [
        {"from": phone, "id": f"wamid.{name}", "timestamp": _now(), "type": "text", "text": {"body": name}}
        for name in messages
    ]
    contact = {"profile": {"name": f"Persona {person}"}, "wa_id": phone, "user_id": f"CO.{person:010d}"}
    place = {"display_phone_number": "573001112233", "phone_number_id": NUMBER}
    value = {"messaging_product": "whatsapp", "metadata": place, "contacts": [contact], "messages": said}
    entry = {"id": "W1", "changes": [{"field": "messages", "value": value}]}
    return orjson.dumps({"object": "whatsapp_business_account", "entry": [entry]})


def _now() -> str:
    return str(int(datetime.now(UTC).timestamp()))


def sign(raw: bytes) -> dict[str, str]:
    return {"X-Hub-Signature-256": f"sha256={hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()}"}


def a_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Machines:
    """Processes of Bandeja on one database."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self.running: dict[str, asyncio.subprocess.Process] = {}
        self.ports: dict[str, int] = {}

    async def start(self, name: str) -> None:
        """`name` is the command and a number: web1, worker2, serve1."""
        command = name.rstrip("0123456789")
        arguments = [sys.executable, "-m", "inbox", command, "--config", str(self._config)]
        if command != "worker":
            port = self.ports.setdefault(name, a_free_port())
            arguments += ["--port", str(port)]
        secrets = {"FLOOD_TOKEN": "a token of many letters", "FLOOD_SECRET": SECRET}
        with (self._config.parent / f"{name}.log").open("ab") as told:
            self.running[name] = await asyncio.create_subprocess_exec(
                *arguments, stdout=told, stderr=told, env={**os.environ, **secrets}
            )

    async def kill(self, name: str) -> None:
        child = self.running.pop(name)
        child.kill()
        await child.wait()

    async def freeze(self, name: str, *, seconds: float) -> None:
        child = self.running[name]
        child.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        child.send_signal(signal.SIGCONT)

    async def stop(self) -> None:
        for child in self.running.values():
            child.terminate()
        await asyncio.gather(*(child.wait() for child in self.running.values()))

    async def are_ready(self, *names: str) -> None:
        for name in names:
            await wait_for(partial(self._is_ready, name), seconds=60)

    async def _is_ready(self, name: str) -> bool:
        try:
            async with (
                aiohttp.ClientSession() as http,
                http.get(f"http://127.0.0.1:{self.ports[name]}/ready") as answer,
            ):
                return answer.status == 200
        except aiohttp.ClientError:
            return False


class Flood:
    """Posts as the platform does: whatever is not acknowledged comes again, some of what is acknowledged too."""

    def __init__(self, machines: Machines) -> None:
        self._machines = machines
        self._names = itertools.count()
        self.acknowledged: Counter[int] = Counter()
        self.stopping = asyncio.Event()

    async def pour(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
            await asyncio.gather(*(self._write_as(http, person) for person in range(PEOPLE)))

    async def _write_as(self, http: aiohttp.ClientSession, person: int) -> None:
        while not self.stopping.is_set():
            names = [f"{person}.{next(self._names)}" for _ in range(random.choice((1, 1, 2, 5)))]
            raw = a_webhook(person, names)
            await self._insist(http, raw)
            if random.random() < 0.1:
                await self._post(http, raw)
            self.acknowledged[person] += len(names)
            await asyncio.sleep(random.random() * 0.05)

    async def _insist(self, http: aiohttp.ClientSession, raw: bytes) -> None:
        while True:
            if await self._post(http, raw):
                return
            await asyncio.sleep(0.05)

    async def _post(self, http: aiohttp.ClientSession, raw: bytes) -> bool:
        port = random.choice(list(self._machines.ports.values()))
        try:
            async with http.post(f"http://127.0.0.1:{port}/hooks/whatsapp", data=raw, headers=sign(raw)) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def rises_by(self, count: int) -> None:
        enough = self.acknowledged.total() + count
        await wait_for(lambda: self.acknowledged.total() >= enough, seconds=60)


async def compare(db: Database, flood: Flood) -> None:
    """Everything acknowledged is in its person's one conversation, once, and counted once."""
    assert await db["messages"].count_documents({}) == flood.acknowledged.total()
    assert await db["contacts"].count_documents({}) == PEOPLE
    assert await db["identities"].count_documents({}) == 2 * PEOPLE
    assert await db["aside"].count_documents({}) == 0
    assert await db["suspects"].count_documents({}) == 0
    conversations = await db["conversations"].find().to_list()
    assert len(conversations) == PEOPLE
    for conversation in conversations:
        person = int(conversation["name"].split()[1])
        said = await db["messages"].find({"conversation": conversation["_id"]}).sort([("at", -1)]).to_list()
        assert len(said) == flood.acknowledged[person]
        assert {message["contact"] for message in said} == {conversation["contact"]}
        assert conversation["unread"] == len(said)
        assert conversation["last"]["at"] == said[0]["at"]
        assert conversation["waiting_since"] == said[-1]["at"]


async def all_applied(db: Database) -> bool:
    return await db["journal"].find_one({"state": "new"}, {"_id": 1}) is None


@pytest.fixture
def configured(tmp_path):
    def write(uri: str, database: str) -> Path:
        place: dict[str, Any] = {"uri": uri, "database": database, "directory": tmp_path / "data", "number": NUMBER}
        (tmp_path / "config.toml").write_text(CONFIG.format(**place))
        return tmp_path / "config.toml"

    return write


@pytest.fixture
async def database(server: Database):
    db = Database(server.client, f"flood_{ObjectId()}")
    yield db
    await server.client.drop_database(db.handle.name)


@pytest.mark.parametrize("kills", [2, pytest.param(40, marks=pytest.mark.torture)])
@pytest.mark.timeout(600)
async def test_sites_and_workers_are_killed_and_nothing_is_lost_or_doubled(configured, address, database, kills):
    machines = Machines(configured(address, database.handle.name))
    names = ("worker1", "web1", "worker2", "web2")
    try:
        for name in names:
            await machines.start(name)
        await machines.are_ready("web1", "web2")
        flood = Flood(machines)
        pouring = spawn(flood.pour(), name="flood")
        for number in range(kills):
            await flood.rises_by(300)
            victim = names[number % 4]
            await machines.kill(victim)
            await flood.rises_by(100)
            await machines.start(victim)
        await flood.rises_by(300)
        flood.stopping.set()
        await pouring
        await wait_for(lambda: all_applied(database), seconds=60)
        await compare(database, flood)
    finally:
        await machines.stop()


@pytest.mark.torture
@pytest.mark.timeout(600)
async def test_a_worker_that_was_frozen_does_no_harm_when_it_wakes(configured, address, database):
    machines = Machines(configured(address, database.handle.name))
    try:
        for name in ("web1", "worker1", "worker2"):
            await machines.start(name)
        await machines.are_ready("web1")
        flood = Flood(machines)
        pouring = spawn(flood.pour(), name="flood")
        for number in range(4):
            await flood.rises_by(300)
            await machines.freeze(f"worker{number % 2 + 1}", seconds=9)
        flood.stopping.set()
        await pouring
        await wait_for(lambda: all_applied(database), seconds=60)
        await compare(database, flood)
    finally:
        await machines.stop()


@pytest.mark.parametrize("kills", [1, pytest.param(10, marks=pytest.mark.torture)])
@pytest.mark.timeout(900)
async def test_the_database_is_killed_and_nothing_is_lost_or_doubled(configured, tmp_path, kills):
    machines = Machines(configured("embedded", "bandeja"))
    lock = tmp_path / "data" / "mongodb" / "db" / "mongod.lock"
    try:
        await machines.start("serve1")
        await machines.are_ready("serve1")
        flood = Flood(machines)
        pouring = spawn(flood.pour(), name="flood")
        for _ in range(kills):
            await flood.rises_by(300)
            os.kill(int(lock.read_text()), signal.SIGKILL)
            await machines.are_ready("serve1")
        await flood.rises_by(300)
        flood.stopping.set()
        await pouring
        settings = Settings(data=Data(directory=tmp_path / "data"))
        async with open_database(settings) as db:
            await wait_for(lambda: all_applied(db), seconds=60)
            await compare(db, flood)
    finally:
        await machines.stop()
