"""One renderer for all tests of pages: templates are compiled once."""

import pytest

from inbox.translation import Translations, load_translations
from inbox.web.render import Renderer


@pytest.fixture(scope="session")
def translations() -> Translations:
    return load_translations()


@pytest.fixture(scope="session")
def renderer(translations: Translations) -> Renderer:
    return Renderer(translations)
