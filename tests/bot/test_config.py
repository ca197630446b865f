from pathlib import Path

import pytest

from bot.config import ConfigError, MissingSecret, Settings, TelegramAccount, load_settings

SHIPPED = Path(__file__).parents[2] / "config.toml"
BOT = '[[account]]\nkind = "telegram"\nname = "Sales"\nbot_token_env = "SALES_TOKEN"\n'


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    monkeypatch.delenv("BANDEJA_DATA__DIRECTORY", raising=False)


@pytest.fixture
def load(tmp_path):
    def load(text: str, **overrides) -> Settings:
        file = tmp_path / "config.toml"
        file.write_text(text)
        return load_settings(file, overrides)

    return load


@pytest.fixture
def refusal(load):
    def refusal(text: str, **overrides) -> str:
        with pytest.raises(ConfigError) as caught:
            load(text, **overrides)
        return str(caught.value)

    return refusal


def test_shipped_file_says_the_defaults():
    assert load_settings(SHIPPED).model_dump(exclude={"data"}) == Settings().model_dump(exclude={"data"})


def test_shipped_file_explains_every_key():
    for line in SHIPPED.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            assert " # " in line, line
    for name, field in Settings.model_fields.items():
        assert f"[{name}]" in SHIPPED.read_text()
        for key in getattr(type(field.default), "model_fields", ()):
            assert f"\n{key} = " in SHIPPED.read_text(), (name, key)


def test_no_file_means_the_defaults(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    assert settings.server.port == 8080
    assert settings.data.directory == tmp_path / "data"


def test_file_in_the_working_directory_is_found(tmp_path, monkeypatch):
    (tmp_path / "config.toml").write_text("[server]\nport = 8181\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings().server.port == 8181


def test_named_file_must_exist(tmp_path):
    with pytest.raises(ConfigError, match="There is no file .*elsewhere.toml"):
        load_settings(tmp_path / "elsewhere.toml")


def test_relative_directory_counts_from_the_file(load, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    assert load('[data]\ndirectory = "kept"\n').data.directory == tmp_path / "kept"
    assert load("").data.directory == tmp_path / "data"
    assert load('[data]\ndirectory = "/var/bandeja"\n').data.directory == Path("/var/bandeja")


def test_flag_wins_over_environment_which_wins_over_file(load, monkeypatch):
    text = '[server]\nhost = "file"\nport = 1\npublic_url = "https://file.example"\n'
    monkeypatch.setenv("BANDEJA_SERVER__PORT", "2")
    monkeypatch.setenv("BANDEJA_SERVER__HOST", "environment")
    server = load(text, server={"port": 3}).server
    assert (server.host, server.port, server.public_url) == ("environment", 3, "https://file.example")


def test_unknown_key_is_refused_by_name(refusal):
    assert (
        refusal("[server]\nprot = 1\n") == 'In config.toml, [server] has no key "prot"; did you mean "port".'
    )


def test_unknown_section_is_refused_by_name(refusal):
    assert "there is no section [servers]" in refusal("[servers]\nport = 1\n")


def test_unknown_key_of_an_account_is_refused_by_name(refusal):
    assert '[[account]] number 1 has no key "bot_tokn_env"; did you mean "bot_token_env"' in refusal(
        BOT + 'bot_tokn_env = "X"\n'
    )


def test_unknown_environment_key_is_refused_by_name(refusal, monkeypatch):
    monkeypatch.setenv("BANDEJA_SERVER__PROT", "1")
    assert refusal("") == 'In the environment, [server] has no key "prot"; did you mean "port".'


def test_unknown_environment_section_is_refused_by_name(refusal, monkeypatch):
    monkeypatch.setenv("BANDEJA_SERVR__PORT", "1")
    assert "BANDEJA_SERVR__PORT names no section" in refusal("")


def test_other_variables_with_our_prefix_are_left_alone(load, monkeypatch):
    monkeypatch.setenv("BANDEJA_KEY", "x")
    assert load("").server.port == 8080


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[server]\nport = 70000\n", "[server] port: should be less than or equal to 65535"),
        ('[server]\npublic_url = "inbox"\n', "[server] public_url: must look like"),
        ('[server]\ntrusted_proxies = ["x"]\n', "[server] trusted_proxies 0: must be a network"),
        ("server = 1\n", "[server]: must be a section"),
        ('[mongodb]\nuri = "redis://x"\n', '[mongodb] uri: must be "embedded" or begin with mongodb://'),
        ('[[account]]\nkind = "fax"\nname = "x"\n', 'kind = "fax" is none of'),
        ('[[account]]\nkind = "telegram"\nname = "x"\n', "bot_token_env: is missing"),
        (BOT + BOT, 'two [[account]] tables are named "Sales"'),
        (BOT + 'mode = "webhook"\n', "needs [server] public_url"),
        ("[server\n", "is not valid TOML"),
    ],
)
def test_wrong_value_is_one_sentence_that_names_the_place(refusal, text, words):
    sentence = refusal(text)
    assert words in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_missing_variable_disables_only_its_account(load):
    other = BOT.replace("Sales", "Support").replace("SALES_TOKEN", "SUPPORT_TOKEN")
    sales, support = load(BOT + other).accounts
    environ = {"SUPPORT_TOKEN": "42:abc"}
    assert support.secrets(environ) == {"bot_token": "42:abc"}
    with pytest.raises(
        MissingSecret, match='"Sales" is off: the environment variable SALES_TOKEN is not set'
    ):
        sales.secrets(environ)


@pytest.mark.parametrize(("public_url", "mode"), [("", "polling"), ("https://inbox.example", "webhook")])
def test_telegram_polls_unless_there_is_a_public_address(load, public_url, mode):
    [account] = load(f'[server]\npublic_url = "{public_url}"\n{BOT}').accounts
    assert isinstance(account, TelegramAccount)
    assert account.mode == mode


def test_database_address_is_not_shown_in_a_repr(load):
    assert "hunter2" not in repr(load('[mongodb]\nuri = "mongodb://me:hunter2@db/"\n'))
