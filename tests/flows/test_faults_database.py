"""The database stands still or dies, the disk fills up: whoever knocks is asked to come back, and then all is there."""

import asyncio
import os
import shutil
import signal
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.config import Data, Server, Settings
from bot.config import Sandbox as SandboxSection
from inbox.people import Role
from tests.flows.browsing import signed_in
from tests.flows.posting import Poster, poster, text_of
from tests.flows.town import ARRIVED, Town
from tests.office import open_office
from tests.waiting import wait_for

MEGABYTE = 2**20
PATIENCE_SECONDS = 4.0
# Others on this machine write too while this runs.
ROOM_MB = 1024


def free_mb(folder: Path) -> int:
    return shutil.disk_usage(folder).free // MEGABYTE


class Mongod:
    """The one of a data directory, seen from outside."""

    def __init__(self, folder: Path) -> None:
        self._lock = folder / "mongodb" / "db" / "mongod.lock"

    @property
    def pid(self) -> int:
        return int(self._lock.read_text() or 0)

    @contextmanager
    def frozen(self):
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def kill(self) -> int:
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        return pid


@pytest.fixture(scope="module")
async def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("database")


@pytest.fixture(scope="module")
async def office(folder):
    """On a database of its own. Its disk may lose a gigabyte before it says so."""
    free = free_mb(folder)
    reserve = max(free - ROOM_MB, free // 2)
    settings = Settings(
        server=Server(port=0), data=Data(directory=folder, reserve_mb=reserve), sandbox=SandboxSection(port=0)
    )
    async with open_office(settings, kinds=("whatsapp",)) as office:
        await office.hire("Marta", Role.OWNER)
        yield office


@pytest.fixture
def mongod(folder) -> Mongod:
    return Mongod(folder)


@pytest.fixture
def platform(office) -> Poster:
    return poster(office.http, office.address, office.sandbox.credentials(), "whatsapp")


@pytest.fixture
async def town(office):
    async with signed_in(office.house.db, office.address, "Marta") as browser:
        town = Town(office, browser)
        yield town
        await town.calm_down()
        assert office.sandbox.world.ledger.doubled() == []


async def status_of(office, path: str) -> int:
    async with office.http.get(office.address + path) as answer:
        return answer.status


async def all_arrive_once(office, said: list[str]) -> None:
    wanted = {"platform_id": {"$in": said}}

    async def are_there():
        return await office.house.db["messages"].count_documents(wanted) == len(said)

    await wait_for(are_there, seconds=30)
    await office.sandbox.settle(seconds=30)
    # Nothing is on its way any more that could arrive a second time.
    assert await office.conversation(last={"$ne": None})
    stored = await office.house.db["messages"].find(wanted).to_list()
    assert sorted(one["platform_id"] for one in stored) == sorted(said)
    assert all(one["conversation"] for one in stored)


async def test_a_database_that_stands_still_is_said_in_time_and_then_everything_arrives_once(office, platform, mongod):
    people = [f"Ana {number}" for number in range(5)]
    said = [office.says("whatsapp", person, "Antes") for person in people]
    await all_arrive_once(office, said)
    message = text_of("¿Hay alguien?", sender="573009990001")
    raw, loop = platform.body(message), asyncio.get_running_loop()
    with mongod.frozen():
        said += [office.says("whatsapp", person, f"Durante {turn}") for turn in range(3) for person in people]
        began = loop.time()
        status, headers = await platform.ask(raw)
        assert (status, loop.time() - began < PATIENCE_SECONDS + 1) == (503, True)
        assert int(headers["Retry-After"]) > 0
        assert (await status_of(office, "/health"), await status_of(office, "/ready")) == (200, 503)
    said += [office.says("whatsapp", person, "Después") for person in people]
    assert await wait_for(lambda: is_taken(platform, raw), seconds=15)
    await all_arrive_once(office, [*said, message["id"]])
    for person in people:
        conversation = await office.conversation(name=person)
        assert conversation["unread"] == 5


async def is_taken(platform: Poster, raw: bytes) -> bool:
    return await platform.post(raw) == 200


async def test_a_database_that_is_killed_comes_back_with_all_it_had_said_yes_to(office, town, mongod):
    conversation = await town.write("whatsapp")
    said = [office.says("whatsapp", f"Beto {number}", "Antes") for number in range(20)]
    dead = mongod.kill()
    said += [office.says("whatsapp", f"Beto {number}", "Durante") for number in range(20)]
    # Who answers meanwhile waits a little longer, and is answered.
    sent = await town.answer(conversation, "Seguimos aquí")
    await town.becomes(sent, *ARRIVED)
    assert mongod.pid not in (0, dead)
    assert town.accepted("Seguimos aquí") == 1
    await all_arrive_once(office, said)


async def test_what_became_of_an_answer_is_written_when_the_database_is_back(office, town, mongod):
    conversation = await town.write("whatsapp")
    await town.misbehave(slow=1, slow_seconds=1, lost_statuses=1)
    sent = await town.answer(conversation, "Ya salió")
    await town.becomes(sent, "sending")
    mongod.kill()
    await wait_for(lambda: town.accepted("Ya salió"), seconds=15)
    assert (await town.becomes(sent, "sent", "uncertain"))["status"] == "sent"
    assert town.accepted("Ya salió") == 1


@contextmanager
def ballast(folder: Path):
    """`grow()` takes 64 MB of the disk away; at the end all of it is given back."""
    file = folder / "ballast"

    def grow() -> None:
        with file.open("ab") as opened:
            os.posix_fallocate(opened.fileno(), file.stat().st_size, 64 * MEGABYTE)

    try:
        yield grow
    finally:
        file.unlink(missing_ok=True)


async def test_a_disk_that_fills_up_takes_nothing_more_and_recovers(office, town, platform, folder):
    conversation = await town.write("whatsapp")
    message = text_of("¿Queda sitio?", sender="573009990002")
    raw = platform.body(message)
    with ballast(folder) as grow:

        async def is_full() -> bool:
            grow()
            return await status_of(office, "/ready") == 503

        await wait_for(is_full, seconds=60)
        status, headers = await platform.ask(raw)
        assert (status, int(headers["Retry-After"]) > 0) == (503, True)
        assert await status_of(office, "/health") == 200
        said = [office.says("whatsapp", f"Ciro {number}", "¿Hola?") for number in range(5)]
        # A forger is told nothing about our disk, and those who work here go on.
        assert await platform.post(raw, signature="sha256=wrong") == 403
        await town.becomes(await town.answer(conversation, "Aún hay sitio para esto"), "sent")
        assert await office.house.db["messages"].count_documents({"platform_id": {"$in": [*said, message["id"]]}}) == 0
    assert await wait_for(lambda: is_taken(platform, raw), seconds=10)
    assert await status_of(office, "/ready") == 200
    await all_arrive_once(office, [*said, message["id"]])
