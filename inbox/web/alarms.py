"""What every page warns about: an account that is broken, a payment that failed."""

from collections.abc import Callable
from typing import Any

from bot.errors import N_
from inbox.house import House


def alerts_for(house: House, translate: Callable[[str], str]) -> tuple[dict[str, Any], ...]:
    """One banner per broken account, newest trouble first; the words are the channel's own."""
    broken = [account for account in house.accounts.all() if account.state == "broken"]
    return tuple(
        {
            "level": "critical",
            "text": translate(N_("%(name)s cannot send: %(problem)s"))
            % {"name": account.name, "problem": translate(str((account.problem or {}).get("message", "")))},
            "href": f"/settings/accounts/{account.id}",
            "link": translate(N_("See what to do")),
        }
        for account in broken
    )
