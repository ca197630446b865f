"""Telegram bots as a channel. aiogram is loaded beside the running program when the first call goes out."""

import asyncio
import hmac
import importlib
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

import aiohttp
from aiohttp import ClientResponse, ClientSession, ClientTimeout

from bot.channels.contract import (
    Account,
    AccountBroken,
    Address,
    Fetched,
    FetchProblem,
    Health,
    Inbound,
    Malformed,
    MediaRef,
    NotFromPlatform,
    Outbound,
    Poll,
    Receipt,
    Rejected,
    Sender,
    SendProblem,
    Signal,
    Template,
    Verdict,
    Window,
)
from bot.channels.fields import load
from bot.channels.telegram import health, inbound, rules
from bot.content import Content
from bot.errors import N_

if TYPE_CHECKING:
    from bot.channels.telegram.api import Api

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - the name of a header
CHUNK_BYTES = 64 * 1024
ANSWER_SECONDS = 60
DOWNLOAD = ClientTimeout(total=None, sock_connect=10, sock_read=30)
TOO_LARGE = N_("The file is larger than the 20 MB that Telegram gives to bots.")
NOT_FETCHED = N_("Telegram did not hand over the file.")


class Telegram:
    kind = "telegram"
    limits = rules.LIMITS

    def __init__(self, session: ClientSession, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._session, self._answer_seconds = session, answer_seconds
        self._loaded: Api | None = None

    async def _api(self) -> "Api":
        if self._loaded is None:
            module = await asyncio.to_thread(importlib.import_module, "bot.channels.telegram.api")
            self._loaded = self._loaded or module.Api(self._answer_seconds)
        return self._loaded

    def handshake(self, query: Mapping[str, str], tokens: list[str]) -> str | None:
        return None

    def verify(self, headers: Mapping[str, str], raw: bytes, secrets: list[str]) -> None:
        """Telegram signs nothing: it repeats the secret that we gave it. Bot API, setWebhook (2026-08)."""
        names = {name.lower(): value for name, value in headers.items()}
        given = names.get(SECRET_HEADER, "").encode(errors="replace")
        matches = [hmac.compare_digest(given, secret.encode()) for secret in secrets if secret]
        if not any(matches):
            raise NotFromPlatform("the secret is missing or wrong")

    def envelope(self, raw: bytes) -> None:
        try:
            update = load(raw)
        except ValueError as error:
            raise Malformed("not JSON") from error
        if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
            raise Malformed("not a Telegram update")

    def read(
        self, raw: bytes, account: str = "", scopes: Mapping[str, str] | None = None, *, now: datetime
    ) -> list[Inbound]:
        return inbound.read(raw, account, now)

    def window(self, heard_at: datetime | None, now: datetime) -> Window:
        return rules.window(heard_at)

    def allows(self, content: Content, heard_at: datetime | None, now: datetime, *, human: bool) -> Verdict:
        return rules.allows(content, heard_at)

    async def send(self, account: Account, outbound: Outbound) -> Receipt:
        return await (await self._api()).send(account, outbound)

    async def signal(self, account: Account, signal: Signal) -> None:
        """Telegram shows "typing" for five seconds. Bots cannot mark messages as read."""
        api = await self._api()
        try:
            if signal.kind == "typing":
                await api.show_typing(account, signal.to)
            elif signal.kind == "acknowledge":
                await api.answer_press(account, signal.target)
        except SendProblem:
            return

    async def fetch(self, account: Account, ref: MediaRef) -> Fetched:
        """At most 20 MB: a bot gets nothing larger. Bot API, getFile (2026-08)."""
        if (ref.size or 0) > rules.DOWNLOAD_BYTES:
            raise FetchProblem("too_large", TOO_LARGE, final=True)
        path = await self._file_path(account, ref)
        response = await self._open(account, path)
        if response.status != 200:
            response.release()
            raise FetchProblem(str(response.status), NOT_FETCHED)
        return Fetched(ref.mime or response.content_type, response.content_length, _chunks(response))

    async def _file_path(self, account: Account, ref: MediaRef) -> str:
        try:
            path = await (await self._api()).file_path(account, ref.id)
        except Rejected as problem:
            is_large = "too big" in problem.detail.lower()
            raise FetchProblem(problem.code, TOO_LARGE if is_large else NOT_FETCHED, final=is_large) from None
        except SendProblem as problem:
            raise FetchProblem(problem.code, problem.message) from None
        if not path or path.startswith("/") or ".." in path or "://" in path:
            raise FetchProblem("no_path", NOT_FETCHED, final=True)
        return path

    async def _open(self, account: Account, path: str) -> ClientResponse:
        """The address holds the token: no error may tell it."""
        base = (account.api_url or rules.OFFICIAL_URL).rstrip("/")
        url = f"{base}/file/bot{account.secrets.get(rules.BOT_TOKEN, '')}/{quote(path)}"
        try:
            return await self._session.get(url, timeout=DOWNLOAD, allow_redirects=False)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise FetchProblem(type(error).__name__, NOT_FETCHED) from None

    async def profile(self, account: Account, address: Address) -> Sender | None:
        return None

    async def check(self, account: Account) -> Health:
        api = await self._api()
        me = await api.me(account)
        if account.external_id and account.external_id != str(me.id):
            raise AccountBroken("another_bot", N_("This token belongs to another bot."))
        return health.of(me, await api.webhook(account), account.options)

    async def subscribe(self, account: Account, hook_url: str) -> None:
        """An empty `hook_url` takes the webhook away, so that the bot can be polled. Waiting updates are kept."""
        api = await self._api()
        try:
            if hook_url:
                await api.set_webhook(account, hook_url)
            else:
                await api.delete_webhook(account)
        except Rejected as problem:
            sentence = N_("Telegram does not accept the web address for updates.")
            raise Rejected(problem.code, sentence, detail=problem.detail) from None

    async def templates(self, account: Account) -> list[Template]:
        return []

    async def poll(self, account: Account, cursor: int) -> Poll | None:
        if account.options.get("mode") == rules.WEBHOOK:
            return None
        return await (await self._api()).poll(account, cursor)

    async def close(self) -> None:
        if self._loaded is not None:
            await self._loaded.close()


async def _chunks(response: ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            yield chunk
    except (aiohttp.ClientError, TimeoutError) as error:
        raise FetchProblem(type(error).__name__, NOT_FETCHED) from None
    finally:
        response.release()
