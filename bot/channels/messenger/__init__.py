"""Messenger by Meta's Messenger Platform: one page is one account."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from aiohttp import ClientSession

from bot.channels import meta_graph
from bot.channels.contract import (
    Account,
    Address,
    Fetched,
    Health,
    Inbound,
    Limits,
    MediaRef,
    Outbound,
    Poll,
    Receipt,
    Sender,
    Signal,
    Template,
    Verdict,
    Window,
)
from bot.channels.fields import an_id
from bot.channels.messenger import api, inbound, outbound, rules
from bot.channels.messenger.errors import after_a_day
from bot.channels.meta_graph import Graph, GraphError, named_by_remedy
from bot.channels.remedies import NO_ANSWER, Remedy, send_each
from bot.clock import Clock, SystemClock
from bot.content import Content, Emoji

ACTIONS = {"read": "mark_seen", "typing": "typing_on"}


def create(session: ClientSession, *, patience: float = 30.0, clock: Clock | None = None) -> "Messenger":
    """`patience` is how many seconds an answer may take."""
    return Messenger(Graph(session, patience=patience), clock or SystemClock())


class Messenger:
    kind = "messenger"
    limits: Limits = rules.LIMITS

    def __init__(self, graph: Graph, clock: Clock) -> None:
        self._graph, self._clock = graph, clock

    def handshake(self, query: Mapping[str, str], tokens: list[str]) -> str | None:
        return meta_graph.handshake(query, tokens)

    def verify(self, headers: Mapping[str, str], raw: bytes, secrets: list[str]) -> None:
        meta_graph.verify(headers, raw, secrets)

    def envelope(self, raw: bytes) -> None:
        meta_graph.envelope(raw, inbound.OBJECT)

    def read(
        self, raw: bytes, account: str = "", scopes: Mapping[str, str] | None = None, *, now: datetime
    ) -> list[Inbound]:
        return inbound.read(raw, now)

    def window(self, heard_at: datetime | None, now: datetime) -> Window:
        return rules.window(heard_at, now)

    def allows(self, content: Content, heard_at: datetime | None, now: datetime, *, human: bool) -> Verdict:
        return rules.allows(content, heard_at, now, human=human)

    async def send(self, account: Account, message: Outbound) -> Receipt:
        requests = outbound.requests(message, self._clock.now())
        ids = await send_each(requests, partial(self._post, account))
        if isinstance(message.content, Emoji):
            return Receipt((f"{message.content.target}:reaction",))
        return Receipt(ids)

    async def _post(self, account: Account, request: outbound.Request) -> str:
        path = f"{account.external_id}/messages"
        tagged = request.body.get("tag") == outbound.HUMAN["tag"]
        with named_by_remedy(_remedy_after_a_day if tagged else api.remedy_for, sending=True):
            if request.file is not None:
                answer = await self._graph.upload(account, path, request.fields(), "filedata", request.file)
            else:
                answer = await self._graph.post(account, path, request.body)
        name = an_id(answer.get("message_id"))
        if not name and "message" in request.body:
            raise NO_ANSWER.problem("no_id")
        return name

    async def signal(self, account: Account, signal: Signal) -> None:
        action = ACTIONS.get(signal.kind)
        person = next((address for address in signal.to if address.kind == self.kind), None)
        if action is None or person is None:
            return
        body = {"recipient": {"id": person.reach or person.value}, "sender_action": action}
        await self._graph.post_quietly(account, f"{account.external_id}/messages", body)

    async def fetch(self, account: Account, ref: MediaRef) -> Fetched:
        return await api.fetch(self._graph, account, ref)

    async def profile(self, account: Account, address: Address) -> Sender | None:
        return await api.profile(self._graph, account, address)

    async def check(self, account: Account) -> Health:
        return await api.check(self._graph, account)

    async def subscribe(self, account: Account, hook_url: str) -> None:
        await api.subscribe(self._graph, account)

    async def templates(self, account: Account) -> list[Template]:
        return await api.templates(self._graph, account)

    async def poll(self, account: Account, cursor: int) -> Poll | None:
        return None

    async def close(self) -> None:
        """The session belongs to whoever made it."""


def _remedy_after_a_day(error: GraphError) -> Remedy:
    return after_a_day(api.remedy_for(error), error.subcode)
