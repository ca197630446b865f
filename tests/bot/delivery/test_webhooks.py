"""A platform is let in by its proof alone, and hears 200 only when what it told is durable."""

import io
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pymongo import AsyncMongoClient

from bot.clock import SystemClock
from bot.config import Data, MongoDB, Settings
from bot.delivery.journal import Journal
from bot.delivery.webhooks import MOST_BYTES, Disk, Webhooks
from bot.records.accounts import Accounts, Connection
from bot.store.database import Database
from bot.store.lease import Leases
from bot.store.secrets import Vault
from tests.clocks import StillClock
from tests.plain import NUMBER, SECRET, PlainChannel, body, sign, text

CLOCK = SystemClock()
HELLO = body(text("hola"))


@pytest.fixture
async def accounts(store):
    accounts = Accounts(store, Vault(bytes(32)))
    for number, secret in ((NUMBER, SECRET), ("n2", "another secret")):
        secrets = {"app_secret": secret, "verify_token": f"token of {number}"}
        connection = Connection("plain", number, scope="W1", name=number, team="t", secrets=secrets)
        await accounts.connect(connection, now=CLOCK.now())
    return accounts


def a_journal(db, accounts, channels) -> Journal:
    async def nobody(arrivals) -> None: ...

    return Journal(db, Leases(db, CLOCK), accounts, channels, nobody, CLOCK)


async def serve(db, accounts, settings) -> TestClient:
    channels: Any = {"plain": PlainChannel()}
    app = web.Application()
    Webhooks(a_journal(db, accounts, channels), accounts, channels, settings, CLOCK).add_routes(app)
    client = TestClient(TestServer(app))
    await client.start_server()
    return client


@pytest.fixture
async def client(store, accounts):
    client = await serve(store, accounts, Settings(mongodb=MongoDB(uri="mongodb://elsewhere")))
    yield client
    await client.close()


async def post(client, raw: bytes, *, path: str = "/hooks/plain", headers=None) -> int:
    async with client.post(path, data=io.BytesIO(raw), headers=sign(raw) if headers is None else headers) as response:
        return response.status


async def bodies(store) -> list[bytes]:
    return [bytes(one["body"]) async for one in store["journal"].find()]


async def test_a_signed_body_is_kept_as_it_came(store, client):
    raw = b'{"object":"plain", "facts":[], "caf\\u00e9":1}'
    assert await post(client, raw) == 200
    assert await bodies(store) == [raw]
    [entry] = await store["journal"].find().to_list()
    assert (entry["channel"], entry["account"], entry["state"]) == ("plain", None, "new")


async def test_the_secret_of_any_connected_account_of_the_kind_will_do(store, client):
    assert await post(client, HELLO, headers=sign(HELLO, "another secret")) == 200


@pytest.mark.parametrize("headers", [{}, {"X-Plain": ""}, {"X-Plain": "sha256=zz"}, sign(HELLO, "wrong"), sign(b"{}")])
async def test_a_body_without_the_right_proof_is_nobodys(store, client, headers):
    assert await post(client, HELLO, headers=headers) == 403
    assert await bodies(store) == []


async def test_an_account_that_is_switched_off_proves_nothing(store, client, accounts):
    await accounts.change(accounts.find_external("plain", NUMBER).id, {"state": "off"})
    assert await post(client, HELLO) == 403


@pytest.mark.parametrize("raw", [b"", b"hola", b"[]", b'{"object":"page"}', b'{"object":', b'"plain"'])
async def test_what_is_no_envelope_of_the_platform_is_refused(store, client, raw):
    assert await post(client, raw) == 400
    assert await bodies(store) == []


async def test_a_large_body_is_taken_and_a_larger_one_is_not(store, client):
    padding = MOST_BYTES - len(body(text("", id="1")))
    assert await post(client, body(text("x" * padding, id="1"))) == 200
    assert await post(client, body(text("x" * (padding + 1), id="1"))) == 413
    assert await store["journal"].count_documents({}) == 1


