"""One renderer for all tests of pages: templates are compiled once. And the pages, served."""

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from inbox.translation import Translations, load_translations
from inbox.web.render import Renderer
from tests.inbox.web.browser import Site, build_site


@pytest.fixture(scope="session")
def translations() -> Translations:
    return load_translations()


@pytest.fixture(scope="session")
def renderer(translations: Translations) -> Renderer:
    return Renderer(translations)


@pytest.fixture
async def site(house, renderer) -> AsyncIterator[Site]:
    async with TestClient(TestServer(build_site(house, renderer))) as client:
        yield Site(client, house)
