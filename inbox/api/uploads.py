"""A file on its way in: read piece by piece to the disk, never larger than allowed, then looked at and kept."""

import hashlib
from asyncio import to_thread
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import BodyPartReader, web

from bot.channels.fields import a_file_name
from bot.content import MediaKind
from bot.errors import N_
from bot.ids import AgentId
from bot.records.media import MOST_BYTES, store_upload
from bot.records.spool import Spool, TooLarge
from inbox.api import shapes
from inbox.api.reading import Invalid, too_large
from inbox.api.repeats import HEADER, answer_once
from inbox.gate import AGENT, HOUSE, json_response

# What the parts of a form add around the file itself.
FORM_BYTES = 64 * 1024
PORTION = 256 * 1024
_KINDS: dict[str, MediaKind] = {"voice": "voice", "document": "document"}


@dataclass(frozen=True, slots=True)
class Posted:
    """A form with a file. `kind` None goes by what the file is."""

    spool: Spool
    name: str
    mime: str
    kind: MediaKind | None

    async def chunks(self) -> AsyncIterator[bytes]:
        with await to_thread(self.spool.path.open, "rb") as file:
            while piece := await to_thread(file.read, PORTION):
                yield piece


async def upload(request: web.Request) -> web.Response | web.StreamResponse:
    async with received(request) as posted:

        async def store(request: web.Request) -> web.Response:
            return json_response(shapes.upload(await keep(request, posted)), status=201)

        if HEADER not in request.headers:
            return await store(request)
        return await answer_once(request, store, _fingerprint(posted))


async def keep(request: web.Request, posted: Posted) -> dict[str, Any]:
    """The media record of what was posted, owned by whoever posted it. Raises Refused."""
    house = request.app[HOUSE]
    return await store_upload(
        house.db,
        posted.chunks(),
        name=posted.name,
        mime=posted.mime,
        kind=posted.kind,
        owner=AgentId(request[AGENT].id),
        now=house.clock.now(),
    )


@asynccontextmanager
async def received(request: web.Request) -> AsyncIterator[Posted]:
    """The form's part `file`, whatever stands before or behind it. Raises Invalid, and Refused for a large one."""
    if not request.content_type.startswith("multipart/"):
        raise Invalid(N_("Send the file as multipart/form-data, in a part called file."), field="file")
    if (request.content_length or 0) > MOST_BYTES + FORM_BYTES:
        raise too_large(MOST_BYTES)
    async with Spool() as spool:
        try:
            parts = await _read_parts(request, spool)
        except TooLarge:
            raise too_large(MOST_BYTES) from None
        except ValueError as error:
            raise Invalid(N_("This form cannot be read."), code="bad_form") from error
        yield _posted(spool, parts)


async def _read_parts(request: web.Request, spool: Spool) -> dict[str, str]:
    found: dict[str, str] = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise Invalid(N_("This form cannot be read."), code="bad_form")
        if part.name == "file" and "file" not in found:
            found |= {"file": a_file_name(part.filename or ""), "mime": part.headers.get("Content-Type", "")}
            await spool.fill(_pieces(part), most_bytes=MOST_BYTES)
        elif part.name:
            found.setdefault(part.name, (await part.read_chunk(256)).decode(errors="replace"))
            await part.release()
    return found


async def _pieces(part: BodyPartReader) -> AsyncIterator[bytes]:
    while piece := await part.read_chunk(PORTION):
        yield piece


def _posted(spool: Spool, parts: dict[str, str]) -> Posted:
    if "file" not in parts:
        raise Invalid(N_("The field “%(field)s” is missing."), field="file")
    kind = parts.get("kind", "")
    if kind and kind not in _KINDS:
        raise Invalid(N_("The field “%(field)s” is not right: %(reason)s."), field="kind", reason="voice or document")
    return Posted(spool, parts["file"], parts["mime"], _KINDS.get(kind))


def _fingerprint(posted: Posted) -> str:
    """The border between a form's parts differs each time: what counts is what stands in them."""
    said = "\0".join(("upload", posted.name, posted.mime, posted.kind or "", posted.spool.sha256))
    return hashlib.sha256(said.encode()).hexdigest()
