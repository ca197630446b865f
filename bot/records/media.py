"""Files that passed over a channel or wait to: kept in the database, of a type and size that were looked at."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from bot.channels.contract import Attachment, Limits
from bot.channels.fields import a_file_name
from bot.content import MediaKind
from bot.errors import N_, NotFound, Refused
from bot.ids import AgentId, new_id
from bot.records import convert, sniff
from bot.records.spool import Spool, TooLarge
from bot.store import files
from bot.store.database import Database

Document = dict[str, Any]

MOST_BYTES: Final = 100 * 1024 * 1024
# WhatsApp draws a voice note that can be played in place up to this size: Cloud API, "Audio messages" (2026-08).
VOICE_BYTES: Final = 512 * 1024
_EXTENSIONS: Final = {
    "image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/gif": ".gif",
    "audio/ogg": ".ogg", "audio/mpeg": ".mp3", "audio/mp4": ".m4a", "audio/webm": ".weba",
    "video/mp4": ".mp4", "video/webm": ".webm", "application/pdf": ".pdf",
}  # fmt: skip
_SHOWN: Final = ("name", "mime", "size", "state", "width", "height", "seconds", "peaks")


def entry(record: Mapping[str, Any]) -> Document:
    """What a message repeats of its file, so that a thread needs no second query. `type` is how it is drawn."""
    shown = {name: record[name] for name in _SHOWN if record.get(name) is not None}
    return {
        "id": record["_id"],
        "type": record["kind"],
        "name": "",
        **shown,
        "thumb": record.get("thumb") is not None,
        "error": record.get("error"),
    }


async def get_media(db: Database, media_id: str) -> Document:
    found = await db["media"].find_one({"_id": media_id})
    if found is None:
        raise NotFound(N_("There is no such file."))
    return found


# --- looking at a file ---


async def keep(db: Database, spool: Spool, *, claimed: str, kind: MediaKind | None, name: str) -> Document:
    """Stores a file that has been read to its end, with what it really is: the fields of a media record."""
    mime = sniff.mime_of(spool.head, claimed)
    kind = sniff.kind_of(mime, kind)
    seen = await _look(db, spool, kind)
    if seen is None:
        kind, seen = "document", {}
    return {
        "kind": kind,
        "mime": mime,
        "name": _named(name, mime),
        "size": spool.size,
        "sha256": spool.sha256,
        "file": await files.save(db, spool.path, name=_named(name, mime)),
        **seen,
    }


async def _look(db: Database, spool: Spool, kind: MediaKind) -> Document | None:
    """What can be seen and heard in it; None when it is not what its first bytes promise."""
    preview = spool.beside("preview")
    try:
        if kind in ("image", "sticker"):
            size = await convert.run("picture", spool.path, preview)
            return {**size, "thumb": await files.save(db, preview, name="preview")}
        if kind in ("audio", "voice"):
            return dict(await convert.run("sound", spool.path, preview))
    except convert.CannotConvert as failure:
        return None if failure.reason == "unreadable" else {}
    return {}


def _named(name: str, mime: str) -> str:
    clean = a_file_name(name)
    return clean or "file" + _EXTENSIONS.get(mime, "")


# --- uploads ---


async def store_upload(
    db: Database,
    chunks: AsyncIterator[bytes],
    *,
    name: str,
    mime: str,
    owner: AgentId,
    now: datetime,
    kind: MediaKind | None = None,
) -> Document:
    """A file from an agent's browser. `kind` "voice" is a recording, which becomes OGG/Opus whatever the browser
    made of it; "document" keeps a picture as a file; None goes by what the file is.

    Raises Refused when it is empty, too large, or a recording without sound.
    """
    async with Spool() as spool:
        try:
            await spool.fill(chunks, most_bytes=MOST_BYTES)
        except TooLarge:
            raise Refused(
                N_("The file is too large: %(megabytes)s MB is the most."),
                code="file_too_large",
                megabytes=MOST_BYTES // 1024 // 1024,
            ) from None
        if not spool.size:
            raise Refused(N_("The file is empty."), code="file_empty")
        fields = await (_voice(db, spool) if kind == "voice" else keep(db, spool, claimed=mime, kind=kind, name=name))
    record: Document = {
        "_id": new_id(),
        "direction": "out",
        "state": "stored",
        "owner": owner,
        "message": None,
        "conversation": None,
        "contact": None,
        "at": now,
        **fields,
    }
    await db["media"].insert_one(record)
    return record


async def _voice(db: Database, spool: Spool) -> Document:
    try:
        async with Spool() as spoken:
            heard = await convert.run("voice", spool.path, spoken.path, VOICE_BYTES)
            await spoken.measure()
            stored = await files.save(db, spoken.path, name="voice.ogg")
            return {
                "kind": "voice", "mime": "audio/ogg", "name": "voice.ogg",
                "size": spoken.size, "sha256": spoken.sha256, "file": stored, **heard,
            }  # fmt: skip
    except convert.CannotConvert:
        raise Refused(N_("The recording cannot be read; record it once more."), code="voice_unreadable") from None


async def attach(db: Database, message: Mapping[str, Any]) -> None:
    """From now on whoever may read the message may read its file. A file that is sent a second time stays with the
    first message.
    """
    belongs = {key: message[key] for key in ("conversation", "contact", "account")} | {"message": message["_id"]}
    for file in message["media"]:
        await db["media"].update_one({"_id": file["id"], "message": None}, {"$set": belongs})


# --- on the way out ---


@dataclass(slots=True)
class StoredFile:
    """An attachment as channels want it."""

    db: Database
    file: str
    name: str
    mime: str
    size: int

    def chunks(self) -> AsyncIterator[bytes]:
        return files.read(self.db, self.file)


def is_ready(record: Mapping[str, Any], kind: MediaKind, limits: Limits) -> bool:
    """Whether the channel takes the file as it is, or one that was made for such a channel before."""
    return _takes(limits, kind, record["mime"], record["size"]) or _variant(record, kind, limits) is not None


async def prepared(db: Database, record: Mapping[str, Any], kind: MediaKind | None, limits: Limits) -> Attachment:
    """The file as this channel takes it; `kind` None is a template's header, which goes as it is. What has to be made
    is made once and kept. Raises Refused.
    """
    if record["state"] != "stored":
        raise Refused(N_("The file is not there (any more); attach it again."), code="file_missing")
    if kind is None or _takes(limits, kind, record["mime"], record["size"]):
        return StoredFile(db, record["file"], record["name"], record["mime"], record["size"])
    made = _variant(record, kind, limits) or await _make(db, record, kind, limits)
    return StoredFile(db, made["file"], made["name"], made["mime"], made["size"])


def _takes(limits: Limits, kind: MediaKind, mime: str, size: int) -> bool:
    """A picture or voice note of the wrong type is converted; anything else goes as it is, for the channel to judge."""
    if kind not in ("image", "voice"):
        return True
    return mime in limits.mimes.get(kind, ()) and size <= limits.media_bytes.get(kind, 0)


def _variant(record: Mapping[str, Any], kind: MediaKind, limits: Limits) -> Document | None:
    variants: list[Document] = record.get("variants") or []
    fitting = (one for one in variants if _takes(limits, kind, one["mime"], one["size"]))
    return next(fitting, None)


async def _make(db: Database, record: Mapping[str, Any], kind: MediaKind, limits: Limits) -> Document:
    job: convert.Job = "voice" if kind == "voice" else "shrink"
    most = VOICE_BYTES if kind == "voice" else limits.media_bytes.get(kind, 0)
    mime, extension = ("audio/ogg", ".ogg") if kind == "voice" else ("image/jpeg", ".jpg")
    async with Spool() as source, Spool() as target:
        await source.fill(files.read(db, record["file"]), most_bytes=MOST_BYTES)
        try:
            await convert.run(job, source.path, target.path, most)
        except convert.CannotConvert:
            raise Refused(
                N_("The file cannot be made into something that this channel takes."), code="file_type"
            ) from None
        await target.measure()
        name = Path(record["name"]).stem + extension
        made = {"mime": mime, "name": name, "size": target.size, "file": await files.save(db, target.path, name=name)}
    await db["media"].update_one({"_id": record["_id"]}, {"$push": {"variants": made}})
    return made
