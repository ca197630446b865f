import pytest

from bot.channels.contract import Limits
from bot.errors import Refused
from bot.ids import AgentId
from bot.records import media
from bot.store import files
from tests.bot.records.sounds import a_noisy_picture, a_picture, a_tone

LIMITS = Limits(
    text=1000, caption=100, buttons=3, button_title=20, per_second=10, per_person_seconds=1,
    media_bytes={"image": 100_000, "voice": 1_000_000, "document": 2_000_000},
    mimes={"image": ("image/jpeg", "image/png"), "voice": ("audio/ogg",), "document": ()},
)  # fmt: skip


async def in_pieces(content: bytes):
    for start in range(0, len(content), 10_000):
        yield content[start : start + 10_000]


@pytest.fixture
def upload(store, clock):
    async def run(content: bytes, *, name: str = "a file", mime: str = "", kind=None) -> dict:
        chunks = in_pieces(content)
        return await media.store_upload(
            store, chunks, name=name, mime=mime, owner=AgentId("ann"), now=clock.now(), kind=kind
        )

    return run


async def content_of(store, file_id: str) -> bytes:
    return b"".join([piece async for piece in files.read(store, file_id)])


async def test_a_picture_gets_a_preview_and_its_size(store, upload):
    picture = a_picture(640, 480)
    record = await upload(picture, name="photo.jpg", mime="image/jpeg")
    assert (record["kind"], record["mime"], record["width"], record["height"]) == ("image", "image/jpeg", 640, 480)
    assert await content_of(store, record["file"]) == picture
    assert (await content_of(store, record["thumb"]))[8:12] == b"WEBP"
    assert await media.get_media(store, record["_id"]) == record


async def test_a_picture_that_is_not_one_is_a_plain_file(upload):
    record = await upload(b"\xff\xd8\xff" + b"no picture" * 50, name="photo.jpg", mime="image/jpeg")
    assert (record["kind"], record.get("thumb")) == ("document", None)


async def test_a_page_that_calls_itself_a_picture_is_a_plain_file(upload):
    record = await upload(b"<svg onload=alert(1)></svg>", name="photo.png", mime="image/png")
    assert (record["kind"], record["mime"]) == ("document", "text/html")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ana\\factura.pdf", "factura.pdf"),
        ("fac\u202etura\x00.pdf", "factura.pdf"),
        ("x" * 500 + ".pdf", "x" * 200 + ".pdf"),
        ("", "file.pdf"),
    ],
)
async def test_names_are_made_harmless(upload, name, kept):
    assert (await upload(b"%PDF-1.7 and so on", name=name))["name"] == kept


async def test_an_empty_file_is_refused(upload):
    with pytest.raises(Refused) as refusal:
        await upload(b"")
    assert refusal.value.code == "file_empty"


async def test_a_file_that_never_ends_is_refused_when_it_is_too_large(store, clock):
    async def endless():
        while True:
            yield bytes(4_000_000)

    with pytest.raises(Refused) as refusal:
        await media.store_upload(store, endless(), name="x", mime="", owner=AgentId("ann"), now=clock.now())
    assert (refusal.value.code, refusal.value.fields) == ("file_too_large", {"megabytes": 100})
    assert await store["media"].count_documents({}) == 0


@pytest.mark.parametrize(
    ("container", "codec", "mime"), [("webm", "libopus", "audio/webm"), ("mp4", "aac", "audio/mp4")]
)
async def test_a_recording_becomes_a_voice_note_every_phone_can_play(store, upload, container, codec, mime):
    record = await upload(a_tone(container, codec, seconds=2), name="recording", mime=mime, kind="voice")
    assert (record["kind"], record["mime"], record["name"]) == ("voice", "audio/ogg", "voice.ogg")
    assert record["seconds"] == pytest.approx(2, abs=0.1)
    assert len(record["peaks"]) > 30
    assert (await content_of(store, record["file"]))[:4] == b"OggS"


async def test_a_recording_without_sound_is_refused(upload):
    with pytest.raises(Refused) as refusal:
        await upload(b"this is no sound", mime="audio/webm", kind="voice")
    assert refusal.value.code == "voice_unreadable"


async def test_a_sound_shows_its_waveform(upload):
    record = await upload(a_tone("mp3", "libmp3lame"), name="song.mp3", mime="audio/mpeg")
    assert (record["kind"], record["mime"]) == ("audio", "audio/mpeg")
    assert record["peaks"]


async def test_a_picture_may_be_sent_as_a_file(upload):
    assert (await upload(a_picture(), name="photo.jpg", kind="document"))["kind"] == "document"


async def sent(attachment) -> bytes:
    return b"".join([piece async for piece in attachment.chunks()])


async def test_what_the_channel_takes_goes_as_it_is(store, upload):
    picture = a_picture()
    record = await upload(picture, name="photo.jpg")
    assert media.is_ready(record, "image", LIMITS)
    attachment = await media.prepared(store, record, "image", LIMITS)
    assert (attachment.name, attachment.mime, attachment.size) == ("photo.jpg", "image/jpeg", len(picture))
    assert await sent(attachment) == picture
    assert await sent(attachment) == picture


async def test_a_picture_too_large_for_the_channel_is_made_smaller_once(store, upload):
    record = await upload(a_noisy_picture(1500, 1000), name="photo.png")
    assert not media.is_ready(record, "image", LIMITS)
    attachment = await media.prepared(store, record, "image", LIMITS)
    assert attachment.size <= 100_000
    assert (attachment.name, attachment.mime) == ("photo.jpg", "image/jpeg")
    assert len(await sent(attachment)) == attachment.size
    again = await media.get_media(store, record["_id"])
    assert media.is_ready(again, "image", LIMITS)
    assert len(again["variants"]) == 1
    assert await sent(await media.prepared(store, again, "image", LIMITS)) == await sent(attachment)


async def test_a_sound_sent_as_a_voice_note_is_converted(store, upload):
    record = await upload(a_tone("mp3", "libmp3lame"), name="song.mp3")
    attachment = await media.prepared(store, record, "voice", LIMITS)
    assert (attachment.mime, attachment.name) == ("audio/ogg", "song.ogg")


async def test_a_file_goes_with_its_first_message(store, upload):
    record = await upload(a_picture())
    for message in ("m1", "m2"):
        belongs = {"_id": message, "conversation": "c", "contact": "p", "account": "a", "media": [media.entry(record)]}
        await media.attach(store, belongs)
    assert (await media.get_media(store, record["_id"]))["message"] == "m1"
