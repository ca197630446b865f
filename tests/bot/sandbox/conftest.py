"""A served sandbox, and a program beside it that hears what it tells, as Bandeja would."""

import hashlib
import hmac
import json
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from bot.sandbox.server import Sandbox, instant_config


@dataclass
class Heard:
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self):
        return json.loads(self.raw)


@dataclass
class Company:
    """Answers 200, or what `answers` says next."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    verify_token: str = ""

    async def take(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            query = request.query
            good = query.get("hub.verify_token") == self.verify_token
            return web.Response(text=query["hub.challenge"]) if good else web.Response(status=403)
        self.heard.append(Heard(request.path, dict(request.headers), await request.read()))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    def changes(self, field="messages"):
        return [
            change["value"]
            for heard in self.heard
            if heard.path == "/hooks/whatsapp"
            for entry in heard.body["entry"]
            for change in entry["changes"]
            if change["field"] == field
        ]

    def messages(self):
        return [message for value in self.changes() for message in value.get("messages", ())]

    def statuses(self):
        return [status for value in self.changes() for status in value.get("statuses", ())]

    def events(self):
        return [
            event
            for heard in self.heard
            if heard.path == "/hooks/messenger"
            for entry in heard.body["entry"]
            for event in entry["messaging"]
        ]

    def updates(self):
        return [heard.body for heard in self.heard if heard.path == "/hooks/telegram"]


@pytest.fixture
async def company():
    company = Company()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", company.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    company.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield company
    await runner.cleanup()


@pytest.fixture
async def sandbox(company):
    sandbox = Sandbox(instant_config(), hook_base=company.url)
    async with sandbox.serve():
        company.verify_token = sandbox.account("whatsapp").verify_token
        yield sandbox


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as session:
        yield session


@dataclass
class Client:
    """The company's side of one account."""

    http: aiohttp.ClientSession
    sandbox: Sandbox

    @property
    def base(self):
        return self.sandbox.world.base_url

    async def graph(self, method, path, token=None, *, kind="whatsapp", **request):
        account = self.sandbox.account(kind)
        headers = {"Authorization": f"Bearer {account.token if token is None else token}"}
        url = f"{self.base}/graph/v26.0/{path}"
        async with self.http.request(method, url, headers=headers, **request) as answer:
            return answer.status, await answer.json()

    async def whatsapp(self, to="573005550101", **message):
        whom = {} if "recipient" in message or "status" in message else {"to": to}
        payload = {"messaging_product": "whatsapp", **whom, **message}
        return await self.graph("POST", f"{self.sandbox.account('whatsapp').id}/messages", json=payload)

    async def text(self, text="Buenos días", **more):
        return await self.whatsapp(type="text", text={"body": text}, **more)

    async def messenger(self, person="ana", **payload):
        page = self.sandbox.account("messenger")
        address = self.sandbox.person(person).messenger_id(page.id)
        body = {"recipient": {"id": address}, "messaging_type": "RESPONSE", **payload}
        if "sender_action" in body:
            del body["messaging_type"]
        return await self.graph("POST", f"{page.id}/messages", kind="messenger", json=body)

    async def telegram(self, method, *, token=None, files=None, **params):
        url = f"{self.base}/telegram/bot{token or self.sandbox.account('telegram').token}/{method}"
        data = {
            name: json.dumps(value) if isinstance(value, dict | list) else str(value) for name, value in params.items()
        }
        form = aiohttp.FormData(data)
        for name, (filename, content, mime) in (files or {}).items():
            form.add_field(name, content, filename=filename, content_type=mime)
        async with self.http.post(url, data=form) as answer:
            return answer.status, await answer.json()

    async def control(self, method, path, **request):
        async with self.http.request(method, f"{self.base}/control/{path}", **request) as answer:
            return answer.status, await answer.json()


@pytest.fixture
def client(http, sandbox):
    return Client(http, sandbox)


def signature(secret: str, raw: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
