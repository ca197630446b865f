"""Pictures and sound are opened here and nowhere else, in a child process that strangers' files may crash.

`python -m bot.records.convert JOB SOURCE TARGET NUMBER` writes one JSON object. Nothing of our environment
reaches it; memory, time and output are limited, so that a crafted file costs itself only.
"""

import asyncio
import json
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

Job = Literal["picture", "sound", "voice", "shrink"]
Reason = Literal["unreadable", "too_large", "too_slow"]

MEMORY_BYTES: Final = 300 * 1024 * 1024
SECONDS: Final = 30
OUTPUT_BYTES: Final = 100 * 1024 * 1024
THUMB_PIXELS: Final = 480
PEAKS: Final = 64
_SLOT_SECONDS: Final = 0.05
_PEAK_RATE: Final = 8000
# Opus knows 48 kHz only. Speech is clear at 32 kbit/s and understandable at 12.
_OPUS_RATE: Final = 48000
_OPUS_MOST, _OPUS_LEAST = 32_000, 12_000
_SOUND_FORMATS: Final = "ogg,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,aac,wav,amr,amrnb,amrwb,flac"
_PICTURE_FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")
_MOST_PIXELS: Final = 60_000_000
# Longest side in pixels and JPEG quality, tried in turn until the file is small enough.
_STEPS: Final = ((2560, 88), (2560, 75), (1920, 75), (1280, 70), (800, 60), (480, 50))
# Two children together stay below what one server may reasonably have to spare.
_AT_ONCE: Final = asyncio.Semaphore(2)
_ROOT: Final = Path(__file__).resolve().parents[2]


