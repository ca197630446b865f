"""Answers button presses on the way in: until that is done the person's screen shows a spinner."""

from collections.abc import Iterable
from datetime import datetime

from bot.channels.contract import Account, Channel, Said, Signal


async def acknowledge(channel: Channel, account: Account, bodies: Iterable[bytes], *, now: datetime) -> None:
    """Every press in `bodies`, which are durable already. Best effort; once more does no harm."""
    for body in bodies:
        for fact in channel.read(body, account.external_id, now=now):
            if isinstance(fact, Said) and fact.acknowledge:
                await channel.signal(account, Signal("acknowledge", fact.sender.addresses, fact.acknowledge))
