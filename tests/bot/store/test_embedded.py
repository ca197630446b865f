import asyncio
import os
import signal
import stat
import struct
import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure

from bot.errors import Unavailable
from bot.store import mongod
from bot.store.database import Database
from bot.store.embedded import running
from bot.store.flock import is_locked
from tests.waiting import wait_for


def is_running(directory: Path) -> bool:
    return is_locked(directory / "mongodb" / "db" / "mongod.lock")


def process_id(directory: Path) -> int:
    return int((directory / "mongodb" / "db" / "mongod.lock").read_text() or 0)


def client(uri: str) -> AsyncMongoClient[dict[str, Any]]:
    return AsyncMongoClient(uri, timeoutMS=20_000, tz_aware=True)


async def stranger_to(server: Database) -> AsyncMongoClient[dict[str, Any]]:
    host, port = await server.client.address or ("", 0)
    return AsyncMongoClient(host, port, directConnection=True)


class Companion:
    """Another Bandeja process, in its own process group as a terminal would start it."""

    def __init__(self, process: asyncio.subprocess.Process, uri: str) -> None:
        self.process, self.uri = process, uri

    async def leave(self) -> None:
        await self.process.communicate(b"")
        assert self.process.returncode == 0

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()


@pytest.fixture
async def companion():
    """`await companion(directory)`: another Bandeja process that uses the database there."""
    processes = []

    async def start(directory: Path) -> Companion:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bot.store.companion", str(directory),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        processes.append(process)
        assert process.stdout is not None
        return Companion(process, (await process.stdout.readline()).decode().strip())

    yield start
    for process in processes:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@pytest.fixture
def directory(tmp_path):
    """A data directory whose mongod does not outlive the test."""
    yield tmp_path
    if is_running(tmp_path):
        os.kill(process_id(tmp_path), signal.SIGKILL)


async def test_last_to_leave_stops_what_another_started(directory, companion):
    first = await companion(directory)
    began = process_id(directory)
    async with running(directory, cache_gb=0.25) as uri:
        assert uri == first.uri
        assert process_id(directory) == began
        await first.leave()
        assert is_running(directory)
    assert not is_running(directory)


async def test_two_that_come_at_once_start_one(directory, companion):
    first, second = await asyncio.gather(companion(directory), companion(directory))
    assert first.uri == second.uri
    await asyncio.gather(first.leave(), second.leave())
    assert not is_running(directory)


async def test_data_stays_and_is_found_again(directory):
    async with running(directory, cache_gb=0.25) as uri, client(uri) as mongo:
        await mongo.kept.things.insert_one({"_id": 1})
    async with running(directory, cache_gb=0.25) as again, client(again) as mongo:
        assert again == uri
        assert await mongo.kept.things.distinct("_id") == [1]


async def test_database_of_a_killed_bandeja_is_found_and_stopped_by_the_next(directory, companion):
    first = await companion(directory)
    began = process_id(directory)
    await first.kill()
    assert is_running(directory)
    async with running(directory, cache_gb=0.25) as uri:
        assert uri == first.uri
        assert process_id(directory) == began
    assert not is_running(directory)


async def test_killed_database_comes_back_and_keeps_what_it_acknowledged(directory, companion):
    await companion(directory)
    async with running(directory, cache_gb=0.25) as uri, client(uri) as mongo:
        things = mongo.kept.get_collection("things")
        began = process_id(directory)
        await things.insert_one({"_id": 1})
        os.kill(began, signal.SIGKILL)
        await things.insert_one({"_id": 2})
        assert await things.distinct("_id") == [1, 2]
        assert process_id(directory) != began


async def test_ctrl_c_in_the_terminal_does_not_reach_it(directory, companion):
    first = await companion(directory)
    began = process_id(directory)
    async with running(directory, cache_gb=0.25) as uri, client(uri) as mongo:
        os.killpg(first.process.pid, signal.SIGINT)
        await first.process.wait()
        await mongo.admin.command("ping")
        assert process_id(directory) == began


async def test_interrupted_user_still_stops_what_it_alone_used(directory, companion):
    first = await companion(directory)
    first.process.send_signal(signal.SIGINT)
    await first.process.wait()
    assert not is_running(directory)


async def test_a_port_taken_meanwhile_is_left_to_the_stranger(directory):
    async with running(directory, cache_gb=0.25) as uri, client(uri) as mongo:
        await mongo.kept.things.insert_one({"_id": 1})
    port = int((directory / "mongodb" / "port").read_text())
    stranger = await wait_for(lambda: a_stranger(port))
    async with stranger, running(directory, cache_gb=0.25) as elsewhere, client(elsewhere) as mongo:
        assert elsewhere != uri
        assert await mongo.kept.things.distinct("_id") == [1]


async def a_stranger(port: int) -> asyncio.Server | None:
    """Somebody who hangs up; None while the port is not free yet."""
    try:
        return await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)
    except OSError:
        return None


