"""Telegram's errors as our problems, named by the remedy. Telegram Bot API 10.3, Making requests (2026-08)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.utils.token import TokenValidationError
from aiohttp import ClientConnectorError, ConnectionTimeoutError, InvalidURL

from bot.channels.contract import AccountBroken, PersonGone, Rejected, SendProblem, TryLater, Uncertain
from bot.errors import N_

SOON, LATER = timedelta(seconds=5), timedelta(seconds=15)
BAD_TOKEN = N_("Telegram does not accept the bot's token. Ask BotFather for a new one.")
NO_CONNECTION = N_("Telegram cannot be reached at the moment.")
NO_ANSWER = N_("Telegram did not say whether the message was accepted.")
NOT_ACCEPTED = N_("Telegram did not accept the message.")
MAY_NOT_WRITE = N_("The bot may not write in this chat.")
UNUSABLE_FILE = N_("Telegram could not use the file.")
TOO_LARGE = N_("The file is too large for Telegram.")
UNUSABLE_PICTURE = N_("Telegram cannot read this picture.")
BUTTONS = N_("Telegram does not accept these buttons.")
REMOVED = N_("The bot is no longer in this chat.")
UNKNOWN_CHAT = N_("Telegram does not know this person, or they never started the bot.")
MESSAGE_GONE = N_("The message is no longer there.")

# Part of the description, in small letters, and what it means. The first that matches counts.
GONE = {
    "bot was blocked": N_("This person has blocked the bot."),
    "user_is_blocked": N_("This person has blocked the bot."),
    "user is deactivated": N_("This person's Telegram account no longer exists."),
    "can't initiate conversation": N_("On Telegram the person must write to the bot first."),
    "bot can't send messages to bots": N_("Bots cannot write to other bots."),
    "bot was kicked": REMOVED,
    "not a member": REMOVED,
    "chat was deleted": REMOVED,
    "chat not found": UNKNOWN_CHAT,
    "user not found": UNKNOWN_CHAT,
    "peer_id_invalid": UNKNOWN_CHAT,
}
REJECTED = {
    "message is too long": N_("The message is too long for Telegram."),
    "caption is too long": N_("The message is too long for Telegram."),
    "text is empty": N_("The message is empty."),
    "text must be non-empty": N_("The message is empty."),
    "voice_messages_forbidden": N_("This person does not accept voice messages."),
    "file is too big": TOO_LARGE,
    "request entity too large": TOO_LARGE,
    "photo_invalid_dimensions": UNUSABLE_PICTURE,
    "image_process_failed": UNUSABLE_PICTURE,
    "photo_save_file_invalid": UNUSABLE_PICTURE,
    "wrong file identifier": UNUSABLE_FILE,
    "file must be non-empty": N_("The file is empty."),
    "http url content": UNUSABLE_FILE,
    "upload file by url": UNUSABLE_FILE,
    "wrong type of the web page": UNUSABLE_FILE,
    "reaction_invalid": N_("Telegram does not allow this emoji as a reaction."),
    "message to react not found": MESSAGE_GONE,
    "message_id_invalid": MESSAGE_GONE,
    "button_": BUTTONS,
    "inline keyboard": BUTTONS,
    "write_forbidden": MAY_NOT_WRITE,
    "not enough rights": MAY_NOT_WRITE,
    "have no rights": MAY_NOT_WRITE,
}


def problem_of(error: Exception) -> SendProblem:
    """What to do about a call that went wrong. Network errors are told without their text: it can hold the
    address that was asked, and with it the token.
    """
    for kind, make in _PROBLEMS:
        if isinstance(error, kind):
            return make(error)
    return Uncertain("unknown", NO_ANSWER, detail=type(error).__name__)


def reading_problem(error: Exception) -> SendProblem:
    """The same for a call that changes nothing, or may be repeated: no answer then means try again."""
    problem = problem_of(error)
    if isinstance(problem, Uncertain):
        return TryLater(problem.code, NO_CONNECTION, after=SOON, detail=problem.detail)
    return problem


def accepted_number(error: Exception) -> int | None:
    """The id of the message when Telegram did accept it and only the rest of its answer could not be read."""
    data = error.data if isinstance(error, ClientDecodeError) else None
    result = data.get("result") if isinstance(data, dict) and data.get("ok") is True else None
    number = result.get("message_id") if isinstance(result, dict) else None
    return number if isinstance(number, int) else None


def is_picture_problem(error: AiogramError) -> bool:
    return isinstance(error, TelegramBadRequest) and _sentence(REJECTED, str(error)) == UNUSABLE_PICTURE


def is_reply_problem(error: AiogramError) -> bool:
    words = str(error).lower() if isinstance(error, TelegramBadRequest) else ""
    return "replied" in words and "not found" in words


def _not_found(error: Any) -> SendProblem:
    """A token of the wrong form, or a Bot API server of one's own that is older than the method."""
    if "method" in str(error).lower():
        return Rejected("404", NOT_ACCEPTED, detail=error.message or "")
    return AccountBroken("404", BAD_TOKEN)


def _wait(error: Any) -> SendProblem:
    after = timedelta(seconds=max(1, error.retry_after))
    return TryLater("429", N_("Telegram asks us to send more slowly."), after=after)


def _network_problem(error: Any) -> SendProblem:
    cause = error.__cause__
    kind = type(cause or error).__name__
    if isinstance(cause, ClientConnectorError | ConnectionTimeoutError | InvalidURL):
        return TryLater("network", NO_CONNECTION, after=SOON, detail=kind)
    return Uncertain("network", NO_ANSWER, detail=kind)


def _refusal(code: str, description: str) -> SendProblem:
    if sentence := _sentence(GONE, description):
        return PersonGone(code, sentence, detail=description)
    return Rejected(code, _sentence(REJECTED, description) or NOT_ACCEPTED, detail=description)


def _later(code: str, sentence: str) -> Callable[[Any], SendProblem]:
    return lambda error: TryLater(code, sentence, after=LATER, detail=error.message or "")


def _broken(code: str) -> Callable[[Any], SendProblem]:
    return lambda error: AccountBroken(code, BAD_TOKEN)


def _sentence(sentences: dict[str, str], description: str) -> str | None:
    words = description.lower()
    return next((sentence for part, sentence in sentences.items() if part in words), None)


# In this order: a body that is too large is a network error by its class, and one that no waiting cures.
_PROBLEMS: tuple[tuple[type[Exception], Callable[[Any], SendProblem]], ...] = (
    (SendProblem, lambda error: cast(SendProblem, error)),
    (TelegramRetryAfter, _wait),
    (TelegramEntityTooLarge, lambda error: Rejected("413", TOO_LARGE)),
    (TelegramNetworkError, _network_problem),
    (TelegramUnauthorizedError, _broken("401")),
    (TokenValidationError, _broken("401")),
    (TelegramNotFound, _not_found),
    (TelegramConflictError, _later("409", N_("Another program uses this bot."))),
    (TelegramServerError, _later("500", N_("Telegram has a problem of its own."))),
    (TelegramForbiddenError, lambda error: _refusal("403", error.message or "")),
    (TelegramBadRequest, lambda error: _refusal("400", error.message or "")),
    (TelegramAPIError, lambda error: Rejected("http", NOT_ACCEPTED, detail=error.message or "")),
    (ClientDecodeError, lambda error: Uncertain("garbage", NO_ANSWER)),
)
