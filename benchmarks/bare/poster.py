"""A bare sender: posts messages to the platform over so many connections and remembers nothing. Prints the rate."""

import asyncio
import json
import sys
import time
from typing import Any

import aiohttp
import click
import uvloop


async def post(wanted: dict[str, Any]) -> float:
    numbers = iter(range(wanted["people"]))
    accounts, refused = wanted["accounts"], 0

    async def work(session: aiohttp.ClientSession) -> None:
        nonlocal refused
        for number in numbers:
            account = accounts[number % len(accounts)]
            body = {
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                "to": f"57320{number:07d}",
                "type": "text",
                "text": {"body": "Sí, con gusto."},
            }
            headers = {"Authorization": f"Bearer {account['token']}"}
            async with session.post(account["url"], json=body, headers=headers) as answer:
                await answer.read()
                refused += answer.status != 200

    connector = aiohttp.TCPConnector(limit=wanted["connections"])
    async with aiohttp.ClientSession(connector=connector) as session:
        began = time.perf_counter()
        await asyncio.gather(*(work(session) for _ in range(wanted["connections"])))
        seconds = time.perf_counter() - began
    if refused:
        raise SystemExit(f"{refused} were refused")
    return float(wanted["people"] / seconds)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        click.echo(runner.run(post(json.load(sys.stdin))))
