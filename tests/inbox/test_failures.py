"""A failed delivery that tells more than that one message did not arrive."""

from dataclasses import replace

import pytest

from bot.channels.contract import Climbed, Failure
from bot.records.accounts import Accounts
from bot.store.secrets import Vault
from inbox.receive.failures import heed_failures
from tests.arriving import SALES, arrive
from tests.clocks import START
from tests.inbox.builders import a_contact, a_conversation, a_message


@pytest.fixture
async def accounts(store):
    await store["accounts"].insert_one(
        {"_id": SALES.id, "kind": "whatsapp", "external_id": SALES.external_id, "state": "active", "problem": None}
        | {"name": "Ventas", "team": SALES.team, "scope": SALES.scope, "api_url": "", "options": {}, "hook_key": "k"}
        | {"origin": "page", "practice": False, "sealed": {}}
    )
    return Accounts(store, Vault(bytes(32)))


async def fail(store, accounts, remedy: str) -> dict:
    contact = await a_contact(store)
    message = await a_message(
        store,
        await a_conversation(store, contact=contact["_id"]),
        contact=contact["_id"],
        account=SALES.id,
        identity="i" * 24,
        direction="out",
    )
    failure = Failure("131042", "There is a problem with the payment method.", remedy)  # type: ignore[arg-type]
    fact = Climbed(SALES.external_id, "", message["platform_id"], "failed", START, failure=failure)
    await heed_failures(store, accounts, [replace(one) for one in arrive(fact)])
    return contact


async def test_a_payment_that_failed_breaks_the_account_with_its_reason(store, accounts):
    await fail(store, accounts, "broken")
    account = await store["accounts"].find_one({"_id": SALES.id})
    assert (account["state"], account["problem"]["code"]) == ("broken", "131042")


async def test_who_stopped_marketing_at_the_platform_is_written_down_once(store, accounts):
    contact = await fail(store, accounts, "optout")
    consents = await store["consents"].find({"contact": contact["_id"]}).to_list()
    assert [(one["purpose"], one["state"]) for one in consents] == [("marketing", "refused")]


@pytest.mark.parametrize("remedy", ["gone", "rejected", "later", "window"])
async def test_one_message_that_did_not_arrive_closes_no_door(store, accounts, remedy):
    await fail(store, accounts, remedy)
    assert (await store["accounts"].find_one({"_id": SALES.id}))["state"] == "active"
    assert await store["consents"].count_documents({}) == 0
