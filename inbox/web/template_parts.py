"""A template's text cut at its places, so that the preview can be filled while somebody types."""

import re

_PLACE = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")


def cut(text: str, where: str) -> list[dict[str, str]]:
    """`{"text"}` and `{"key"}` pieces in order. A key is `header` or `body.1`, `body.name`, as sending wants it."""
    pieces: list[dict[str, str]] = []
    end = 0
    for place in _PLACE.finditer(text):
        if place.start() > end:
            pieces.append({"text": text[end : place.start()]})
        pieces.append({"key": key_of(where, place.group(1)), "name": place.group(1)})
        end = place.end()
    if end < len(text):
        pieces.append({"text": text[end:]})
    return pieces


def key_of(where: str, name: str) -> str:
    """A header has one place at most, so its key is `header` alone."""
    return where if where == "header" else f"{where}.{name}"
