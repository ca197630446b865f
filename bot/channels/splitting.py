"""A text too long for one message, cut where it hurts least. Nothing but white space at a cut is lost."""

import unicodedata
from collections.abc import Iterator

JOINER = "\u200d"
# Best first: between paragraphs, lines, sentences, words.
BORDERS = ("\n\n", "\n", ". ", " ")


def length(text: str) -> int:
    """In UTF-16 units, the most that any platform counts a character for."""
    return len(text) + sum(char > "\uffff" for char in text)


def split(text: str, limit: int) -> list[str]:
    """Pieces of at most `limit` UTF-16 units. Never inside a character that a reader sees as one, unless it
    alone is longer than the limit.
    """
    pieces = list(_pieces(text, limit))
    return [piece for piece in pieces if piece] or [text]


def _pieces(text: str, limit: int) -> Iterator[str]:
    while length(text) > limit:
        cut = _cut(text, _reach(text, limit))
        yield text[:cut].rstrip()
        text = text[cut:].lstrip()
    yield text


def _reach(text: str, limit: int) -> int:
    """How many code points fit."""
    units = 0
    for index, char in enumerate(text):
        units += 2 if char > "\uffff" else 1
        if units > limit:
            return max(index, 1)
    return len(text)


def _cut(text: str, reach: int) -> int:
    for border in BORDERS:
        found = text.rfind(border, reach // 2, reach)
        if found > 0:
            return found + len(border)
    whole = next((at for at in range(reach, reach // 2, -1) if _is_border(text, at)), reach)
    return max(whole, 1)


def _is_border(text: str, at: int) -> bool:
    """Whether a grapheme may end before `text[at]`: the main rules of UAX #29."""
    if at >= len(text):
        return True
    before, after = text[at - 1], text[at]
    if before == JOINER or after == JOINER or _extends(after) or (before, after) == ("\r", "\n"):
        return False
    return not (_is_flag(after) and _flags_before(text, at) % 2)


def _extends(char: str) -> bool:
    is_skin_tone, is_tag = "\U0001f3fb" <= char <= "\U0001f3ff", "\U000e0020" <= char <= "\U000e007f"
    return is_skin_tone or is_tag or unicodedata.category(char) in ("Mn", "Me", "Mc")


def _is_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _flags_before(text: str, at: int) -> int:
    count = 0
    while count < at and _is_flag(text[at - 1 - count]):
        count += 1
    return count
