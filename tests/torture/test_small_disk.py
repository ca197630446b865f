"""A disk as small as a stamp, filled by what comes in: the database never feels it."""

import asyncio
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.config import Data, Server, Settings
from bot.config import Sandbox as SandboxSection
from inbox.people import Role
from tests.flows.posting import Poster, poster, text_of
from tests.office import open_office
from tests.waiting import wait_for

pytestmark = [pytest.mark.torture, pytest.mark.timeout(600)]
DISK_MB, RESERVE_MB, MEGABYTE = 700, 200, 2**20


@contextmanager
def mounted(folder: Path):
    """A file system in memory. Only root may mount one; the same is tried without in tests/flows."""
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0700", "tmpfs", str(folder)]
    done = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def disk(tmp_path):
    with mounted(tmp_path / "disk") as folder:
        yield folder


@pytest.fixture
async def office(disk):
    data = Data(directory=disk / "data", reserve_mb=RESERVE_MB)
    settings = Settings(server=Server(port=0), data=data, sandbox=SandboxSection(port=0))
    async with open_office(settings, kinds=("whatsapp",)) as office:
        await office.hire("Marta", Role.OWNER)
        yield office


class Flood:
    """Large bodies of padding, one small message in each, until they are refused."""

    def __init__(self, platform: Poster) -> None:
        self._platform = platform
        self.acknowledged: list[str] = []
        self.refused: list[bytes] = []

    async def fill(self) -> None:
        while not self.refused:
            await asyncio.gather(*(self._post() for _ in range(8)))

    async def _post(self) -> None:
        message = text_of("Otra más", sender="573006660001")
        # Random digits: the database packs what repeats.
        raw = self._platform.body(message | {"padding": os.urandom(MEGABYTE).hex()})
        status = await self._platform.post(raw)
        assert status in (200, 503), status
        if status == 200:
            self.acknowledged.append(message["id"])
        else:
            self.refused.append(raw)


async def test_a_small_disk_fills_up_and_recovers_and_nothing_acknowledged_is_lost(office, disk):
    platform = poster(office.http, office.address, office.sandbox.credentials(), "whatsapp")
    flood = Flood(platform)
    await flood.fill()
    assert len(flood.acknowledged) > 50
    # Many were under way when the last look at the disk said that there was room.
    assert shutil.disk_usage(disk).free > (RESERVE_MB // 2) * MEGABYTE

    async def all_applied() -> bool:
        return await office.house.db["messages"].count_documents({}) == len(flood.acknowledged)

    await wait_for(all_applied, seconds=60)
    # People who work here go on, and the platform comes back in vain until there is room.
    conversation = await office.conversation(name="573006660001")
    path = f"/conversations/{conversation['_id']}/notes"
    await office.api("Marta", "POST", path, expect=201, json={"text": "El disco está lleno"})
    assert await platform.post(flood.refused[0]) == 503
    await office.house.db["journal"].delete_many({"state": "applied"})
    await office.house.db.client.admin.command("fsync")
    await office.house.db.handle.command("compact", "journal", force=True)

    async def has_room() -> bool:
        return await platform.post(flood.refused[0]) == 200

    await wait_for(has_room, seconds=60)
    await wait_for(lambda: all_but_one(office, flood), seconds=30)
    stored = {one["platform_id"] async for one in office.house.db["messages"].find({}, {"platform_id": 1})}
    assert set(flood.acknowledged) < stored


async def all_but_one(office, flood: Flood) -> bool:
    return await office.house.db["messages"].count_documents({}) == len(flood.acknowledged) + 1
