"""Telegram: a secret header, one update a body, no window."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import ClientSession

from bot.channels.contract import (
    EVERYWHERE,
    Account,
    AccountBroken,
    Address,
    Channel,
    MediaRef,
    PersonGone,
    Rejected,
    TryLater,
    Uncertain,
)
from bot.channels.telegram.channel import Telegram
from bot.channels.telegram.rules import ALLOWED_UPDATES
from tests.contracts.case import Case
from tests.contracts.platform import Answer

TOKEN = "7000000001:AAtesttokentesttokentesttokentesttok"
ANA = 5218896347


def refusal(status: int, description: str, **parameters: Any) -> Answer:
    body = {"ok": False, "error_code": status, "description": description}
    return Answer(body | ({"parameters": parameters} if parameters else {}), status)


def result(value: Any) -> Answer:
    return Answer({"ok": True, "result": value})


def message(number: int, **fields: Any) -> dict[str, Any]:
    chat = {"id": ANA, "type": "private", "first_name": "Ana"}
    return {"message_id": number, "date": 1795000000, "chat": chat, **fields}


def texts(wanted: Sequence[str | None]) -> list[bytes]:
    return [update(number, text) for number, text in enumerate(wanted, start=1)]


def update(number: int, text: str | None) -> bytes:
    said = {**message(number, text=text), "from": {"id": ANA, "is_bot": False, "first_name": "Ana"}}
    broken = {"message_id": number, "text": ["not", "a", "text"], "chat": "nobody"}
    return json.dumps({"update_id": number, "message": broken if text is None else said}).encode()


def sign(raw: bytes, secret: str) -> Mapping[str, str]:
    return {"X-Telegram-Bot-Api-Secret-Token": secret}


def account(url: str) -> Account:
    secrets = {"bot_token": TOKEN, "webhook_secret": "s3cret-s3cret"}
    return Account("a" * 24, "telegram", "7000000001", EVERYWHERE, url, secrets, {"mode": "polling"})


def create(session: ClientSession, patience: float, now: object) -> Channel:
    return Telegram(session, answer_seconds=patience)


def file_answers(url: str, content: bytes) -> Mapping[str, Answer]:
    file = {"file_id": "F1", "file_unique_id": "U1", "file_path": "photos/file 1.jpg"}
    return {"/getFile": result(file), "/photos/file 1.jpg": Answer(content)}


def foreign_file(url: str) -> tuple[MediaRef, Mapping[str, Answer]]:
    file = {"file_id": "F1", "file_unique_id": "U1", "file_path": "https://elsewhere.example/stolen"}
    return MediaRef(id="F1"), {"/getFile": result(file)}


ME = {
    "id": 7000000001,
    "is_bot": True,
    "first_name": "Tienda Sol",
    "username": "tiendasol_bot",
    "can_join_groups": False,
    "can_read_all_group_messages": False,
}
WEBHOOK = {"url": "", "has_custom_certificate": False, "pending_update_count": 0, "allowed_updates": ALLOWED_UPDATES}

CASE = Case(
    kind="telegram",
    create=create,
    secret="s3cret-s3cret",
    sign=sign,
    signs_the_body=False,
    texts=texts,
    foreign=(b'{"object":"whatsapp_business_account","entry":[]}', b'{"update_id":"1","message":{}}'),
    account=account,
    person=Address("telegram", EVERYWHERE, str(ANA), str(ANA)),
    window_hours=None,
    send_path="/sendMessage",
    accepted=result(message(77, text="Buenos días")),
    accepted_id=f"{ANA}:77",
    problems=(
        ("blocked", refusal(403, "Forbidden: bot was blocked by the user"), PersonGone),
        ("deactivated", refusal(403, "Forbidden: user is deactivated"), PersonGone),
        ("never started", refusal(403, "Forbidden: bot can't initiate conversation with a user"), PersonGone),
        ("kicked", refusal(403, "Forbidden: bot was kicked from the supergroup chat"), PersonGone),
        ("group deleted", refusal(403, "Forbidden: the group chat was deleted"), PersonGone),
        ("no member", refusal(403, "Forbidden: bot is not a member of the channel chat"), PersonGone),
        ("unknown chat", refusal(400, "Bad Request: chat not found"), PersonGone),
        ("unknown peer", refusal(400, "Bad Request: PEER_ID_INVALID"), PersonGone),
        ("forbidden otherwise", refusal(403, "Forbidden: not for you"), Rejected),
        ("may not write", refusal(400, "Bad Request: CHAT_WRITE_FORBIDDEN"), Rejected),
        ("too long", refusal(400, "Bad Request: message is too long"), Rejected),
        ("unknown", refusal(400, "Bad Request: SOMETHING_NEW"), Rejected),
        ("too large", refusal(413, "Request Entity Too Large"), Rejected),
        ("too large, says the gateway", Answer(b"<html>413</html>", 413), Rejected),
        ("revoked", refusal(401, "Unauthorized"), AccountBroken),
        ("malformed token", refusal(404, "Not Found"), AccountBroken),
        ("older server", refusal(404, "Not Found: method not found"), Rejected),
        ("slow down", refusal(429, "Too Many Requests: retry after 5", retry_after=5), TryLater),
        ("conflict", refusal(409, "Conflict: terminated by other getUpdates request"), TryLater),
        ("their problem", refusal(500, "Internal Server Error"), TryLater),
        ("restarting", refusal(500, "Internal Server Error: restart"), TryLater),
        ("no words", Answer({"ok": False}, 500), Uncertain),
        ("accepted what?", result(None), Uncertain),
        ("redirected", Answer(b"", 302, {"Location": "/elsewhere"}), Uncertain),
    ),
    check_answers={"/getMe": result(ME), "/getWebhookInfo": result(WEBHOOK)},
    refused_credentials=refusal(401, "Unauthorized"),
    file=lambda url: MediaRef(id="F1", mime="image/jpeg"),
    file_answers=file_answers,
    foreign_file=foreign_file,
)
