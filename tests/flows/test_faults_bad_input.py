"""Whatever comes through the door gets its clear answer, nothing is lost, and nobody else's messages suffer."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from bot.records.accounts import Connection
from bot.sandbox.world.acts import Act, Picture
from inbox.people import FIRST_TEAM, Role
from tests.flows.browsing import signed_in
from tests.flows.posting import Poster, fresh_id, poster, text_of
from tests.office import office_settings, open_office
from tests.waiting import wait_for

MEGABYTE = 2**20
OVERRIDE = "\u202e"


@pytest.fixture(scope="module")
async def office(server, address, tmp_path_factory):
    settings = office_settings(tmp_path_factory.mktemp("bad_input"), address, f"flow_{ObjectId()}")
    async with open_office(settings, kinds=("whatsapp", "messenger")) as office:
        await office.hire("Marta", Role.OWNER)
        yield office
    await server.client.drop_database(settings.mongodb.database)


@pytest.fixture
def platform(office, request) -> Poster:
    kind = getattr(request, "param", "whatsapp")
    return poster(office.http, office.address, office.sandbox.credentials(), kind)


@pytest.fixture
async def browser(office):
    async with signed_in(office.house.db, office.address, "Marta") as browser:
        yield browser


async def is_kept(office, raw: bytes) -> bool:
    return await office.house.db["journal"].find_one({"body": raw}) is not None


async def applied(office) -> None:
    """All that was taken has been read."""

    async def nothing_new() -> bool:
        return await office.house.db["journal"].count_documents({"state": "new"}) == 0

    await wait_for(nothing_new, seconds=20)


BOTH = pytest.mark.parametrize("platform", ["whatsapp", "messenger"], indirect=True)


@BOTH
@pytest.mark.parametrize("forge", [
    lambda right: "",
    lambda right: right.removeprefix("sha256="),
    lambda right: right.replace("sha256", "sha1"),
    lambda right: right[:-1],
    lambda right: right[:-1] + ("0" if right[-1] != "0" else "1"),
    lambda right: "sha256=" + "\xff" * 64,
    lambda right: "sha256=",
    lambda right: right + "," + right,
])  # fmt: skip
async def test_a_signature_that_is_missing_wrong_or_malformed_is_refused_and_nothing_kept(office, platform, forge):
    raw = platform.recorded("text", fresh_id(), id="wamid.TEXT" if platform.account.kind == "whatsapp" else "m_A1")
    assert await platform.post(raw, signature=forge(platform.signature(raw))) == 403
    assert not await is_kept(office, raw)
    assert await platform.post(raw) == 200
    assert await is_kept(office, raw)


async def test_a_signature_of_other_bytes_is_refused(office, platform):
    """The same JSON, written with another space."""
    raw = platform.body(text_of("Hola"))
    assert await platform.post(raw + b" ", signature=platform.signature(raw)) == 403


@pytest.fixture(scope="module")
async def bot(office):
    """A Telegram account of the played company; it has a webhook address of its own."""
    told = next(one for one in office.sandbox.credentials() if one.kind == "telegram")
    wanted = Connection(
        "telegram", told.external_id, told.scope, told.name, FIRST_TEAM, told.secrets, told.api_url, {"mode": "webhook"}
    )
    return await office.house.accounts.connect(wanted, now=office.house.clock.now())


@pytest.mark.parametrize("secret", ["", "wrong", "\xff"])
async def test_telegram_without_its_secret_is_refused(office, bot, secret):
    url = f"{office.address}/hooks/telegram/{bot.hook_key}"
    raw = json.dumps({"update_id": 1, "message": {"text": "Hola"}}).encode()
    headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret else {}
    async with office.http.post(url, data=raw, headers=headers) as answer:
        assert answer.status == 403
    assert not await is_kept(office, raw)


@pytest.mark.parametrize("key", ["wrong", "x" * 5000])
async def test_telegram_at_another_address_is_refused(office, bot, key):
    secret = office.house.accounts.open(bot).secrets["webhook_secret"]
    headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
    url = f"{office.address}/hooks/telegram/{key}"
    async with office.http.post(url, data=b'{"update_id": 2}', headers=headers) as answer:
        assert answer.status == 403


@BOTH
@pytest.mark.parametrize("raw", [
    b"", b"hola", b"{", b"[]", b"null", b'"page"', b"\xff\xfe\x00", b'{"object": "instagram", "entry": []}',
    b'{"object": "page", "entry": {}}', b'{"object": "whatsapp_business_account", "entry": "x"}',
    b'{"entry": []}', b"[" * 100_000, b'{"object": 5, "entry": NaN}',
])  # fmt: skip
async def test_what_is_not_json_or_not_of_this_platform_is_a_bad_request(office, platform, raw):
    assert await platform.post(raw) == 400
    assert not await is_kept(office, raw)


ODD_ENTRIES: tuple[Any, ...] = (
    5, None, "x", [], {}, {"id": None}, {"id": 7, "changes": {}}, {"id": "7", "changes": [None]},
    {"id": "7", "messaging": "x"}, {"id": "7", "messaging": [5]},
    {"id": "7", "changes": [{"field": "messages", "value": "x"}]},
    {"id": "7", "changes": [{"field": "messages", "value": {"messages": {"a": 1}, "metadata": []}}]},
    {"id": "7", "changes": [{"field": "never seen", "value": {"$where": 1, "a.b": 2, "": 3}}]},
    {"id": "7", "messaging": [{"sender": {}, "timestamp": 10**30, "message": {"mid": {}}}]},
)  # fmt: skip


@BOTH
async def test_json_of_another_shape_is_kept_and_stands_aside_with_its_words(office, platform):
    kind, marks = platform.account.kind, [fresh_id() for _ in ODD_ENTRIES]
    named = "page" if kind == "messenger" else "whatsapp_business_account"
    for entry, mark in zip(ODD_ENTRIES, marks, strict=True):
        assert await platform.post(json.dumps({"object": named, "entry": [entry], "mark": mark}).encode()) == 200
    await applied(office)
    standing = [one async for one in office.house.db["aside"].find({"channel": kind})]
    for entry, mark in zip(ODD_ENTRIES, marks, strict=True):
        (found,) = [one for one in standing if mark in one["raw"]]
        assert found["state"] in ("unknown", "aside"), entry
        assert found["reason"], entry


async def test_a_body_of_five_megabytes_is_too_large_whether_announced_or_not(office, platform):
    raw = platform.body(text_of("x" * 5 * MEGABYTE))

    async def pieces():
        for start in range(0, len(raw), 65536):
            yield raw[start : start + 65536]

    assert await platform.post(raw) == 413
    assert await platform.post(pieces(), signature=platform.signature(raw)) == 413
    assert not await is_kept(office, raw)


async def test_a_body_of_four_megabytes_is_taken(office, platform):
    message = text_of("Todavía cabe")
    raw = platform.body(message).ljust(4 * MEGABYTE)
    assert await platform.post(raw) == 200
    assert await platform.post(raw + b" ") == 413
    await office.message(platform_id=message["id"])


async def test_of_a_thousand_updates_one_is_broken_and_the_others_arrive_once(office, platform):
    senders = [f"5730099{number:05d}" for number in range(50)]
    messages = [text_of(f"Pedido {number}", sender=senders[number % 50]) for number in range(1000)]
    broken = messages[500] | {"id": {"not": "an id"}, "text": {"body": "ROTO"}}
    messages[500] = broken
    raw = platform.body(*messages)
    assert await platform.post(raw) == 200
    assert await platform.post(raw) == 200
    await applied(office)
    db, ids = office.house.db, [message["id"] for message in messages if message is not broken]
    stored = [one["platform_id"] async for one in db["messages"].find({"platform_id": {"$in": ids}})]
    assert sorted(stored) == sorted(ids)
    spoke = await db["identities"].find({"reach": {"$in": senders}}).to_list()
    assert await db["conversations"].count_documents({"contact": {"$in": [one["contact"] for one in spoke]}}) == 50
    (aside,) = await db["aside"].find({"raw": {"$regex": "ROTO"}}).to_list()
    assert aside["state"] == "unknown"
    # It stands there alone: none of the others' words beside it.
    assert "Pedido" not in aside["raw"]


@pytest.mark.parametrize("kind", ["whatsapp", "messenger"])
async def test_4096_emoji_arrive_whole_and_go_out_whole(office, kind):
    said = "🌻" * 4096
    office.says(kind, f"Flora {kind}", said)
    came = await office.message(direction="in", channel=kind, text=said)
    sent = await office.api(
        "Marta", "POST", f"/conversations/{came['conversation']}/messages", expect=202, json={"text": said}
    )
    await office.message(_id=sent["id"], status="read")
    told = [entry.text for entry in office.sandbox.world.ledger.entries if "🌻" in entry.text]
    assert "".join(told).count("🌻") == 4096 * (1 if kind == "whatsapp" else 2)


HOSTILE = f"{OVERRIDE}<b>Ana</b>{{{{7*7}}}}<script>alert(1)</script>"


async def test_a_name_with_direction_marks_and_html_stays_a_name(office, platform, browser):
    message = text_of(f"<i>Hola</i>{OVERRIDE}", sender="573001239999")
    assert await platform.post(platform.body(message, names={"573001239999": HOSTILE})) == 200
    came = await office.message(platform_id=message["id"])
    conversation = await office.conversation(_id=came["conversation"])
    assert "<b>Ana</b>" in conversation["name"]
    shown = await office.api("Marta", "GET", f"/conversations/{conversation['_id']}")
    assert shown["contact"]["name"] == conversation["name"]
    paths = (f"/inbox/{conversation['_id']}", "/inbox", "/contacts", f"/contacts/{conversation['contact']}")
    for page in [await browser.load(path) for path in (*paths, "/ui/search?q=Ana", "/search?q=Hola")]:
        assert "<script>alert" not in page
        assert "<b>Ana" not in page
        assert "<i>Hola" not in page
        assert "49" not in page.partition("Ana&lt;/b&gt;")[2][:6]
    assert "&lt;b&gt;Ana&lt;/b&gt;{{7*7}}" in await browser.load(f"/inbox/{conversation['_id']}")
    # What turns the direction of writing must not turn the page around it.
    assert OVERRIDE not in conversation["name"]


@pytest.mark.parametrize(("given", "kept"), [
    ("../../etc/passwd", "passwd"),
    ("C:\\Windows\\system32\\cmd.exe", "cmd.exe"),
    (f"factura{OVERRIDE}fdp.exe", "facturafdp.exe"),
    ('a"; filename="b\r\nX-Evil: 1.pdf', 'a"; filename="bX-Evil: 1.pdf'),
])  # fmt: skip
async def test_a_file_name_is_a_name_and_never_a_path(office, given, kept):
    office.says("whatsapp", "Fabio", Act(media=Picture(kind="document", data=packed(b"%PDF-1.7 x"), name=given)))
    file = await stored_file(office, name=kept)
    assert file["name"] == kept
    async with office.http.get(f"{office.address}/api/v1/media/{file['_id']}", headers=bearer(office)) as answer:
        assert answer.status == 200
        assert "X-Evil" not in answer.headers
        assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
        assert "/" not in answer.headers["Content-Disposition"]


@pytest.mark.parametrize(("data", "mime"), [
    (b"<html><script>alert(1)</script></html>", "text/html"),
    (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "text/html"),
    (b"\xff\xd8\xff\xe0" + b"no picture at all" * 50, "image/jpeg"),
    (b"GIF89a<script>alert(1)</script>", "image/gif"),
    (b"\x00" * 64, "application/octet-stream"),
    (b"MZ" + b"\x90" * 64, "application/x-msdownload"),
])  # fmt: skip
async def test_a_picture_that_is_none_is_kept_as_a_file_and_never_shown_in_place(office, data, mime):
    name = f"{fresh_id()}.jpg"
    office.says("whatsapp", "Iván", Act(media=Picture(kind="image", data=packed(data), name=name, mime="image/jpeg")))
    file = await stored_file(office, sha256={"$exists": True}, size=len(data), mime=mime)
    assert (file["kind"], file.get("thumb")) == ("document", None)
    await office.message(**{"_id": file["message"], "media.0.type": "document"})
    async with office.http.get(f"{office.address}/api/v1/media/{file['_id']}", headers=bearer(office)) as answer:
        assert await answer.read() == data
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("sandbox")
        assert answer.headers["Content-Disposition"].startswith("attachment")


def packed(data: bytes) -> str:
    return base64.b64encode(data).decode()


def bearer(office) -> dict[str, str]:
    return {"Authorization": f"Bearer {office.tokens['Marta']}"}


async def stored_file(office, **wanted) -> dict:
    async def find():
        return await office.house.db["media"].find_one({"state": "stored", **wanted}, sort=[("_id", -1)])

    return await wait_for(find, seconds=20)


TIMES = {
    "whatsapp": ("wamid.TEXT", ("in_milliseconds", "past_century", "missing", "future")),
    "messenger": ("m_A1", ("in_seconds", "past_century", "missing")),
}


@BOTH
async def test_a_time_stamp_that_cannot_be_harms_nothing(office, platform):
    """A message stands where it came in, never in another century, and the conversation stays sorted."""
    recorded, times = TIMES[platform.account.kind]
    began = office.house.clock.now()
    for time in times:
        ours = fresh_id()
        assert await platform.post(platform.recorded(f"text_timestamp_{time}", ours, id=recorded)) == 200
        message = await office.message(platform_id=ours)
        conversation = await office.conversation(_id=message["conversation"])
        assert began - timedelta(days=400) < message["sent_at"] <= office.house.clock.now(), time
        assert conversation["at"] <= office.house.clock.now(), time
        if platform.account.kind == "whatsapp" and time != "in_milliseconds":
            # Nothing else in it tells the time: it was said when it came. Messenger's envelope does.
            assert message["sent_at"] >= began - timedelta(seconds=1), time


async def test_an_update_for_an_account_that_is_not_connected_waits_until_it_is(office, platform, browser):
    message, house = text_of("¿Ya abrieron la otra sede?", sender="573001237777"), office.house
    raw = platform.body(message, number="999000111222333")
    assert await platform.post(raw) == 200
    await applied(office)
    aside = await house.db["aside"].find_one({"raw": {"$regex": message["id"]}})
    assert (aside["state"], aside["reason"]) == ("aside", "account not connected")
    assert "account not connected" in await browser.load("/settings/aside")
    # Read again too early it stands there again, and is not lost.
    await browser.done(f"/settings/aside/{aside['_id']}/replay")
    await applied(office)
    assert (await house.db["aside"].find_one({"_id": aside["_id"]}))["state"] == "aside"
    told = platform.account
    wanted = Connection(
        "whatsapp", "999000111222333", told.scope, "Sede norte", FIRST_TEAM, told.secrets, told.api_url, told.options
    )
    account = await house.accounts.connect(wanted, now=house.clock.now())
    for _ in range(2):
        await browser.done(f"/settings/aside/{aside['_id']}/replay")
        came = await office.message(platform_id=message["id"])
        assert (came["account"], came["text"]) == (account.id, "¿Ya abrieron la otra sede?")
    await applied(office)
    assert await house.db["messages"].count_documents({"platform_id": message["id"]}) == 1
    assert (await office.conversation(_id=came["conversation"]))["unread"] == 1
    assert (await house.db["aside"].find_one({"_id": aside["_id"]}))["state"] == "replayed"
