"""The `bandeja` command. Results go to standard output, all else to standard error; a refusal is one sentence."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from bot import log
from bot.config import ConfigError, Settings, load_settings
from bot.errors import DomainError

Result = TypeVar("Result")
_CONFIG = click.option("--config", "config", type=click.Path(path_type=Path), help="The settings file.")
_DATA = click.option("--data", type=click.Path(path_type=Path), help="The data directory.")
_PORT = click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on.")
_HOST = click.option("--host", help="The address to listen on.")


class Commands(click.Group):
    """A mistyped command is answered in one sentence too."""

    def main(self, *args: Any, **options: Any) -> Any:
        try:
            sys.exit(super().main(*args, **{**options, "standalone_mode": False}))
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
        except click.UsageError as error:
            path = error.ctx.command_path if error.ctx else "bandeja"
            click.echo(f"{error.format_message().rstrip('.')}; see {path} --help.", err=True)
        except click.Abort:
            sys.exit(130)
        sys.exit(2)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bandeja", message="%(version)s")
@_CONFIG
@click.pass_context
def main(context: click.Context, config: Path | None) -> None:
    """Bandeja: a shared inbox for WhatsApp, Telegram and Messenger."""
    context.obj = config


def command(group: click.Group, name: str) -> Callable[[Callable[..., None]], click.Command]:
    """A subcommand that takes --config too and says a refusal in one sentence."""

    def decorate(work: Callable[..., None]) -> click.Command:
        @_CONFIG
        @click.pass_context
        @wraps(work)
        def run(context: click.Context, /, config: Path | None, **options: Any) -> None:
            log.configure()
            try:
                work(config or context.find_root().obj, **options)
            except ConfigError as error:
                click.echo(str(error), err=True)
                sys.exit(2)
            except DomainError as error:
                click.echo(log.scrub(str(error)), err=True)
                sys.exit(1)
            except KeyboardInterrupt:
                sys.exit(130)

        return group.command(name)(run)

    return decorate


def _settings(
    config: Path | None, *, data: Path | None = None, host: str | None = None, port: int | None = None
) -> Settings:
    overrides: dict[str, dict[str, Any]] = {"server": {}, "data": {}}
    if data is not None:
        overrides["data"]["directory"] = str(data.absolute())
    if host is not None:
        overrides["server"]["host"] = host
    if port is not None:
        overrides["server"]["port"] = port
    return load_settings(config, {name: section for name, section in overrides.items() if section})


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    """On uvloop where it exists: the same program, with a third more requests a second."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _one_line(what: str) -> str:
    """A secret from standard input: one line, without its newline."""
    text = sys.stdin.readline().rstrip("\r\n")
    if not text:
        click.echo(f"Nothing came on standard input: the {what} is read from there, as one line.", err=True)
        sys.exit(2)
    return text


@_HOST
@_PORT
@_DATA
def serve(config: Path | None, data: Path | None, host: str | None, port: int | None) -> None:
    """Everything in one process."""
    from inbox.serving import Parts, serve

    _run(serve(_settings(config, data=data, host=host, port=port), Parts(web=True, worker=True)))


@_PORT
@_DATA
def demo(config: Path | None, data: Path | None, port: int | None) -> None:
    """The same with the practice channel and a small, lively company inside."""
    from inbox.demo import DATA, serve_demo

    _run(serve_demo(_settings(config, data=data or DATA, port=port)))


@_HOST
@_PORT
@_DATA
def web(config: Path | None, data: Path | None, host: str | None, port: int | None) -> None:
    """Pages, API and webhooks only; workers run beside it."""
    from inbox.serving import Parts, serve

    _run(serve(_settings(config, data=data, host=host, port=port), Parts(web=True, worker=False)))


@_DATA
def worker(config: Path | None, data: Path | None) -> None:
    """Reads what came in and sends what goes out; any number may run."""
    from inbox.serving import Parts, serve

    _run(serve(_settings(config, data=data), Parts(web=False, worker=True)))


@_DATA
def check(config: Path | None, data: Path | None) -> None:
    """Config and connections, one line each; exit 1 when one fails."""
    from inbox.commands import check_all

    lines = _run(check_all(_settings(config, data=data)))
    for line in lines:
        click.echo(f"{'ok  ' if line.ok else 'FAIL'} {': '.join(line.say())}")
    sys.exit(0 if all(line.ok for line in lines) else 1)


