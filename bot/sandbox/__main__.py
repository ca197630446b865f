"""`python -m bot.sandbox`: the sandbox by itself, for scripts, bots in the making and measurements.

Prints one line of JSON with the addresses and secrets that connect the accounts, then serves until it is stopped.
"""

import asyncio
import json
import signal
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import orjson

from bot.sandbox.server import Sandbox, instant_config
from bot.sandbox.world.trouble import Limits, Timing
from bot.sandbox.world.world import SandboxConfig


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address.")
@click.option("--port", default=8090, show_default=True, help="0 takes a free one.")
@click.option("--hooks", default="http://127.0.0.1:8080", show_default=True, help="Where Bandeja listens.")
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="Keeps people, chats and secrets here.")
@click.option("--instant", is_flag=True, help="No delays, no disorder, no limits: for tests.")
@click.option("--silent", is_flag=True, help="No statuses and no limits: for bare load.")
def main(host: str, port: int, hooks: str, state: Path | None, *, instant: bool, silent: bool) -> None:
    config = instant_config() if instant else SandboxConfig(timing=Timing(reads=0.9))
    if silent:
        config = SandboxConfig(timing=Timing(statuses=False), limits=Limits(on=False), ledger=False)
    saved = orjson.loads(state.read_bytes()) if state and state.exists() else None
    with asyncio.Runner(loop_factory=_loops()) as runner:
        runner.run(_serve(config, (host, port), hooks, saved, state))


def _loops() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it exists: benchmarks play against this process."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(
    config: SandboxConfig, where: tuple[str, int], hooks: str, saved: Mapping[str, Any] | None, state: Path | None
) -> None:
    async def save(dump: dict[str, Any]) -> None:
        if state:
            await asyncio.to_thread(_write, state, dump)

    sandbox = Sandbox(config, hook_base=hooks, saved=saved, save=save)
    async with sandbox.serve(*where) as address:
        accounts = [asdict(each) for each in sandbox.credentials()]
        click.echo(json.dumps({"address": address, "accounts": accounts}))
        stopped = asyncio.Event()
        for sign in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(sign, stopped.set)
        await stopped.wait()


def _write(state: Path, dump: dict[str, Any]) -> None:
    """Whole or not at all, and for its owner only: it holds secrets."""
    draft = state.with_suffix(".part")
    draft.touch(mode=0o600)
    draft.write_bytes(orjson.dumps(dump))
    draft.replace(state)


if __name__ == "__main__":
    main()
