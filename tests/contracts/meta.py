"""What the cases of Meta's channels share."""

import hashlib
import hmac
from typing import Any

from bot.channels.contract import AccountBroken, Rejected, SendProblem, TryLater
from tests.contracts.platform import Answer

TOKEN, SECRET, VERIFY_TOKEN = "EAAGtokenTOKENtoken", "app-secret-of-the-test", "verify-token-of-the-test"
SECRETS = {"access_token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY_TOKEN}


def sign(raw: bytes, secret: str) -> dict[str, str]:
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()}


def handshake(token: str) -> dict[str, str]:
    return {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "1158201444"}


def error(code: int, subcode: int = 0, status: int = 400, **more: Any) -> Answer:
    body = {"message": f"(#{code}) {TOKEN}", "type": "OAuthException", "code": code, "fbtrace_id": "Atrace", **more}
    return Answer({"error": {**body, "error_subcode": subcode} if subcode else body}, status)


EXPIRED = error(190, 463, 401)
COMMON_PROBLEMS: tuple[tuple[str, Answer, type[SendProblem]], ...] = (
    ("expired token", EXPIRED, AccountBroken),
    ("temporary", error(2, status=503), TryLater),
    ("application limit", error(4), TryLater),
    ("throttled at the edge", Answer(b"", 429), TryLater),
    ("bad parameter", error(100), Rejected),
    ("policy block", error(368, status=403), AccountBroken),
    ("not found, no words", Answer(b"<html>", 404), Rejected),
    ("a code nobody knows", error(987654), Rejected),
)
