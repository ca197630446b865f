"""The values of a template's places in the form that Meta takes: numbered in order, or named."""

from collections.abc import Mapping
from typing import Any


def text_values(variables: Mapping[str, str], part: str) -> list[dict[str, Any]]:
    """`body.1`, `body.2` … in their order, or `body.NAME` by name."""
    named = {key.partition(".")[2]: value for key, value in variables.items() if key.startswith(f"{part}.")}
    numbers = sorted((name for name in named if name.isdecimal()), key=int)
    positional = [text_value(named[name]) for name in numbers]
    return positional or [{**text_value(value), "parameter_name": name} for name, value in named.items()]


def text_value(value: str) -> dict[str, Any]:
    """Line breaks, tabs and long gaps become single spaces: inside a template's values they are refused."""
    return {"type": "text", "text": " ".join(value.split())}