class CannotConvert(Exception):
    """The file is not what it should be, or costs more than it may."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


async def run(job: Job, source: Path, target: Path, number: int = 0) -> Mapping[str, Any]:
    """Do `job` on the file `source`, writing `target`. Raises CannotConvert.

    `picture`: a preview of at most 480 pixels as WebP; answers `width height`.
    `sound`: writes nothing; answers `seconds peaks`.
    `voice`: OGG/Opus mono of at most `number` bytes where speech allows it; answers as `sound`.
    `shrink`: JPEG of at most `number` bytes; answers `width height`.
    """
    async with _AT_ONCE:
        return _answer(await _ask_child(job, source, target, number))


async def _ask_child(job: Job, source: Path, target: Path, number: int) -> bytes:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.records.convert", job, str(source), str(target), str(number),
        cwd=_ROOT,
        env={"MALLOC_ARENA_MAX": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS):
            output, _ = await child.communicate()
    except TimeoutError:
        raise CannotConvert("too_slow") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return output


def _answer(output: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(output)
    except ValueError:
        # Killed by a limit before it could say anything.
        raise CannotConvert("too_large") from None
    if "error" in answer:
        raise CannotConvert(answer["error"])
    return dict(answer)


# --- from here on: the child. Each library is imported by the job that needs it; it costs a tenth of a second


def main(arguments: list[str]) -> int:
    job, source, target, number = arguments
    _limit()
    try:
        answer = _JOBS[job](source, target, int(number))
    except MemoryError:
        answer = {"error": "too_large"}
    except Exception:
        answer = {"error": "unreadable"}
    sys.stdout.write(json.dumps(answer))
    return 0


def _limit() -> None:
    limits = {
        resource.RLIMIT_AS: MEMORY_BYTES,
        resource.RLIMIT_CPU: SECONDS,
        resource.RLIMIT_FSIZE: OUTPUT_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in limits.items():
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def _picture(source: str, target: str, _: int) -> dict[str, Any]:
    from PIL import ImageOps

    image, width, height = _open(source, THUMB_PIXELS)
    image.thumbnail((THUMB_PIXELS, THUMB_PIXELS))
    image = ImageOps.exif_transpose(image)
    image.convert("RGBA" if _is_transparent(image) else "RGB").save(target, "WEBP", quality=80)
    if (image.width > image.height) != (width > height):
        width, height = height, width
    return {"width": width, "height": height}


def _shrink(source: str, target: str, number: int) -> dict[str, Any]:
    from PIL import Image, ImageOps

    image, _, _ = _open(source, _STEPS[0][0])
    image.thumbnail((_STEPS[0][0],) * 2)
    image = ImageOps.exif_transpose(image)
    if _is_transparent(image):
        layer = image.convert("RGBA")
        image = Image.new("RGB", layer.size, "white")
        image.paste(layer, mask=layer.getchannel("A"))
    image = image.convert("RGB")
    for side, quality in _STEPS:
        image.thumbnail((side, side))
        image.save(target, "JPEG", quality=quality, optimize=True)
        if Path(target).stat().st_size <= number:
            return {"width": image.width, "height": image.height}
    return {"error": "too_large"}


def _open(source: str, pixels: int) -> tuple[Any, int, int]:
    """The picture, read at no more than it needs, and its whole size. Animations give their first image."""
    from PIL import Image

    # More would not fit our memory anyway, and Pillow's own limit only warns at first.
    Image.MAX_IMAGE_PIXELS = None
    image = Image.open(source, formats=_PICTURE_FORMATS)
    width, height = image.size
    if width * height > _MOST_PIXELS:
        raise MemoryError
    image.draft("RGB", (pixels, pixels))
    image.load()
    return image, width, height


def _is_transparent(image: Any) -> bool:
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info


def _sound(source: str, _: str, __: int) -> dict[str, Any]:
    meter = _Meter()
    for frame in _frames(source, _PEAK_RATE):
        meter.hear(frame)
    return meter.answer()


def _voice(source: str, target: str, number: int) -> dict[str, Any]:
    import av

    meter = _Meter()
    for frame in _frames(source, _PEAK_RATE):
        meter.hear(frame)
    with av.open(target, mode="w", format="ogg") as written:
        stream: Any = written.add_stream("libopus", rate=_OPUS_RATE, layout="mono")
        stream.bit_rate = _bit_rate(meter.seconds, number)
        stream.options = {"application": "voip", "vbr": "constrained"}
        for frame in _frames(source, _OPUS_RATE):
            written.mux(stream.encode(frame))
        written.mux(stream.encode(None))
    return meter.answer()


def _bit_rate(seconds: float, most_bytes: int) -> int:
    if not most_bytes or not seconds:
        return _OPUS_MOST
    # An eighth for the pages of the container and for what the codec overshoots.
    return int(min(_OPUS_MOST, max(_OPUS_LEAST, most_bytes * 7 / seconds)))


def _frames(source: str, rate: int) -> Iterator[Any]:
    import av

    # A playlist would make the library open what it names, files and addresses alike (ffmpeg-formats, "hls").
    options = {"format_whitelist": _SOUND_FORMATS, "protocol_whitelist": "none"}
    with Path(source).open("rb") as file, av.open(file, mode="r", options=options) as opened:
        stream: Any = opened.streams.audio[0]
        stream.thread_count = 1
        mono = av.AudioResampler(format="s16", layout="mono", rate=rate)
        for frame in opened.decode(stream):
            yield from mono.resample(frame)
        yield from mono.resample(None)


@dataclass(slots=True)
class _Meter:
    """How loud it is over time. Slots of 50 ms are kept, however long it is, and joined at the end."""

    samples: int = 0
    slots: list[int] | None = None

    def hear(self, frame: Any) -> None:
        sound = memoryview(bytes(frame.planes[0])[: frame.samples * 2]).cast("h")
        step = int(_PEAK_RATE * _SLOT_SECONDS)
        slots = self.slots = self.slots or []
        for start in range(0, len(sound), step):
            part = sound[start : start + step]
            slots.append(max(max(part), -min(part)))
        self.samples += frame.samples

    @property
    def seconds(self) -> float:
        return self.samples / _PEAK_RATE

    def answer(self) -> dict[str, Any]:
        """Peaks from 0 to 100 of the loudest, at most 64 of them."""
        slots = self.slots or []
        if not slots:
            return {"error": "unreadable"}
        count = min(PEAKS, len(slots))
        edges = [index * len(slots) // count for index in range(count + 1)]
        bars = [max(slots[a:b]) for a, b in zip(edges, edges[1:], strict=False)]
        loudest = max(max(bars), 1)
        return {"seconds": round(self.seconds, 2), "peaks": [round(bar * 100 / loudest) for bar in bars]}


_JOBS: Final[Mapping[str, Callable[[str, str, int], dict[str, Any]]]] = {
    "picture": _picture,
    "sound": _sound,
    "voice": _voice,
    "shrink": _shrink,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
