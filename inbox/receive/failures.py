"""What a failed delivery tells beyond its own message: an account to be mended, a person who wants no marketing."""

from collections.abc import Sequence
from typing import Any

from bot.channels.contract import Climbed
from bot.delivery.arrivals import Arrival
from bot.records import contacts
from bot.records.accounts import Accounts
from bot.records.contacts import Consent
from bot.records.messages import Key, find_known
from bot.store.database import Database

_SHOWN = dict.fromkeys(("account", "chat", "platform_id", "contact", "identity"), 1)


async def heed_failures(db: Database, accounts: Accounts, arrivals: Sequence[Arrival]) -> None:
    """May be repeated. That one message could not reach a person is told on the message and closes no door: platforms
    are vague about it (WhatsApp's 131026), and the next one may arrive.
    """
    for arrival in arrivals:
        fact = arrival.fact
        if not isinstance(fact, Climbed) or fact.failure is None:
            continue
        if fact.failure.remedy == "broken" and arrival.account.state == "active":
            failure = fact.failure
            problem = {"code": failure.code, "message": failure.message, "detail": failure.detail, "at": fact.at}
            await accounts.mark_broken(arrival.account.id, problem)
        elif fact.failure.remedy == "optout":
            await _opt_out(db, arrival, fact)


async def _opt_out(db: Database, arrival: Arrival, fact: Climbed) -> None:
    key = Key(arrival.account.id, fact.chat, fact.platform_id)
    message: dict[str, Any] | None = (await find_known(db, [key], _SHOWN)).get(key)
    if message is None or not message.get("contact"):
        return
    stopped = Consent(
        contact=message["contact"],
        identity=message["identity"],
        channel=arrival.account.kind,
        purpose="marketing",
        state="refused",
        at=fact.at,
        how="platform",
        proof={"account": arrival.account.id, "journal": arrival.source.journal_id},
    )
    await contacts.record_consents(db, [stopped])
