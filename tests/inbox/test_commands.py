"""What a mistyped command is answered, and accounts of config.toml whose variable is gone."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from bot.config import MongoDB, Settings
from inbox.__main__ import main
from inbox.checks import check_secrets
from inbox.commands import check_all
from inbox.wiring import connect_configured, heed_missing_secrets

BOTS = [
    {"kind": "telegram", "name": "Ventas", "bot_token_env": "VENTAS"},
    {"kind": "telegram", "name": "Soporte", "bot_token_env": "SOPORTE", "team": "Soporte"},
]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nonsense"], "No such command 'nonsense'; see bandeja --help.\n"),
        (["token", "create"], "Missing argument 'EMAIL'; see bandeja token create --help.\n"),
        (["serve", "--port", "x"], "Invalid value for '--port': 'x' is not a valid integer range; see "),
    ],
)
def test_a_mistyped_command_is_answered_in_one_sentence(arguments, sentence):
    answer = CliRunner().invoke(main, arguments, prog_name="bandeja")
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr.startswith(sentence)
    assert answer.stderr.count("\n") == 1


def test_help_is_a_result_and_no_failure():
    answer = CliRunner().invoke(main, ["check", "--help"], prog_name="bandeja")
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert "--config" in answer.stdout


@pytest.fixture
def configured(house):
    """The house with two bots in its config.toml."""
    settings = Settings.model_validate({**house.settings.model_dump(exclude={"account"}), "account": BOTS})
    return replace(house, settings=settings)


async def test_an_account_whose_variable_went_is_off_alone_and_on_again_with_it(configured, store, monkeypatch):
    async def states() -> dict[str, str]:
        await connect_configured(store, configured.accounts, configured.settings)
        await heed_missing_secrets(configured)
        return {account.name: account.state for account in configured.accounts.all()}

    monkeypatch.setenv("VENTAS", "1:ventas-token-of-a-bot")
    monkeypatch.setenv("SOPORTE", "2:soporte-token-of-a-bot")
    assert await states() == {"Ventas": "active", "Soporte": "active"}
    monkeypatch.delenv("VENTAS")
    assert await states() == {"Ventas": "off", "Soporte": "active"}
    monkeypatch.setenv("VENTAS", "1:ventas-token-of-a-bot")
    assert await states() == {"Ventas": "active", "Soporte": "active"}


async def test_what_a_person_switched_off_stays_off_at_the_next_start(configured, store, monkeypatch):
    monkeypatch.setenv("VENTAS", "1:ventas-token-of-a-bot")
    await connect_configured(store, configured.accounts, configured.settings)
    (account,) = configured.accounts.all()
    await configured.accounts.change(account.id, {"state": "off", "problem": None})
    await connect_configured(store, configured.accounts, configured.settings)
    await heed_missing_secrets(configured)
    assert configured.accounts.get(account.id).state == "off"


def test_the_check_names_the_variable_that_is_missing(configured):
    (line,) = check_secrets(configured.settings, {"VENTAS": "1:x"})
    name, text = line.say()
    assert (line.ok, name) == (False, "Account Soporte")
    assert "SOPORTE is not set" in text


async def test_a_variable_that_holds_no_token_harms_nobody_else(configured, store, monkeypatch):
    monkeypatch.setenv("VENTAS", "what is this?")
    monkeypatch.setenv("SOPORTE", "2:soporte-token-of-a-bot")
    await connect_configured(store, configured.accounts, configured.settings)
    assert [account.name for account in configured.accounts.all()] == ["Soporte"]


async def test_a_database_that_cannot_be_used_fails_in_a_line_of_the_check(settings):
    nowhere = MongoDB(uri="mongodb://127.0.0.1:no-port/", database="x")
    lines = await check_all(settings.model_copy(update={"mongodb": nowhere}))
    assert [(line.say()[0], line.ok) for line in lines] == [("Settings", True), ("Database", False)]
    assert lines[1].say()[1].startswith("The address in [mongodb] uri cannot be used")
