"""What a check of a bot tells its owner. Telegram Bot API 10.3, getMe and getWebhookInfo (2026-08)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot.channels.contract import Health
from bot.channels.telegram import rules
from bot.errors import N_

if TYPE_CHECKING:
    from aiogram.types import User, WebhookInfo

FOREIGN_WEBHOOK = N_("Another program receives this bot's messages at a web address. Polling will take it away.")
NO_WEBHOOK = N_("Telegram does not know our web address yet.")
NOT_ALL_UPDATES = N_("Telegram does not send all kinds of updates yet: connect the bot again.")


def of(me: "User", webhook: "WebhookInfo", options: Mapping[str, Any]) -> Health:
    polled = options.get("mode") != rules.WEBHOOK
    missing = _missing(webhook, polled=polled)
    return Health(
        name=me.full_name,
        details={key: value for key, value in _details(me, webhook).items() if value},
        subscribed=not missing,
        missing=missing,
    )


def _missing(webhook: "WebhookInfo", *, polled: bool) -> tuple[str, ...]:
    if polled:
        return (FOREIGN_WEBHOOK,) if webhook.url else ()
    if not webhook.url:
        return (NO_WEBHOOK,)
    allowed = set(webhook.allowed_updates or ())
    return () if allowed.issuperset(rules.ALLOWED_UPDATES) else (NOT_ALL_UPDATES,)


def _details(me: "User", webhook: "WebhookInfo") -> dict[str, str]:
    """`id` is the account's external id. A bot without privacy reads all that is said in its groups."""
    return {
        "id": str(me.id),
        "username": f"@{me.username}" if me.username else "",
        "link": f"https://t.me/{me.username}" if me.username else "",
        "groups": "yes" if me.can_join_groups else "no",
        "reads_groups": "yes" if me.can_read_all_group_messages else "no",
        "webhook": webhook.url,
        "waiting": str(webhook.pending_update_count),
        "last_error": webhook.last_error_message or "",
    }
