"""WhatsApp, Cloud API."""

from collections.abc import Sequence
from datetime import datetime

import orjson
from aiohttp import ClientSession

from bot.channels import whatsapp
from bot.channels.contract import (
    EVERYWHERE,
    Account,
    Address,
    Channel,
    MediaRef,
    PersonGone,
    Rejected,
    TryLater,
)
from tests.contracts import meta
from tests.contracts.case import Case
from tests.contracts.platform import Answer

NUMBER, BUSINESS = "1055550001", "900100200"


def create(session: ClientSession, patience: float, now: datetime) -> Channel:
    return whatsapp.create(session, patience=patience)


def account(url: str) -> Account:
    return Account(
        id="a" * 24,
        kind="whatsapp",
        external_id=NUMBER,
        scope=BUSINESS,
        api_url=f"{url}/v26.0",
        secrets=meta.SECRETS,
        options={"business_account_id": BUSINESS},
    )


def texts(wanted: Sequence[str | None]) -> list[bytes]:
    """All in one body, as WhatsApp may batch up to a thousand."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "573001112233", "phone_number_id": NUMBER},
        "contacts": [{"profile": {"name": "Ana"}, "wa_id": "573009998877", "user_id": "CO.1234567890"}],
        "messages": [_message(number, text) for number, text in enumerate(wanted)],
    }
    change = {"field": "messages", "value": value}
    return [orjson.dumps({"object": "whatsapp_business_account", "entry": [{"id": BUSINESS, "changes": [change]}]})]


def _message(number: int, text: str | None) -> dict:
    message = {
        "from": "573009998877",
        "from_user_id": "CO.1234567890",
        "id": f"wamid.{number}",
        "timestamp": "1795000000",
        "type": "text",
        "text": {"body": text},
    }
    return message if text is not None else {**message, "text": ["broken"]}


def file_answers(url: str, content: bytes) -> dict[str, Answer]:
    described = {"url": f"{url}/files/111", "mime_type": "image/jpeg", "file_size": str(len(content)), "id": "111"}
    return {
        "/v26.0/111": Answer(described),
        "/files/111": Answer(content, headers={"Content-Type": "image/jpeg"}),
    }


def foreign_file(url: str) -> tuple[MediaRef, dict[str, Answer]]:
    elsewhere = url.replace("127.0.0.1", "localhost")
    return MediaRef(id="111"), {"/v26.0/111": Answer({"url": f"{elsewhere}/stolen"})}


CASE = Case(
    kind="whatsapp",
    create=create,
    secret=meta.SECRET,
    sign=meta.sign,
    signs_the_body=True,
    texts=texts,
    foreign=(b'{"object":"page","entry":[]}', b'{"object":"whatsapp_business_account"}', b'{"update_id":1}'),
    account=account,
    person=Address("phone", EVERYWHERE, "573009998877", "573009998877"),
    window_hours=24,
    send_path="/messages",
    accepted=Answer(
        {
            "messaging_product": "whatsapp",
            "contacts": [{"input": "+573009998877", "wa_id": "573009998877"}],
            "messages": [{"id": "wamid.OUT"}],
        }
    ),
    accepted_id="wamid.OUT",
    problems=(
        *meta.COMMON_PROBLEMS,
        ("window", meta.error(131047, error_data={"details": "More than 24 hours"}), Rejected),
        ("not on WhatsApp", meta.error(131026), PersonGone),
        ("pair rate", meta.error(131056), TryLater),
        ("throughput", meta.error(130429, status=429), TryLater),
        ("marketing stopped", meta.error(131050), Rejected),
        ("template paused", meta.error(132015), Rejected),
        ("details as text", meta.error(131009, error_data="bad"), Rejected),
    ),
    check_answers={
        f"/{NUMBER}": Answer(
            {
                "display_phone_number": "+57 300 1112233",
                "verified_name": "ACME",
                "status": "CONNECTED",
                "quality_rating": "GREEN",
                "throughput": {"level": "STANDARD"},
                "id": NUMBER,
            }
        ),
        "/debug_token": Answer(
            {
                "data": {
                    "app_id": "77",
                    "type": "SYSTEM_USER",
                    "expires_at": 0,
                    "is_valid": True,
                    "scopes": ["whatsapp_business_messaging", "whatsapp_business_management"],
                }
            }
        ),
        f"/{BUSINESS}/subscribed_apps": Answer({"data": [{"whatsapp_business_api_data": {"id": "77", "name": "B"}}]}),
    },
    refused_credentials=meta.EXPIRED,
    file=lambda url: MediaRef(id="111", mime="image/jpeg"),
    file_answers=file_answers,
    foreign_file=foreign_file,
    handshake=meta.handshake,
    scopes={NUMBER: "portfolio-1"},
)
