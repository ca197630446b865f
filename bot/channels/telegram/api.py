"""Calls of the Bot API over aiogram. Importing this costs seconds: `channel` does it when an account is used."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

import orjson
from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramConflictError, TelegramMigrateToChat
from aiogram.methods import (
    AnswerCallbackQuery,
    DeleteWebhook,
    GetFile,
    GetMe,
    GetWebhookInfo,
    SendChatAction,
    SetWebhook,
    TelegramMethod,
)
from aiogram.types import User, WebhookInfo

from bot.channels.contract import (
    Account,
    Address,
    Outbound,
    Poll,
    PollLost,
    Receipt,
    SendProblem,
    TryLater,
    Uncertain,
)
from bot.channels.fields import a_list, an_integer, storable
from bot.channels.telegram import outbound, rules
from bot.channels.telegram.errors import (
    NO_ANSWER,
    accepted_number,
    is_picture_problem,
    is_reply_problem,
    problem_of,
    reading_problem,
)
from bot.channels.telegram.outbound import Method
from bot.channels.telegram.session import Session
from bot.errors import N_

POLL_SECONDS, POLL_GRACE_SECONDS = 50, 20
SLOWEST_UPLOAD_BYTES_PER_SECOND = 100_000
# How long the rest of a message that had to be split may wait for its turn.
PATIENCE = timedelta(seconds=30)
NEIGHBOURS_SECONDS = 30
PART_SENT = N_("Only the first part of the message was sent.")


class GetUpdates(TelegramMethod[list[Any]]):
    """Raw, so that one update that aiogram cannot read never holds up the others."""

    __returning__ = list[Any]
    __api_method__ = "getUpdates"

    offset: int
    limit: int = 100
    timeout: int = POLL_SECONDS
    allowed_updates: list[str]


class Api:
    """Shares one HTTP session among the accounts of a server; each poll has its own, to be thrown away alone."""

    def __init__(self, answer_seconds: float) -> None:
        self._answer_seconds = answer_seconds
        self._sessions: dict[tuple[str, str], Session] = {}
        self._slowed: dict[str, tuple[int, float]] = {}

    async def send(self, account: Account, message: Outbound) -> Receipt:
        """Once a part of a split message is accepted, nothing is ever sent again by itself."""
        sent: list[str] = []
        for call in outbound.compose(message):
            patience = PATIENCE if sent else timedelta()
            try:
                sent += await self._patiently(account, call, patience)
            except SendProblem as problem:
                if not sent:
                    raise
                raise Uncertain(problem.code, PART_SENT, detail=problem.message, settled_parts=tuple(sent)) from None
        return Receipt(tuple(sent), chat=sent[0].partition(":")[0] if sent else "")

    async def _patiently(self, account: Account, call: Method, patience: timedelta) -> list[str]:
        while True:
            try:
                return await self._once(account, call)
            except TryLater as problem:
                if problem.after > patience:
                    raise
                patience -= problem.after
                await asyncio.sleep(problem.after.total_seconds())

    async def _once(self, account: Account, call: Method) -> list[str]:
        """Asks a second time only after an answer that says nothing was sent and tells a way that works."""
        try:
            return await self._accepted(account, call)
        except AiogramError as error:
            again = _another_way(call, error)
            if again is None:
                raise self._problem(account, call, error) from None
        try:
            return await self._accepted(account, again)
        except AiogramError as error:
            raise self._problem(account, again, error) from None

    async def _accepted(self, account: Account, call: Method) -> list[str]:
        seconds = self._answer_seconds + outbound.upload_bytes(call) // SLOWEST_UPLOAD_BYTES_PER_SECOND
        try:
            answer = await self._ask(account, call, seconds=seconds)
        except AiogramError as error:
            number = accepted_number(error)
            if number is None:
                raise
        except Exception as error:
            raise self._problem(account, call, error) from None
        else:
            number = getattr(answer, "message_id", None)
            if answer is True:
                return []
        if number is None:
            raise Uncertain("garbage", NO_ANSWER)
        return [f"{_chat(call)}:{number}"]

    def _problem(self, account: Account, call: Method, error: Exception) -> SendProblem:
        if outbound.broken_upload(call):
            return TryLater("file", N_("The file could not be read."), after=timedelta(seconds=30))
        problem = problem_of(error)
        if isinstance(problem, TryLater) and problem.code == "429":
            problem.whole_account = self._is_everybody_slowed(account, _chat(call))
        return problem

    def _is_everybody_slowed(self, account: Account, chat: int) -> bool:
        """Telegram does not say whether the chat or the bot is too fast: a second chat within half a minute tells."""
        now = asyncio.get_running_loop().time()
        last_chat, at = self._slowed.get(account.id, (chat, 0.0))
        self._slowed[account.id] = (chat, now)
        return last_chat != chat and now - at < NEIGHBOURS_SECONDS

    async def poll(self, account: Account, cursor: int) -> Poll:
        method = GetUpdates(offset=cursor, allowed_updates=list(rules.ALLOWED_UPDATES))
        try:
            updates = await self._ask(account, method, seconds=POLL_SECONDS + POLL_GRACE_SECONDS, lane=account.id)
        except TelegramConflictError as error:
            raise PollLost(webhook="webhook" in str(error).lower()) from None
        except asyncio.CancelledError:
            await self._forget(account, account.id)
            raise
        except Exception as error:
            raise reading_problem(error) from None
        raw = tuple(orjson.dumps(storable(update)) for update in a_list(updates))
        numbers = [an_integer(update.get("update_id")) for update in a_list(updates) if isinstance(update, dict)]
        return Poll(raw, max((number + 1 for number in numbers if number is not None), default=cursor))

    async def me(self, account: Account) -> User:
        return cast(User, await self._read(account, GetMe()))

    async def webhook(self, account: Account) -> WebhookInfo:
        return cast(WebhookInfo, await self._read(account, GetWebhookInfo()))

    async def set_webhook(self, account: Account, url: str) -> None:
        method = SetWebhook(
            url=url,
            secret_token=account.secrets.get(rules.WEBHOOK_SECRET) or None,
            allowed_updates=list(rules.ALLOWED_UPDATES),
            drop_pending_updates=False,
        )
        await self._read(account, method)

    async def delete_webhook(self, account: Account) -> None:
        await self._read(account, DeleteWebhook(drop_pending_updates=False))

    async def file_path(self, account: Account, file_id: str) -> str:
        return (await self._read(account, GetFile(file_id=file_id))).file_path or ""

    async def show_typing(self, account: Account, to: tuple[Address, ...]) -> None:
        await self._read(account, SendChatAction(chat_id=outbound.chat_of(to), action="typing"))

    async def answer_press(self, account: Account, token: str) -> None:
        await self._read(account, AnswerCallbackQuery(callback_query_id=token))

    async def close(self) -> None:
        sessions, self._sessions = list(self._sessions.values()), {}
        await asyncio.gather(*(session.close() for session in sessions))

    async def _read(self, account: Account, method: Method) -> Any:
        """A call that may be repeated. Raises SendProblem, never Uncertain."""
        try:
            return await self._ask(account, method, seconds=self._answer_seconds)
        except Exception as error:
            raise reading_problem(error) from None

    async def _ask(self, account: Account, method: Method, *, seconds: float, lane: str = "") -> Any:
        bot = Bot(account.secrets.get(rules.BOT_TOKEN, ""), session=self._session(account, lane))
        # aiogram's signature wants whole seconds; its sessions take any.
        return await bot(method, request_timeout=cast(int, seconds))

    def _session(self, account: Account, lane: str) -> Session:
        url = account.api_url or rules.OFFICIAL_URL
        key = (url.rstrip("/"), lane)
        if key not in self._sessions:
            self._sessions[key] = Session(url)
        return self._sessions[key]

    async def _forget(self, account: Account, lane: str) -> None:
        """A connection that hangs without an error is cured by nothing but new ones."""
        url = account.api_url or rules.OFFICIAL_URL
        session = self._sessions.pop((url.rstrip("/"), lane), None)
        if session is not None:
            await session.close()


def _another_way(call: Method, error: AiogramError) -> Method | None:
    """The same message in a way that Telegram's refusal suggests."""
    if isinstance(error, TelegramMigrateToChat):
        return call.model_copy(update={"chat_id": error.migrate_to_chat_id})
    if is_reply_problem(error):
        return call.model_copy(update={"reply_parameters": None})
    return outbound.as_document(call) if is_picture_problem(error) else None


def _chat(call: Method) -> int:
    return cast(Mapping[str, int], vars(call))["chat_id"]
