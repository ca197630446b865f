"""Somebody who may not see numbers sees none on any page, and breaks none by saving what was shown."""

import pytest

from bot.channels.contract import EVERYWHERE
from bot.ids import new_id
from bot.records.accounts import Connection
from bot.store import files
from inbox.people import FIRST_TEAM, Role, ensure_first_team
from tests.inbox.builders import NOON, a_contact, a_conversation, a_message, an_agent

DIGITS = "573001112233"
WAMID = "wamid.HBgMNTczMDAxMTEyMjMzFQIAEhg"
NAMES = ("IMG 573001112233.pdf", "+57 300 111 2233")


@pytest.fixture
async def account(house):
    await ensure_first_team(house.db, name="Ventas", now=NOON)
    wanted = Connection("whatsapp", "1055", "2042", "Ventas", FIRST_TEAM, {"app_secret": "s"}, "http://127.0.0.1:1")
    return await house.accounts.connect(wanted, now=NOON)


@pytest.fixture
async def ana(store, account, tmp_path):
    """Everything about her that can hold a number holds hers."""
    contact = await a_contact(
        store, NAMES[1], phone=f"+{DIGITS}", fields={"móvil": "300 111 2233", "ciudad": "Cali"}, email=None
    )
    identity = {"_id": new_id(), "kind": "phone", "scope": EVERYWHERE, "value": DIGITS, "reach": DIGITS}
    profile = {"profile": {"name": NAMES[1], "username": ""}, "current": True, "account": account.id}
    await store["identities"].insert_one({**identity, **profile, "contact": contact["_id"]})
    more = {"account": account.id, "accounts": [account.id], "identity": identity["_id"]}
    conversation = await a_conversation(store, contact=contact["_id"], name=NAMES[1], **more)
    (tmp_path / "file").write_bytes(b"%PDF-1.4")
    stored = await files.save(store, tmp_path / "file", name="x")
    record = {"name": NAMES[0], "mime": "application/pdf", "size": 8, "kind": "document", "state": "stored"}
    place = {"contact": contact["_id"], "conversation": conversation["_id"], "at": NOON, "owner": None}
    media = {"_id": "690213456789012345678901", "file": stored, **record, **place}
    await store["media"].insert_one(media)
    await a_message(
        store,
        conversation,
        account=account.id,
        platform_id=WAMID,
        author={"kind": "contact", "id": None, "name": NAMES[1]},
        content={"type": "media", "kind": "document", "media": media["_id"], "name": NAMES[0], "caption": NAMES[1]},
        media=[{"id": media["_id"], "type": "document", "name": NAMES[0], "mime": "application/pdf", "size": 8}],
        text=NAMES[1],
        quoted={"id": new_id(), "text": NAMES[1], "type": "text", "author": {"kind": "contact", "name": NAMES[1]}},
        edits=[{"text": NAMES[1], "at": NOON, "key": "k"}],
        client_key=f"{new_id()}:api:token-hash:573001112233",
    )
    await a_message(
        store,
        conversation,
        account=account.id,
        platform_id=WAMID + "2",
        type="choice",
        content={"type": "choice", "id": "1", "title": "Sí", "target": WAMID},
    )
    return {"contact": contact["_id"], "conversation": conversation["_id"], "media": media["_id"]}


def pages(ana) -> list[str]:
    conversation = f"/ui/conversations/{ana['conversation']}"
    return [
        conversation,
        *(f"{conversation}/{part}" for part in ("changes", "older", "person", "composer", "menu/assign")),
        f"/contacts/{ana['contact']}",
        f"/ui/contacts/{ana['contact']}/edit",
        "/contacts",
        "/ui/search?q=300",
        f"/ui/new/routes?contact={ana['contact']}",
    ]


async def test_no_page_shows_a_number_in_any_disguise(site, store, ana):
    agent = await an_agent(store, numbers="masked")
    for path in pages(ana):
        text = await site.text(agent, path)
        bare = "".join(sign for sign in text if sign not in " .-()")
        assert "3001112233" not in bare, path
        assert WAMID not in text, path


async def test_the_same_pages_show_it_to_those_who_may_see_it(site, store, ana):
    """Or the test before would prove nothing."""
    agent = await an_agent(store)
    shown = [path for path in pages(ana) if NAMES[0] in await site.text(agent, path)]
    assert len(shown) >= 5


async def test_a_file_keeps_its_address_and_loses_the_number_in_its_name(site, store, ana):
    masked, whole = await an_agent(store, numbers="masked"), await an_agent(store)
    assert f"/media/{ana['media']}" in await site.text(masked, f"/ui/conversations/{ana['conversation']}")
    hidden = await site.get(masked, f"/media/{ana['media']}")
    assert hidden.status == 200
    assert DIGITS not in hidden.headers["Content-Disposition"]
    assert DIGITS in (await site.get(whole, f"/media/{ana['media']}")).headers["Content-Disposition"]


async def test_saving_what_was_shown_masked_changes_nothing(site, store, ana):
    agent = await an_agent(store, numbers="masked")
    form = [("name", "•••"), ("email", ""), ("field_key", "móvil"), ("field_value", "•••")]
    form += [("field_key", "ciudad"), ("field_value", "Bogotá")]
    answer = await site.ask("POST", agent, f"/contacts/{ana['contact']}", data=form)
    assert answer.status == 303
    contact = await store["contacts"].find_one({"_id": ana["contact"]})
    assert contact["name"] == NAMES[1]
    assert contact["fields"] == {"móvil": "300 111 2233", "ciudad": "Bogotá"}


async def test_files_of_conversations_that_are_hidden_are_not_listed(site, store, ana):
    mine = await a_conversation(store, contact=ana["contact"], team="b" * 24, name="Ana")
    agent = await an_agent(store, sees="team", teams=["b" * 24])
    assert ana["media"] not in await site.text(agent, f"/ui/conversations/{mine['_id']}/person")
    assert (await site.get(agent, f"/media/{ana['media']}")).status == 404


@pytest.mark.parametrize("limits", [{"numbers": "masked"}, {"sees": "team"}, {"sees": "own"}])
async def test_raw_updates_are_for_those_who_may_see_everything(site, store, limits):
    entry = {"_id": "a" * 24, "state": "aside", "channel": "whatsapp", "account": None, "kind": "Said", "at": NOON}
    await store["aside"].insert_one({**entry, "reason": f"from {DIGITS}", "raw": f"secret of {WAMID}", "tries": 1})
    some = await an_agent(store, role=str(Role.SUPERVISOR), **limits)
    everything = await an_agent(store, role=str(Role.SUPERVISOR))
    assert WAMID not in await site.text(some, "/settings/aside")
    assert WAMID in await site.text(everything, "/settings/aside")
