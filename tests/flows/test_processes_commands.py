"""Commands beside a running server and without one, two servers on the same data, backups and their way back."""

import asyncio
import json
import os
import re
import signal
import stat
import tarfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.config import Data, Settings
from bot.sandbox.server import Sandbox, instant_config
from bot.sandbox.world.acts import Act, Picture
from bot.store.database import open_database
from bot.store.flock import is_locked
from tests.flows.posting import poster, text_of
from tests.flows.programs import Place, Program, Result
from tests.office import PASSWORD
from tests.waiting import wait_for

EMAIL = "marta@sol.example"


def mongod_of(data: Path) -> int:
    return int((data / "mongodb" / "db" / "mongod.lock").read_text() or 0)


def is_running(data: Path) -> bool:
    return is_locked(data / "mongodb" / "db" / "mongod.lock")


def leave_nothing_running(data: Path) -> None:
    if is_running(data):
        os.kill(mongod_of(data), signal.SIGKILL)


def a_place(folder: Path) -> Place:
    (folder / "run").mkdir()
    env = {"BANDEJA_DATA__DIRECTORY": str(folder / "data"), "BANDEJA_SANDBOX__PORT": "0"}
    return Place(folder / "run", env | {"BANDEJA_DATA__RESERVE_MB": "1"})


class Shop:
    """A server, set up by commands that ran beside it."""

    def __init__(self, folder: Path, place: Place, http: aiohttp.ClientSession) -> None:
        self.folder, self.place, self.http = folder, place, http
        self.data = folder / "data"
        self.server = Program(place, "serve1")
        self.results: dict[str, Result] = {}
        self.sandbox = Sandbox(instant_config(), hook_base=self.server.address)

    async def set_up(self) -> None:
        await self.server.start()
        add = ("agent", "add", EMAIL, "--name", "Marta", "--role", "owner", "--password-stdin")
        self.results["agent"] = await self.place.run(*add, told=f"{PASSWORD}\n")
        told = next(one for one in self.sandbox.credentials() if one.kind == "whatsapp")
        connect = [
            *("account", "add", "whatsapp", "--name", "Ventas", "--phone-number-id", told.external_id),
            *("--business-account-id", told.options["business_account_id"], "--api-url", told.api_url),
        ]
        secrets = f"{told.secrets['access_token']}\n{told.secrets['app_secret']}\n"
        self.results["token"], self.results["account"] = await asyncio.gather(
            self.place.run("token", "create", EMAIL), self.place.run(*connect, told=secrets)
        )

    async def ask(self, path: str, home: str = "", **options: Any) -> Any:
        url = f"{home or self.server.address}/api/v1{path}"
        headers = {"Authorization": f"Bearer {self.results['token'].output.strip()}"}
        async with self.http.request(options.pop("method", "GET"), url, headers=headers, **options) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json() if answer.content_type == "application/json" else await answer.read()

    async def conversations(self, home: str = "") -> list[dict[str, Any]]:
        return (await self.ask("/conversations?limit=200", home))["items"]

    async def picture(self, home: str = "") -> bytes:
        """The one that a customer sent."""
        for conversation in await self.conversations(home):
            for message in (await self.ask(f"/conversations/{conversation['id']}/messages", home))["items"]:
                if message["type"] == "image" and message["media"][0]["state"] == "stored":
                    return await self.ask(message["media"][0]["url"].removeprefix("/api/v1"), home)
        return b""


@pytest.fixture(scope="module")
async def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        shop = Shop(folder, a_place(folder), http)
        await stack.enter_async_context(shop.sandbox.serve())
        stack.callback(leave_nothing_running, shop.data)
        stack.push_async_callback(shop.server.stop)
        await shop.set_up()
        for number in range(10):
            shop.sandbox.say("whatsapp", "ana" if number % 2 else "jorge", f"Mensaje {number}")
        shop.sandbox.say("whatsapp", "lucia", Act(media=Picture(sample="llave")))
        await shop.sandbox.settle()
        await wait_for(shop.picture, seconds=20)
        yield shop


async def test_a_first_start_prints_its_address_and_one_link_and_nothing_else(shop):
    lines = shop.server.told.read_text().splitlines()
    assert lines[0] == f"Bandeja: {shop.server.address}"
    assert re.fullmatch(rf"Sign in once with this link: {shop.server.address}/welcome/\S{{20,}}", lines[1])
    assert len(lines) == 2


async def test_commands_beside_a_server_print_their_result_and_nothing_else(shop):
    assert {name: one.code for name, one in shop.results.items() if one.code} == {}
    assert re.fullmatch(r"[0-9a-f]{24}\n", shop.results["agent"].output)
    assert re.fullmatch(r"bj_\S{40,}\n", shop.results["token"].output)
    assert re.match(r"account: [0-9a-f]{24} Ventas\n", shop.results["account"].output)
    # What they did counts at once for the server that was running.
    assert {one["contact"]["name"] for one in await shop.conversations()} == {
        "Ana Prieto", "Jorge Mendieta", "Lucía Castaño",
    }  # fmt: skip
    for result in shop.results.values():
        assert PASSWORD not in result.errors


