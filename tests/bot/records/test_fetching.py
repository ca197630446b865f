import asyncio
import base64
import hashlib
from datetime import timedelta

import pytest

from bot.channels.contract import FetchProblem
from bot.errors import Conflict
from bot.records import fetching
from bot.records.accounts import Accounts
from bot.records.fetching import Fetching
from bot.store import files
from bot.store.secrets import Vault
from tests.bot.delivery.conftest import CONNECTION
from tests.bot.delivery.scripted import Scripted
from tests.bot.records.sounds import a_picture, a_tone
from tests.waiting import wait_for

GONE = FetchProblem("404", "The platform no longer has this file.", final=True)
AWAY = FetchProblem("500", "The platform did not deliver the file.")


@pytest.fixture
def channel() -> Scripted:
    return Scripted()


@pytest.fixture
async def accounts(store, clock) -> Accounts:
    made = Accounts(store, Vault(bytes(32)))
    await made.connect(CONNECTION, now=clock.now())
    return made


@pytest.fixture
async def fetcher(store, accounts, channel, clock):
    service = Fetching(store, accounts, {"whatsapp": channel}, clock)
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
def wanted(store, accounts, channel, clock, fetcher):
    """A message came in with a file, which the platform will deliver as told."""

    async def add(name: str, *script: bytes | Exception, kind: str = "image", **more) -> None:
        channel.files[name] = list(script)
        ref = {"id": name, "url": "", "mime": more.pop("mime", "image/jpeg"), "sha256": "", "size": None} | more
        file = {"id": name, "type": kind, "name": "", "mime": ref["mime"], "size": None}
        await store["conversations"].insert_one({"_id": f"c-{name}", "contact": "p", "team": "t"})
        await store["messages"].insert_one({"_id": f"m-{name}", "media": [file]})
        await store["media"].insert_one(
            {
                "_id": name, "account": accounts.all()[0].id, "message": f"m-{name}", "conversation": f"c-{name}",
                "direction": "in", "ref": ref, "kind": kind, "name": "", "mime": ref["mime"], "size": None,
                "state": "wanted", "tries": 0, "due_at": clock.now(), "error": None,
            }
        )  # fmt: skip
        fetcher.wake()

    return add


@pytest.fixture
def state(store):
    async def reached(name: str, *states: str) -> dict:
        async def look():
            record = await store["media"].find_one({"_id": name})
            return record if record["state"] in states else None

        return await wait_for(look, seconds=10)

    return reached


async def shown(store, name: str) -> dict:
    return (await store["messages"].find_one({"_id": f"m-{name}"}))["media"][0]


async def test_a_picture_is_there_with_its_preview_and_shown_on_its_message(store, fetcher, wanted, state):
    await wanted("f1", a_picture(320, 200))
    record = await state("f1", "stored")
    assert (record["mime"], record["width"], record["height"]) == ("image/jpeg", 320, 200)
    assert b"".join([piece async for piece in files.read(store, record["file"])]) == a_picture(320, 200)

    async def is_shown():
        return (await shown(store, "f1")).get("state") == "stored"

    await wait_for(is_shown)
    entry = await shown(store, "f1")
    assert (entry["type"], entry["thumb"], entry["width"]) == ("image", True, 320)


async def test_pages_hear_that_a_file_has_come(store, fetcher, wanted):
    await wanted("f1", a_picture())

    async def told():
        items = [item async for nudge in store["nudges"].find() for item in nudge["items"]]
        return [item for item in items if item["what"] == "media"]

    (item,) = await wait_for(told, seconds=10)
    assert (item["conversation"], item["media"], item["message"]) == ("c-f1", "f1", "m-f1")


async def test_a_voice_note_shows_its_length_and_waveform(fetcher, wanted, state):
    await wanted("f1", a_tone("ogg", "libopus", seconds=2), kind="voice", mime="audio/ogg; codecs=opus")
    record = await state("f1", "stored")
    assert (record["kind"], round(record["seconds"])) == ("voice", 2)
    assert record["peaks"]


async def test_a_picture_that_is_not_one_is_kept_as_a_plain_file(store, fetcher, wanted, state):
    await wanted("f1", b"<html>not a picture</html>")
    record = await state("f1", "stored")
    assert (record["kind"], record["mime"]) == ("document", "text/html")


