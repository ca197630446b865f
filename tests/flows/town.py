"""Customers of an office, what is answered to them, and what of it their platforms accepted."""

import itertools
from collections.abc import Iterable
from typing import Any

from tests.flows.browsing import Browser
from tests.office import Office

EVERY = ("whatsapp", "messenger", "telegram")
ARRIVED = ("sent", "delivered", "read")
OPEN = ("queued", "sending")
TOLD_LATER = {("uncertain", "whatsapp"), ("uncertain", "messenger")}
_numbers = itertools.count(1)


class Town:
    def __init__(self, office: Office, browser: Browser) -> None:
        self.office, self.browser = office, browser
        self.db, self.sandbox = office.house.db, office.sandbox

    async def misbehave(self, **faults: Any) -> None:
        async with self.office.http.post(f"{self.sandbox.world.base_url}/control/faults", json=faults) as answer:
            assert answer.status == 200, await answer.text()

    async def calm_down(self) -> None:
        async with self.office.http.delete(f"{self.sandbox.world.base_url}/control/faults") as answer:
            assert answer.status == 200

    async def write(self, channel: str) -> str:
        """The conversation of somebody new who wrote a moment ago."""
        person = f"Cliente {next(_numbers)}"
        self.office.says(channel, person, "Hola")
        return str((await self.office.conversation(name=person, channel=channel))["_id"])

    async def answer(self, conversation: str, text: str) -> str:
        path = f"/conversations/{conversation}/messages"
        return str((await self.office.api("Marta", "POST", path, expect=202, json={"text": text}))["id"])

    async def becomes(self, message: str, *statuses: str) -> dict[str, Any]:
        return await self.office.message(_id=message, status={"$in": list(statuses)})

    def accepted(self, text: str) -> int:
        """How often the platforms took these words."""
        return sum(entry.text == text for entry in self.sandbox.world.ledger.entries)

    async def time_passes(self) -> None:
        """What was put off is due now."""
        await self.db["outbox"].update_many({"state": "queued"}, {"$set": {"due_at": None}})

    async def with_error(self, message: str) -> dict[str, Any] | None:
        return await self.db["messages"].find_one({"_id": message, "error": {"$ne": None}})

    async def all_known(self, messages: Iterable[str]) -> dict[str, str]:
        """What became of each, once none waits for its next try and the platforms have told all they will tell."""
        await self.time_passes()
        found = self.db["messages"].find({"_id": {"$in": list(messages)}}, {"status": 1, "channel": 1})
        said = {one["_id"]: (one["status"], one["channel"]) async for one in found}
        is_open = any(status in OPEN or (status, channel) in TOLD_LATER for status, channel in said.values())
        return {} if is_open else {message: status for message, (status, _) in said.items()}
