"""The machine under the figures: its cores, and how much of them others used meanwhile (Linux, from /proc)."""

import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
# Positions in /proc/stat's "cpu" line: proc(5).
IDLE, WAITING, STEAL, GUEST = 3, 4, 7, 8


@dataclass(slots=True)
class Load:
    """Cores, on average: what we and our children used, what others did, what the hypervisor took away."""

    seconds: float = 0.0
    own: float = 0.0
    foreign: float = 0.0
    stolen: float = 0.0

    def told(self) -> str:
        return f"own {self.own:.2f}, foreign {self.foreign:.2f}, stolen {self.stolen:.2f} cores"


def describe() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "processor": _first("/proc/cpuinfo", "model name"),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _first(path: str, key: str) -> str:
    lines = Path(path).read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


@contextmanager
def watched(also: Callable[[], Iterable[int]] = tuple) -> Iterator[Load]:
    """Filled in when the block is left. `also` names processes that are ours and nobody's child, like mongod."""
    load = Load()
    began, (busy, stolen), own = time.monotonic(), _machine(), _own(also())
    yield load
    load.seconds = time.monotonic() - began
    busy_after, stolen_after = _machine()
    load.own = max(0.0, (_own(also()) - own) / TICKS / load.seconds)
    load.foreign = max(0.0, (busy_after - busy) / TICKS / load.seconds - load.own)
    load.stolen = (stolen_after - stolen) / TICKS / load.seconds


def wait_for_quiet(cores: float, *, seconds: float) -> None:
    """Comes back when others use less than `cores` for five seconds, or the time is over."""
    last = time.monotonic() + seconds
    while time.monotonic() < last:
        with watched() as load:
            time.sleep(5)
        if load.foreign < cores:
            return


def _machine() -> tuple[int, int]:
    """Ticks that all processes used, and that another guest of the same host got instead."""
    numbers = [int(part) for part in (PROC / "stat").read_text().splitlines()[0].split()[1:]]
    busy = sum(numbers[:GUEST]) - numbers[IDLE] - numbers[WAITING] - numbers[STEAL]
    return busy, numbers[STEAL]


def _own(also: Iterable[int]) -> int:
    """Ticks of this process, all below it, and `also`; of ended children as far as they were waited for."""
    processes = dict(_processes())
    ours = {os.getpid(), *also} & processes.keys()
    grown = True
    while grown:
        children = {pid for pid, (parent, _) in processes.items() if parent in ours} - ours
        ours |= children
        grown = bool(children)
    return sum(processes[pid][1] for pid in ours)


def _processes() -> Iterator[tuple[int, tuple[int, int]]]:
    """Each process with its parent and its ticks, those of its waited-for children included."""
    for folder in PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        yield int(folder.name), (int(fields[1]), sum(int(field) for field in fields[11:15]))


def memory(pid: int) -> tuple[float, float]:
    """Resident, and proportional (pages shared with others counted by their share), in megabytes of 2**20."""
    found = {}
    for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]:
        key, _, value = line.partition(":")
        found[key] = int(value.split()[0]) / 1024
    return found["Rss"], found["Pss"]


def cpu(pids: Iterable[int]) -> float:
    """Seconds of processor time that these processes, without their children, have used so far."""
    files = (PROC / str(pid) / "stat" for pid in pids)
    return sum(sum(map(int, file.read_text().rpartition(")")[2].split()[11:13])) for file in files) / TICKS


def peak(pid: int) -> float:
    """The most it was ever resident, in megabytes."""
    lines = (PROC / str(pid) / "status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def children(pid: int) -> list[int]:
    return [child for child, (parent, _) in _processes() if parent == pid]
