"""Phone numbers as people type them and as platforms write them; one number has one folded form."""

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

INTERNATIONAL = re.compile(r"\+?[0-9]{5,20}")
# What stands between digits that people type or copy: zero-width and direction marks included.
DECORATION = re.compile(r"[\s().\-/\u200b-\u200f\u2010-\u2015\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
# Dialled before Mexican mobiles until August 2019, and still in address books.
OLD_MEXICAN_PREFIX = re.compile(r"(044|045|01)(?=[0-9]{10}$)")
# Argentine area codes of three digits; Buenos Aires has two (11), all others have four. ENACOM, numbering plan.
ARGENTINE_THREE = re.compile(
    r"2(2[013]|3[067]|49|6[01346]|80|91|9[4789])|3(36|4[1-358]|5[138]|6[24]|7[069]|8[013578])"
)


def is_phone(text: str) -> bool:
    """Whether a platform's value can be a phone at all. An id like `CO.104738577` never is."""
    return INTERNATIONAL.fullmatch(text) is not None


def fold(text: str, country: str = "") -> str:
    """The one form of all ways to write a number: digits with country code; "" when it is no number.

    With `country` (two letters) it is text that a person typed, else digits in international form, which are
    never refused: prefixes are newer than any table. Mexican mobiles lose their old 1, Argentine ones their
    9 and 15, Brazilian ones gain the ninth digit.
    """
    digits = (read_typed(text, country) or "") if country else text.removeprefix("+")
    if not is_phone(digits):
        return ""
    match digits[:2]:
        case "52":
            return _fold_mexican(digits)
        case "54":
            return _fold_argentine(digits)
        case "55":
            return _fold_brazilian(digits)
    return digits


def _fold_mexican(digits: str) -> str:
    return f"52{digits[3:]}" if len(digits) == 13 and digits[2] == "1" else digits


def _fold_argentine(digits: str) -> str:
    # No area code begins with 0 or 9: before one they are the trunk prefix and the mobile sign.
    bare = digits[2:].lstrip("09")
    rest = bare if len(bare) in (10, 12) else digits[2:]
    for area in _area_lengths(rest) if len(rest) == 12 else ():
        if rest[area : area + 2] == "15":
            return f"54{rest[:area]}{rest[area + 2 :]}"
    return f"54{rest}"


def _area_lengths(rest: str) -> tuple[int, ...]:
    """A code of four digits may begin like one of three (2202 and 220)."""
    if rest.startswith("11"):
        return (2,)
    return (3, 4) if ARGENTINE_THREE.match(rest) else (4,)


def _fold_brazilian(digits: str) -> str:
    """Eight digits that begin with 6 to 9 are a mobile from before the ninth digit; 2 to 5 are a landline."""
    is_old_mobile = len(digits) == 12 and digits[4] in "6789"
    return f"{digits[:4]}9{digits[4:]}" if is_old_mobile else digits


def read_typed(text: str, country: str) -> str | None:
    """Digits in international form of what a person typed, None when it cannot be a number.

    `country` is where a number without country code belongs ("" : such a number is taken as international).
    """
    compact = DECORATION.sub("", text)
    if not re.fullmatch(r"\+?[0-9]{5,20}", compact):
        return None
    if compact.startswith("00"):
        compact = f"+{compact[2:]}"
    if country == "MX":
        compact = OLD_MEXICAN_PREFIX.sub("", compact)
    national = None if compact.startswith("+") else _parsed(compact, country)
    international = _parsed(f"+{compact.lstrip('+')}", None)
    return _best(national, international)


def _best(*readings: phonenumbers.PhoneNumber | None) -> str | None:
    candidates = [number for number in readings if number is not None]
    for fits in (_is_known, phonenumbers.is_possible_number):
        for number in candidates:
            if fits(number):
                return _digits(number)
    return None


def _is_known(number: phonenumbers.PhoneNumber) -> bool:
    """Valid, in the form it is written or in its folded one."""
    folded = _parsed(f"+{fold(_digits(number))}", None)
    return folded is not None and phonenumbers.is_valid_number(folded)


def _parsed(text: str, country: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, country or None)
    except NumberParseException:
        return None


def _digits(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164).removeprefix("+")


def display(digits: str) -> str:
    """For people, with spaces: `+57 300 1112233`. What is no phone comes back as it is."""
    if not is_phone(digits):
        return digits
    number = _parsed(f"+{digits.lstrip('+')}", None)
    if number is None or not phonenumbers.is_possible_number(number):
        return f"+{digits.lstrip('+')}"
    return phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
