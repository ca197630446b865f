"""Webhooks written by hand and posted as the platforms do: signed on the raw bytes, repeated by whoever wants to."""

import hashlib
import hmac
import io
import itertools
import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from bot.sandbox.world.company import Credentials

PAYLOADS = Path(__file__).parents[1] / "payloads"
# What the recorded payloads call the accounts: they become those of the sandbox.
RECORDED = {"whatsapp": ("1055550001", "900100200"), "messenger": ("111000111", "111000111")}
RUN = secrets.token_hex(4).upper()
_numbers = itertools.count(1)


def fresh_id() -> str:
    """A platform's message id that nobody used before."""
    return f"wamid.{RUN}{next(_numbers):06d}"


def text_of(text: str, *, sender: str = "573001230001", id: str = "", **more: Any) -> dict[str, Any]:
    """A WhatsApp message as it stands in a webhook."""
    told = {"from": sender, "id": id or fresh_id(), "timestamp": str(int(time.time()))}
    return {**told, "type": "text", "text": {"body": text}, **more}


class Poster:
    """A platform's side of one account. `home` is where Bandeja listens."""

    def __init__(self, http: aiohttp.ClientSession, home: str, account: Credentials) -> None:
        self.http, self.home, self.account = http, home, account

    def body(self, *messages: Mapping[str, Any], number: str = "", names: Mapping[str, str] | None = None) -> bytes:
        """One WhatsApp webhook with all of these. `names` are the senders', `number` another phone number id."""
        senders = dict.fromkeys(str(message.get("from", "")) for message in messages)
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "576015550100", "phone_number_id": number or self.account.external_id},
            "contacts": [{"profile": {"name": (names or {}).get(one, one)}, "wa_id": one} for one in senders],
            "messages": list(messages),
        }
        entry = {"id": self.account.options["business_account_id"], "changes": [{"field": "messages", "value": value}]}
        return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()

    def recorded(self, name: str, ours: str, *, id: str) -> bytes:
        """A payload of tests/payloads, told of this account; the message in it, called `id`, is called `ours` now."""
        kind = self.account.kind
        number, owner = RECORDED[kind]
        text = (PAYLOADS / kind / f"{name}.json").read_text()
        assert f'"{id}"' in text
        text = text.replace(f'"{id}"', f'"{ours}"').replace(f'"{number}"', f'"{self.account.external_id}"')
        return text.replace(f'"{owner}"', f'"{self.account.options.get("business_account_id", "")}"').encode()

    def signature(self, raw: bytes) -> str:
        return "sha256=" + hmac.new(self.account.secrets["app_secret"].encode(), raw, hashlib.sha256).hexdigest()

    async def post(self, raw: Any, **headers: str) -> int:
        """The status of the answer. Signed, unless `headers` say otherwise."""
        return (await self.ask(raw, **headers))[0]

    async def ask(self, raw: Any, **headers: str) -> tuple[int, Mapping[str, str]]:
        if "signature" not in headers and isinstance(raw, bytes):
            headers["signature"] = self.signature(raw)
        told = {"Content-Type": "application/json", "X-Hub-Signature-256": headers.pop("signature", ""), **headers}
        url = f"{self.home}/hooks/{self.account.kind}"
        data = io.BytesIO(raw) if isinstance(raw, bytes) else raw
        async with self.http.post(url, data=data, headers=told) as answer:
            await answer.read()
            return answer.status, answer.headers


def poster(http: aiohttp.ClientSession, home: str, accounts: list[Credentials], kind: str) -> Poster:
    return Poster(http, home, next(account for account in accounts if account.kind == kind))
