"""One update is cut out of the body that carried it, with what belongs to it and nobody else's words."""

import orjson
import pytest

from bot.clock import to_milliseconds
from bot.delivery.arrivals import MOST_CUTS, Source
from tests.clocks import START
from tests.plain import PlainChannel, body, text

NOW = to_milliseconds(START)


def a_source(raw: bytes) -> Source:
    return Source("j", "plain", raw, NOW, lambda body: PlainChannel().read(body, now=NOW))


@pytest.mark.parametrize("place", [0, 1, 499, 998, 999])
def test_one_of_a_thousand_is_cut_out(place):
    facts = [text(f"{number}") for number in range(1000)]
    source = a_source(body(*facts))
    fact = source.read(source.body)[place]
    assert orjson.loads(source.cut_out(fact)) == {"object": "plain", "facts": [facts[place]]}


def test_a_body_with_one_fact_is_itself():
    source = a_source(body(text("hola")))
    assert source.cut_out(source.read(source.body)[0]).encode() == source.body


def test_what_cannot_be_parsed_is_kept_as_text():
    source = a_source(b"{half")
    assert source.cut_out(None) == "{half"  # type: ignore[arg-type]


def test_only_so_many_are_cut_out_of_one_body():
    source = a_source(body(*(text(f"{number}") for number in range(MOST_CUTS + 1))))
    cut = [source.cut_out(fact) for fact in source.read(source.body)]
    assert all(cut[:MOST_CUTS])
    assert cut[-1] == ""
