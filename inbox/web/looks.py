"""How things look in a line of text or a small picture: initials, colours, sizes, numbers, links, waveforms."""

import re
import unicodedata
import zlib
from collections.abc import Sequence
from functools import lru_cache

import phonenumbers
from markupsafe import Markup, escape

COLOURS = 8
BARS = 44
_UNITS = ("kB", "MB", "GB")
# Trailing punctuation belongs to the sentence, not to the address.
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]}]")
# Up to the next sign of the same kind and no further: else a text full of them would be read over and over.
_STYLED = re.compile(r"(?<![\w*_~])([*_~])(?=\S)((?:(?!\1)[^\n])*?\S)\1(?![\w*_~])")
_TAGS = {"*": "b", "_": "i", "~": "s"}
_MENTION = re.compile(r"@[\w.\-]+(?: [A-ZÁÉÍÓÚÑÇÃÕÂÊÔ][\w\-]+)?")


def initials(name: str) -> str:
    """Of the first and the last word that begin with a letter; one sign for a name without any."""
    words = [word for word in name.split() if unicodedata.category(word[0])[0] == "L"]
    if not words:
        return "#" if any(sign.isdigit() for sign in name) else "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def colour(key: str) -> int:
    """One of COLOURS, always the same for the same key."""
    return zlib.crc32(key.encode()) % COLOURS


def size(count: int | None) -> str:
    """Of a file: 840 kB, 1.2 MB. Empty when unknown."""
    if not count:
        return ""
    amount = count / 1000
    for unit in _UNITS:
        if amount < 1000 or unit == _UNITS[-1]:
            return f"{amount:.1f} {unit}" if amount < 10 and unit != "kB" else f"{max(1, round(amount))} {unit}"
        amount /= 1000
    return ""


def upto(number: int | None) -> str:
    """A count as badges show it."""
    if not number:
        return ""
    return "999+" if number > 999 else str(number)


@lru_cache(maxsize=4096)
def phone(number: str) -> str:
    """As it is written in its country; what is no whole number (a masked one) stays as it is."""
    if not re.fullmatch(r"\+\d{7,15}", number):
        return number
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def rich(text: str) -> Markup:
    """Message text with links, and with the *bold*, _italic_ and ~struck~ that people type in messengers."""
    pieces, end = [], 0
    for link in _LINK.finditer(text):
        pieces += [_styled(text[end : link.start()]), _anchor(link.group())]
        end = link.end()
    return Markup("").join([*pieces, _styled(text[end:])])


def _anchor(address: str) -> Markup:
    link = '<a href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>'
    return Markup(link).format(address, address)  # noqa: S704 - both are escaped by format


def _styled(text: str) -> Markup:
    pieces, end = [], 0
    for match in _STYLED.finditer(text):
        tag = _TAGS[match.group(1)]
        inner = Markup("<{0}>{1}</{0}>").format(Markup(tag), match.group(2))  # noqa: S704 - a tag of ours
        pieces += [escape(text[end : match.start()]), inner]
        end = match.end()
    return Markup("").join([*pieces, escape(text[end:])])


def noted(text: str) -> Markup:
    """A note's text: links, and @names made to stand out."""
    pieces, end = [], 0
    for mention in _MENTION.finditer(text):
        pieces += [rich(text[end : mention.start()]), Markup("<b>{}</b>").format(mention.group())]
        end = mention.end()
    return Markup("").join([*pieces, rich(text[end:])])


def only_emoji(text: str) -> bool:
    """Up to three emoji and nothing else: drawn large."""
    signs = [sign for sign in text if not sign.isspace()]
    if not signs or len(signs) > 12:
        return False
    drawn = sum(unicodedata.category(sign) == "So" for sign in signs)
    # Joiners, variation selectors, skin tones and flags (Mn, Cf, Sk, regional letters) only come along.
    return 0 < drawn <= 6 and all(unicodedata.category(sign) in {"So", "Mn", "Me", "Cf", "Sk"} for sign in signs)


def bars(peaks: Sequence[float] | None, count: int = BARS) -> list[int]:
    """A waveform as `count` heights from 8 to 100. Without peaks a calm even wave, so that a player is a player."""
    if not peaks:
        return [28 + 16 * ((index * 7) % 5 % 3) for index in range(count)]
    step = len(peaks) / count
    highest = max(*peaks, 1)
    chosen = (max(peaks[int(i * step) : max(int((i + 1) * step), int(i * step) + 1)]) for i in range(count))
    return [max(8, round(100 * peak / highest)) for peak in chosen]
