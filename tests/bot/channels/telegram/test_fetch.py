import traceback

import pytest

from bot.channels.contract import FetchProblem, MediaRef
from tests.bot.channels.telegram.conftest import TOKEN
from tests.contracts.cases.telegram import refusal, result
from tests.contracts.platform import DROP, Answer

FILE = {"file_id": "F1", "file_unique_id": "U1", "file_path": "voice/file_1.oga"}


async def fetched(channel, account, ref):
    file = await channel.fetch(account, ref)
    return b"".join([chunk async for chunk in file.chunks])


async def test_a_file_over_20_mb_is_not_even_asked_for(channel, account, platform):
    with pytest.raises(FetchProblem) as caught:
        await channel.fetch(account, MediaRef(id="F1", size=20 * 2**20 + 1))
    assert caught.value.final
    assert platform.asked == []


@pytest.mark.parametrize(
    ("answer", "final"),
    [
        (refusal(400, "Bad Request: file is too big"), True),
        (refusal(400, "Bad Request: wrong file_id or the file is temporarily unavailable"), False),
        (refusal(401, "Unauthorized"), False),
        (refusal(500, "Internal Server Error"), False),
        (DROP, False),
        (result({"file_id": "F1", "file_unique_id": "U1"}), True),
        (result({**FILE, "file_path": "/var/lib/telegram/file"}), True),
        (result({**FILE, "file_path": "../../getUpdates"}), True),
    ],
    ids=["too big", "unavailable", "revoked", "500", "dropped", "no path", "local path", "other path"],
)
async def test_a_file_telegram_does_not_name_says_whether_to_try_again(channel, account, platform, answer, final):
    platform.answer("/getFile", answer)
    with pytest.raises(FetchProblem) as caught:
        await channel.fetch(account, MediaRef(id="F1"))
    assert caught.value.final is final


@pytest.mark.parametrize(
    "answer",
    [Answer(b"", 500), Answer(b"", 302, {"Location": "http://127.0.0.1:9/"}), DROP],
    ids=["500", "redirect", "dropped"],
)
async def test_a_failed_download_never_shows_the_token(channel, account, platform, answer):
    platform.answer("/getFile", result(FILE))
    platform.answer("/voice/file_1.oga", answer)
    with pytest.raises(FetchProblem) as caught:
        await fetched(channel, account, MediaRef(id="F1"))
    assert not caught.value.final
    assert TOKEN not in "".join(traceback.format_exception(caught.value))


async def test_the_type_is_the_messages_own(channel, account, platform):
    platform.answer("/getFile", result(FILE))
    platform.answer("/voice/file_1.oga", Answer(b"opus", headers={"Content-Type": "application/octet-stream"}))
    file = await channel.fetch(account, MediaRef(id="F1", mime="audio/ogg"))
    assert (file.mime, file.size) == ("audio/ogg", 4)
    assert b"".join([chunk async for chunk in file.chunks]) == b"opus"
    assert platform.asked[1].path == f"/file/bot{TOKEN}/voice/file_1.oga"