async def test_a_larger_body_that_does_not_say_so_is_not_taken_either(store, client):
    raw = body(text("x" * MOST_BYTES, id="1"))

    async def pieces():
        for start in range(0, len(raw), 2**16):
            yield raw[start : start + 2**16]

    try:
        async with client.post("/hooks/plain", data=pieces(), headers=sign(raw)) as response:
            assert response.status == 413
    except ConnectionError:
        pass
    assert await bodies(store) == []


async def test_a_body_for_nobody_is_kept_all_the_same(store, client):
    assert await post(client, body(text("hola", account="n9"))) == 200
    assert len(await bodies(store)) == 1


async def test_an_address_of_its_own_takes_that_accounts_proof_only(store, client, accounts):
    own = accounts.find_external("plain", "n2")
    path = f"/hooks/plain/{own.hook_key}"
    assert await post(client, HELLO, path=path, headers=sign(HELLO, "another secret")) == 200
    assert await post(client, HELLO, path=path) == 403
    assert await post(client, HELLO, path="/hooks/plain/guessed") == 403
    [entry] = await store["journal"].find().to_list()
    assert entry["account"] == own.id


async def test_a_channel_that_nobody_connected_lets_nobody_in(client):
    assert await post(client, HELLO, path="/hooks/telegram") == 403
    assert await post(client, HELLO, path="/hooks/nonsense/x") == 403


async def test_the_handshake_answers_the_challenge_to_any_accounts_token(client):
    for token, status in ((f"token of {NUMBER}", 200), ("token of n2", 200), ("guess", 403)):
        async with client.get("/hooks/plain", params={"token": token, "challenge": "1234"}) as response:
            assert response.status == status
            if status == 200:
                assert await response.text() == "1234"
                assert response.content_type == "text/plain"


# --- when it cannot be kept -------------------------------------------------------------------------------------------


@pytest.fixture
async def away():
    """A database whose server is gone."""
    client: AsyncMongoClient[Any] = AsyncMongoClient("mongodb://127.0.0.1:1", serverSelectionTimeoutMS=30_000)
    yield Database(client, "nowhere")
    await client.close()


async def test_a_database_that_is_away_is_said_in_time_for_the_platform_to_come_back(away, accounts):
    client = await serve(away, accounts, Settings(mongodb=MongoDB(uri="mongodb://elsewhere")))
    began = CLOCK.monotonic()
    async with client.post("/hooks/plain", data=HELLO, headers=sign(HELLO)) as response:
        assert response.status == 503
        assert int(response.headers["Retry-After"]) > 0
    assert 3.5 < CLOCK.monotonic() - began < 4.8
    async with client.get("/ready") as response:
        assert response.status == 503
    async with client.get("/health") as response:
        assert response.status == 200
    await client.close()


async def test_alive_and_ready(client):
    for path in ("/health", "/ready"):
        async with client.get(path) as response:
            assert response.status == 200


@pytest.fixture
def small_disk():
    """A folder on a file system in memory."""
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


def free_mb(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize // 2**20


async def test_a_disk_below_its_reserve_takes_nothing_until_there_is_room(store, accounts, small_disk):
    reserve = Data(directory=small_disk, reserve_mb=free_mb(small_disk) - 12)
    client = await serve(store, accounts, Settings(data=reserve))
    assert await post(client, HELLO) == 200
    (small_disk / "large").write_bytes(bytes(30 * 2**20))
    await eventually(client, 503)
    async with client.get("/ready") as response:
        assert response.status == 503
    (small_disk / "large").unlink()
    await eventually(client, 200)
    await client.close()


async def eventually(client, status: int) -> None:
    """Within the time in which the disk is looked at again."""
    began = CLOCK.monotonic()
    while await post(client, HELLO) != status:
        assert CLOCK.monotonic() - began < 3, f"never {status}"


async def test_the_disk_is_looked_at_once_a_second(small_disk):
    clock = StillClock()
    disk = Disk(small_disk, free_mb(small_disk) - 12, clock)
    assert disk.has_room()
    (small_disk / "large").write_bytes(bytes(30 * 2**20))
    assert disk.has_room()
    await clock.pass_by(seconds=1.1)
    assert not disk.has_room()
