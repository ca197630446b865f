"""WhatsApp by Meta's Cloud API: one phone number is one account."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiohttp import ClientSession

from bot.channels import meta_graph
from bot.channels.contract import (
    EVERYWHERE,
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
from bot.channels.fields import a_dict, a_list, an_id
from bot.channels.meta_graph import Graph, named_by_remedy
from bot.channels.remedies import NO_ANSWER, UNREACHED, send_each
from bot.channels.whatsapp import api, inbound, outbound, rules
from bot.content import Content, Media, TemplateUse
from bot.phones import fold, is_phone


def create(session: ClientSession, *, patience: float = 30.0) -> "WhatsApp":
    """`patience` is how many seconds an answer may take."""
    return WhatsApp(Graph(session, patience=patience))


class WhatsApp:
    kind = "whatsapp"
    limits: Limits = rules.LIMITS

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def handshake(self, query: Mapping[str, str], tokens: list[str]) -> str | None:
        return meta_graph.handshake(query, tokens)

    def verify(self, headers: Mapping[str, str], raw: bytes, secrets: list[str]) -> None:
        meta_graph.verify(headers, raw, secrets)

    def envelope(self, raw: bytes) -> None:
        meta_graph.envelope(raw, inbound.OBJECT)

    def read(
        self, raw: bytes, account: str = "", scopes: Mapping[str, str] | None = None, *, now: datetime
    ) -> list[Inbound]:
        return inbound.read(raw, scopes or {}, now)

    def window(self, heard_at: datetime | None, now: datetime) -> Window:
        return rules.window(heard_at, now)

    def allows(self, content: Content, heard_at: datetime | None, now: datetime, *, human: bool) -> Verdict:
        return rules.allows(content, heard_at, now)

    async def send(self, account: Account, message: Outbound) -> Receipt:
        outbound.bodies(message)  # what can never be sent is refused before anything is uploaded
        media_id = await self._upload(account, message)
        answers: list[dict[str, Any]] = []

        async def post(body: dict[str, Any]) -> str:
            with named_by_remedy(api.remedy_for, sending=True):
                answers.append(await self._graph.post(account, f"{account.external_id}/messages", body))
            return _message_id(answers[-1])

        ids = await send_each(outbound.bodies(message, media_id), post)
        return Receipt(ids, aliases=_aliases(account, answers[0]), held=_is_held(answers[0]))

    async def _upload(self, account: Account, message: Outbound) -> str:
        file = message.attachment
        if file is None or not isinstance(message.content, Media | TemplateUse):
            return ""
        fields = {"messaging_product": "whatsapp", "type": file.mime}
        with named_by_remedy(api.remedy_for, sending=False):
            answer = await self._graph.upload(account, f"{account.external_id}/media", fields, "file", file)
        if not an_id(answer.get("id")):
            raise UNREACHED.problem("no_media_id")
        return an_id(answer.get("id"))

    async def signal(self, account: Account, signal: Signal) -> None:
        if signal.kind == "acknowledge" or not signal.target:
            return
        body: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": signal.target}
        if signal.kind == "typing":
            body["typing_indicator"] = {"type": "text"}
        await self._graph.post_quietly(account, f"{account.external_id}/messages", body)

    async def fetch(self, account: Account, ref: MediaRef) -> Fetched:
        return await api.fetch(self._graph, account, ref)

    async def profile(self, account: Account, address: Address) -> Sender | None:
        return None

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


def _message_id(answer: dict[str, Any]) -> str:
    """Accepted without an id is a message nobody can follow."""
    name = an_id(_first(answer, "messages").get("id"))
    if not name:
        raise NO_ANSWER.problem("no_id")
    return name


def _first(answer: dict[str, Any], key: str) -> dict[str, Any]:
    return a_dict(next(iter(a_list(answer.get(key))), None))


def _is_held(answer: dict[str, Any]) -> bool:
    return _first(answer, "messages").get("message_status") == "held_for_quality_assessment"


def _aliases(account: Account, answer: dict[str, Any]) -> tuple[Address, ...]:
    """The number as WhatsApp writes it (Brazil, Mexico and Argentina differ), and the user id where it is told."""
    contact = _first(answer, "contacts")
    user_id, phone = an_id(contact.get("user_id")), an_id(contact.get("wa_id"))
    found = [Address("whatsapp", account.scope, user_id, user_id)] if user_id else []
    if is_phone(phone):
        found.append(Address("phone", EVERYWHERE, fold(phone), phone))
    return tuple(found)
