"""`python -m benchmarks` runs everything, `python -m benchmarks NAME` one. Tables go to standard output, JSON to a
file.
"""

import asyncio
import importlib
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import click
import uvloop

from benchmarks import machine, report
from benchmarks.figures import Result
from benchmarks.programs import Failed

NAMES = ("ingest", "sustained", "reply", "screen", "start", "memory", "send", "drivers")
# A machine that is busy with other things measures those.
QUIET_CORES = 0.25


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--wait", default=0.0, help="Wait up to so many seconds, before each, until nothing else is going on.")
@click.pass_context
def main(context: click.Context, wait: float) -> None:
    """Bandeja's figures, each beside its bare limit in the same run."""
    context.obj = wait
    if context.invoked_subcommand is None:
        sys.exit(0 if all([measure(name, wait) for name in NAMES]) else 1)


def measure(name: str, wait: float, **options: Any) -> bool:
    """Whether it met its bars."""
    machine.wait_for_quiet(QUIET_CORES / 2, seconds=wait)
    run: Callable[..., Coroutine[Any, Any, Result]] = importlib.import_module(f"benchmarks.{name}").run
    given = {key: value for key, value in options.items() if value is not None}
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            result = runner.run(run(**given))
        except Failed as failure:
            click.echo(f"{name}: {failure}", err=True)
            return False
    if result.load.foreign > QUIET_CORES:
        result.notes.append(
            f"Others used {result.load.foreign:.2f} cores meanwhile: hold ratios against ratios, nothing else."
        )
    report.show(result)
    report.keep(result)
    return result.met


def _command(name: str, *options: Callable[[Any], Any]) -> None:
    @click.pass_obj
    def run(wait: float, /, **given: Any) -> None:
        sys.exit(0 if measure(name, wait, **given) else 1)

    run.__doc__ = importlib.import_module(f"benchmarks.{name}").__doc__
    for option in options:
        run = option(run)
    main.command(name)(run)


_ROUNDS = click.option("--rounds", type=click.IntRange(1), help="How often each is measured in turn.")
_SECONDS = click.option("--seconds", type=click.FloatRange(1), help="How long each measurement lasts.")

_RATE = click.option("--rate", type=click.FloatRange(1), help="Tries this rate a second alone.")
_MESSAGES = click.option("--messages", type=click.IntRange(100), help="How many come in between.")
_COUNT = click.option("--count", type=click.IntRange(20), help="How many are measured.")

_command("ingest", _ROUNDS, _SECONDS)
_command("sustained", _SECONDS, _RATE)
_command("reply", _COUNT)
_command("screen", _COUNT, _SECONDS)
_command("start", _ROUNDS)
_command("memory", _MESSAGES)
_command("send", _ROUNDS)
_command("drivers", _ROUNDS)

if __name__ == "__main__":
    main()
