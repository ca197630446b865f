"""What a file is, from its first bytes. What a platform or a browser calls it is a claim, believed only where
the bytes allow it.
"""

import codecs
import re
from typing import Final

from bot.content import MediaKind

# How many bytes `mime_of` wants; an Office document may name its kind this far in.
HEAD_BYTES: Final = 4096
UNKNOWN: Final = "application/octet-stream"
HEIC: Final = "image/heic"

_OFFICE: Final = {
    b"word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    b"xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    b"opendocument.text": "application/vnd.oasis.opendocument.text",
    b"opendocument.spreadsheet": "application/vnd.oasis.opendocument.spreadsheet",
    b"mimetypeapplication/epub+zip": "application/epub+zip",
}
_OLD_OFFICE: Final = {"application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"}
_STARTS: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"#!AMR", "audio/amr"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf'\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"{\\rtf", "application/rtf"),
    (b"MZ", "application/x-msdownload"),
    (b"\x7fELF", "application/x-executable"),
)
_BRANDS: Final = {
    b"heic": HEIC, b"heix": HEIC, b"hevc": HEIC, b"mif1": HEIC, b"msf1": HEIC, b"heim": HEIC,
    b"avif": "image/avif", b"avis": "image/avif",
    b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"qt  ": "video/quicktime",
    b"3gp4": "video/3gpp", b"3gp5": "video/3gpp", b"3gp6": "video/3gpp", b"3gp7": "video/3gpp",
    b"3g2a": "video/3gpp2",
}  # fmt: skip
# Kinds of plain text that nothing in the bytes tells apart, and that no browser would ever run.
_TEXTS: Final = frozenset({
    "application/json", "text/calendar", "text/csv", "text/markdown", "text/plain", "text/vcard",
})  # fmt: skip
_ACTIVE: Final = re.compile(
    rb"<(?:!doctype|html|head|body|svg|script|iframe|object|embed|form|meta|link|style|img|a)\b|<\?xml", re.I
)
# A browser that was told one of these runs nothing found inside. Everything else is handed out as a download.
INLINE: Final = frozenset({
    "image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp", "image/avif",
    "audio/mpeg", "audio/mp4", "audio/ogg", "audio/aac", "audio/amr", "audio/wav", "audio/flac", "audio/webm",
    "video/mp4", "video/webm", "video/3gpp", "video/quicktime", "video/ogg", "application/pdf",
})  # fmt: skip


def mime_of(head: bytes, claimed: str = "") -> str:
    """The type of the file that begins with `head`. `claimed` decides only between types that share their
    bytes: sound or film in one container, kinds of plain text, old Office files.
    """
    claim = claimed.partition(";")[0].strip().lower()
    return _by_start(head) or _by_container(head, claim) or _text(head, claim) or UNKNOWN


def kind_of(mime: str, claimed: MediaKind | None = None) -> MediaKind:
    """How a file of this type is shown. The claim decides what the type cannot: a voice note, a sticker or an
    animation; it never makes a picture of what is none.
    """
    family = mime.partition("/")[0]
    if family == "image" and mime in INLINE:
        return claimed if claimed in ("sticker", "animation", "document") else "image"
    if family == "video":
        return claimed if claimed in ("animation", "document", "sticker") else "video"
    if family == "audio":
        return claimed if claimed in ("voice", "document") else "audio"
    return "document"


def is_inline(mime: str) -> bool:
    """Whether a browser may show it in the page's own origin. Markup and SVG never."""
    return mime in INLINE


def _by_start(head: bytes) -> str:
    for start, mime in _STARTS:
        if head.startswith(start):
            return mime
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return "image/bmp"
    # An MPEG audio frame: eleven bits set, then layer III or II; AAC in ADTS has layer 0.
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "audio/aac" if head[1] & 0xF6 == 0xF0 else "audio/mpeg"
    return ""


def _by_container(head: bytes, claim: str) -> str:
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return _isobmff(head, claim)
    if head[:4] == b"OggS":
        return "video/ogg" if b"theora" in head[:200] else "audio/ogg"
    if head[:4] == b"\x1aE\xdf\xa3":
        return _matroska(head, claim)
    if head[:4] == b"PK\x03\x04":
        return next((mime for part, mime in _OFFICE.items() if part in head), "application/zip")
    if head[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return claim if claim in _OLD_OFFICE else "application/x-ole-storage"
    return ""


def _isobmff(head: bytes, claim: str) -> str:
    by_brand = _BRANDS.get(head[8:12])
    return by_brand or ("audio/mp4" if claim.startswith("audio/") else "video/mp4")


def _matroska(head: bytes, claim: str) -> str:
    if b"webm" not in head[:64]:
        return "video/x-matroska"
    return "audio/webm" if claim.startswith("audio/") else "video/webm"


def _text(head: bytes, claim: str) -> str:
    if not head or b"\0" in head:
        return ""
    if _ACTIVE.search(head):
        return "text/html"
    if claim in _TEXTS:
        return claim
    try:
        # Not final: the head may end inside a character.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return ""
    return "text/plain"
