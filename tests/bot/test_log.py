import io
import json
import logging

import pytest

from bot import log


@pytest.fixture
def lines():
    """What was logged, as parsed JSON. The log is put back as it was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    log.configure(style="json", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level = before


def test_a_line_says_what_when_where_and_with_what(lines):
    log.logger("bot.sender").info("sent", message="m1", took_ms=41)
    [line] = lines()
    assert (line["event"], line["logger"], line["level"]) == ("sent", "bot.sender", "info")
    assert (line["message"], line["took_ms"]) == ("m1", 41)
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "key", ["token", "access_token", "app_secret", "Password", "Authorization", "phone", "text", "body", "wa_id"]
)
def test_values_that_must_not_be_read_are_hidden_by_their_name(lines, key):
    log.logger("x").info("event", **{key: "hunter2hunter2"}, inner={key: ["hunter2hunter2"]})
    assert "hunter2" not in json.dumps(lines())


def test_known_secret_is_hidden_wherever_it_stands(lines):
    log.hide("s3cr3t-value")
    log.logger("x").info("asked s3cr3t-value", url="https://x/s3cr3t-value/y", deep=[{"a": ("s3cr3t-value",)}])
    assert "s3cr3t-value" not in json.dumps(lines())


@pytest.mark.parametrize(
    "text",
    [
        "https://api.telegram.org/bot123456789:AAF-abcdefghijklmnopqrstuvwxyz012345/getMe",
        "EAAGm0PX4ZCpsBAKZCabcdefghijklmnop",
        "mongodb://me:hunter2@db.example/",
        "Bearer abcdefghijklmnop",
        "write to +5215512345678",
    ],
)
def test_what_looks_like_a_secret_or_a_number_is_hidden(lines, text):
    log.logger("x").info("event", detail=text)
    [line] = lines()
    assert log.HIDDEN in line["detail"]
    for hidden in ("AAF-abc", "EAAGm", "hunter2", "abcdefghijklmnop", "5512345678"):
        assert hidden not in line["detail"]


def test_traceback_is_logged_without_its_secrets(lines):
    log.hide("another-secret")
    try:
        raise ValueError("failed at https://x/another-secret")
    except ValueError:
        log.logger("x").exception("failed")
    [line] = lines()
    assert "ValueError" in line["exception"]
    assert "another-secret" not in line["exception"]


def test_lines_of_other_libraries_are_cleaned_too(lines):
    logging.getLogger("elsewhere").warning("see %s", "mongodb://me:hunter2@db/")
    [line] = lines()
    assert "hunter2" not in line["event"]
    assert line["level"] == "warning"


def test_nothing_goes_to_standard_output(lines, capsys):
    log.logger("x").warning("event")
    assert capsys.readouterr().out == ""


def test_terminal_gets_readable_lines():
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    log.configure(style="console", stream=stream)
    try:
        log.logger("x").info("started", port=8080)
    finally:
        root.handlers[:], root.level = before
    assert "started" in stream.getvalue()
    assert "port=8080" in stream.getvalue()
