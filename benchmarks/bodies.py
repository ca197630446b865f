"""Signed WhatsApp webhooks as the platform posts them, one text message each, no id ever used twice."""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WORDS = (
    "Buenas tardes, ¿todavía tienen la llave inglesa de 10 pulgadas?",
    "Hola, quería saber si el taladro viene con maletín y cuánto demora el envío a Medellín.",
    "Sí, ese mismo. ¿Me lo pueden apartar hasta mañana?",
    "Gracias 🙏 ya hice la transferencia, les mando el comprobante.",
)


@dataclass(slots=True)
class Author:
    """Makes webhooks for one connected number. `run` makes the ids of this author unlike those of any other."""

    account: Mapping[str, Any]
    run: str = field(default_factory=lambda: secrets.token_hex(6).upper())
    made: int = 0

    @property
    def secret(self) -> str:
        return str(self.account["secrets"]["app_secret"])

    def write(self, person: int, text: str = "") -> bytes:
        """Customer number `person` writes."""
        self.made += 1
        return encode(self._change(person, f"wamid.{self.run}{self.made:010d}", text or WORDS[self.made % len(WORDS)]))

    def _change(self, person: int, wamid: str, text: str) -> dict[str, Any]:
        phone, user_id = f"57310{person:07d}", f"CO.{9_000_000_000 + person:016d}"
        told = {"from": phone, "from_user_id": user_id, "id": wamid, "timestamp": str(int(time.time()))}
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "576015550100", "phone_number_id": self.account["external_id"]},
            "contacts": [{"profile": {"name": f"Cliente {person}"}, "wa_id": phone, "user_id": user_id}],
            "messages": [{**told, "type": "text", "text": {"body": text}}],
        }
        entry = {
            "id": self.account["options"]["business_account_id"],
            "changes": [{"value": value, "field": "messages"}],
        }
        return {"object": "whatsapp_business_account", "entry": [entry]}

    def sign(self, body: bytes) -> str:
        return sign(self.secret, body)


def encode(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def sign(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def request(host: str, path: str, body: bytes, signature: str) -> bytes:
    """The whole HTTP request, as it goes over the socket."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nX-Hub-Signature-256: sha256={signature}\r\n\r\n"
    )
    return head.encode() + body