async def test_one_bad_file_holds_up_no_other(fetcher, wanted, state):
    for number in range(8):
        await wanted(f"bad{number}", AWAY)
    await wanted("good", a_picture())
    await state("good", "stored")


async def test_a_failed_fetch_is_tried_again_and_says_so_meanwhile(store, fetcher, wanted, state, clock):
    def given_up(times: int):
        async def look():
            record = await store["media"].find_one({"_id": "f1"})
            return record["state"] == "wanted" and record["tries"] == times

        return look

    await wanted("f1", AWAY, ConnectionError("broken in the middle"), a_picture())
    for times in (1, 2):
        await wait_for(given_up(times))
        await clock.pass_by(seconds=15)
        fetcher.wake()
    record = await state("f1", "stored")
    assert (record["tries"], record["error"]) == (3, None)


async def test_a_file_that_is_gone_for_good_is_given_up_in_words(store, fetcher, wanted, state):
    await wanted("f1", GONE)
    record = await state("f1", "failed")
    assert record["error"] == {"code": "404", "message": "The platform no longer has this file."}

    async def is_shown():
        return (await shown(store, "f1"))["error"] == record["error"]

    await wait_for(is_shown)


async def test_somebody_may_ask_for_it_once_more(store, fetcher, wanted, state, clock):
    await wanted("f1", GONE, a_picture())
    await state("f1", "failed")
    await fetching.retry(store, "f1", now=clock.now())
    await state("f1", "stored")
    with pytest.raises(Conflict):
        await fetching.retry(store, "f1", now=clock.now())


async def test_trouble_that_lasts_a_day_is_given_up(store, fetcher, wanted, state, clock):
    await wanted("f1", AWAY)
    await store["media"].update_one({"_id": "f1"}, {"$set": {"tries": len(fetching.PAUSES)}})
    await state("f1", "failed")


@pytest.mark.parametrize("write", [lambda digest: digest.hex(), lambda digest: base64.b64encode(digest).decode()])
async def test_a_file_that_did_not_arrive_whole_is_not_kept(fetcher, wanted, state, write):
    whole = a_picture()
    digest = hashlib.sha256(whole).digest()
    await wanted("cut", whole[:100], sha256=write(digest))
    await wanted("whole", whole, sha256=write(digest))
    await state("whole", "stored")
    record = await state("cut", "wanted")
    assert record["error"]["code"] == "damaged"


async def test_a_file_larger_than_we_keep_is_given_up(fetcher, wanted, state):
    await wanted("f1", bytes(101 * 1024 * 1024))
    record = await state("f1", "failed")
    assert record["error"]["code"] == "too_large"


async def test_a_fetch_that_died_is_taken_over(store, fetcher, wanted, state, clock):
    await wanted("f1", a_picture())
    dead = {"state": "fetching", "claim": "somebody dead", "due_at": clock.now() + fetching.LEASE}
    await store["media"].update_one({"_id": "f1"}, {"$set": dead})
    await clock.pass_by(seconds=9)
    fetcher.wake()
    await state("f1", "stored")


async def test_two_processes_fetch_each_file_once(store, accounts, channel, fetcher, wanted, state, clock):
    other = Fetching(store, accounts, {"whatsapp": channel}, clock)
    await other.start()
    for number in range(12):
        await wanted(f"f{number}", a_picture())
    await asyncio.gather(*(state(f"f{number}", "stored") for number in range(12)))
    await other.stop()
    assert {record["tries"] async for record in store["media"].find()} == {1}


async def test_whoever_wakes_too_late_changes_nothing(store, fetcher, wanted, state, clock, channel):
    """It was frozen while it fetched; another one has the file by now."""
    release = asyncio.Event()
    slow = channel.fetch

    async def frozen(account, ref):
        channel.fetch = slow
        await release.wait()
        return await slow(account, ref)

    channel.fetch = frozen
    await wanted("f1", GONE)
    await state("f1", "fetching")
    done = {"state": "stored", "claim": "somebody else", "due_at": clock.now() - timedelta(hours=1)}
    await store["media"].update_one({"_id": "f1"}, {"$set": done})
    release.set()
    await wanted("f2", a_picture())
    await state("f2", "stored")
    assert (await store["media"].find_one({"_id": "f1"}))["state"] == "stored"
