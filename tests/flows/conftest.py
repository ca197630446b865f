"""One office a test; its database is dropped afterwards."""

import pytest
from bson import ObjectId

from tests.office import office_settings, open_office


@pytest.fixture
async def office_config(server, address, tmp_path):
    settings = office_settings(tmp_path, address, f"flow_{ObjectId()}")
    yield settings
    await server.client.drop_database(settings.mongodb.database)


@pytest.fixture
async def office(office_config):
    async with open_office(office_config) as office:
        yield office
