"""Files in and out: streamed, of a size and type that were looked at, shown only where nothing in them can run."""

import aiohttp
import pytest

from bot.ids import new_id
from bot.records.media import MOST_BYTES
from inbox.api.files import disposition
from tests.inbox.api.test_erasure import JPEG
from tests.inbox.builders import a_conversation, an_agent


def a_form(body, *, name="a.jpg", mime="image/jpeg", **fields):
    form = aiohttp.FormData()
    form.add_field("file", body, filename=name, content_type=mime)
    for key, value in fields.items():
        form.add_field(key, value)
    return form


async def upload(api, agent, body=None, **more):
    headers = more.pop("headers", {})
    form = a_form(JPEG.read_bytes() if body is None else body, **more)
    return await api.call("POST", agent, "/uploads", data=form, headers=headers)


async def test_a_picture_is_uploaded_sent_and_read_back(api, owner, ana):
    status, file = await upload(api, owner)
    assert (status, file["type"], file["name"], file["mime"]) == (201, "image", "a.jpg", "image/jpeg")
    path = f"/conversations/{ana['conversation']}/messages"
    status, message = await api.post(owner, path, {"media": file["id"], "text": "Here"})
    assert (status, message["type"], message["text"]) == (202, "image", "Here")
    (shown,) = message["media"]
    assert (shown["id"], shown["size"], shown["url"]) == (file["id"], JPEG.stat().st_size, file["url"])
    luis = await an_agent(api.house.db, "Luis")
    answer = await api.ask("GET", luis, shown["url"].removeprefix("/api/v1"))
    assert (answer.status, await answer.read()) == (200, JPEG.read_bytes())
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Disposition"].startswith("inline;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox;")
    thumb = await api.ask("GET", luis, f"/media/{file['id']}/thumb")
    assert (thumb.status, thumb.headers["Content-Type"]) == (200, "image/webp")


async def test_an_upload_is_its_owners_until_it_is_sent(api, store, owner):
    _, file = await upload(api, owner)
    luis = await an_agent(store, "Luis")
    assert (await api.ask("GET", luis, f"/media/{file['id']}")).status == 404
    assert (await api.ask("GET", owner, f"/media/{file['id']}")).status == 200


async def test_a_file_hangs_in_its_conversation_and_is_seen_by_those_who_see_that(api, store, owner):
    _, file = await upload(api, owner)
    row = await a_conversation(store)
    await store["media"].update_one({"_id": file["id"]}, {"$set": {"owner": None, "conversation": row["_id"]}})
    luis = await an_agent(store, "Luis", sees="own")
    assert (await api.ask("GET", owner, f"/media/{file['id']}")).status == 200
    assert (await api.ask("GET", luis, f"/media/{file['id']}")).status == 404


@pytest.mark.parametrize("method", ["GET", "thumb"])
async def test_without_a_token_there_is_no_file(api, owner, method):
    _, file = await upload(api, owner)
    path = f"/media/{file['id']}" + ("/thumb" if method == "thumb" else "")
    assert (await api.ask("GET", None, path)).status == 401


@pytest.mark.parametrize(
    ("asked", "status", "part", "told"),
    [
        ("bytes=0-3", 206, slice(0, 4), "bytes 0-3/{}"),
        ("bytes=5-", 206, slice(5, None), "bytes 5-{last}/{}"),
        ("bytes=-4", 206, slice(-4, None), "bytes {tail}-{last}/{}"),
        ("bytes=2-999999", 206, slice(2, None), "bytes 2-{last}/{}"),
        ("bytes=999999-", 416, None, "bytes */{}"),
        ("bytes=0-1,4-5", 200, slice(None), None),
        ("lines=1-2", 200, slice(None), None),
    ],
)
async def test_parts_of_a_file(api, owner, asked, status, part, told):
    _, file = await upload(api, owner)
    whole = JPEG.read_bytes()
    answer = await api.ask("GET", owner, f"/media/{file['id']}", headers={"Range": asked})
    assert answer.status == status
    if part is not None:
        assert await answer.read() == whole[part]
    size = len(whole)
    expected = told.format(size, last=size - 1, tail=size - 4) if told else None
    assert answer.headers.get("Content-Range") == expected


async def test_a_browser_that_has_it_already_is_told_so(api, owner):
    _, file = await upload(api, owner)
    first = await api.ask("GET", owner, f"/media/{file['id']}")
    again = await api.ask("GET", owner, f"/media/{file['id']}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")


