"""How Meta's Graph API is asked, and how its answers are told apart."""

import pytest

from bot.channels.contract import Account, FetchProblem
from bot.channels.meta_graph import Graph, GraphError, NoAnswer, Unreached, is_metas
from tests.contracts.platform import DROP, HANG, Answer

TOKEN = "EAAG-a-secret-token"


@pytest.fixture
def graph(session):
    return Graph(session, patience=0.5)


@pytest.fixture
def account(platform):
    return an_account(platform.url)


def an_account(url):
    return Account("a" * 24, "whatsapp", "1", "2", f"{url}/v26.0", {"access_token": f" {TOKEN}\n"})


async def test_the_token_travels_in_the_header_and_never_in_the_address(graph, account, platform):
    platform.answer("/v26.0/1", Answer({"id": "1"}))
    assert await graph.get(account, "1", fields="id") == {"id": "1"}
    [asked] = platform.asked
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked.query == {"fields": "id"}


async def test_an_error_is_read_with_code_words_and_trace_but_without_the_token(graph, account, platform):
    error = {
        "message": f"Malformed access token {TOKEN}",
        "code": 190,
        "error_subcode": 463,
        "fbtrace_id": "Atrace",
    }
    platform.answer("/1", Answer({"error": error}, 401))
    with pytest.raises(GraphError) as caught:
        await graph.get(account, "1")
    assert (caught.value.name, caught.value.status) == ("190/463", 401)
    assert caught.value.detail == "Malformed access token … [Atrace]"


async def test_code_zero_and_an_error_in_a_200_are_errors(graph, account, platform):
    platform.answer("/1", Answer({"error": {"code": 0, "message": "auth"}}))
    with pytest.raises(GraphError) as caught:
        await graph.get(account, "1")
    assert caught.value.name == "0"


@pytest.mark.parametrize(
    "answer", [HANG, DROP, Answer(b"<html>bad gateway", 502), Answer(b"", 500), Answer(b"[]"), Answer(b"x" * 9_000_000)]
)
async def test_no_usable_answer_is_no_answer(graph, account, platform, answer):
    platform.answer("/1", answer)
    with pytest.raises(NoAnswer):
        await graph.post(account, "1", {})


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://nowhere.invalid", "http://[broken"])
async def test_what_never_left_is_told_apart(graph, url):
    with pytest.raises(Unreached):
        await graph.post(an_account(url), "1", {})


async def test_a_refused_certificate_means_that_nothing_left(graph, platform):
    with pytest.raises(Unreached):
        await graph.post(an_account(platform.url.replace("http:", "https:")), "1", {})


async def test_a_redirect_is_not_followed_with_the_body(graph, account, platform):
    platform.answer("/1", Answer(b"", 302, {"Location": "/elsewhere"}))
    with pytest.raises(GraphError) as caught:
        await graph.post(account, "1", {})
    assert caught.value.name == "http_302"
    assert len(platform.asked) == 1


async def test_an_upload_announces_its_length_and_arrives_whole(graph, account, platform, a_file):
    platform.answer("/media", Answer({"id": "9"}))
    file = a_file('fac"tura\r\n ñ.pdf', "application/pdf", bytes(range(256)) * 50)
    assert await graph.upload(account, "1/media", {"type": "application/pdf"}, "file", file) == {"id": "9"}
    [asked] = platform.asked
    assert asked.headers["Content-Length"] == str(len(asked.body))
    assert "Transfer-Encoding" not in asked.headers
    assert file.content in asked.body
    assert 'filename="fac_tura__ ñ.pdf"'.encode() in asked.body


async def test_a_list_is_read_page_after_page(graph, account, platform):
    more = {"cursors": {"after": "A"}, "next": "https://graph.facebook.com/…"}
    pages = [Answer({"data": [{"id": 1}], "paging": more}), Answer({"data": [{"id": 2}], "paging": {"cursors": more}})]
    platform.answer("/list", *pages)
    assert [item["id"] async for item in graph.pages(account, "list", limit="1")] == [1, 2]
    assert [asked.query for asked in platform.asked] == [{"limit": "1"}, {"limit": "1", "after": "A"}]


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "is_ours"),
    [
        ("https://lookaside.fbsbx.com/x", True),
        ("https://scontent.xx.fbcdn.net/v/a.jpg", True),
        ("http://lookaside.fbsbx.com/x", False),
        ("https://fbsbx.com.evil.example/x", False),
        ("https://evilfbcdn.net/x", False),
        ("https://lookaside.fbsbx.com@evil.example/x", False),
        ("http://127.0.0.1:8090/files/1", True),
        ("http://127.0.0.1:8091/files/1", False),
        ("file:///etc/passwd", False),
        ("", False),
        ("https://[", False),
    ],
)
def test_only_metas_hosts_and_the_accounts_own_are_asked_for_files(url, is_ours):
    assert is_metas(url, "http://127.0.0.1:8090/v26.0") == is_ours


async def fetched(graph, account, url, *, limit=1000, authorised=True):
    found = await graph.download(account, url, authorised=authorised, limit=limit)
    return b"".join([chunk async for chunk in found.chunks])


async def test_a_redirect_to_a_foreign_host_is_not_followed(graph, account, platform):
    platform.answer("/file", Answer(b"", 302, {"Location": "http://localhost:1/stolen"}))
    with pytest.raises(FetchProblem) as caught:
        await fetched(graph, account, f"{platform.url}/file")
    assert caught.value.code == "foreign_host"


async def test_a_redirect_at_home_is_followed_with_the_token(graph, account, platform):
    platform.answer("/file", Answer(b"", 302, {"Location": "/there"}))
    platform.answer("/there", Answer(b"content"))
    assert await fetched(graph, account, f"{platform.url}/file") == b"content"
    assert platform.asked[-1].headers["Authorization"] == f"Bearer {TOKEN}"


async def test_a_file_that_only_moves_is_given_up(graph, account, platform):
    platform.answer("/file", Answer(b"", 302, {"Location": "/file"}))
    with pytest.raises(FetchProblem) as caught:
        await fetched(graph, account, f"{platform.url}/file")
    assert caught.value.code == "redirects"


async def test_without_need_no_token_is_shown(graph, account, platform):
    platform.answer("/file", Answer(b"content"))
    await fetched(graph, account, f"{platform.url}/file", authorised=False)
    assert "Authorization" not in platform.asked[0].headers


async def test_a_file_over_the_limit_is_cut_off(graph, account, platform):
    platform.answer("/file", Answer(b"x" * 1001))
    with pytest.raises(FetchProblem) as caught:
        await fetched(graph, account, f"{platform.url}/file")
    assert (caught.value.code, caught.value.final) == ("too_large", True)


async def test_a_file_that_breaks_off_can_be_tried_again(graph, account, platform):
    platform.answer("/file", DROP)
    with pytest.raises(FetchProblem) as caught:
        await fetched(graph, account, f"{platform.url}/file")
    assert not caught.value.final