for work in (serve, demo, web, worker, check):
    command(main, work.__name__)(work)


@main.group()
def agent() -> None:
    """The people who sign in."""


@click.argument("email")
@click.option("--name", required=True)
@click.option("--role", type=click.Choice(["owner", "supervisor", "agent", "marketer"]), required=True)
@click.option("--password-stdin", is_flag=True, required=True, help="Read the password from standard input, one line.")
@_DATA
def add_agent(config: Path | None, email: str, name: str, role: str, password_stdin: bool, data: Path | None) -> None:
    """Add a person; the password comes from standard input."""
    from inbox.commands import add_agent

    password = _one_line("password")
    click.echo(_run(add_agent(_settings(config, data=data), email=email, name=name, role=role, password=password)))


command(agent, "add")(add_agent)


@main.group()
def token() -> None:
    """Tokens for the API."""


@click.argument("email")
@click.option("--name", default="command line", show_default=True)
@_DATA
def create_token(config: Path | None, email: str, name: str, data: Path | None) -> None:
    """Print an API token that acts as this person, and nothing else."""
    from inbox.commands import create_token

    click.echo(_run(create_token(_settings(config, data=data), email=email, name=name)))


command(token, "create")(create_token)


@main.group()
def account() -> None:
    """WhatsApp numbers, Telegram bots and Messenger pages."""


@click.argument("kind", type=click.Choice(["telegram", "whatsapp", "messenger"]))
@click.option("--name", default="", help="What people call it; the platform's own name when left out.")
@click.option("--team", default="", help="Name of the team it belongs to; the first one when left out.")
@click.option("--mode", type=click.Choice(["", "polling", "webhook"]), default="", help="Telegram only.")
@click.option("--phone-number-id", default="", help="WhatsApp only.")
@click.option("--business-account-id", default="", help="WhatsApp only.")
@click.option("--portfolio-id", default="", help="WhatsApp only; optional.")
@click.option("--page-id", default="", help="Messenger only.")
@click.option("--api-url", default="", help="The platform's own address when left out.")
@_DATA
def add_account(config: Path | None, kind: str, data: Path | None, **options: str) -> None:
    """Connect an account. Secrets come from standard input, one a line: for Telegram the bot token; for WhatsApp and
    Messenger the access token, then the app secret."""
    from inbox.commands import connect_account

    secrets = (
        {"access_token": _one_line("access token"), "app_secret": _one_line("app secret")}
        if (kind != "telegram")
        else {"bot_token": _one_line("bot token")}
    )
    for line in _run(connect_account(_settings(config, data=data), kind=kind, secrets=secrets, options=options)):
        click.echo(line)


@_DATA
def list_accounts(config: Path | None, data: Path | None) -> None:
    """One line each: id, kind, state, name."""
    from inbox.commands import list_accounts

    for line in _run(list_accounts(_settings(config, data=data))):
        click.echo(line)


@click.argument("account", required=False, default="")
@_DATA
def check_accounts(config: Path | None, account: str, data: Path | None) -> None:
    """Ask the platforms whether the credentials work; exit 1 when one does not."""
    from inbox.commands import check_accounts

    lines = _run(check_accounts(_settings(config, data=data), account))
    for line in lines:
        click.echo(f"{'ok  ' if line.ok else 'FAIL'} {': '.join(line.say())}")
    sys.exit(0 if all(line.ok for line in lines) else 1)


command(account, "add")(add_account)
command(account, "list")(list_accounts)
command(account, "check")(check_accounts)


@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_DATA
def backup(config: Path | None, file: Path, data: Path | None) -> None:
    """Write the whole database into FILE, while everything runs. It holds no key."""
    from inbox.commands import write_backup

    click.echo(_run(write_backup(_settings(config, data=data), file.absolute())))


@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--key-stdin", is_flag=True, help="Read the old installation's key from standard input, one line.")
@_DATA
def restore(config: Path | None, file: Path, key_stdin: bool, data: Path | None) -> None:
    """Read a backup into an empty database. Without the old key the accounts are connected anew."""
    from inbox.commands import read_backup

    key = _one_line("key") if key_stdin else None
    click.echo(_run(read_backup(_settings(config, data=data), file.absolute(), key=key)))


command(main, "backup")(backup)
command(main, "restore")(restore)

if __name__ == "__main__":
    main()
