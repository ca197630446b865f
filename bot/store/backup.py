"""The whole database in one file, and back. A gzipped tar of BSON pieces with a manifest; it holds no key."""

import io
import json
import re
import tarfile
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Literal

from bson import decode_file_iter
from bson.codec_options import CodecOptions
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pydantic import BaseModel, Field
from pymongo.errors import OperationFailure

from bot.errors import N_, Refused
from bot.store.database import Database, within
from bot.store.indexes import VERSION

FORMAT = 1
PIECE_BYTES = 16_000_000
MANIFEST = "manifest.json"
# What belongs to running processes and open browsers, not to the company.
LEFT_OUT = frozenset({"leases", "nudges", "presence", "sessions", "onetime", "tries", "idempotency", "meta"})
# Who holds any of these is no empty database.
_FILLED = ("agents", "accounts", "contacts", "messages")
# How long reading may take. The server we start keeps no history that nobody asks for, another's 300 seconds of it:
# MongoDB manual, "minSnapshotHistoryWindowInSeconds" (8.0).
HISTORY = "minSnapshotHistoryWindowInSeconds"
HISTORY_SECONDS = 6 * 60 * 60
NOT_ALLOWED, TOO_OLD = 13, 239
_COLLECTION = re.compile(r"(?!system\.)[a-z][a-z_]*(\.[a-z_]+)?")
_RAW: CodecOptions[Any] = CodecOptions(document_class=RawBSONDocument)


async def write_backup(db: Database, path: Path, *, now: datetime) -> dict[str, int]:
    """All collections as they are at one moment, while everything goes on running. Answers documents by collection.

    The file appears under its name only when it is complete, readable by its owner alone.
    """
    counts: dict[str, int] = {}
    with ExitStack() as stack:
        raw = stack.enter_context(_private_file(path))
        archive = stack.enter_context(tarfile.open(fileobj=raw, mode="w:gz", compresslevel=6))
        with within(None):
            async with _long_memory(db):
                await _write_collections(db, archive, counts, now)
        manifest = {"format": FORMAT, "schema": VERSION, "made_at": now.isoformat(), "documents": counts}
        _add(archive, MANIFEST, json.dumps(manifest, indent=1).encode(), now)
    return counts


@contextmanager
def _private_file(path: Path) -> Iterator[IO[bytes]]:
    """Named `path` when nothing went wrong, and gone otherwise. Raises Refused where none can be made."""
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600)
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(path)
    except OSError as error:
        sentence, reason = N_("%(path)s cannot be written: %(reason)s."), error.strerror or str(error)
        raise Refused(sentence, code="backup_unwritable", path=str(path), reason=reason) from error
    finally:
        unfinished.unlink(missing_ok=True)


@asynccontextmanager
async def _long_memory(db: Database) -> AsyncIterator[None]:
    """While it lasts the server can still tell how everything was at its beginning, where we may ask that of it."""
    before = await _remembers(db, HISTORY_SECONDS)
    try:
        yield
    except OperationFailure as error:
        if error.code != TOO_OLD:
            raise
        sentence = N_(
            "Reading took longer than MongoDB remembers. Let its administrator set %(parameter)s to the seconds that a"
            " backup takes, or use MongoDB's own tools."
        )
        raise Refused(sentence, code="backup_slow", parameter=HISTORY) from error
    finally:
        if before is not None:
            await _remembers(db, before)


async def _remembers(db: Database, seconds: int) -> int | None:
    """From now on; answers the seconds before, None where that is not ours to set."""
    try:
        answer = await db.client.admin.command({"setParameter": 1, HISTORY: seconds})
    except OperationFailure as error:
        if error.code != NOT_ALLOWED:
            raise
        return None
    return int(answer["was"])


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


async def refuse_filled(db: Database) -> None:
    """Raises Refused when a restore would mix two companies."""
    for name in _FILLED:
        if await db[name].find_one({}, {"_id": 1}):
            raise Refused(
                N_("There is data in this database already; restore into an empty one."), code="database_not_empty"
            )


async def read_backup(
    db: Database, path: Path, *, changed: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, int]:
    """Into an empty database only. Raises Refused when there is data, or the file is not a whole backup of ours.

    `changed` are fields, by collection, that every document of it gets before it is written.
    """
    await refuse_filled(db)
    manifest = _read_manifest(path)
    if manifest.schema_version > VERSION:
        raise Refused(N_("This backup was made by a newer Bandeja; start the newer program."), code="backup_newer")
    found: dict[str, int] = {}
    with within(None), _legible(path), tarfile.open(path, mode="r:gz") as archive:
        for name, body in _bodies(archive):
            found[name] = found.get(name, 0) + await _insert(db, name, body, (changed or {}).get(name, {}))
    _check_whole(manifest, found)
    return found


class Manifest(BaseModel):
    format: Literal[1]
    schema_version: int = Field(alias="schema")
    documents: dict[str, int]


@contextmanager
def _legible(path: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, KeyError, OSError, EOFError, ValueError, BSONError, zlib.error) as error:
        raise Refused(N_("%(path)s is not a whole backup of Bandeja."), code="backup_broken", path=str(path)) from error


def _read_manifest(path: Path) -> Manifest:
    """It stands at the end: a file that was cut off has none."""
    with _legible(path), tarfile.open(path, mode="r:gz") as archive:
        entry = archive.extractfile(MANIFEST)
        return Manifest.model_validate_json(entry.read() if entry else b"")


def _bodies(archive: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    """Files only, and only what can be a collection of ours; nothing of it is ever written to a disk."""
    for entry in archive:
        name, _, piece = entry.name.partition("/")
        body = archive.extractfile(entry) if entry.isfile() else None
        if piece and name not in LEFT_OUT and _COLLECTION.fullmatch(name) and body is not None:
            yield name, body


async def _insert(db: Database, name: str, body: IO[bytes], fields: Mapping[str, Any]) -> int:
    """Replaces what a first start has made by itself, such as the first team."""
    collection = db.handle.get_collection(name, codec_options=_RAW)
    found = decode_file_iter(body, codec_options=_RAW)
    documents: list[Any] = [{**document, **fields} for document in found] if fields else list(found)
    if not all("_id" in document for document in documents):
        raise KeyError("_id")
    for start in range(0, len(documents), 500):
        batch = documents[start : start + 500]
        await collection.delete_many({"_id": {"$in": [document["_id"] for document in batch]}})
        await collection.insert_many(batch, ordered=False)
    return len(documents)


def _check_whole(manifest: Manifest, found: dict[str, int]) -> None:
    wanted = {name: count for name, count in manifest.documents.items() if count}
    if wanted != found:
        raise Refused(N_("The backup is damaged: not everything in it could be read."), code="backup_damaged")
