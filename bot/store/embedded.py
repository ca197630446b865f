"""The MongoDB of a data directory, shared by every Bandeja process there: the first starts it, the last to
leave stops it, and whoever sees it dead starts it again. Everything here blocks; `running` is for the event
loop.
"""

import asyncio
import os
import random
import secrets
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from bot import tasks
from bot.errors import N_, Unavailable
from bot.ids import new_id
from bot.log import hide, logger
from bot.store import mongod, private, replica
from bot.store.flock import FileLock, is_locked

# Below the range that systems hand out to outgoing connections, so that a restart finds its port free.
PORTS = range(20_000, 30_000)
# Opening files after a crash under load may replay minutes of journal.
GATE_SECONDS = READY_SECONDS = 300.0
STOP_SECONDS, PORT_SECONDS = 60.0, 2.0
LOOK_SECONDS, MEND_SECONDS, TRIM_SECONDS = 0.02, 0.5, 600.0
LONGEST_LOG_BYTES = 20_000_000

Result = TypeVar("Result")

log = logger(__name__)


@asynccontextmanager
async def running(directory: Path, *, cache_gb: float, oplog_mb: int = 512) -> AsyncIterator[str]:
    """The address of the running database, password included; it is kept alive until the block is left.

    `oplog_mb` bounds how far back a change stream can take up its thread; it counts when the files are made.
    """
    embedded = Embedded(directory, cache_gb=cache_gb, oplog_mb=oplog_mb)
    uri = await _to_the_end(embedded.join, on_cancel=embedded.give_up)
    keeper = tasks.spawn(_keep_alive(embedded), name="database keeper")
    try:
        yield uri
    finally:
        await tasks.stop(keeper)
        await _to_the_end(embedded.leave)


async def _keep_alive(embedded: "Embedded") -> None:
    next_trim = time.monotonic()
    while True:
        await asyncio.sleep(MEND_SECONDS)
        try:
            if embedded.is_dead():
                await _to_the_end(embedded.mend, on_cancel=embedded.give_up)
            if time.monotonic() > next_trim:
                next_trim = time.monotonic() + TRIM_SECONDS
                embedded.trim_log()
        except Exception:
            log.exception("database could not be kept alive")
            await asyncio.sleep(MEND_SECONDS * 4)


async def _to_the_end(work: Callable[[], Result], *, on_cancel: Callable[[], None] | None = None) -> Result:
    """Run in a thread and see it end even when cancelled: half a start would leave a database to nobody."""
    thread = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        if on_cancel is not None:
            on_cancel()
        await asyncio.wait([thread])
        raise


