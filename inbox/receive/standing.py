"""What platforms tell about people and accounts rather than messages."""

from collections.abc import Mapping, Sequence
from typing import Literal

from bot.channels.contract import AccountNotice, Preference, Reachable, TemplateChanged
from bot.delivery.arrivals import Arrival
from bot.records import contacts, identities, templates
from bot.records.accounts import Accounts
from bot.records.contacts import Consent
from bot.records.meeting import Met
from bot.store.database import Database

_CONSENT: Mapping[str, Literal["given", "refused"]] = {"stop": "refused", "resume": "given"}


async def apply_standing(
    db: Database, accounts: Accounts, arrivals: Sequence[Arrival], people: Mapping[int, Met]
) -> tuple[set[str], set[str]]:
    """The contacts concerned, and whose templates are to be fetched anew."""
    concerned: set[str] = set()
    news: list[TemplateChanged] = []
    for index, arrival in enumerate(arrivals):
        match arrival.fact:
            case Reachable() as fact:
                concerned |= await _reach(db, fact)
            case Preference() as fact if index in people:
                await contacts.record_consents(db, [_consent(arrival, fact, people[index])])
                concerned.add(people[index].contact["_id"])
            case AccountNotice() as fact:
                await accounts.record_notice(arrival.account.id, fact)
            case TemplateChanged() as fact:
                news.append(fact)
    return concerned, await templates.change(db, news) if news else set()


async def _reach(db: Database, fact: Reachable) -> set[str]:
    found = await identities.set_reachable(db, fact.address, reachable=fact.reachable, at=fact.at)
    return {found["contact"]} if found else set()


def _consent(arrival: Arrival, fact: Preference, met: Met) -> Consent:
    return Consent(
        contact=met.contact["_id"],
        identity=met.identity,
        channel=arrival.account.kind,
        purpose="marketing",
        state=_CONSENT[fact.marketing],
        at=fact.at,
        how="platform",
        proof={"account": arrival.account.id, "journal": arrival.source.journal_id},
    )
