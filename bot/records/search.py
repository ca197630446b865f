"""How words are folded so that they are found: accents, case and punctuation do not count, order does not either."""

import re
import unicodedata
from collections.abc import Iterable

MOST_WORDS = 150
LONGEST_WORD = 40
SHORTEST_FRAGMENT = 3
_WORD = re.compile(r"\w+")


def fold(text: str) -> str:
    """ "Peña" and "PEÑA" and "pena" are the same to somebody who searches."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).casefold()


def words(text: str) -> list[str]:
    """The different words of a text, folded, in order of appearance; long texts and long words are cut."""
    found = dict.fromkeys(word[:LONGEST_WORD] for word in _WORD.findall(fold(text)))
    return list(found)[:MOST_WORDS]


def phone_fragments(digits: str) -> list[str]:
    """Every tail of a number: a piece from anywhere inside it is then the beginning of one of these."""
    return [digits[start:] for start in range(len(digits) - SHORTEST_FRAGMENT + 1)]


def person_words(names: Iterable[str], phones: Iterable[str] = (), email: str = "") -> list[str]:
    """What a contact is found by: `names` and usernames, any piece of a phone's digits, the e-mail address."""
    found = dict.fromkeys(word for name in names for word in words(name))
    if email:
        found |= dict.fromkeys([fold(email)[:LONGEST_WORD], *words(email)])
    for phone in phones:
        digits = "".join(letter for letter in phone if letter.isdecimal())
        found |= dict.fromkeys(phone_fragments(digits))
    return list(found)
