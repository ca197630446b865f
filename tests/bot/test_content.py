"""What can be said, and what of it a person may press."""

import pytest

from bot.content import Button, Link, Location


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "//sol.example", "x"]
)
def test_what_is_no_address_of_the_web_is_none(url):
    assert Link(url=url).url == ""
    assert Location(latitude=1, longitude=2, url=url).url == ""
    assert Button(id="1", title="x", url=url).url == ""


@pytest.mark.parametrize("url", ["https://sol.example/a?b=c", "HTTP://sol.example"])
def test_an_address_of_the_web_stays(url):
    assert Link(url=url).url == url
