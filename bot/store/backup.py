"""The whole database in one file, and back. A gzipped tar of BSON pieces with a manifest; it holds no key."""

import io
import json
import tarfile
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from bson import decode_file_iter
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from bot.errors import N_, Refused
from bot.store.database import Database, within
from bot.store.indexes import VERSION

FORMAT = 1
PIECE_BYTES = 16_000_000
MANIFEST = "manifest.json"
# What belongs to running processes and open browsers, not to the company.
LEFT_OUT = frozenset({"leases", "nudges", "presence", "sessions", "onetime", "tries", "idempotency", "meta"})
_RAW: CodecOptions[Any] = CodecOptions(document_class=RawBSONDocument)


async def write_backup(db: Database, path: Path, *, now: datetime) -> dict[str, int]:
    """All collections as they are at one moment, while everything goes on running. Answers documents by collection.

    The file appears under its name only when it is complete, readable by its owner alone.
    """
    unfinished = path.with_name(path.name + ".unfinished")
    counts: dict[str, int] = {}
    with ExitStack() as stack:
        raw = stack.enter_context(_private_file(unfinished))
        archive = stack.enter_context(tarfile.open(fileobj=raw, mode="w:gz", compresslevel=6))
        with within(None):
            await _write_collections(db, archive, counts, now)
        manifest = {"format": FORMAT, "schema": VERSION, "made_at": now.isoformat(), "documents": counts}
        _add(archive, MANIFEST, json.dumps(manifest, indent=1).encode(), now)
    unfinished.replace(path)
    return counts


def _private_file(path: Path) -> IO[bytes]:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    return path.open("wb")


async def _write_collections(db: Database, archive: tarfile.TarFile, counts: dict[str, int], now: datetime) -> None:
    """Read in one snapshot, so that a message and its conversation are of the same moment."""
    names = sorted(set(await db.handle.list_collection_names()) - LEFT_OUT)
    async with db.client.start_session(snapshot=True) as session:
        for name in names:
            counts[name] = 0
            collection = db.handle.get_collection(name, codec_options=_RAW)
            number = 0
            async for documents, piece in _pieces(collection.find({}, session=session, batch_size=500)):
                number += 1
                counts[name] += documents
                _add(archive, f"{name}/{number:06}.bson", piece, now)


async def _pieces(cursor: AsyncIterable[Any]) -> AsyncIterator[tuple[int, bytes]]:
    waiting, size = [], 0
    async for document in cursor:
        waiting.append(document.raw)
        size += len(document.raw)
        if size >= PIECE_BYTES:
            yield len(waiting), b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield len(waiting), b"".join(waiting)


def _add(archive: tarfile.TarFile, name: str, body: bytes, now: datetime) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = len(body), int(now.timestamp()), 0o600
    archive.addfile(entry, io.BytesIO(body))


async def read_backup(db: Database, path: Path) -> dict[str, int]:
    """Into an empty database only. Raises Refused when there is data, or the file is not a whole backup of ours."""
    if await db["contacts"].find_one({}, {"_id": 1}) or await db["messages"].find_one({}, {"_id": 1}):
        raise Refused(
            N_("There is data in this database already; restore into an empty one."), code="database_not_empty"
        )
    manifest = _read_manifest(path)
    if manifest["schema"] > VERSION:
        raise Refused(N_("This backup was made by a newer Bandeja; start the newer program."), code="backup_newer")
    found: dict[str, int] = {}
    with within(None), tarfile.open(path, mode="r:gz") as archive:
        for name, body in _bodies(archive):
            found[name] = found.get(name, 0) + await _insert(db, name, body)
    _check_whole(manifest, found)
    return found


def _read_manifest(path: Path) -> dict[str, Any]:
    """It stands at the end: a file that was cut off has none."""
    try:
        with tarfile.open(path, mode="r:gz") as archive:
            entry = archive.extractfile(MANIFEST)
            manifest: dict[str, Any] = json.loads(entry.read()) if entry else {}
    except (tarfile.TarError, KeyError, OSError, EOFError, ValueError) as error:
        raise Refused(N_("%(path)s is not a whole backup of Bandeja."), code="backup_broken", path=str(path)) from error
    if manifest.get("format") != FORMAT:
        raise Refused(N_("%(path)s is not a whole backup of Bandeja."), code="backup_broken", path=str(path))
    return manifest


def _bodies(archive: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    for entry in archive:
        name, _, piece = entry.name.partition("/")
        body = archive.extractfile(entry)
        if piece and name not in LEFT_OUT and body is not None:
            yield name, body


async def _insert(db: Database, name: str, body: IO[bytes]) -> int:
    """Replaces what a first start has made by itself, such as the first team."""
    collection = db.handle.get_collection(name, codec_options=_RAW)
    documents = list(decode_file_iter(body, codec_options=_RAW))
    for start in range(0, len(documents), 500):
        batch = documents[start : start + 500]
        await collection.delete_many({"_id": {"$in": [document["_id"] for document in batch]}})
        await collection.insert_many(batch, ordered=False)
    return len(documents)


def _check_whole(manifest: dict[str, Any], found: dict[str, int]) -> None:
    wanted = {name: count for name, count in manifest["documents"].items() if count}
    if wanted != found:
        raise Refused(N_("The backup is damaged: not everything in it could be read."), code="backup_damaged")
