"""The phone page: pick a person and a channel, and be the customer. Served by the sandbox, in three languages."""

import asyncio
import html
import json as plain_json
import re
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.records import convert
from bot.sandbox.answers import json
from bot.sandbox.control import answered
from bot.sandbox.scripts import Refused
from bot.sandbox.stage import Stage
from bot.sandbox.world.chats import Chat, Line
from bot.sandbox.world.people import Person
from bot.sandbox.world.samples import FOLDER, SAMPLES

STATIC = Path(__file__).resolve().parent / "static"
SERVED = {"phone.css": "text/css", "phone.js": "text/javascript", "draw.js": "text/javascript"}
PLACE = re.compile(r"\{\{(\w+)\}\}")
PING_SECONDS, TOGETHER_SECONDS = 15.0, 0.08
MAX_VOICE_BYTES = 16 * 2**20
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
# A stranger's file is shown as what it is only when a browser cannot run it.
SHOWN = ("image/jpeg", "image/png", "image/webp", "image/gif", "audio/", "video/")


class Phone:
    def __init__(self, stage: Stage) -> None:
        self._stage, self._world = stage, stage.world

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self._page),
            web.get("/static/{name}", self._static),
            web.get("/static/samples/{name}", self._sample),
            web.get("/phone/words", self._words),
            web.get("/phone/people", self._people),
            web.get("/phone/chat", answered(self._chat)),
            web.get("/phone/files/{file}", self._file),
            web.post("/phone/voice", answered(self._voice)),
            web.get("/phone/events", answered(self._events)),
        ]

    async def _page(self, request: web.Request) -> web.Response:
        language = language_of(request)
        words = words_in(language) | {"lang": language, "company": self._world.company.name}
        page = (STATIC / "phone.html").read_text()
        text = PLACE.sub(lambda found: html.escape(words[found[1]]), page)
        return web.Response(text=text, content_type="text/html", headers=HEADERS)

    async def _static(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in SERVED:
            raise web.HTTPNotFound
        return web.Response(text=(STATIC / name).read_text(), content_type=SERVED[name], headers=HEADERS)

    async def _sample(self, request: web.Request) -> web.FileResponse:
        known = {sample.file: sample for sample in SAMPLES.values()}
        if (sample := known.get(request.match_info["name"])) is None:
            raise web.HTTPNotFound
        return web.FileResponse(FOLDER / sample.file, headers={"Content-Type": sample.mime})

    async def _words(self, request: web.Request) -> web.Response:
        return json(words_in(language_of(request)))

    async def _people(self, request: web.Request) -> web.Response:
        accounts = [
            {"kind": account.kind, "id": account.id, "name": account.name} for account in self._world.company.accounts
        ]
        people = [self._person(person) for person in self._world.people]
        return json({"company": self._world.company.name, "accounts": accounts, "people": people})

    def _person(self, person: Person) -> dict[str, Any]:
        chats = {}
        for account in self._world.company.accounts:
            chat = self._world.chats.find(account, person)
            if chat and chat.lines:
                chats[account.id] = {"unread": len(chat.unread()), "at": chat.lines[-1].at}
        shown = {
            "id": person.id,
            "name": person.name,
            "phone": person.phone,
            "username": person.username,
            "country": person.country,
            "hidden": person.hidden,
        }
        return shown | {"chats": chats}

    def _open(self, request: web.Request) -> Chat:
        query = request.query
        if not query.get("person") or not query.get("channel"):
            raise Refused("invalid", "Say which person and which channel.")
        return self._stage.chat(query["channel"], query["person"], query.get("account"))

    async def _chat(self, request: web.Request) -> web.Response:
        chat = self._open(request)
        keyboards = [line.data["keyboard"] for line in chat.lines if "keyboard" in line.data]
        shown = {
            "account": chat.account.id,
            "person": chat.person.id,
            "company": self._world.company.name if chat.account.kind == "whatsapp" else chat.account.name,
            "blocked": chat.blocked,
            "typing": max(0.0, chat.typing_until - self._world.now()),
            "keyboard": keyboards[-1] if keyboards else [],
            "lines": [_shown(line) for line in chat.lines],
        }
        return json(shown)

    async def _file(self, request: web.Request) -> web.Response:
        own = request.match_info["file"]
        if sample := SAMPLES.get(own.removeprefix("sample:")):
            return web.Response(body=sample.read(), headers={"Content-Type": sample.mime})
        stored = self._world.files.find(own)
        if stored is None:
            raise web.HTTPNotFound
        safe = stored.mime.startswith(SHOWN)
        headers = {
            "Content-Type": stored.mime if safe else "application/octet-stream",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
            "Content-Disposition": "inline" if safe else "attachment",
        }
        return web.Response(body=stored.data, headers=headers)

    async def _voice(self, request: web.Request) -> web.Response:
        """What the browser recorded, as the phone app would have: OGG with Opus."""
        body = await request.read()
        with tempfile.TemporaryDirectory(prefix="sandbox-voice-") as folder:
            source, target = Path(folder, "recorded"), Path(folder, "voice.ogg")
            await asyncio.to_thread(source.write_bytes, body)
            try:
                found = await convert.run("voice", source, target, MAX_VOICE_BYTES)
            except convert.CannotConvert as error:
                raise Refused("no_sound", "This recording cannot be read.") from error
            data = await asyncio.to_thread(target.read_bytes)
        seconds = str(round(float(found.get("seconds") or 1)))
        return web.Response(body=data, headers={"Content-Type": "audio/ogg", "X-Seconds": seconds})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: which chats changed. While it is open, somebody plays the person of the query."""
        chat = self._open(request) if request.query.get("person") else None
        stream = web.StreamResponse(headers=HEADERS | {"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        changes = Changes()
        stop_listening = self._world.chats.listen(changes.note)
        if chat:
            chat.viewers += 1
        try:
            while True:
                await stream.write(await changes.next())
        except ConnectionResetError:
            return stream
        finally:
            stop_listening()
            if chat:
                chat.viewers -= 1


class Changes:
    """Chats that changed since they were last told, gathered for a moment so that a burst is one event."""

    def __init__(self) -> None:
        self._changed: dict[tuple[str, str], None] = {}
        self._event = asyncio.Event()

    def note(self, chat: Chat) -> None:
        self._changed[chat.account.id, chat.person.id] = None
        self._event.set()

    async def next(self) -> bytes:
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self._event.wait()
        except TimeoutError:
            return b": still here\n\n"
        await asyncio.sleep(TOGETHER_SECONDS)
        told = [{"account": account, "person": person} for account, person in self._changed]
        self._changed.clear()
        self._event.clear()
        return b"data: " + plain_json.dumps(told).encode() + b"\n\n"


def _shown(line: Line) -> dict[str, Any]:
    hidden = ("message", "callback", "query")
    return {
        "id": line.id,
        "by": line.by,
        "kind": line.kind,
        "at": line.at,
        "text": line.text,
        "status": line.status,
        "quoted": line.quoted,
        "reactions": line.reactions,
        "data": {key: value for key, value in line.data.items() if key not in hidden},
    }


@cache
def all_words() -> Mapping[str, Mapping[str, str]]:
    words: Mapping[str, Mapping[str, str]] = plain_json.loads((STATIC / "words.json").read_text())
    return words


def words_in(language: str) -> dict[str, str]:
    return dict(all_words()[language])


def language_of(request: web.Request) -> str:
    """`?lang=`, else the first language of the browser that there are words in, else Spanish."""
    wished = [request.query.get("lang", ""), *request.headers.get("Accept-Language", "").split(",")]
    for each in wished:
        code = each.split(";")[0].strip().lower()[:2]
        if code in all_words():
            return code
    return "es"
