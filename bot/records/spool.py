"""A file on its way from one place to another: on disk and not in memory, gone when it has arrived."""

import hashlib
import shutil
import tempfile
from asyncio import to_thread
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bot.records.sniff import HEAD_BYTES

_PORTION: Final = 1024 * 1024


class TooLarge(Exception):
    """More bytes came than were allowed."""


class Spool:
    """`async with Spool() as spool`, then `fill` it, or let somebody else write `path` and `measure` it."""

    def __init__(self) -> None:
        self.size, self.sha256, self.head = 0, "", b""

    async def __aenter__(self) -> Self:
        self._folder = Path(await to_thread(tempfile.mkdtemp, prefix="bandeja-"))
        self.path = self._folder / "file"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def beside(self, name: str) -> Path:
        """Room for what is made of the file; it goes with it."""
        return self._folder / name

    async def fill(self, chunks: AsyncIterator[bytes], *, most_bytes: int) -> None:
        """Raises TooLarge as soon as there is one byte too many, whatever size was announced."""
        digest, portion, size = hashlib.sha256(), bytearray(), 0
        async for chunk in chunks:
            size += len(chunk)
            if size > most_bytes:
                raise TooLarge
            digest.update(chunk)
            portion += chunk
            if len(portion) >= _PORTION:
                await to_thread(_append, self.path, bytes(portion))
                portion.clear()
        await to_thread(_append, self.path, bytes(portion))
        self.size, self.sha256 = size, digest.hexdigest()
        self.head = await to_thread(_head, self.path)

    async def measure(self) -> None:
        self.size, self.sha256, self.head = await to_thread(_measure, self.path)


def _append(path: Path, portion: bytes) -> None:
    with path.open("ab") as file:
        file.write(portion)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _measure(path: Path) -> tuple[int, str, bytes]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return path.stat().st_size, digest, _head(path)
