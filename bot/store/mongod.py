"""Where a `mongod` comes from and how it is run. Bandeja ships none: its licence is not ours to give."""

import errno
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.errors import N_, Unavailable

OLDEST = (6, 0)
# The libraries the wheel's mongod needs and a minimal system lacks, and what they are called in pycurl's
# wheel.
LENT = {
    "libcurl.so.4": "libcurl-*.so.4*",
    "libssl.so.3": "libssl-*.so.3",
    "libcrypto.so.3": "libcrypto-*.so.3",
}
THREE_WAYS = N_(
    "No MongoDB can be started here (%(reason)s). There are three ways out: install Bandeja's extra with"
    " pip install 'bandeja[embedded]', or put a mongod of version 6.0 or newer on the PATH,"
    " or set [mongodb] uri to a running replica set."
)


class CannotStart(Exception):
    """One clause that says why this program does not run here or on these files."""


@dataclass(frozen=True, slots=True)
class Program:
    """A mongod that was seen to run. `libraries` are folders it needs on its library path."""

    path: Path
    libraries: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """What a mongod is started with. `cache_gb` bounds its memory, `oplog_mb` its history of changes."""

    dbpath: Path
    log: Path
    key_file: Path
    port: int
    cache_gb: float
    oplog_mb: int


def find_programs(libraries: Path, places: Iterable[Path] | None = None) -> list[Program]:
    """Every mongod that runs here, in the order to be tried: that of the PATH, then that of the extra.

    `libraries` is a folder for links to borrowed libraries. Raises Unavailable with the three ways out when
    there is none.
    """
    found, reasons = [], []
    for path in _places() if places is None else places:
        try:
            found.append(_tried(path, libraries))
        except CannotStart as error:
            reasons.append(f"{path} {error}")
    if not found:
        reason = "; ".join(reasons) or "there is no mongod on the PATH and the extra is not installed"
        raise Unavailable(THREE_WAYS, code="no_mongod", reason=reason)
    return found


def _places() -> Iterator[Path]:
    if on_path := shutil.which("mongod"):
        yield Path(on_path)
    for folder in _package_folders("fiftyone"):
        if (inside := folder / "db" / "bin" / "mongod").is_file():
            yield inside


def _package_folders(name: str) -> list[Path]:
    """Where an installed package lies, without importing it."""
    spec = importlib.util.find_spec(name)
    return [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []


def _beside_package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return None
    module = Path(spec.origin).parent
    return module.parent if spec.submodule_search_locations else module


def _tried(path: Path, libraries: Path) -> Program:
    program = Program(path)
    answer = _version(program)
    if "error while loading shared libraries" in answer.stderr:
        program = Program(path, _lend_libraries(libraries))
        answer = _version(program)
    if answer.returncode != 0:
        raise CannotStart(_failure(answer))
    match = re.search(r"version v?(\d+)\.(\d+)", answer.stdout)
    if match is None or (int(match[1]), int(match[2])) < OLDEST:
        raise CannotStart(f"is older than {OLDEST[0]}.{OLDEST[1]}")
    return program


def _version(program: Program) -> subprocess.CompletedProcess[str]:
    try:
        return _run(program, "--version", seconds=30)
    except OSError as error:
        wrong_machine = error.errno in {errno.ENOEXEC, 86}  # 86: macOS, "bad CPU type in executable"
        raise CannotStart("is built for another kind of machine" if wrong_machine else str(error)) from error
    except subprocess.TimeoutExpired as error:
        raise CannotStart("did not tell its version within 30 seconds") from error


def _failure(answer: subprocess.CompletedProcess[str]) -> str:
    if answer.returncode == -signal.SIGILL:
        return "needs a processor with AVX"
    lines = (answer.stderr or answer.stdout).strip().splitlines() or [f"ended with code {answer.returncode}"]
    return f"does not run: {lines[-1]}"


def _lend_libraries(links: Path) -> tuple[Path, ...]:
    """Link the libraries inside pycurl's wheel under the names that mongod asks for. No root is needed for
    that.
    """
    site = _beside_package("pycurl")
    if site is None or not (lender := site / "pycurl.libs").is_dir():
        return ()
    links.mkdir(parents=True, exist_ok=True)
    for name, pattern in LENT.items():
        if target := next(lender.glob(pattern), None):
            (links / name).unlink(missing_ok=True)
            (links / name).symlink_to(target)
    return links, lender


def start(program: Program, options: Options, *, user: int | None = None, group: int | None = None) -> None:
    """Comes back when it listens. It is nobody's child then and ignores the terminal's Ctrl-C: whoever
    leaves last must stop it. Raises CannotStart with the reason from its log.
    """
    begins_at = options.log.stat().st_size if options.log.exists() else 0
    try:
        answer = _run(program, *_arguments(options), seconds=None, user=user, group=group)
    except OSError as error:
        raise CannotStart(str(error)) from error
    if answer.returncode != 0:
        raise CannotStart(_last_complaint(options.log, begins_at) or _failure(answer))


def _arguments(options: Options) -> list[str]:
    settings = {
        "dbpath": options.dbpath,
        "logpath": options.log,
        "logRotate": "reopen",
        "port": options.port,
        "bind_ip": "127.0.0.1",
        "replSet": "bandeja",
        "keyFile": options.key_file,
        # Before sign-in, MongoDB up to 6.0.26 leaks memory through zlib's decompression: CVE-2025-14847.
        "networkMessageCompressors": "disabled",
        "wiredTigerCacheSizeGB": options.cache_gb,
        "oplogSize": options.oplog_mb,
        "wiredTigerEngineConfigString": "log=(file_max=64MB,prealloc=false)",
        # A slow operation is logged with its values, which are people's words: only the very slow ones.
        "slowms": 1000,
    }
    parameters = {
        "diagnosticDataCollectionEnabled": "false",
        # Nobody reads at old points in time; five minutes of history slow down queues that change often.
        "minSnapshotHistoryWindowInSeconds": 10,
    }
    flags = ["--fork", "--auth", "--quiet", "--logappend", "--nounixsocket", "--noscripting"]
    named = [part for key, value in settings.items() for part in (f"--{key}", str(value))]
    return flags + named + [p for key, value in parameters.items() for p in ("--setParameter", f"{key}={value}")]


def _run(
    program: Program,
    *arguments: str,
    seconds: float | None,
    user: int | None = None,
    group: int | None = None,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  the program was found by us, the arguments are ours
        [program.path, *arguments],
        env=_environment(program),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        start_new_session=True,
        umask=0o077,
        user=user,
        group=group,
        extra_groups=[] if user is not None else None,
    )


def _environment(program: Program) -> dict[str, str]:
    """None of our own variables: they may hold secrets, and any process of this user can read a child's."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR", "TZ") if key in os.environ}
    theirs = os.environ.get("LD_LIBRARY_PATH", "")
    library_path = ":".join([*map(str, program.libraries), *([theirs] if theirs else [])])
    return kept | {"LC_ALL": "C"} | ({"LD_LIBRARY_PATH": library_path} if library_path else {})


def _last_complaint(log: Path, begins_at: int) -> str:
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(begins_at)
        lines = [_parsed(line) for line in file]
    complaints = [line for line in lines if line.get("s") in {"E", "F"}]
    worst = [line for line in complaints if line.get("attr", {}).get("error")] or complaints
    return _complaint(worst[0]) if worst else ""


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(line)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _complaint(line: dict[str, Any]) -> str:
    error = line.get("attr", {}).get("error", "")
    detail = error.get("errmsg", "") if isinstance(error, dict) else str(error)
    return f"{line.get('msg', '')}: {detail}".rstrip(": ")
