"""A platform as plain as can be: signed JSON lists, one small object for each fact."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from bot.channels.contract import (
    EVERYWHERE,
    AccountNotice,
    Address,
    Climbed,
    Ignored,
    Inbound,
    Malformed,
    NotFromPlatform,
    Said,
    Sender,
    TemplateChanged,
    Unrecognised,
    Window,
)
from bot.content import Text, Unsupported

NUMBER, SECRET = "n1", "a plain secret"


def body(*facts: Mapping[str, Any]) -> bytes:
    return orjson.dumps({"object": "plain", "facts": facts})


def text(words: str, *, by: str = "1", id: str | None = None, **more: Any) -> dict[str, Any]:
    return {"kind": "text", "text": words, "by": by, "id": id or f"{by} {words}", **more}


def status(message: str, name: str = "delivered", **more: Any) -> dict[str, Any]:
    return {"kind": "status", "message": message, "status": name, **more}


def sign(raw: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"X-Plain": hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()}


class PlainChannel:
    """`knows` are kinds of message that a later program can show; others are unsupported, or unknown altogether."""

    kind = "plain"

    def __init__(self, *knows: str) -> None:
        self.knows = set(knows)

    def handshake(self, query: Mapping[str, str], tokens: list[str]) -> str | None:
        return query.get("challenge") if query.get("token") in tokens else None

    def verify(self, headers: Mapping[str, str], raw: bytes, secrets: list[str]) -> None:
        if not any(hmac.compare_digest(headers.get("X-Plain", ""), sign(raw, one)["X-Plain"]) for one in secrets):
            raise NotFromPlatform

    def envelope(self, raw: bytes) -> None:
        try:
            if orjson.loads(raw)["object"] != "plain":
                raise Malformed
        except (ValueError, TypeError, KeyError) as error:
            raise Malformed from error

    def window(self, heard_at: datetime | None, now: datetime) -> Window:
        return Window(True, (heard_at or now) + timedelta(days=1))

    def read(
        self, raw: bytes, account: str = "", scopes: Mapping[str, str] | None = None, *, now: datetime
    ) -> list[Inbound]:
        return [self._fact(one, one.get("account") or account or NUMBER, now) for one in orjson.loads(raw)["facts"]]

    def _fact(self, one: Mapping[str, Any], account: str, now: datetime) -> Inbound:
        match one["kind"]:
            case "text":
                content: Any = Text(text=one["text"])
                if one.get("shape") and one["shape"] not in self.knows:
                    content = Unsupported(kind=one["shape"])
                sender = Sender((Address("telegram", EVERYWHERE, one["by"]),), name=f"P{one['by']}")
                return Said(account, "", one["id"], sender, content, now)
            case "status":
                return Climbed(account, "", one["message"], one["status"], now)
            case "template":
                return TemplateChanged(one["scope"], "9", "oferta", "es", now)
            case "notice":
                return AccountNotice(one.get("number", ""), one["scope"], "quality", "info", now)
            case "typing":
                return Ignored(account, "typing")
            case "breaks the reader":
                raise RuntimeError("a slip of ours")
            case kind if kind in self.knows:
                return Said(
                    account, "", one["id"], Sender((Address("telegram", EVERYWHERE, "1"),)), Text(text=kind), now
                )
            case kind:
                return Unrecognised(account, kind, "unknown kind", dict(one))
