import av
import pytest
from PIL import Image

from bot.records import convert
from tests.bot.records.sounds import a_noisy_picture, a_picture, a_tone


@pytest.fixture
def do(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"

    async def run(job: convert.Job, content: bytes, number: int = 0):
        source.write_bytes(content)
        return await convert.run(job, source, target, number), target

    return run


@pytest.mark.parametrize(
    ("container", "codec"), [("webm", "libopus"), ("mp4", "aac"), ("ogg", "libopus"), ("mp3", "libmp3lame")]
)
async def test_what_browsers_record_becomes_mono_opus_in_ogg(do, container, codec):
    answer, target = await do("voice", a_tone(container, codec), 512 * 1024)
    assert answer["seconds"] == pytest.approx(1.0, abs=0.1)
    with av.open(str(target)) as opened:
        stream = opened.streams.audio[0]
        assert (opened.format.name, stream.codec_context.name, stream.channels) == ("ogg", "opus", 1)


async def test_peaks_follow_the_loudness(do):
    answer, _ = await do("sound", a_tone("ogg", "libopus", seconds=4))
    peaks = answer["peaks"]
    assert len(peaks) == convert.PEAKS
    assert peaks[2] < peaks[30] < peaks[60]
    assert max(peaks) == 100


async def test_a_long_voice_note_is_made_small_enough_to_play_in_place(do):
    _, target = await do("voice", a_tone("ogg", "libopus", seconds=20), 50_000)
    assert target.stat().st_size < 60_000


async def test_a_preview_is_small_and_knows_the_whole_size(do):
    answer, target = await do("picture", a_noisy_picture(1600, 1200))
    assert answer == {"width": 1600, "height": 1200}
    with Image.open(target) as preview:
        assert preview.size == (480, 360)


async def test_a_picture_taken_sideways_is_turned_and_loses_where_it_was_taken(do):
    marks = Image.Exif()
    marks[0x0112] = 6
    marks[0x010F] = "a camera"
    answer, target = await do("picture", a_picture(640, 480, exif=marks.tobytes()))
    assert answer == {"width": 480, "height": 640}
    with Image.open(target) as preview:
        assert preview.size == (360, 480)
        assert not preview.getexif()


async def test_a_picture_is_shrunk_below_the_limit(do):
    answer, target = await do("shrink", a_noisy_picture(3000, 2000), 400_000)
    assert target.stat().st_size <= 400_000
    assert answer["width"] > answer["height"]
    with Image.open(target) as smaller:
        assert smaller.format == "JPEG"


async def test_transparency_becomes_white_not_black(do):
    _, target = await do("shrink", a_picture(kind="PNG", colour="#00000000"), 100_000)
    with Image.open(target) as flat:
        assert flat.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("job", ["picture", "shrink", "sound", "voice"])
async def test_a_file_that_is_not_one_is_unreadable(do, job):
    with pytest.raises(convert.CannotConvert) as failure:
        await do(job, b"\xff\xd8\xff" + b"nothing of the kind" * 100)
    assert failure.value.reason == "unreadable"


async def test_a_playlist_opens_no_other_file(do, tmp_path):
    secret = tmp_path / "secret.ogg"
    secret.write_bytes(a_tone("ogg", "libopus"))
    with pytest.raises(convert.CannotConvert):
        await do("sound", f"#EXTM3U\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n".encode())
    with pytest.raises(convert.CannotConvert):
        await do("sound", f"ffconcat version 1.0\nfile '{secret}'\n".encode())


async def test_a_picture_that_unfolds_into_gigabytes_costs_only_itself(do):
    with pytest.raises(convert.CannotConvert) as failure:
        await do("picture", a_picture(7000, 7000, kind="PNG"))
    assert failure.value.reason == "too_large"
