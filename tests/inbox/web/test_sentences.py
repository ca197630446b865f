"""Every sentence that a person may read exists in Spanish and Portuguese, with the same places to fill."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

from inbox.translation import LOCALE, pick_language

ROOT = Path(__file__).parents[3]
METHODS = [("**/html/**.html", "jinja2"), ("**.py", "python")]
PLACES = re.compile(r"%\(\w+\)s|\{\w+\}")
KEYWORDS = {**DEFAULT_KEYWORDS, "N_": None}


@pytest.fixture(scope="module")
def sentences() -> set[tuple[str | None, str]]:
    found = set()
    for package in ("bot", "inbox", "campaigns"):
        for _, _, message, _, context in extract_from_dir(ROOT / package, METHODS, keywords=KEYWORDS):
            found.add((context, message if isinstance(message, str) else message[0]))
    return found


def catalogue(language: str):
    with (LOCALE / language / "LC_MESSAGES/bandeja.po").open("rb") as source:
        return [message for message in read_po(source, locale=language) if message.id]


def first(text) -> str:
    return text if isinstance(text, str) else text[0]


@pytest.mark.parametrize("language", ["es", "pt"])
def test_every_sentence_is_translated(sentences, language):
    known = {(message.context, first(message.id)) for message in catalogue(language) if message.string}
    missing = sorted(sentence for _, sentence in sentences - known)
    assert len(sentences) > 700
    assert not missing, "add to inbox/web/locale: " + "; ".join(missing)


@pytest.mark.parametrize("language", ["es", "pt"])
def test_translations_have_the_same_places(language):
    for message in catalogue(language):
        forms = [message.string] if isinstance(message.string, str) else message.string
        wanted = set(PLACES.findall(message.id if isinstance(message.id, str) else message.id[1]))
        for form in forms[-1:]:
            assert set(PLACES.findall(form)) == wanted, message.id


@pytest.mark.parametrize("language", ["es", "pt"])
def test_catalogue_holds_nothing_that_is_said_no_more(sentences, language):
    unused = {(message.context, first(message.id)) for message in catalogue(language)} - sentences
    assert not unused, f"remove from the catalogues: {sorted(sentence for _, sentence in unused)}"


def test_words_that_need_several_forms_have_them(translations):
    spanish = translations.catalogue("es")
    assert spanish.pgettext("several", "Open") == "Abiertas"
    assert spanish.gettext("Open") == "Abierta"
    assert spanish.ngettext("One person", "%(num)s people", 2) == "%(num)s personas"
    assert spanish.gettext("a sentence of tomorrow") == "a sentence of tomorrow"


@pytest.mark.parametrize(
    ("accepts", "wanted", "language"),
    [
        ("", "", "es"),
        ("pt-BR,pt;q=0.9,en;q=0.8", "", "pt"),
        ("de, en;q=0.5, es;q=0.7", "", "es"),
        ("en", "pt", "pt"),
        ("fr;q=nonsense,en;q=0", "xx", "es"),
    ],
)
def test_language_is_the_chosen_one_else_the_browsers_else_spanish(accepts, wanted, language):
    assert pick_language(accepts, wanted) == language
