"""A few files people of a hardware shop send: pictures, voice notes, a receipt."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "static" / "samples"


@dataclass(frozen=True, slots=True)
class Sample:
    file: str
    mime: str
    name: str = ""
    seconds: int = 0

    def read(self) -> bytes:
        return (FOLDER / self.file).read_bytes()


SAMPLES: Mapping[str, Sample] = {
    "llave": Sample("llave.jpg", "image/jpeg"),
    "pared": Sample("pared.jpg", "image/jpeg"),
    "taladro": Sample("taladro.jpg", "image/jpeg"),
    "comprobante": Sample("comprobante.jpg", "image/jpeg"),
    "lista": Sample("lista.pdf", "application/pdf", "lista de materiales.pdf"),
    "voz-pedido": Sample("voz-pedido.ogg", "audio/ogg; codecs=opus", seconds=7),
    "voz-gracias": Sample("voz-gracias.ogg", "audio/ogg; codecs=opus", seconds=3),
}
