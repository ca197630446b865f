"""Our styles, scripts and pictures, kept in memory. Their address holds their version, so browsers keep them too."""

import gzip
import mimetypes
from dataclasses import dataclass
from functools import lru_cache

from aiohttp import web

from inbox.web.render import STATIC

# Kept for good: another version has another address.
_KEEP = "public, max-age=31536000, immutable"
_SQUEEZED = ("text/", "application/javascript", "application/json", "image/svg+xml")


@dataclass(frozen=True, slots=True)
class StaticFile:
    mime: str
    body: bytes
    squeezed: bytes | None


async def show(request: web.Request) -> web.Response:
    found = _read(request.match_info["path"])
    if found is None:
        raise web.HTTPNotFound
    headers = {"Cache-Control": _KEEP, "Vary": "Accept-Encoding"}
    if found.squeezed and "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=found.squeezed, content_type=found.mime, headers=headers)
    return web.Response(body=found.body, content_type=found.mime, headers=headers)


@lru_cache(maxsize=256)
def _read(path: str) -> StaticFile | None:
    """None for what is not a file below the static folder, however its path is written."""
    try:
        file = (STATIC / path).resolve()
        body = file.read_bytes() if file.is_relative_to(STATIC.resolve()) else None
    except (OSError, ValueError):
        # Not there, a folder, a name too long, or one with a zero byte.
        return None
    if body is None:
        return None
    mime = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    mime = "text/javascript" if file.suffix == ".js" else mime
    squeezed = gzip.compress(body, 9) if mime.startswith(_SQUEEZED) else None
    return StaticFile(mime, body, squeezed)