@pytest.mark.parametrize(
    ("body", "name", "mime"),
    [
        (b"<html><script>alert(1)</script>", "a.html", "text/html"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "a.svg", "image/svg+xml"),
        (b"<html><script>alert(1)</script>", "a.jpg", "image/jpeg"),
        (b"%PDF-1.7 ...", "a.pdf", "application/pdf"),
        (b"plain words", "a.txt", "text/plain"),
    ],
)
async def test_what_could_run_in_a_browser_is_a_download(api, owner, body, name, mime):
    _, file = await upload(api, owner, body, name=name, mime=mime)
    assert file["type"] == "document"
    answer = await api.ask("GET", owner, f"/media/{file['id']}")
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["Content-Security-Policy"].startswith("sandbox;")
    assert not answer.headers["Content-Type"].startswith("image/")


async def test_a_name_with_slashes_quotes_and_line_ends_stays_a_name(api, owner):
    name = "UTF-8''..%2F..%2Fetc%2Fpass%22wd%0D%0AX%3A%201%3B%C3%A9%E2%80%AE.txt"
    part = f"--b\r\nContent-Disposition: form-data; name=file; filename*={name}\r\n\r\nwords\r\n--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    status, file = await api.call("POST", owner, "/uploads", data=part.encode(), headers=headers)
    assert (status, file["name"]) == (201, 'pass"wdX: 1;é.txt')
    answer = await api.ask("GET", owner, f"/media/{file['id']}")
    assert answer.status == 200
    assert "X" not in answer.headers
    told = answer.headers["Content-Disposition"]
    assert told.startswith("attachment; filename*=UTF-8''")
    assert '"' not in told


def test_a_download_is_one_even_of_a_picture():
    record = {"mime": "image/png", "name": "ñ.png", "kind": "image"}
    assert disposition(record).startswith("inline;")
    assert disposition(record | {"kind": "document"}).startswith("attachment;")
    assert disposition(record, download=True) == "attachment; filename*=UTF-8''%C3%B1.png"


@pytest.mark.parametrize(("state", "code"), [("wanted", "media_not_ready"), ("failed", "media_failed")])
async def test_a_file_that_is_not_here_says_why(api, store, owner, state, code):
    record = {"_id": new_id(), "owner": owner.id, "state": state, "kind": "image", "mime": "", "name": "", "size": None}
    await store["media"].insert_one(record)
    status, body = await api.get(owner, f"/media/{record['_id']}")
    assert (status, body["error"]["code"]) == (404, code)


async def test_a_form_without_a_file_and_a_body_that_is_no_form_are_refused(api, owner):
    form = aiohttp.FormData({"kind": "voice"}, default_to_multipart=True)
    status, body = await api.call("POST", owner, "/uploads", data=form)
    assert (status, body["error"]["field"]) == (400, "file")
    status, body = await api.post(owner, "/uploads", {"file": "x"})
    assert (status, body["error"]["field"]) == (400, "file")
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    status, body = await api.call("POST", owner, "/uploads", data=b"not a form", headers=headers)
    assert status == 400


async def test_an_empty_file_and_a_recording_without_sound_are_refused(api, store, owner):
    status, body = await upload(api, owner, b"")
    assert (status, body["error"]["code"]) == (422, "file_empty")
    status, body = await upload(api, owner, kind="voice")
    assert (status, body["error"]["code"]) == (422, "voice_unreadable")
    status, body = await upload(api, owner, kind="movie")
    assert (status, body["error"]["field"]) == (400, "kind")
    assert await store["media"].count_documents({}) == 0


async def test_too_large_is_said_before_it_is_read(api, store, owner):
    async def endless():
        while True:
            yield b"\0" * 1_000_000

    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(MOST_BYTES * 2)}
    answer = await api.ask("POST", owner, "/uploads", data=endless(), headers=headers)
    assert answer.status == 413
    assert (await answer.json())["error"]["code"] == "too_large"


async def test_too_large_is_noticed_though_nobody_announced_it(api, store, owner):
    form = aiohttp.FormData()
    form.add_field("file", _more_than_allowed(), filename="big.bin", content_type="application/octet-stream")
    answer = await api.ask("POST", owner, "/uploads", data=form)
    assert answer.status == 413
    assert await store["files.files"].count_documents({}) == 0


async def _more_than_allowed():
    for _ in range(MOST_BYTES // 1_000_000 + 2):
        yield b"\0" * 1_000_000
