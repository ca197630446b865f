"""People on both sides: agents with open sessions, and customers who have written to the company."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from benchmarks import volley
from benchmarks.bodies import Author
from benchmarks.place import Place
from benchmarks.programs import Failed, Program, until
from bot.clock import SystemClock
from bot.store.database import Database
from inbox import people, sessions
from inbox.gate import COOKIE
from inbox.people import Role

SETTLE_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Desk:
    """An agent with a browser's session."""

    agent: str
    cookie: str
    csrf: str

    @property
    def headers(self) -> dict[str, str]:
        """As the pages' own script sends them."""
        return {"Cookie": f"{COOKIE}={self.cookie}", "X-CSRF-Token": self.csrf, "HX-Request": "true"}


async def hire(place: Place, count: int) -> list[Desk]:
    """Agents who see everything; the first is the owner."""
    db, now = Database(place.client, "bandeja"), SystemClock().now()
    desks = []
    for number in range(count):
        role = Role.OWNER if number == 0 else Role.AGENT
        agent = await people.add_agent(
            db, email=f"agent{number}@example.org", name=f"Agent {number}", role=role, password=None, now=now
        )
        cookie = await sessions.open_session(db, agent, now=now, ip="127.0.0.1", agent_string="benchmark")
        session = await sessions.find_session(db, cookie, now=now)
        desks.append(Desk(agent.id, cookie, session.csrf if session else ""))
    return desks


async def greet(place: Place, program: Program, author: Author, count: int) -> list[str]:
    """As many new people write; their conversations, once everything is applied."""
    before = await place.db["conversations"].count_documents({})
    await volley.flood(program.address, volley.write(place.folder, author, range(count + volley.SPARE)), seconds=60)

    async def is_applied() -> bool:
        return await place.db["journal"].find_one({"state": "new"}, {"_id": 1}) is None

    await until(is_applied, "the first messages", seconds=SETTLE_SECONDS, every=0.2)
    found = await place.db["conversations"].find({}, {"_id": 1}).sort("_id", 1).to_list()
    if len(found) - before < count:
        raise Failed(f"{count} people wrote, and there are {len(found) - before} new conversations.")
    return [conversation["_id"] for conversation in found[before : before + count]]


async def write_in(place: Place, sandbox: Program, people: int, accounts: Sequence[str]) -> None:
    """People of the sandbox write, so that the platform lets them be answered; each to one of `accounts` in turn."""
    items = [
        {
            "channel": "whatsapp",
            "account": accounts[number % len(accounts)],
            "person": {"name": f"Persona {number}", "id": f"p{number}", "phone": f"57320{number:07d}"},
            "text": "Hola, ¿están abiertos?",
        }
        for number in range(people)
    ]
    before = await place.db["messages"].count_documents({})
    async with aiohttp.ClientSession() as session:
        for at in range(0, people, 500):
            await _say(session, sandbox, items[at : at + 500])

    async def have_come() -> bool:
        return await place.db["messages"].count_documents({}) - before >= people

    await until(have_come, "the people of the sandbox", seconds=SETTLE_SECONDS, every=0.2)


async def _say(session: aiohttp.ClientSession, sandbox: Program, items: list[dict[str, Any]]) -> None:
    async with session.post(f"{sandbox.address}/control/say", json={"items": items}) as answer:
        if answer.status != 200:
            raise Failed(f"The sandbox's people could not speak: {await answer.text()}")


async def share_out(place: Place, desks: Sequence[Desk], conversations: Sequence[str]) -> None:
    """Each agent has as many conversations as any other."""
    assign = [
        place.db["conversations"].update_many({"_id": {"$in": list(part)}}, {"$set": {"assignee": desk.agent}})
        for desk, part in ((desk, conversations[number :: len(desks)]) for number, desk in enumerate(desks))
    ]
    await asyncio.gather(*assign)
