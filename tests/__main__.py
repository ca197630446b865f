"""The whole check in one command: `python -m tests`. With arguments it is pytest alone, given them."""

import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
HOUSE = ("bot", "inbox", "campaigns")
TESTS = ("tests", "benchmarks")
RUN_LOCK = ROOT / "requirements.lock"
TEST_LOCK = ROOT / "tests/requirements.lock"
NPM_LOCKS = (ROOT / "inbox/web/assets/package-lock.json", ROOT / "tests/browser/package-lock.json")
# A lock that names a host ties everybody to that host.
NAMES_A_HOST = re.compile(r"https?://|file:|\"resolved\"|--(index|extra|find)")


def main() -> int:
    if len(sys.argv) > 1:
        return run("pytest", *sys.argv[1:])
    for name, step in steps():
        status = announced(name, step)
        if status != 0:
            return status
    return 0


def steps() -> Iterator[tuple[str, Callable[[], int]]]:
    yield "ruff", lambda: run("ruff", "check", "--quiet", ".")
    yield "mypy, the house", lambda: run("mypy", "--strict", *HOUSE)
    yield "mypy, the tests", lambda: run("mypy", *(name for name in TESTS if (ROOT / name).is_dir()))
    yield "import rules", import_rules
    yield "locks", locks
    yield "pytest", lambda: run("pytest", "-n", "2", "--dist", "loadfile")


def announced(name: str, step: Callable[[], int]) -> int:
    click.secho(f"── {name}", bold=True)
    began = time.monotonic()
    status = step()
    verdict, colour = ("ok", "green") if status == 0 else (f"failed with {status}", "red")
    click.secho(f"   {name}: {verdict}, {time.monotonic() - began:.1f} s", fg=colour)
    return status


def run(module: str, *arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, check=False).returncode


def import_rules() -> int:
    """import-linter greets with a page of art: its words are shown only when a rule is broken."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        click.echo(done.stdout + done.stderr)
    return done.returncode


def locks() -> int:
    problems = [*hosts_in_locks(), *unlocked_requirements()]
    for problem in problems:
        click.echo(problem)
    return 1 if problems else 0


def hosts_in_locks() -> Iterator[str]:
    for lock in (RUN_LOCK, TEST_LOCK, *NPM_LOCKS):
        for number, line in enumerate(lock.read_text("utf-8").splitlines(), start=1):
            if NAMES_A_HOST.search(line):
                yield f"{lock.relative_to(ROOT)}:{number} names a host: {line.strip()}"


def unlocked_requirements() -> Iterator[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    metadata = project["project"]
    extras = metadata["optional-dependencies"]
    run_time = [*metadata["dependencies"], *extras["embedded"], *project["build-system"]["requires"]]
    for lock, wanted in ((RUN_LOCK, run_time), (TEST_LOCK, [*extras["dev"], *extras["bench"]])):
        versions = locked_versions(lock)
        for requirement in map(Requirement, wanted):
            version = versions.get(requirement.name.lower())
            if version is None or not requirement.specifier.contains(version):
                yield f"{lock.relative_to(ROOT)} has {version} of {requirement}: run `make lock`."


def locked_versions(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", lock.read_text("utf-8"), re.MULTILINE))


if __name__ == "__main__":
    sys.exit(main())