async def test_only_the_owner_reads_its_secrets(directory):
    async with running(directory, cache_gb=0.25):
        folder = directory / "mongodb"
        for name in ("key", "password", "port", "mongod.log", "gate"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name
        for name in (".", "db", "users"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o700, name


async def test_nobody_reads_or_writes_without_the_password(server):
    async with await stranger_to(server) as stranger:
        with pytest.raises(OperationFailure, match="requires authentication"):
            await stranger.kept.things.insert_one({})
        with pytest.raises(OperationFailure, match="requires authentication"):
            await stranger.admin.command("createUser", "me", pwd="x", roles=["root"])


async def test_it_listens_on_loopback_with_journal_and_without_compression(server):
    options = (await server.client.admin.command("getCmdLineOpts"))["parsed"]
    assert options["net"]["bindIp"] == "127.0.0.1"
    assert options["net"]["unixDomainSocket"] == {"enabled": False}
    assert options["net"]["compression"] == {"compressors": "disabled"}
    assert options["security"]["authorization"] == "enabled"
    assert "journal" not in options["storage"]
    assert (await server.client.admin.command("serverStatus"))["wiredTiger"]["log"]["log bytes written"] > 0


@pytest.mark.parametrize("compressor", ["zlib", "snappy", "zstd"])
async def test_it_agrees_to_no_compression(server, compressor):
    async with await stranger_to(server) as stranger:
        hello = await stranger.admin.command("hello", compression=[compressor])
    assert "compression" not in hello


async def test_a_compressed_message_before_sign_in_is_not_unpacked(server):
    """CVE-2025-14847: a mongod that unpacks it answers with pieces of its memory."""
    host, port = await server.client.address or ("", 0)
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(_compressed_hello(claims=4096))
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    assert answer == b""


def _compressed_hello(*, claims: int) -> bytes:
    """OP_COMPRESSED around an OP_MSG of a few bytes that claims to be longer (MongoDB wire protocol)."""
    body = struct.pack("<IB", 0, 0) + b"\x05\x00\x00\x00\x00"
    packed = struct.pack("<iib", 2013, claims, 2) + zlib.compress(body)
    return struct.pack("<iiii", 16 + len(packed), 1, 0, 2012) + packed


def test_no_mongod_at_all_is_one_sentence_with_three_ways_out(tmp_path):
    with pytest.raises(Unavailable) as caught:
        mongod.find_programs(tmp_path, places=())
    sentence = str(caught.value)
    for way in ("bandeja[embedded]", "PATH", "[mongodb] uri"):
        assert way in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("#!/bin/sh\necho db version v5.0.32\n", "is older than 6.0"),
        ("\x7fELF of another world", "is built for another kind of machine"),
        ("#!/bin/sh\nkill -ILL $$\n", "needs a processor with AVX"),
        ("#!/bin/sh\necho no luck >&2; exit 3\n", "does not run: no luck"),
    ],
)
def test_a_mongod_that_cannot_run_is_passed_over_and_named(tmp_path, content, reason):
    bad = a_program(tmp_path / "bad", content)
    with pytest.raises(Unavailable, match=f"bad/mongod {reason}"):
        mongod.find_programs(tmp_path, places=[bad])
    good = a_program(tmp_path / "good", "#!/bin/sh\necho db version v7.0.1\n")
    assert [program.path for program in mongod.find_programs(tmp_path, places=[bad, good])] == [good]


def test_missing_libraries_are_borrowed_and_only_then(tmp_path):
    needy = a_program(
        tmp_path / "needy",
        "#!/bin/sh\nfor folder in $(echo $LD_LIBRARY_PATH | tr : ' '); do\n"
        "test -e $folder/libcurl.so.4 && test -e $folder/libssl.so.3 && exec echo db version v6.0.5\ndone\n"
        "echo error while loading shared libraries: libcurl.so.4 >&2; exit 127\n",
    )
    content = a_program(tmp_path / "content", "#!/bin/sh\necho db version v6.0.5\n")
    first, second = mongod.find_programs(tmp_path / "links", places=[needy, content])
    assert first.libraries[0] == tmp_path / "links"
    assert second.libraries == ()


def a_program(folder: Path, content: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "mongod"
    file.write_text(content)
    file.chmod(0o755)
    return file


async def test_files_it_cannot_open_are_refused_with_the_reason_from_its_log(tmp_path):
    folder = tmp_path / "mongodb" / "db"
    folder.mkdir(parents=True)
    (folder / "WiredTiger").write_text("not a database")
    (folder / "WiredTiger.turtle").write_text("not a database")
    with pytest.raises(Unavailable, match=r"did not start \(.*its log is .*mongod.log"):
        async with running(tmp_path, cache_gb=0.25):
            pass
    assert not is_running(tmp_path)


async def test_data_directory_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="The data directory .* cannot be used"):
        async with running(tmp_path / "file" / "data", cache_gb=0.25):
            pass


async def test_a_refusal_is_for_the_caller_and_no_failure_in_the_log(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable):
        async with running(tmp_path / "file", cache_gb=0.25):
            pass
    assert caplog.records == []
