"""What Bandeja counts of itself (`/metrics`), read as differences between two moments."""

import re
from collections.abc import Mapping

import aiohttp

from benchmarks.programs import Program

LINE = re.compile(r'^bandeja_outbox_seconds_(sum|count)\{hop="(\w+)"\} (\S+)$', re.MULTILINE)
HOPS = ("put", "wait", "read", "intent", "leave", "platform", "outcome")
Hops = Mapping[tuple[str, str], float]


async def read_hops(program: Program) -> Hops:
    """By hop, the sum of its seconds and how often it happened."""
    async with aiohttp.ClientSession() as session, session.get(f"{program.address}/metrics") as answer:
        text = await answer.text()
    return {(kind, hop): float(value) for kind, hop, value in LINE.findall(text)}


def mean_hops(before: Hops, after: Hops) -> dict[str, float]:
    """Milliseconds of each hop, on average, between two readings."""
    found = {}
    for hop in HOPS:
        seconds, times = (after.get((kind, hop), 0.0) - before.get((kind, hop), 0.0) for kind in ("sum", "count"))
        if times:
            found[hop] = seconds / times * 1000
    return found
