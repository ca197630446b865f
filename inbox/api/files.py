"""Files served to those who may read the conversation they hang in. They come from strangers: a browser shows only
what it cannot run, and shows it in a sandbox.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from aiohttp import web

from bot.errors import N_, NotFound
from bot.records.sniff import is_inline
from bot.store import files
from inbox.api.bodies import FileQuery
from inbox.api.reading import read_query
from inbox.gate import AGENT, HOUSE
from inbox.permissions import access_media, view_of

Record = Mapping[str, Any]
_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; "
    "img-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    # The same id is always the same file, but a browser that others use must not keep it for long.
    "Cache-Control": "private, max-age=3600",
    "Accept-Ranges": "bytes",
}
# A preview is of at most 480 pixels.
_THUMB_MIME = "image/webp"


async def show(request: web.Request) -> web.StreamResponse:
    asked = read_query(request, FileQuery)
    record = await access_media(request.app[HOUSE].db, request[AGENT], request.match_info["media"])
    _check_stored(record)
    tag = f'"{record["file"]}"'
    if request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers={**_HEADERS, "ETag": tag})
    name = view_of(request[AGENT]).text(record.get("name") or "")
    disposed = disposition({**record, "name": name}, download=bool(asked.download))
    headers = {**_HEADERS, "ETag": tag, "Content-Disposition": disposed}
    return await _stream(request, record, headers)


async def show_thumb(request: web.Request) -> web.StreamResponse:
    read_query(request, FileQuery)
    db = request.app[HOUSE].db
    record = await access_media(db, request[AGENT], request.match_info["media"])
    _check_stored(record)
    if not record.get("thumb"):
        raise NotFound(N_("There is no preview of this file."))
    tag = f'"{record["thumb"]}"'
    headers = {**_HEADERS, "ETag": tag}
    if request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers=headers)
    body = b"".join([piece async for piece in files.read(db, record["thumb"])])
    return web.Response(body=body, content_type=_THUMB_MIME, headers=headers)


def _check_stored(record: Record) -> None:
    if record["state"] == "failed":
        raise NotFound(N_("This file could not be fetched from the platform."), code="media_failed")
    if record["state"] != "stored":
        raise NotFound(N_("This file is still being fetched. Ask again in a moment."), code="media_not_ready")


def disposition(record: Record, *, download: bool = False) -> str:
    """Shown in place only where it is a picture, a sound or a film that browsers run nothing in. What only claims to
    be one was kept as a document, and is not.
    """
    mime = record["mime"]
    is_seen = is_inline(mime) and mime.startswith(("image/", "audio/", "video/")) and record["kind"] != "document"
    is_shown = is_seen and not download
    name = quote(record.get("name") or "file", safe="")
    return f"{'inline' if is_shown else 'attachment'}; filename*=UTF-8''{name}"


async def _stream(request: web.Request, record: Record, headers: dict[str, str]) -> web.StreamResponse:
    size = record["size"]
    start, end, is_part = _range(request, size, headers["ETag"])
    if start >= end and is_part:
        return web.Response(status=416, headers={**_HEADERS, "Content-Range": f"bytes */{size}"})
    response = web.StreamResponse(status=206 if is_part else 200, headers=headers)
    response.content_type = record["mime"]
    response.content_length = end - start
    if is_part:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    pieces = files.read(request.app[HOUSE].db, record["file"], start=start, end=end)
    return await _send(request, response, pieces)


async def _send(request: web.Request, response: web.StreamResponse, pieces: AsyncIterator[bytes]) -> web.StreamResponse:
    """The first piece is read before anything is answered: a file that is gone is a 404 and not half an answer."""
    first = await anext(pieces, b"")
    # Whoever listens to a sound leaves when they have heard enough.
    with suppress(ConnectionResetError):
        await response.prepare(request)
        await response.write(first)
        async for piece in pieces:
            await response.write(piece)
        await response.write_eof()
    return response


def _range(request: web.Request, size: int, tag: str) -> tuple[int, int, bool]:
    """From, up to, and whether that is a part. What cannot be read as one range is answered whole (RFC 9110, 14.2)."""
    whole = (0, size, False)
    if "Range" not in request.headers or request.headers.get("If-Range", tag) != tag:
        return whole
    try:
        asked = request.http_range
    except ValueError:
        return whole
    start, end = asked.start, asked.stop
    if start is None and end is None:
        return whole
    if start is not None and start < 0:
        return max(size + start, 0), size, True
    return start or 0, min(size if end is None else end, size), True
