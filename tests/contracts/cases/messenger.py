"""Messenger, a Facebook page."""

from collections.abc import Sequence
from datetime import datetime

import orjson
from aiohttp import ClientSession

from bot.channels import messenger
from bot.channels.contract import (
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
from tests.contracts import meta
from tests.contracts.case import Case
from tests.contracts.platform import Answer

PAGE, PERSON = "111000111", "9001"


class StillClock:
    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        return None


def create(session: ClientSession, patience: float, now: datetime) -> Channel:
    return messenger.create(session, patience=patience, clock=StillClock(now))


def account(url: str) -> Account:
    return Account(
        id="b" * 24,
        kind="messenger",
        external_id=PAGE,
        scope=PAGE,
        api_url=f"{url}/v26.0",
        secrets=meta.SECRETS,
    )


def texts(wanted: Sequence[str | None]) -> list[bytes]:
    events = [
        {
            "sender": {"id": PERSON},
            "recipient": {"id": PAGE},
            "timestamp": 1795000000100 + number,
            "message": {"mid": f"m_{number}", "text": text} if text is not None else "broken",
        }
        for number, text in enumerate(wanted)
    ]
    return [orjson.dumps({"object": "page", "entry": [{"id": PAGE, "time": 1795000000123, "messaging": events}]})]


def foreign_file(url: str) -> tuple[MediaRef, dict[str, Answer]]:
    return MediaRef(url=url.replace("127.0.0.1", "localhost") + "/stolen"), {"/stolen": Answer(b"secret")}


CASE = Case(
    kind="messenger",
    create=create,
    secret=meta.SECRET,
    sign=meta.sign,
    signs_the_body=True,
    texts=texts,
    foreign=(
        b'{"object":"whatsapp_business_account","entry":[]}',
        b'{"object":"instagram","entry":[]}',
        b'{"object":"page"}',
        b'{"object":"page","entry":{}}',
    ),
    account=account,
    person=Address("messenger", PAGE, PERSON, PERSON),
    window_hours=24,
    send_path="/messages",
    accepted=Answer({"recipient_id": PERSON, "message_id": "m_OUT"}),
    accepted_id="m_OUT",
    problems=(
        *meta.COMMON_PROBLEMS,
        ("window", meta.error(10, 2018278), Rejected),
        ("not available", meta.error(551, 1545041), PersonGone),
        ("not available, other code", meta.error(200, 1545041, 403), PersonGone),
        ("no such person", meta.error(100, 2018001), PersonGone),
        ("permission", meta.error(10, status=403), AccountBroken),
        ("restricted", meta.error(10, 1893063), AccountBroken),
        ("standard access", meta.error(200, 2018028, 403), Rejected),
        ("another app", meta.error(100, 2018300), Rejected),
        ("may have been sent", meta.error(1, 1357046), Uncertain),
        ("limit", meta.error(613), TryLater),
        ("older temporary", meta.error(1200), TryLater),
    ),
    check_answers={
        f"/{PAGE}": Answer({"id": PAGE, "name": "ACME"}),
        "/debug_token": Answer(
            {
                "data": {
                    "app_id": "77",
                    "type": "PAGE",
                    "expires_at": 0,
                    "scopes": ["pages_messaging", "pages_manage_metadata"],
                }
            }
        ),
        f"/{PAGE}/subscribed_apps": Answer({"data": [{"id": "77", "subscribed_fields": list(messenger.api.WANTED)}]}),
    },
    refused_credentials=meta.EXPIRED,
    file=lambda url: MediaRef(url=f"{url}/files/a.jpg"),
    file_answers=lambda url, content: {"/files/a.jpg": Answer(content, headers={"Content-Type": "image/jpeg"})},
    foreign_file=foreign_file,
    handshake=meta.handshake,
)
