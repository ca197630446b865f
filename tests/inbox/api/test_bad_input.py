"""Nonsense gets one clear sentence, the right status and a code."""

import io

import pytest

from inbox.api.reading import MOST_BYTES
from inbox.api.routes import DOCUMENT, ROUTES

RAW = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "bad_json"),
        (b"\xff\xfe", "bad_json"),
        (b"[]", "bad_json"),
        (b'"x"', "bad_json"),
        (b"null", "bad_json"),
        (b'{"name": "\\ud800"}', "bad_json"),
        (b'{"name": 5}', "invalid"),
        (b'{"name": "x", "tags": "vip"}', "invalid"),
        (b'{"name": "x", "tags": [""]}', "invalid"),
        (b'{"name": "x", "colour": "red"}', "invalid"),
        (b'{"name": "' + b"x" * 300 + b'"}', "invalid"),
        (b'{"name": "x", "country": "Mexico"}', "invalid"),
        (b'{"name": "x", "fields": {"a.b": "1"}}', "invalid"),
        (b'{"name": "x", "fields": {"$a": "1"}}', "invalid"),
        (b"[" * 100_000, "bad_json"),
    ],
)
async def test_a_wrong_body(api, store, owner, raw, code):
    status, body = await api.call("POST", owner, "/contacts", data=raw, headers=RAW)
    assert (status, body["error"]["code"]) == (400, code)
    assert body["error"]["message"].endswith(".")
    assert await store["contacts"].count_documents({}) == 0


async def test_a_body_too_large_is_refused_whether_announced_or_not(api, owner):
    async def pieces():
        for _ in range(MOST_BYTES // 10_000 + 1):
            yield b" " * 10_000

    for data in (io.BytesIO(b" " * (MOST_BYTES + 1)), pieces()):
        answer = await api.ask("POST", owner, "/contacts", data=data, headers=RAW)
        assert answer.status == 413
        assert (await answer.json())["error"]["message"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"status": "done"}, "status"),
        ({"stauts": "open"}, "stauts"),
    ],
)
async def test_a_wrong_query_is_refused_by_the_name_of_the_field(api, owner, asked, field):
    status, body = await api.get(owner, "/conversations", **asked)
    assert (status, body["error"]["field"]) == (400, field)
    assert field in body["error"]["message"]


@pytest.mark.parametrize("path", ["/conversations", "/contacts", "/templates", "/agents"])
async def test_a_cursor_that_is_not_ours(api, owner, path):
    status, body = await api.get(owner, path, cursor="nonsense")
    assert (status, body["error"]["code"]) == (400, "cursor_invalid")


@pytest.mark.parametrize("shape", ["f" * 24, "x", "0", "%24ne", "..", "é", "%00", "a" * 500])
async def test_an_id_of_any_shape_that_is_nobodys_is_not_found(api, owner, shape):
    for path in ("/conversations/{}", "/contacts/{}", "/messages/{}", "/media/{}", "/conversations/{}/messages"):
        status, body = await api.get(owner, path.format(shape))
        assert (status, body["error"]["code"]) == (404, "not_found"), path


async def test_what_does_not_exist_and_what_is_not_done_there_are_json_too(api, owner):
    status, body = await api.get(owner, "/nothing")
    assert (status, body["error"]["code"]) == (404, "not_found")
    status, body = await api.call("DELETE", owner, "/conversations")
    assert (status, body["error"]["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer x", "Basic abc", "Bearer bj_wrong", "bj_wrong"])
async def test_no_token_or_a_wrong_one_is_401_everywhere(api, header):
    headers = {"Authorization": header} if header else {}
    for row in ROUTES:
        if row.path == DOCUMENT:
            continue
        path = row.path.format(**dict.fromkeys(("conversation", "contact", "message", "media"), "f" * 24))
        answer = await api.client.request(row.method, path, headers=headers)
        assert answer.status == 401, row.path
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert (await answer.json())["error"]["code"]


async def test_a_revoked_token_and_a_deactivated_agent_are_401_at_once(api, store, owner):
    assert (await api.get(owner, "/teams"))[0] == 200
    await store["agents"].update_one({"_id": owner.id}, {"$set": {"active": False}})
    assert (await api.get(owner, "/teams"))[0] == 401
    await store["agents"].update_one({"_id": owner.id}, {"$set": {"active": True}})
    await store["tokens"].delete_many({})
    assert (await api.get(owner, "/teams"))[0] == 401
