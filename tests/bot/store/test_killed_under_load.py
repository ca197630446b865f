"""Group commit on a database that is killed while it writes."""

import asyncio
import itertools
import os
import signal
import time

from bot.config import Data, Settings
from bot.errors import Unavailable
from bot.store.batch import Batch
from bot.store.database import open_database

PATIENCE_SECONDS = 4.0


class Flood:
    """Thirty-two writers who go on whatever they are answered, as platforms do."""

    def __init__(self, batch: Batch) -> None:
        self._batch, self._numbers = batch, itertools.count()
        self.acknowledged: list[int] = []
        self.refused = 0
        self.slowest = 0.0

    async def write_until(self, enough) -> None:
        await asyncio.gather(*(self._write_until(enough) for _ in range(32)))

    async def _write_until(self, enough) -> None:
        while not enough():
            number = next(self._numbers)
            began = time.monotonic()
            try:
                await self._batch.add({"_id": number, "body": b"x" * 500})
                self.acknowledged.append(number)
            except Unavailable:
                self.refused += 1
            self.slowest = max(self.slowest, time.monotonic() - began)


async def test_what_was_acknowledged_is_there_after_the_database_was_killed(tmp_path):
    async with open_database(Settings(data=Data(directory=tmp_path))) as database:
        flood = Flood(Batch(database, "things", patience_seconds=PATIENCE_SECONDS))
        for _ in range(2):
            before = len(flood.acknowledged)
            await flood.write_until(lambda before=before: len(flood.acknowledged) > before + 3000)
            os.kill(int((tmp_path / "mongodb" / "db" / "mongod.lock").read_text()), signal.SIGKILL)
        before = len(flood.acknowledged)
        await flood.write_until(lambda: len(flood.acknowledged) > before + 3000)
        stored = set(await database["things"].distinct("_id"))
    assert set(flood.acknowledged) <= stored
    assert len(flood.acknowledged) == len(set(flood.acknowledged))
    assert flood.slowest < PATIENCE_SECONDS + 1
