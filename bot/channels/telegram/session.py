"""HTTP under aiogram. A gateway's answer that is no JSON still has a status, and that can be enough to know."""

from typing import Any, cast

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramEntityTooLarge,
    TelegramNetworkError,
    TelegramRetryAfter,
)
from aiogram.methods import TelegramMethod
from aiogram.methods.base import TelegramType
from aiohttp import ClientError, ClientResponse, ClientTimeout

from bot.channels.fields import a_dict, an_integer, load

CONNECT_SECONDS = 10
LONGEST_WAIT_SECONDS = 24 * 60 * 60


class Session(AiohttpSession):
    def __init__(self, api_url: str) -> None:
        super().__init__(api=TelegramAPIServer.from_base(api_url), json_loads=load)

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: float | None = None,  # noqa: ASYNC109 - aiogram names it
    ) -> TelegramType:
        """Raises only aiogram's errors, their text free of the address that was asked: it holds the token.

        Connecting has a limit of its own: when that one strikes, nothing has been sent.
        """
        session = await self.create_session()
        url = self.api.api_url(token=bot.token, method=method.__api_method__)
        form = self.build_form_data(bot=bot, method=method)
        limit = ClientTimeout(total=timeout, sock_connect=CONNECT_SECONDS)
        try:
            async with session.post(url, data=form, timeout=limit, allow_redirects=False) as response:
                content = (await response.read()).decode(errors="replace")
        except (TimeoutError, ClientError, OSError) as error:
            raise TelegramNetworkError(method=method, message=type(error).__name__) from error
        return self._result(bot, method, response, content)

    async def close(self) -> None:
        """aiogram's waits a quarter of a second for connections that aiohttp has closed by then."""
        if self._session is not None:
            await self._session.close()

    def _result(
        self, bot: Bot, method: TelegramMethod[TelegramType], response: ClientResponse, content: str
    ) -> TelegramType:
        try:
            body = load(content)
        except ValueError:
            body = None
        if response.status >= 400 and not _is_error(body):
            raise _gateway_error(method, response, content)
        answer = self.check_response(bot, method, response.status, content)
        return cast(TelegramType, answer.result)


def _is_error(body: Any) -> bool:
    return a_dict(body).get("ok") is False and isinstance(a_dict(body).get("description"), str)


def _gateway_error(method: TelegramMethod[Any], response: ClientResponse, content: str) -> Exception:
    """Something before Telegram answered. What it refused with a 4xx never reached Telegram."""
    description = f"HTTP {response.status}"
    match response.status:
        case 429:
            seconds = an_integer(response.headers.get("Retry-After")) or 1
            wait = min(seconds, LONGEST_WAIT_SECONDS)
            return TelegramRetryAfter(method=method, message=description, retry_after=wait)
        case 413:
            return TelegramEntityTooLarge(method=method, message=description)
        case status if status < 500:
            return TelegramAPIError(method=method, message=description)
    return ClientDecodeError(description, ValueError("not an answer of Telegram"), content[:200])
