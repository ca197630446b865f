"""Small conversations of a hardware shop, as text files: what is said, by whom, and what varies in it.

`name = a | b` lists what a place `{name}` may be (`4#`: that digit and three more). A story begins with
`# Label, Label`; then `>` the person, `<` the company, `!` a note among colleagues, `+` a reaction of the person
to what came before. `[sample: caption]` sends a file, `[lugar]` a place, `[ficha]` a contact card.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Literal

from bot.sandbox.world.people import Person

HERE = Path(__file__).resolve().parent
THING = re.compile(r"\[([\w-]+)(?:: (.+))?\]")
PLACE = re.compile(r"\{(\w+)\}")
By = Literal["person", "company", "note", "reaction"]
SIGNS: dict[str, By] = {">": "person", "<": "company", "!": "note", "+": "reaction"}


@dataclass(frozen=True, slots=True)
class Turn:
    """`thing` is a sample's name, "lugar" or "ficha"; then `text` is its caption."""

    by: By
    text: str
    thing: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    labels: tuple[str, ...]
    turns: tuple[Turn, ...]


@cache
def stories(language: str) -> tuple[Story, ...]:
    """All stories of a language; Spanish where there are none."""
    return tuple(_story(block) for block in _blocks(language) if block[0].startswith("#"))


@cache
def _varies(language: str) -> dict[str, tuple[str, ...]]:
    lines = (line.partition(" = ") for block in _blocks(language) if not block[0].startswith("#") for line in block)
    return {name: tuple(value.strip() for value in values.split("|")) for name, _, values in lines}


@cache
def _blocks(language: str) -> tuple[list[str], ...]:
    path = HERE / f"{language}.txt"
    text = (path if path.exists() else HERE / "es.txt").read_text(encoding="utf-8")
    return tuple(block.splitlines() for block in text.strip().split("\n\n"))


def _story(block: list[str]) -> Story:
    labels = tuple(label.strip() for label in block[0].removeprefix("#").split(","))
    return Story(labels, tuple(_turn(line) for line in block[1:]))


def _turn(line: str) -> Turn:
    by, text = SIGNS[line[0]], line[1:].strip()
    if found := THING.fullmatch(text):
        return Turn(by, found[2] or "", found[1])
    return Turn(by, text)


def told(story: Story, person: Person, dice: Random) -> list[Turn]:
    """The story with everything that varies decided, the same way throughout."""
    chosen = {name: dice.choice(values) for name, values in _varies(person.language).items()}
    chosen = {name: value.replace("#", f"{dice.randrange(1000):03d}") for name, value in chosen.items()}
    chosen["nombre"] = person.first_name
    return [Turn(turn.by, PLACE.sub(lambda found: chosen[found[1]], turn.text), turn.thing) for turn in story.turns]
