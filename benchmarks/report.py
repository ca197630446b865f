"""Shows results as tables and appends them, one line of JSON each, to a file that git does not keep."""

import math
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Table

from benchmarks import machine
from benchmarks.figures import Result, Row
from bot.clock import SystemClock

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".benchmarks"
FILE = FOLDER / "results.jsonl"


def show(result: Result) -> None:
    title = f"{result.name} · {machine.describe()['cores']} cores; {result.load.told()}"
    table = Table(title=title, title_justify="left")
    for heading in ("what", "value", "bare limit", "ratio", "bar", ""):
        table.add_column(heading, justify="left" if heading in ("what", "bar", "") else "right")
    for row in result.rows:
        table.add_row(*_cells(row))
    Console(width=150).print(table)
    for note in result.notes:
        click.echo(f"  {note}")
    click.echo()


def _cells(row: Row) -> tuple[str, ...]:
    bare = f"{_number(row.bare)} {row.unit}" if row.bare is not None else ""
    ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
    verdict = {None: "", True: "[green]met[/]", False: "[red]missed[/]"}[row.met]
    return row.what, f"{_number(row.value)} {row.unit}", bare, ratio, row.bar, f"{verdict} {row.note}".strip()


def _number(value: float) -> str:
    if math.isnan(value):
        return "none"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.1f}" if abs(value) >= 10 else f"{value:.2f}"


def keep(result: Result) -> None:
    FOLDER.mkdir(exist_ok=True)
    rows = [asdict(row) | {"ratio": row.ratio} for row in result.rows]
    line: dict[str, Any] = {
        "at": SystemClock().now(),
        "benchmark": result.name,
        "commit": _commit(),
        "machine": machine.describe(),
        "load": asdict(result.load),
        "rows": rows,
        "samples": result.samples,
        "notes": result.notes,
    }
    with FILE.open("ab") as file:
        file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z))


def _commit() -> str:
    """Of what was measured; a plus says that files were changed since."""
    asked = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.strip()
