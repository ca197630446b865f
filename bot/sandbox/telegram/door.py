"""The Bot API over HTTP: the token in the path, the method behind it, answers and errors in one envelope."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.sandbox import answers
from bot.sandbox.telegram.errors import BotError
from bot.sandbox.telegram.methods import Methods
from bot.sandbox.telegram.params import Params
from bot.sandbox.telegram.updates import Updates, webhook_of
from bot.sandbox.world.company import Account
from bot.sandbox.world.world import World


class Door:
    def __init__(self, world: World, methods: Methods, updates: Updates) -> None:
        self._world, self._methods, self._updates = world, methods, updates
        self._bots: Mapping[str, Account] = {bot.token: bot for bot in world.company.of("telegram")}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/telegram/file/bot{token}/{path:.+}", self._file),
            web.route("*", "/telegram/bot{token}/{method}", self._call),
        ]

    def _bot(self, request: web.Request) -> Account:
        token = request.match_info["token"]
        if ":" not in token:
            raise BotError(404)
        bot = self._bots.get(token)
        if bot is None or self._world.chance(self._world.faults.expired_token, "telegram"):
            raise BotError(401)
        return bot

    async def _call(self, request: web.Request) -> web.StreamResponse:
        try:
            bot, method = self._bot(request), request.match_info["method"].lower()
            if not self._world.calm and (trouble := await self._trouble()):
                return trouble
            result = await self._do(bot, method, await Params.of(request))
        except BotError as error:
            return answers.json(error.body(), status=error.code)
        answer = answers.json({"ok": True, "result": result})
        if self._world.calm or not method.startswith("send") or method == "sendchataction":
            return answer
        return await answers.after(self._world, "telegram", request, answer)

    async def _trouble(self) -> web.Response | None:
        limited = BotError(429, "retry after 1", retry_after=1)
        return await answers.before(self._world, "telegram", lambda: answers.json(limited.body(), status=429))

    async def _do(self, bot: Account, method: str, params: Params) -> Any:
        if method == "getupdates":
            return await self._get_updates(bot, params)
        if method == "setwebhook":
            self._allow(bot, params)
            connections = params.whole("max_connections", 40)
            hook = webhook_of(params.get("url"), params.get("secret_token"), connections)
            self._updates.set_webhook(bot, hook, drop=params.flag("drop_pending_updates"))
            return True
        if method == "deletewebhook":
            self._updates.set_webhook(bot, None, drop=params.flag("drop_pending_updates"))
            return True
        if method == "getwebhookinfo":
            return self._updates.info(bot)
        deed = self._methods.find(method)
        if deed is None:
            raise BotError(404, "method not found")
        return deed(bot, params)

    async def _get_updates(self, bot: Account, params: Params) -> list[dict[str, Any]]:
        self._allow(bot, params)
        return await self._updates.get(
            bot,
            offset=params.whole("offset", 0),
            limit=params.whole("limit", 100),
            seconds=params.whole("timeout", 0),
        )

    def _allow(self, bot: Account, params: Params) -> None:
        if not params.has("allowed_updates"):
            return
        kinds = params.json("allowed_updates")
        if kinds is not None and not isinstance(kinds, list):
            raise BotError(400, "can't parse allowed_updates JSON object")
        self._updates.allow(bot, kinds)

    async def _file(self, request: web.Request) -> web.Response:
        try:
            bot = self._bot(request)
        except BotError as error:
            return answers.json(error.body(), status=error.code)
        stored = self._world.files.find(request.match_info["path"].rpartition("_")[2])
        missing = self._world.chance(self._world.faults.missing_media, "telegram")
        if stored is None or stored.account != bot.id or missing:
            return answers.json(BotError(404).body(), status=404)
        return web.Response(body=stored.data, content_type="application/octet-stream")
