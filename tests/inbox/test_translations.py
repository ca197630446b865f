"""Every sentence that a person may read stands in all three languages, with its places intact."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

from inbox.translation import LANGUAGES, Catalogue

ROOT = Path(__file__).resolve().parents[2]
KEYWORDS = {
    "N_": None,
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "Refused": (1,),
    "Conflict": (1,),
    "NotFound": (1,),
    "Forbidden": (1,),
    "Unavailable": (1,),
    "Overloaded": (1,),
}
PLACE = re.compile(r"%\((\w+)\)s|%\((\w+)\)d")


def sentences() -> set[str]:
    methods = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
    options = {"**.html": {"silent": "false", "trimmed": "true"}}
    found = set()
    for floor in ("bot", "inbox"):
        for name, _, message, _, _ in extract_from_dir(
            ROOT / floor, method_map=methods, options_map=options, keywords=KEYWORDS
        ):
            # The played platforms speak as the platforms do, and their phone page has words of its own.
            if name.startswith("sandbox"):
                continue
            found.add(message[0] if isinstance(message, tuple) else message)
    return {sentence for sentence in found if isinstance(sentence, str) and sentence.strip()}


@pytest.fixture(scope="module")
def all_sentences() -> set[str]:
    return sentences()


def test_the_sentences_are_found(all_sentences):
    assert len(all_sentences) > 300


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_sentence_is_translated(all_sentences, language):
    catalogue = Catalogue(language)
    known = catalogue._one.keys() | catalogue._many.keys()
    assert sorted(sentence for sentence in all_sentences if sentence not in known) == []


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_a_translation_keeps_the_places_of_its_sentence(language):
    catalogue = Catalogue(language)
    wrong = [
        sentence
        for sentence, translated in catalogue._one.items()
        if set(PLACE.findall(sentence)) != set(PLACE.findall(translated))
    ]
    assert wrong == []
