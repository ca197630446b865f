from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.telegram import rules
from bot.content import Button, Buttons, TemplateUse, Text

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def units(text):
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def test_a_short_text_stays_whole():
    assert rules.split("  Hola\n", 4096) == ["Hola"]
    assert rules.split("   ", 4096) == []


def test_a_long_text_is_cut_between_paragraphs_then_lines_then_words():
    assert rules.split("aaaa aaaa\n\nbbbb bbbb", 12) == ["aaaa aaaa", "bbbb bbbb"]
    assert rules.split("aaaa aaaa\nbbbb bbbb", 12) == ["aaaa aaaa", "bbbb bbbb"]
    assert rules.split("aaaa aaaa bbbb bbbb", 12) == ["aaaa aaaa", "bbbb bbbb"]


def test_4096_emoji_are_two_parts_of_half_each():
    first, second = rules.split("😀" * 4096, 4096)
    assert len(first) == len(second) == 2048


def test_an_emoji_of_several_characters_is_not_torn():
    family = "👨‍👩‍👧"
    pieces = rules.split(family * 10, units(family) * 3 + 3)
    assert all(len(piece) % len(family) == 0 for piece in pieces)


@given(st.text(min_size=0, max_size=300), st.integers(4, 50))
def test_pieces_fit_and_lose_nothing_but_spaces(text, limit):
    pieces = rules.split(text, limit)
    assert all(0 < units(piece) <= limit for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


def test_nobody_is_written_to_first():
    verdict = rules.allows(Text(text="hola"), None)
    assert (verdict.allowed, verdict.code) == (False, "never_started")
    assert not rules.window(None).is_open
    assert rules.window(NOW).is_open


def test_there_are_no_templates():
    assert not rules.allows(TemplateUse(name="a", language="es", text="hola"), NOW).allowed


@pytest.mark.parametrize(
    ("button", "fits"),
    [
        (Button(id="x" * 64, title="Sí"), True),
        (Button(id="x" * 65, title="Sí"), False),
        (Button(id="ñ" * 33, title="Sí"), False),
        (Button(id="", title="Sí"), False),
        (Button(id="", title="Sitio", url="https://example.com"), True),
        (Button(id="a", title=""), False),
    ],
)
def test_a_buttons_id_has_at_most_64_bytes(button, fits):
    assert rules.allows(Buttons(text="¿?", buttons=(button,)), NOW).allowed is fits


@pytest.mark.parametrize(("token", "bot"), [("123:abc", "123"), ("abc:123", ""), ("123", ""), (":x", ""), ("1:", "")])
def test_a_tokens_digits_are_the_bots_id(token, bot):
    assert rules.bot_id(token) == bot
