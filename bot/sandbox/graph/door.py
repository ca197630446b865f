"""The Graph API over HTTP: who calls, which object is meant, which edge of it; errors as Meta writes them."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from bot.sandbox import answers
from bot.sandbox.graph.edges import Edges
from bot.sandbox.graph.errors import GraphError, trace_id, unknown_object
from bot.sandbox.graph.messenger import File, Messenger
from bot.sandbox.graph.whatsapp import WhatsApp, expired
from bot.sandbox.world.company import GRAPH_VERSION, Account
from bot.sandbox.world.world import World

# v20.0 ended on 2026-09-24, v26.0 is of 2026-07-29: Graph API, Changelog.
VERSION = re.compile(r"v2[1-6]\.0")
BEARER = "Bearer "


@dataclass(slots=True)
class Call:
    """A call whose token is good. `account` owns the node; `node` is "me" spelled out."""

    request: web.Request
    account: Account
    node: str

    @property
    def query(self) -> dict[str, str]:
        return dict(self.request.query)

    async def json(self) -> dict[str, Any]:
        return read_json(await self.request.read())


class Door:
    def __init__(self, world: World, whatsapp: WhatsApp, messenger: Messenger, edges: Edges) -> None:
        self._world, self._whatsapp, self._messenger, self._edges = world, whatsapp, messenger, edges
        self._tokens = {account.token: account for account in world.company.accounts}
        self._owners = {account.id: account for account in world.company.accounts if account.kind != "telegram"}
        self._owners |= {account.owner: account for account in world.company.of("whatsapp")}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/graph/{version}/{node}/messages", self._messages),
            web.get("/graph/cdn/{file}", self._cdn),
            web.get("/graph/files/{file}", self._file),
            web.route("*", "/graph/{version}/{node}", self._answer),
            web.route("*", "/graph/{version}/{node}/{edge}", self._answer),
        ]

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        """The hot path: nothing here waits except for the body."""
        try:
            call = self._call(request)
            kind = call.account.kind
            if not self._world.calm and (trouble := await self._trouble(kind)):
                return trouble
            accepted = await self._accept(call)
        except GraphError as error:
            return _refused(error)
        answer = answers.json(accepted)
        if self._world.calm or "messages" not in accepted and "message_id" not in accepted:
            return answer
        return await answers.after(self._world, kind, request, answer)

    async def _trouble(self, kind: str) -> web.Response | None:
        limited = GraphError(4, "(#4) Application request limit reached", http=429)
        return await answers.before(self._world, kind, lambda: _refused(limited))

    async def _accept(self, call: Call) -> dict[str, Any]:
        if call.account.kind == "whatsapp":
            return self._whatsapp.accept(call.account, await call.json())
        payload, file = await _messenger_body(call.request)
        return self._messenger.accept(call.account, payload, file)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        """Everything else."""
        try:
            call = self._call(request)
            if not self._world.calm and (trouble := await self._trouble(call.account.kind)):
                return trouble
            handler = self._handler(call)
            return answers.json(await handler(call))
        except GraphError as error:
            return _refused(error)

    def _handler(self, call: Call) -> Callable[[Call], Awaitable[Any]]:
        request = call.request
        handler = self._edges.find(call.account, call.node, request.match_info.get("edge", ""), request.method)
        if handler is None:
            raise unknown_object(call.node)
        return handler

    def _call(self, request: web.Request) -> Call:
        version, node = request.match_info["version"], request.match_info["node"]
        if not VERSION.fullmatch(version):
            raise GraphError(2500, f"Unknown path components: /{version}")
        caller = self._caller(request)
        if node in ("me", "debug_token"):
            return Call(request, caller, caller.id if node == "me" else node)
        owner = self._owners.get(node)
        if owner is None:
            return Call(request, caller, node)
        if owner.kind != caller.kind or owner.owner != caller.owner:
            raise unknown_object(node)
        return Call(request, caller if owner.id != node else owner, node)

    def _caller(self, request: web.Request) -> Account:
        header = request.headers.get("Authorization", "")
        token = header[len(BEARER) :] if header.startswith(BEARER) else request.query.get("access_token", "")
        if not token:
            raise GraphError(0, "Authentication Error", http=401)
        caller = self._tokens.get(token)
        if caller is None or caller.kind == "telegram":
            raise GraphError(190, "Invalid OAuth access token - Cannot parse access token", http=401)
        if self._world.chance(self._world.faults.expired_token, caller.kind):
            raise expired()
        return caller

    async def _file(self, request: web.Request) -> web.Response:
        """WhatsApp's files: five minutes, and only with the token."""
        try:
            self._caller(request)
        except GraphError as error:
            return _refused(error)
        return self._send_file(request, "whatsapp")

    async def _cdn(self, request: web.Request) -> web.Response:
        return self._send_file(request, "messenger")

    def _send_file(self, request: web.Request, channel: str) -> web.Response:
        stored = self._world.files.find(request.match_info["file"])
        if stored is None or self._world.now() > _ends(request) or self._missing(channel):
            return web.Response(status=404, text="URL signature expired")
        return web.Response(body=stored.data, headers={"Content-Type": stored.mime})

    def _missing(self, channel: str) -> bool:
        return self._world.chance(self._world.faults.missing_media, channel)


def _ends(request: web.Request) -> int:
    try:
        return int(request.query.get("oe", "0"), 16)
    except ValueError:
        return 0


def _refused(error: GraphError) -> web.Response:
    response = answers.json(error.body(), status=error.http)
    response.headers["WWW-Authenticate"] = f'OAuth "Facebook Platform" "invalid_request" "{error.code}"'
    response.headers["facebook-api-version"] = GRAPH_VERSION
    response.headers["x-fb-trace-id"] = trace_id()
    return response


def read_json(body: bytes) -> dict[str, Any]:
    try:
        payload = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise GraphError(100, "(#100) The request body is not valid JSON.") from error
    if not isinstance(payload, dict):
        raise GraphError(100, "(#100) The request body must be a JSON object.")
    return payload


async def _messenger_body(request: web.Request) -> tuple[dict[str, Any], File | None]:
    """JSON, or a form whose fields hold JSON text and whose `filedata` is a file."""
    if request.content_type == "application/json":
        return read_json(await request.read()), None
    form = await request.post()
    payload: dict[str, Any] = {}
    for name in ("recipient", "message", "reply_to"):
        if isinstance(text := form.get(name), str):
            payload[name] = read_json(text.encode())
    for name in ("messaging_type", "tag", "sender_action"):
        if isinstance(text := form.get(name), str):
            payload[name] = text
    return payload, form_file(form.get("filedata"))


def form_file(field: Any) -> File | None:
    if not isinstance(field, web.FileField):
        return None
    return File(field.filename, field.content_type, field.file.read())