class Embedded:
    """One user of the shared database."""

    def __init__(self, directory: Path, *, cache_gb: float, oplog_mb: int) -> None:
        self._folder = directory / "mongodb"
        self._cache_gb, self._oplog_mb = cache_gb, oplog_mb
        self._gate = FileLock(self._folder / "gate")
        self._mine = FileLock(self._folder / "users" / f"{os.getpid()}-{new_id()}")
        self._giving_up = threading.Event()

    def give_up(self) -> None:
        """Make a wait at the gate, in another thread, end soon."""
        self._giving_up.set()

    def join(self) -> str:
        """The address to connect to. Raises Unavailable with a sentence."""
        for name in ("users", "db"):
            private.make_folder(self._folder / name)
        with self._behind_gate():
            self._mine.acquire(seconds=0)
            private.give_to_owner(self._mine.path)
            try:
                self._make_usable(may_move=not self._has_other_users())
            except BaseException:
                self._step_out()
                raise
        return self._uri()

    def leave(self) -> None:
        """Forget this user; the last one stops the database and waits for its end."""
        self._giving_up.clear()
        with self._behind_gate():
            self._step_out()

    def is_dead(self) -> bool:
        """Quick enough for the event loop. False while somebody starts or stops it."""
        if not self._gate.try_acquire():
            return False
        with self._gate:
            return not self._is_running()

    def mend(self) -> None:
        """Start it again if it is dead, on the port where everybody's connections expect it."""
        with self._behind_gate():
            if self._is_running():
                return
            log.warning("database is dead and is started again")
            self._make_usable(may_move=False)
            log.info("database runs again")

    def trim_log(self) -> None:
        """At most two files of some twenty megabytes are kept."""
        file = self._folder / "mongod.log"
        if file.stat().st_size > LONGEST_LOG_BYTES and self._gate.try_acquire():
            with self._gate:
                file.replace(file.with_suffix(".log.1"))
                self._signal(signal.SIGUSR1)

    @contextmanager
    def _behind_gate(self) -> Iterator[None]:
        """One at a time looks, starts or stops."""
        deadline = time.monotonic() + GATE_SECONDS
        while not self._gate.acquire(seconds=0.2):
            if self._giving_up.is_set() or time.monotonic() > deadline:
                raise _refusal(
                    N_("Another Bandeja is still starting or stopping the database in %(directory)s."),
                    directory=str(self._folder),
                )
        private.give_to_owner(self._gate.path)
        with self._gate:
            yield

    def _has_other_users(self) -> bool:
        """Files of users who were killed are swept away."""
        others = [file for file in (self._folder / "users").iterdir() if file != self._mine.path]
        alive = [file for file in others if is_locked(file)]
        for file in set(others) - set(alive):
            file.unlink(missing_ok=True)
        return bool(alive)

    def _step_out(self) -> None:
        self._mine.path.unlink(missing_ok=True)
        self._mine.release()
        if not self._has_other_users():
            self._stop()

    def _is_running(self) -> bool:
        """mongod locks this file for as long as it lives."""
        return is_locked(self._folder / "db" / "mongod.lock")

    def _make_usable(self, *, may_move: bool) -> None:
        if not self._is_running():
            self._start(self._choose_port(may_move=may_move))
        try:
            replica.prepare(self._port(), self._password(), seconds=READY_SECONDS)
        except replica.NotReady as error:
            raise _refusal(
                N_("The embedded MongoDB in %(directory)s runs but cannot be used: %(reason)s."),
                reason=str(error),
                directory=str(self._folder),
            ) from error

    def _start(self, port: int) -> None:
        options = self._options(port)
        user, group = private.owner_beside_root(self._folder.parent) or (None, None)
        reasons = []
        for program in mongod.find_programs(self._folder / "libraries"):
            try:
                return mongod.start(program, options, user=user, group=group)
            except mongod.CannotStart as error:
                reasons.append(f"{program.path}: {error}")
        raise _refusal(
            N_("The embedded MongoDB did not start (%(reason)s); its log is %(log)s."),
            reason="; ".join(reasons),
            log=str(options.log),
        )

    def _options(self, port: int) -> mongod.Options:
        key_file = self._folder / "key"
        private.read_or_make(key_file, lambda: secrets.token_hex(64))
        return mongod.Options(
            dbpath=self._folder / "db",
            log=self._folder / "mongod.log",
            key_file=key_file,
            port=port,
            cache_gb=self._cache_gb,
            oplog_mb=self._oplog_mb,
        )

    def _stop(self) -> None:
        if not self._is_running():
            return
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self._is_running():
            if time.monotonic() > deadline:
                log.error("database did not stop and is killed; its journal keeps what was acknowledged")
                deadline += STOP_SECONDS
                self._signal(signal.SIGKILL)
            time.sleep(LOOK_SECONDS)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(int((self._folder / "db" / "mongod.lock").read_text()), number)

    def _port(self) -> int:
        return int((self._folder / "port").read_text())

    def _choose_port(self, *, may_move: bool) -> int:
        """That of last time. When a stranger took it and nobody is connected yet, another."""
        file = self._folder / "port"
        port = int(private.read_or_make(file, lambda: str(_free_port())))
        if may_move and not _becomes_free(port):
            port = _free_port()
            private.write(file, str(port))
        return port

    def _password(self) -> str:
        password = private.read_or_make(self._folder / "password", lambda: secrets.token_urlsafe(32))
        hide(password)
        return password

    def _uri(self) -> str:
        return (
            f"mongodb://{replica.USER}:{self._password()}@127.0.0.1:{self._port()}/"
            f"?replicaSet={replica.REPLICA_SET}&authSource=admin"
        )


def _refusal(sentence: str, **fields: Any) -> Unavailable:
    return Unavailable(sentence, code="no_database", **fields)


def _becomes_free(port: int) -> bool:
    """A mongod that ends gives up the lock on its files a moment before its port."""
    deadline = time.monotonic() + PORT_SECONDS
    while not _is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    ports = random.sample(PORTS, 200)
    return next(port for port in ports if _is_free(port))
