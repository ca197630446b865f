"""Many replies at once, through the outbox to a silent sandbox, beside a bare loop that only posts."""

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Sequence

import aiohttp

from benchmarks.company import Desk, hire, write_in
from benchmarks.figures import Result, median
from benchmarks.place import Place, open_place
from benchmarks.programs import Failed, Program, until
from benchmarks.reply import point

ROUNDS, REPLIES, CONNECTIONS = 3, 3000, 100
# One WhatsApp number may send 80 a second; so many of them that pace is no limit here.
NUMBERS = 60
WRITERS = 16
SEND_SECONDS = 300.0
OURS, BARE = "outbox", "bare"


async def run(*, rounds: int = ROUNDS) -> Result:
    result = Result("send")
    rates: dict[str, list[float]] = {OURS: [], BARE: []}
    async with open_place() as place, place.sandbox(numbers=NUMBERS) as sandbox:
        result.load = place.load
        accounts = sandbox.told["accounts"]
        place.connect(accounts)
        async with place.bandeja("serve") as program:
            await point(sandbox, program)
            desk = (await hire(place, 1))[0]
            await write_in(place, sandbox, REPLIES, [account["external_id"] for account in accounts])
        for _ in range(rounds):
            rates[OURS].append(await _ours(place, sandbox, desk))
            rates[BARE].append(await _bare(sandbox))
    result.add("replies sent, outcome durable", median(rates[OURS]), "/s", bare=median(rates[BARE]))
    result.samples = {name: [round(rate) for rate in found] for name, found in rates.items()}
    result.notes.append(
        f"{REPLIES:,} replies to as many people by {NUMBERS} numbers wait in the outbox; then a worker starts. The "
        f"clock runs from the first at the sandbox to the last outcome written; {rounds} rounds. The bare loop posts "
        f"the same bodies over {CONNECTIONS} connections. No bar: this is the way out that campaigns will build on."
    )
    return result


async def _ours(place: Place, sandbox: Program, desk: Desk) -> float:
    """Queued while nobody sends; the clock runs from the first arrival to the last row gone."""
    async with place.bandeja("web") as web:
        await _queue(place, web, desk)
        before = await _count(sandbox)
        async with place.worker():
            await until(lambda: _has_more(sandbox, before), "the first reply", seconds=SEND_SECONDS)
            began = time.perf_counter()
            await until(lambda: _is_empty(place), "sending", seconds=SEND_SECONDS)
            seconds = time.perf_counter() - began
        sent = await _count(sandbox) - before
    if sent != REPLIES:
        raise Failed(f"{REPLIES} were to be sent, {sent} reached the sandbox.")
    return sent / seconds


async def _queue(place: Place, web: Program, desk: Desk) -> None:
    conversations = iter(await place.db["conversations"].find({}, {"_id": 1}).to_list())

    async def write(session: aiohttp.ClientSession) -> None:
        for conversation in conversations:
            url = f"{web.address}/inbox/{conversation['_id']}/reply"
            headers = {**desk.headers, "Accept": "application/json"}
            async with session.post(url, data={"text": "Sí, con gusto."}, headers=headers) as answer:
                if answer.status >= 400:
                    raise Failed(f"A reply was refused: {answer.status} {await answer.text()}")

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(write(session) for _ in range(WRITERS)))


async def _count(sandbox: Program) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"{sandbox.address}/control/state") as answer:
        counters = (await answer.json())["counters"]
    return int(counters.get("accepted.whatsapp", 0))


async def _has_more(sandbox: Program, before: int) -> bool:
    return await _count(sandbox) > before


async def _is_empty(place: Place) -> bool:
    return await place.db["outbox"].count_documents({}, limit=1) == 0


async def _bare(sandbox: Program) -> float:
    """A process of its own, as the worker is."""
    accounts: Sequence[dict[str, str]] = [
        {"url": f"{account['api_url']}/{account['external_id']}/messages", "token": account["secrets"]["access_token"]}
        for account in sandbox.told["accounts"]
    ]
    wanted = {"accounts": accounts, "people": REPLIES, "connections": CONNECTIONS}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.bare.poster", stdin=PIPE, stdout=PIPE
    )
    output, _ = await process.communicate(json.dumps(wanted).encode())
    if process.returncode:
        raise Failed("The bare loop did not come to its end.")
    return float(output)
