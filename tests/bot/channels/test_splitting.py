"""Long texts are cut where it hurts least, and lose nothing but white space."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.splitting import length, split


def test_a_short_text_stays_whole():
    assert split("hola", 10) == ["hola"]
    assert split("  ", 1) == ["  "]


def test_it_is_cut_between_words():
    assert split("uno dos tres cuatro", 9) == ["uno dos", "tres", "cuatro"]


def test_paragraphs_are_the_better_place():
    assert split("uno dos.\n\ntres cuatro", 16) == ["uno dos.", "tres cuatro"]


@pytest.mark.parametrize("grapheme", ["👨‍👩‍👧‍👦", "👍🏽", "é", "🇨🇴", "❤️"])
def test_what_is_seen_as_one_stays_one(grapheme):
    limit = 3 * length(grapheme) + 1
    pieces = split(grapheme * 50, limit)
    assert all(piece == grapheme * (len(piece) // len(grapheme)) for piece in pieces)


def test_emoji_count_double():
    assert [len(piece) for piece in split("😀" * 4096, 4096)] == [2048, 2048]


@given(st.text(alphabet=st.sampled_from("ab \n.é😀👍🏽\u200d🇨🇴"), max_size=300), st.integers(3, 40))
def test_nothing_but_white_space_is_lost_and_no_piece_is_too_long(text, limit):
    pieces = split(text, limit)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(length(piece) <= limit for piece in pieces) or text.isspace()
