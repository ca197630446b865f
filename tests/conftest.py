"""What every test may ask for. The database is a real one: one server per worker, emptied after each test."""

import asyncio

import pytest

from bot.config import Data, MongoDB, Settings
from bot.events import Bus
from bot.store.database import Database, open_database
from bot.store.indexes import ensure
from bot.store.schema import META
from tests.clocks import StillClock


@pytest.fixture(scope="session")
def settings(tmp_path_factory) -> Settings:
    """Those of the test server. Their data directory is shared: what a test keeps there must have its
    own name.
    """
    return Settings(mongodb=MongoDB(database="tests"), data=Data(directory=tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="session")
async def server(settings):
    async with open_database(settings) as database:
        await ensure(database, settings)
        yield database


@pytest.fixture(scope="session")
def address(server: Database, settings) -> str:
    """Where another process reaches the test server."""
    folder = settings.data.directory / "mongodb"
    password, port = ((folder / name).read_text() for name in ("password", "port"))
    return f"mongodb://bandeja:{password}@127.0.0.1:{port}/?replicaSet=bandeja&authSource=admin"


@pytest.fixture
async def store(server: Database):
    """An empty database with all indexes."""
    yield server
    names = [name for name in await server.handle.list_collection_names() if name != META]
    await asyncio.gather(*(_empty(server, name) for name in names))


async def _empty(database: Database, name: str) -> None:
    if not name.startswith("system.") and await database[name].estimated_document_count():
        await database[name].delete_many({})


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def bus() -> Bus:
    return Bus()
