"""How small things are written: links, initials, sizes, numbers, emoji, waves; and times."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some
from markupsafe import escape

from inbox.web import looks
from inbox.web.template_parts import cut
from inbox.web.times import countdown, length, short_when, snooze_presets, span
from tests.inbox.web.sights import NOW, ZONE


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("vea https://sol.example/a?b=1&c=2.", ">https://sol.example/a?b=1&amp;c=2</a>."),
        ("(http://sol.example/x)", ">http://sol.example/x</a>)"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ('https://sol.example/"onmouseover="x', 'href="https://sol.example/"'),
        ("precio *rebajado* hoy", "precio <b>rebajado</b> hoy"),
        ("_ya_ ~no~", "<i>ya</i> <s>no</s>"),
        ("2*3*4 y archivo_de_prueba_", "2*3*4 y archivo_de_prueba_"),
        ("*<b>*", "<b>&lt;b&gt;</b>"),
    ],
)
def test_message_text_keeps_links_and_marks(text, shown):
    assert shown in looks.rich(text)


@given(some.text(max_size=200))
def test_message_text_never_lets_markup_through(text):
    shown = str(looks.rich(text))
    for tag in ("b", "i", "s"):
        shown = shown.replace(f"<{tag}>", "").replace(f"</{tag}>", "")
    if "http" not in text:
        assert "<" not in shown
    assert len(shown) >= len(str(escape(text))) - 2 * text.count("*") - 2 * text.count("_") - 2 * text.count("~")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ana Prieto", "AP"),
        ("ana", "A"),
        ("Ana María Soto Ruiz", "AR"),
        ("+57 300 ••• 77", "#"),
        ("", "?"),
        ("🌻 Rosa", "R"),
        ("«José»", "?"),
    ],
)
def test_initials(name, shown):
    assert looks.initials(name) == shown


@given(some.text(max_size=40))
def test_everybody_has_initials_and_a_colour(name):
    assert 1 <= len(looks.initials(name)) <= 6
    assert 0 <= looks.colour(name) < looks.COLOURS


@pytest.mark.parametrize(
    ("count", "shown"),
    [(None, ""), (0, ""), (300, "1 kB"), (840_000, "840 kB"), (1_240_000, "1.2 MB"), (25_000_000, "25 MB")],
)
def test_sizes(count, shown):
    assert looks.size(count) == shown


def test_counts_above_a_thousand_are_not_counted_out():
    assert [looks.upto(number) for number in (0, 7, 999, 1000)] == ["", "7", "999", "999+"]


def test_masked_numbers_stay_masked():
    assert looks.phone("+573001234577") == "+57 300 1234577"
    assert looks.phone("+57•••77") == "+57•••77"
    assert looks.phone("@ana") == "@ana"


@pytest.mark.parametrize(
    ("text", "large"),
    [
        ("👍", True),
        ("🙏🏽 🙏", True),
        ("👨‍👩‍👧", True),
        ("ok 👍", False),
        ("", False),
        ("👍" * 20, False),
        ("7", False),
    ],
)
def test_a_few_emoji_alone_are_drawn_large(text, large):
    assert looks.only_emoji(text) is large


@given(some.lists(some.floats(0, 100), max_size=300))
def test_a_wave_has_always_as_many_bars(peaks):
    bars = looks.bars(peaks)
    assert len(bars) == looks.BARS
    assert all(8 <= bar <= 100 for bar in bars)


@pytest.mark.parametrize(
    ("days", "hours", "shown"),
    [(0, 1, "9:43"), (1, 0, "ayer"), (3, 0, "mié"), (60, 0, "22 sept"), (400, 0, "17 oct 2025")],
)
def test_times_in_a_list_are_as_short_as_can_be(translations, days, hours, shown):
    at = NOW - timedelta(days=days, hours=hours)
    assert short_when(at, NOW, ZONE, "es", translations.translate("es")) == shown


def test_lengths_and_spans():
    assert [length(seconds) for seconds in (None, 9.4, 75, 3723)] == ["0:00", "0:09", "1:15", "1:02:03"]
    spans = [timedelta(seconds=-5), timedelta(minutes=59), timedelta(hours=3), timedelta(hours=47), timedelta(days=2)]
    assert [span(elapsed) for elapsed in spans] == ["0 min", "59 min", "3 h", "47 h", "2 d"]


@pytest.mark.parametrize(
    ("minutes", "level"),
    [(60 * 9, "calm"), (60 * 4 - 1, "warn"), (60, "warn"), (59, "danger"), (0, "shut"), (-5, "shut")],
)
def test_window_turns_amber_at_four_hours_and_red_at_one(minutes, level):
    shown = countdown(NOW + timedelta(minutes=minutes), NOW)
    assert shown is not None
    assert shown.level == level


def test_where_no_window_applies_nothing_counts_down():
    assert countdown(None, NOW) is None


def test_snoozing_offers_only_what_lies_ahead_soonest_first(translations):
    # Saturday 18:30 in Bogotá.
    presets = snooze_presets(datetime(2026, 11, 21, 23, 30, tzinfo=UTC), ZONE, translations.translate("es"))
    assert [preset["key"] for preset in presets] == ["evening", "3h", "tomorrow", "week", "weekend"]
    assert presets[2]["at"] == datetime(2026, 11, 22, 13, 0, tzinfo=UTC)
    assert [preset["at"] for preset in presets] == sorted(preset["at"] for preset in presets)


def test_template_text_is_cut_at_its_places():
    assert cut("Hola {{1}}, pedido {{ numero }}.", "body") == [
        {"text": "Hola "},
        {"key": "body.1", "name": "1"},
        {"text": ", pedido "},
        {"key": "body.numero", "name": "numero"},
        {"text": "."},
    ]
    assert cut("{{1}}", "header") == [{"key": "header", "name": "1"}]


@pytest.mark.parametrize("piece", [" *a", " *a _b ~c", "* ", "https://.", "@a "])
def test_a_text_made_to_be_slow_is_drawn_at_once(piece):
    text = (piece * 20_000)[:20_000]
    began = time.perf_counter()
    looks.noted(text)
    assert time.perf_counter() - began < 0.3


def test_words_between_signs_are_styled_up_to_the_next_sign():
    assert looks.rich("*a b* and *c*") == "<b>a b</b> and <b>c</b>"
    assert looks.rich("2*3*4 *a*b*") == "2*3*4 *a*b*"
