"""Where a benchmark happens: a fresh data directory with its MongoDB, a sandbox, and Bandeja connected to it."""

import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient, WriteConcern
from pymongo.asynchronous.database import AsyncDatabase

from benchmarks import machine
from benchmarks.programs import Program, free_port, running
from benchmarks.report import FOLDER
from bot.store import embedded

CACHE_GB = 0.25
# Set to look at a data directory and its logs afterwards.
KEEP = "BENCHMARKS_KEEP"
DURABLE = WriteConcern(w="majority", j=True)
SECRETS = {
    "whatsapp": ("access_token", "app_secret", "verify_token"),
    "messenger": ("access_token", "app_secret", "verify_token"),
    "telegram": ("bot_token",),
}
PLACES = {
    "whatsapp": ("phone_number_id", "external_id"),
    "messenger": ("page_id", "external_id"),
}


@dataclass(slots=True)
class Place:
    """`uri` leads to the running MongoDB; `db` is Bandeja's own database in it, for looking and counting. `load` is
    filled in when the place is left.
    """

    folder: Path
    uri: str
    client: AsyncMongoClient[dict[str, Any]]
    load: machine.Load
    env: dict[str, str] = field(default_factory=dict)

    @property
    def db(self) -> AsyncDatabase[dict[str, Any]]:
        return self.database("bandeja")

    def database(self, name: str) -> AsyncDatabase[dict[str, Any]]:
        return self.client.get_database(name, write_concern=DURABLE)

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    @property
    def log(self) -> Path:
        return self.folder / "programs.log"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def connect(self, accounts: list[dict[str, Any]]) -> None:
        """Writes the configuration that connects these accounts of a sandbox."""
        tables = [self._table(number, account) for number, account in enumerate(accounts)]
        self.config.write_text("\n".join(["[data]", 'directory = "data"', *tables, ""]))

    def _table(self, number: int, account: Mapping[str, Any]) -> str:
        keys = {"kind": account["kind"], "name": f"{account['name']} {number}", "api_url": account["api_url"]}
        for name in SECRETS[account["kind"]]:
            variable = f"BENCHMARK_{number}_{name.upper()}"
            self.env[variable] = account["secrets"][name]
            keys[f"{name}_env"] = variable
        if place := PLACES.get(account["kind"]):
            keys[place[0]] = account[place[1]]
        keys |= account["options"] if account["kind"] == "whatsapp" else {}
        return "\n".join(["[[account]]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())])

    def bandeja(self, command: str, *, port: int | None = None) -> AbstractAsyncContextManager[Program]:
        """`web` or `serve`, from when it can store."""
        port = port or free_port()
        arguments = ["-m", "inbox", "--config", str(self.config), command, "--port", str(port)]
        return running(arguments, log=self.log, port=port, env=self.env)

    def worker(self) -> AbstractAsyncContextManager[Program]:
        """It has no address to ask: not waited for."""
        arguments = ["-m", "inbox", "--config", str(self.config), "worker"]
        return running(arguments, log=self.log, port=0, env=self.env, ready=None)

    def sandbox(self, hooks: str = "", **config: Any) -> AbstractAsyncContextManager[Program]:
        """Played platforms (`benchmarks.sandbox`). What it `told` are the accounts' credentials."""
        arguments = ["-m", "benchmarks.sandbox", json.dumps({"hooks": hooks, **config})]
        return running(arguments, log=self.log, port=0, ready="")

    def bare(self, module: str, *arguments: str, **env: str) -> AbstractAsyncContextManager[Program]:
        """A program of `benchmarks.bare`. Secrets go by the environment."""
        port = free_port()
        own = {"BARE_URI": self.uri, **env}
        return running(
            ["-m", f"benchmarks.bare.{module}", str(port), *arguments], log=self.log, port=port, env=own
        )


@contextmanager
def new_folder() -> Iterator[Path]:
    """On the disk of the checkout: in memory a journal would cost nothing. Removed at the end."""
    FOLDER.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=FOLDER))
    try:
        yield folder
    finally:
        if KEEP not in os.environ:
            shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def open_place(folder: Path | None = None) -> AsyncIterator[Place]:
    """With MongoDB running; in a new folder unless one is given."""
    with nullcontext(folder) if folder else new_folder() as home:
        async with (
            embedded.running(home / "data", cache_gb=CACHE_GB) as uri,
            AsyncMongoClient[dict[str, Any]](uri, tz_aware=True) as client,
        ):
            with machine.watched(lambda: mongod_of(home / "data")) as load:
                yield Place(home, uri, client, load)


def without_database(folder: Path) -> Place:
    """To start programs that bring up their own."""
    return Place(folder, "", AsyncMongoClient(connect=False), machine.Load())


def mongod_of(data: Path) -> tuple[int, ...]:
    """Process id of a data directory's MongoDB, which is nobody's child; empty when it does not run."""
    try:
        text = (data / "mongodb/db/mongod.lock").read_text().strip()
    except FileNotFoundError:
        return ()
    return (int(text),) if text else ()
