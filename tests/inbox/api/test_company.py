"""Who and what the company is made of, over the API."""

from inbox.people import FIRST_TEAM
from tests.inbox.api.test_messages import a_template
from tests.inbox.builders import an_agent


async def test_agents_with_their_roles_also_those_who_left(api, store, owner):
    gone = await an_agent(store, "Gone", active=False)
    _, body = await api.get(owner, "/agents")
    by_id = {one["id"]: one for one in body["items"]}
    assert (by_id[owner.id]["role"], by_id[owner.id]["active"]) == ("owner", True)
    assert by_id[gone.id]["active"] is False
    assert "password_hash" not in str(body)


async def test_short_lists_have_pages_too(api, store, owner):
    made = {owner.id} | {(await an_agent(store, f"A{n}")).id for n in range(4)}
    seen = [item["id"] for item in await api.pages(owner, "/agents", limit=2)]
    assert len(seen) == 5
    assert set(seen) == made


async def test_teams_and_accounts_without_any_secret(api, owner, number):
    assert (await api.get(owner, "/teams"))[1]["items"] == [{"id": FIRST_TEAM, "name": "Sales"}]
    answer = await api.ask("GET", owner, "/accounts")
    (account,) = (await answer.json())["items"]
    assert (account["id"], account["kind"], account["name"], account["state"]) == (
        number.id, "whatsapp", "Sales", "active",
    )  # fmt: skip
    assert not {"sealed", "secrets", "hook_key", "access_token"} & set(account)


async def test_templates_of_an_account_with_the_places_to_fill(api, store, owner, number):
    await store["templates"].insert_many([a_template(), a_template(_id="8" * 24, name="other", status="REJECTED")])
    _, body = await api.get(owner, "/templates", account=number.id, status="APPROVED")
    (template,) = body["items"]
    assert (template["name"], template["variables"], template["accounts"]) == ("order_ready", ["body.1"], [number.id])
    assert (await api.get(owner, "/templates", account="f" * 24))[1]["items"] == []
    assert len((await api.get(owner, "/templates"))[1]["items"]) == 2
