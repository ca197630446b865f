"""Attachments and other large bytes, in GridFS: in the same database, so in the same backup and fail-over."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from gridfs import AsyncGridFSBucket
from gridfs.errors import NoFile

from bot.errors import N_, NotFound
from bot.ids import FileId, new_id
from bot.store.database import Database

PIECE_BYTES = 256 * 1024


def _bucket(db: Database) -> AsyncGridFSBucket:
    return AsyncGridFSBucket(db.handle, bucket_name="files", chunk_size_bytes=PIECE_BYTES)


async def save(db: Database, path: Path, *, name: str) -> FileId:
    """The content of a file on this machine. Nothing is kept of one that could not be stored whole."""
    file_id = FileId(new_id())
    target = _bucket(db).open_upload_stream_with_id(file_id, name)
    try:
        with path.open("rb") as source:
            while piece := await asyncio.to_thread(source.read, PIECE_BYTES):
                await target.write(piece)
        await target.close()
    except BaseException:
        await target.abort()
        raise
    return file_id


async def read(db: Database, file_id: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
    """The bytes from `start` to before `end` (None: to the last), in pieces. Raises NotFound."""
    try:
        source = await _bucket(db).open_download_stream(file_id)
    except NoFile as error:
        raise NotFound(N_("There is no such file.")) from error
    async with source:
        await source.seek(start)
        left = (source.length if end is None else min(end, source.length)) - start
        while left > 0 and (piece := await source.read(min(PIECE_BYTES, left))):
            left -= len(piece)
            yield piece


async def size(db: Database, file_id: str) -> int:
    """In bytes. Raises NotFound."""
    stored = await db["files.files"].find_one({"_id": file_id}, {"length": 1})
    if stored is None:
        raise NotFound(N_("There is no such file."))
    return int(stored["length"])


async def delete(db: Database, file_id: str) -> None:
    """Doing it twice is the same as once."""
    try:
        await _bucket(db).delete(file_id)
    except NoFile:
        return
