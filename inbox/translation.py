"""The catalogues in memory. English sentences are the keys; a sentence without a translation stays English."""

from collections.abc import Callable, Mapping
from pathlib import Path

from babel.messages.pofile import read_po
from babel.support import NullTranslations

LOCALE = Path(__file__).parent / "web" / "locale"
LANGUAGES: Mapping[str, str] = {"es": "Español", "en": "English", "pt": "Português"}
DEFAULT = "es"


class Catalogue(NullTranslations):
    """One language's sentences, read from its .po so that nothing has to be compiled first."""

    def __init__(self, language: str) -> None:
        super().__init__(fp=None)
        self._one: dict[str, str] = {}
        self._many: dict[str, tuple[str, ...]] = {}
        path = LOCALE / language / "LC_MESSAGES" / "bandeja.po"
        if path.is_file():
            self._read(path, language)

    def _read(self, path: Path, language: str) -> None:
        with path.open("rb") as source:
            for message in read_po(source, locale=language):
                if not message.id or not message.string or message.fuzzy:
                    continue
                if isinstance(message.id, (tuple, list)):
                    self._many[message.id[0]] = tuple(message.string)
                else:
                    self._one[_key(message.id, message.context)] = str(message.string)

    def gettext(self, message: str) -> str:
        return self._one.get(message, message)

    def pgettext(self, context: str, message: str) -> str:
        """Where one English word needs several in other languages ("Open": one conversation, or several)."""
        return self._one.get(_key(message, context), message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Spanish, English and Portuguese all have one form for one and another for the rest."""
        forms = self._many.get(msgid1, (msgid1, msgid2))
        return forms[0] if n == 1 else forms[-1]


def _key(message: str, context: str | None) -> str:
    return f"{context}\x04{message}" if context else message


class Translations:
    """All languages."""

    def __init__(self, catalogues: Mapping[str, Catalogue]) -> None:
        self._catalogues = catalogues

    def catalogue(self, language: str) -> Catalogue:
        return self._catalogues.get(language, self._catalogues[DEFAULT])

    def translate(self, language: str) -> Callable[[str], str]:
        """What `DomainError.sentence` wants."""
        return self.catalogue(language).gettext


def load_translations() -> Translations:
    return Translations({language: Catalogue(language) for language in LANGUAGES})


def pick_language(accepts: str = "", wanted: str = "") -> str:
    """What the person chose, else the first language of the browser's list that we speak, else Spanish."""
    if wanted in LANGUAGES:
        return wanted
    return next((language for language in _by_weight(accepts) if language in LANGUAGES), DEFAULT)


def _by_weight(accepts: str) -> list[str]:
    """An Accept-Language header, most wanted first (RFC 9110, section 12.5.4)."""
    weighed = []
    for part in accepts.split(","):
        tag, _, parameter = part.strip().partition(";")
        weight = parameter.strip().removeprefix("q=") if parameter else "1"
        weighed.append((_number(weight), tag.split("-")[0].lower()))
    return [tag for weight, tag in sorted(weighed, key=lambda pair: -pair[0]) if weight > 0]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
