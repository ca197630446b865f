"""Accounts are connected once, keep their secrets sealed, and are known to every process."""

from dataclasses import replace

import pytest

from bot.channels.contract import AccountNotice, Health
from bot.errors import NotFound
from bot.log import scrub
from bot.records.accounts import Accounts, Connection
from bot.store.secrets import Vault
from tests.clocks import START

TOKEN = "EAAthisisthetoken"
CONNECTION = Connection(
    kind="whatsapp",
    external_id="1001",
    scope="P1",
    name="Ventas",
    team="t",
    secrets={"access_token": TOKEN, "app_secret": "the app's secret", "verify_token": "chosen"},
    options={"business_account_id": "W1", "portfolio_id": "P1"},
)


@pytest.fixture
async def accounts(store):
    accounts = Accounts(store, Vault(bytes(32)))
    await accounts.load()
    return accounts


async def connect(accounts: Accounts, **changes):
    return await accounts.connect(replace(CONNECTION, **changes), now=START)


async def test_a_connected_account_opens_for_its_channel(accounts):
    record = await connect(accounts)
    account = accounts.open(record)
    assert (account.id, account.external_id, account.scope) == (record.id, "1001", "P1")
    assert account.secrets["access_token"] == TOKEN
    assert record.template_scope == "W1"


async def test_secrets_are_sealed_at_rest_and_never_shown(store, accounts):
    record = await connect(accounts)
    stored = await store["accounts"].find_one()
    assert TOKEN.encode() not in repr(stored).encode()
    assert TOKEN not in repr(record) + repr(accounts.open(record)) + repr(CONNECTION)
    assert TOKEN not in scrub(f"the token {TOKEN} of somebody")


async def test_another_process_knows_it_after_loading(store, accounts):
    record = await connect(accounts)
    other = Accounts(store, Vault(bytes(32)))
    await other.load()
    assert other.get(record.id) == record
    assert other.open(record).secrets["access_token"] == TOKEN
    assert (await store["nudges"].find_one())["items"] == [{"what": "account"}]


async def test_connecting_again_is_the_same_account_with_the_same_addresses(accounts):
    first = await connect(accounts)
    again = await connect(accounts, name="Tienda", secrets={"access_token": "EAAanother"})
    assert (again.id, again.hook_key, again.name) == (first.id, first.hook_key, "Tienda")
    secrets = accounts.open(again).secrets
    assert secrets["access_token"] == "EAAanother"
    assert secrets["app_secret"] == "the app's secret"
    assert secrets["webhook_secret"]
    assert len(accounts.all()) == 1


async def test_connecting_unchanged_leaves_a_broken_account_broken_and_a_new_token_mends_it(accounts):
    record = await connect(accounts)
    await accounts.mark_broken(record.id, {"code": "190", "message": "m", "detail": "", "at": START})
    assert (await connect(accounts)).state == "broken"
    assert (await connect(accounts, secrets={"access_token": "EAAnew"})).state == "active"
    assert accounts.get(record.id).problem is None


async def test_what_is_switched_off_is_not_connected_and_stays_off(accounts):
    record = await connect(accounts)
    await accounts.change(record.id, {"state": "off"})
    await accounts.mark_broken(record.id, {"code": "190"})
    assert accounts.get(record.id).state == "off"
    assert not accounts.connected("whatsapp")
    assert accounts.find_external("whatsapp", "1001") is None
    assert accounts.find_hook("whatsapp", record.hook_key) is None


async def test_accounts_are_found_by_what_platforms_call_them(accounts):
    record = await connect(accounts)
    other = await connect(accounts, external_id="1002", options={})
    assert accounts.find_external("whatsapp", "1002") == other
    assert accounts.find_external("messenger", "1001") is None
    assert accounts.in_scope("whatsapp", "W1") == [record]
    assert accounts.in_scope("whatsapp", "P1") == [record, other]
    assert accounts.in_scope("whatsapp", "") == []
    assert accounts.scopes("whatsapp") == {"1001": "P1", "1002": "P1"}
    assert accounts.find_hook("whatsapp", other.hook_key) == other
    with pytest.raises(NotFound):
        accounts.get("nobody")


async def test_a_proof_is_the_apps_secret_where_there_is_one(accounts):
    await connect(accounts)
    await connect(accounts, external_id="1002")
    await connect(accounts, kind="telegram", external_id="7", secrets={"bot_token": "7:x", "webhook_secret": "ours"})
    assert accounts.proofs(accounts.connected("whatsapp")) == ["the app's secret"]
    assert accounts.proofs(accounts.connected("telegram")) == ["ours"]
    assert accounts.verify_tokens("whatsapp") == ["chosen", "chosen"]


async def test_an_account_whose_key_is_lost_is_known_and_proves_nothing(store, accounts):
    record = await connect(accounts)
    other = Accounts(store, Vault(b"another key of thirty-two bytes!"))
    await other.load()
    assert other.open(other.get(record.id)).secrets == {}
    assert other.proofs(other.all()) == []


async def test_health_and_notices_are_kept(accounts):
    record = await connect(accounts)
    await accounts.record_health(
        record.id, Health("Tienda Sol", {"quality": "GREEN"}, missing=("Add a card.",)), now=START
    )
    notice = AccountNotice("1001", "W1", "quality", "warning", START, {"quality": "RED"})
    for _ in range(2):
        await accounts.record_notice(record.id, notice)
    found = accounts.get(record.id)
    assert found.health is not None
    assert (found.health["name"], found.health["missing"], found.health["checked_at"]) == (
        "Tienda Sol",
        ["Add a card."],
        START,
    )
    assert [one["kind"] for one in found.notices] == ["quality"]
    assert found.state == "active"
