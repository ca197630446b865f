"""Sounds and pictures made on the spot, so that no binary file stands in the repository."""

import io
import math
from array import array
from typing import Any

import av
from PIL import Image


def a_tone(container: str, codec: str, *, seconds: float = 1.0, rate: int = 48000) -> bytes:
    """A tone that swells, in stereo as some browsers record."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as written:
        stream: Any = written.add_stream(codec, rate=rate, layout="stereo")
        total = int(seconds * rate)
        for start in range(0, total, 960):
            frame = av.AudioFrame(format="s16", layout="stereo", samples=960)
            frame.sample_rate, frame.pts = rate, start
            frame.planes[0].update(_samples(start, total, rate))
            written.mux(stream.encode(frame))
        written.mux(stream.encode(None))
    return file.getvalue()


def _samples(start: int, total: int, rate: int) -> bytes:
    samples = array("h")
    for number in range(start, start + 960):
        value = int(20000 * min(1.0, number / total) * math.sin(2 * math.pi * 440 * number / rate))
        samples.extend((value, value))
    return samples.tobytes()


def a_picture(width: int = 64, height: int = 48, *, kind: str = "JPEG", colour: str = "teal", **options) -> bytes:
    file = io.BytesIO()
    Image.new("RGB" if kind == "JPEG" else "RGBA", (width, height), colour).save(file, kind, **options)
    return file.getvalue()


def a_noisy_picture(width: int, height: int) -> bytes:
    """One that does not compress."""
    file = io.BytesIO()
    Image.effect_noise((width, height), 90).convert("RGB").save(file, "JPEG", quality=97)
    return file.getvalue()
