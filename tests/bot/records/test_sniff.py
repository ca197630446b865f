import io
import zipfile

import pytest

from bot.records import sniff


def a_zip(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return file.getvalue()


@pytest.mark.parametrize(
    ("head", "claimed", "mime"),
    [
        (b"\xff\xd8\xff\xe0" + b"x" * 20, "text/html", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 20, "", "image/png"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/jpeg", "image/webp"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "image/jpeg", "image/heic"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "video/mp4", "video/mp4"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "audio/mp4; codecs=mp4a", "audio/mp4"),
        (b"\x1aE\xdf\xa3\x93B\x82\x84webm" + b"x" * 20, "audio/webm;codecs=opus", "audio/webm"),
        (b"OggS" + b"\0" * 24 + b"OpusHead", "video/mp4", "audio/ogg"),
        (b"\xff\xf1\x50\x80", "", "audio/aac"),
        (b"\xff\xfb\x90\x64", "", "audio/mpeg"),
        (b"%PDF-1.7\n", "image/png", "application/pdf"),
        (b"PK\x03\x04" + b"\0" * 26 + b"plain.txt", "application/pdf", "application/zip"),
        (b"nombre;precio\nCaf\xc3\xa9;3\n", "text/csv", "text/csv"),
        (b"a plain text", "image/png", "text/plain"),
        (b"BMW is a car", "", "text/plain"),
        (b"half a character \xe2\x82", "", "text/plain"),
        (b"\x00\x01\x02\x03", "image/png", "application/octet-stream"),
        (b"", "image/png", "application/octet-stream"),
    ],
)
def test_the_bytes_say_what_it_is(head, claimed, mime):
    assert sniff.mime_of(head, claimed) == mime


def test_an_office_file_is_told_from_a_plain_archive():
    assert sniff.mime_of(a_zip("[Content_Types].xml", "word/document.xml")).endswith("wordprocessingml.document")
    assert sniff.mime_of(a_zip("[Content_Types].xml", "xl/workbook.xml")).endswith("spreadsheetml.sheet")


@pytest.mark.parametrize(
    "page", [b"<svg xmlns='x' onload=alert(1)>", b"  <!DOCTYPE html><p>", b"text then <script>x</script>", b"<?xml ?>"]
)
@pytest.mark.parametrize("claimed", ["text/plain", "image/svg+xml", "text/csv"])
def test_markup_is_never_shown_inside_a_page(page, claimed):
    mime = sniff.mime_of(page, claimed)
    assert not sniff.is_inline(mime)
    assert sniff.kind_of(mime, "image") == "document"


def test_a_claim_never_makes_a_picture_of_another_file():
    assert sniff.kind_of("application/pdf", "image") == "document"
    assert sniff.kind_of("audio/ogg", "voice") == "voice"
    assert sniff.kind_of("image/webp", "sticker") == "sticker"
    assert sniff.kind_of("image/heic", "image") == "document"