async def test_a_refusal_is_one_sentence_and_says_by_its_code_whose_fault_it_was(shop):
    add = ("agent", "add", EMAIL, "--name", "Marta", "--role", "owner", "--password-stdin")
    results = await asyncio.gather(
        shop.place.run(*add, told=f"{PASSWORD}\n"),
        shop.place.run("serve", "--port", str(shop.server.port)),
        shop.place.run(*add),
    )
    assert [one.code for one in results] == [1, 1, 2]
    for one in results:
        said = [line for line in one.errors.splitlines() if not line.startswith("{")]
        assert len(said) == 1, one.errors
        assert said[0].endswith("."), said
        assert (one.output, "Traceback" in one.errors) == ("", False)
    # Whoever is refused leaves the database of the others alone.
    assert await shop.conversations()


async def test_a_second_server_shares_the_database_and_the_last_to_leave_stops_it(shop, tmp_path):
    pid, second = mongod_of(shop.data), Program(shop.place, "serve2")
    await second.start()
    assert mongod_of(shop.data) == pid
    platform = poster(shop.http, second.address, shop.sandbox.credentials(), "whatsapp")
    assert await platform.post(platform.body(text_of("Por la otra puerta", sender="573007770001"))) == 200

    async def is_seen() -> bool:
        shown = [await shop.conversations(home) for home in (shop.server.address, second.address)]
        return all("573007770001" in [one["contact"]["name"] for one in items] for items in shown)

    await wait_for(is_seen, seconds=20)
    assert await shop.server.stop() == 0
    assert (is_running(shop.data), mongod_of(shop.data)) == (True, pid)
    assert await shop.conversations(second.address)
    assert await second.stop() == 0
    assert not is_running(shop.data)
    # A command alone starts it, does its work, and stops it.
    listed = await shop.place.run("account", "list")
    assert (listed.code, is_running(shop.data)) == (0, False)
    assert re.fullmatch(r"[0-9a-f]{24} whatsapp active Ventas\n", listed.output)
    await shop.server.start()


async def test_what_a_killed_server_left_running_is_stopped_by_the_next_to_leave(shop):
    await shop.server.kill()
    assert is_running(shop.data)
    checked = await shop.place.run("check")
    assert (checked.code, is_running(shop.data)) == (0, False), checked
    assert all(line.startswith("ok  ") for line in checked.output.splitlines())
    await shop.server.start()
    assert await shop.conversations()


@pytest.fixture(scope="module")
async def backup(shop):
    """Made while the server runs and customers write."""
    file = shop.folder / "backup.tar.gz"
    for number in range(30):
        shop.sandbox.say("whatsapp", "carmen", f"Mientras tanto {number}")
    made = await shop.place.run("backup", str(file))
    assert made.code == 0, made.errors
    return file


def counts_in(backup: Path) -> dict[str, int]:
    with tarfile.open(backup) as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest is not None
        documents: dict[str, int] = json.load(manifest)["documents"]
        return {name: count for name, count in documents.items() if count}


async def counts_now(data: Path, names: list[str]) -> dict[str, int]:
    async with open_database(Settings(data=Data(directory=data))) as db:
        return {name: await db[name].count_documents({}) for name in names}


async def test_a_backup_is_for_its_owner_alone_and_holds_no_key(shop, backup):
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    key, token = (shop.data / "key").read_bytes(), shop.results["token"].output.strip().encode()
    secret = shop.sandbox.account("whatsapp").token.encode()
    with tarfile.open(backup) as archive:
        held = b"".join(file.read() for entry in archive if (file := archive.extractfile(entry)))
    assert not [word for word in (key.strip(), token, secret, PASSWORD.encode()) if word in held]


async def test_a_restore_with_the_key_is_the_same_company_and_its_accounts_go_on(shop, backup, tmp_path):
    place, data = a_place(tmp_path), tmp_path / "data"
    restored = await place.run("restore", str(backup), "--key-stdin", told=(shop.data / "key").read_text())
    wanted = counts_in(backup)
    assert (restored.code, restored.output) == (0, f"{sum(wanted.values())} documents restored\n"), restored.errors
    assert await counts_now(data, list(wanted)) == wanted
    server = Program(place, "serve1")
    await server.start()
    try:
        assert await shop.picture(server.address) == await shop.picture()
        mine, theirs = [
            {one["contact"]["name"]: one for one in await shop.conversations(home)} for home in ("", server.address)
        ]
        assert mine["Ana Prieto"] == theirs["Ana Prieto"]
        path = f"/conversations/{theirs['Ana Prieto']['id']}/messages"
        assert await shop.ask(path) == await shop.ask(path, server.address)
        sent = await shop.ask(path, server.address, method="POST", json={"text": "Ya mudados"})

        async def is_sent() -> bool:
            return (await shop.ask(f"/messages/{sent['id']}", server.address))["status"] == "sent"

        await wait_for(is_sent, seconds=20)
    finally:
        assert await server.stop() == 0


async def test_a_restore_without_the_key_asks_to_connect_anew_and_loses_nothing_else(shop, backup, tmp_path):
    place, wanted = a_place(tmp_path), counts_in(backup)
    restored = await place.run("restore", str(backup))
    assert (restored.code, restored.output) == (
        0, f"{sum(wanted.values())} documents restored; connect anew: Ventas\n"
    ), restored.errors  # fmt: skip
    assert await counts_now(tmp_path / "data", list(wanted)) == wanted
    again = await place.run("restore", str(backup))
    assert (again.code, "data in this database already" in again.errors) == (1, True)
