"""Sites, workers and the database are killed at random in the middle of a busy day; then every word is looked for."""

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from bot.config import Data, Settings
from bot.sandbox.world.trouble import Faults
from bot.tasks import spawn
from tests.flows.company import NAMES, Company, Traffic, everything_is_there_once, open_company

pytestmark = [pytest.mark.torture, pytest.mark.timeout(1200)]
TROUBLE = Faults(
    duplicates=0.1, reordering=0.1, reorder_seconds=1, lost_answers=0.03, garbage=0.02, slow=0.1, slow_seconds=1
)
AWAY_SECONDS = 60


@pytest.fixture
async def company(tmp_path):
    """All of it on one data directory, whose database is its own."""
    async with open_company(Settings(data=Data(directory=tmp_path / "data", reserve_mb=1)), tmp_path) as company:
        yield company


def mongod_of(folder: Path) -> int:
    return int((folder / "data" / "mongodb" / "db" / "mongod.lock").read_text() or 0)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_whatever_dies_nothing_that_was_acknowledged_is_lost_or_doubled(company, tmp_path, seed):
    company.sandbox.world.set_faults(TROUBLE)
    dice, traffic = random.Random(seed), Traffic(company, people=20)
    going = spawn(traffic.go_on(), name="traffic")
    for _ in range(20):
        await traffic.rises_by(50, 5)
        await one_dies(company, tmp_path, dice)
    await traffic.rises_by(100, 10)
    traffic.stop()
    await going
    company.sandbox.world.set_faults(Faults())
    await everything_is_there_once(company, traffic, seconds=120)


async def one_dies(company: Company, folder: Path, dice: random.Random) -> None:
    """It is back before the next; sometimes two go together."""
    victims = dice.sample([*NAMES, "mongod"], dice.choice((1, 1, 2)))
    if "mongod" in victims:
        os.kill(mongod_of(folder), signal.SIGKILL)
    programs = [company.programs[name] for name in victims if name != "mongod"]
    await asyncio.gather(*(program.kill() for program in programs))
    await asyncio.gather(*(program.start() for program in programs))


async def test_after_a_minute_without_its_database_everything_arrives_once(company, tmp_path):
    traffic = Traffic(company)
    going = spawn(traffic.go_on(), name="traffic")
    await traffic.rises_by(100, 20)
    pid = mongod_of(tmp_path)
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(AWAY_SECONDS)
    finally:
        os.kill(pid, signal.SIGCONT)
    await traffic.rises_by(100, 20)
    traffic.stop()
    await going
    await everything_is_there_once(company, traffic, seconds=180)
