"""Who was erased, as keyed hashes in a file beside the data: a restore or an import must not bring them back."""

import asyncio
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from bot.store.secrets import Vault

FILE_NAME = "erased.txt"


def name(kind: str, scope: str, value: str) -> str:
    """An address as one text."""
    return f"{kind} {scope} {value}"


async def remember(directory: Path, vault: Vault, addresses: Sequence[str], *, now: datetime) -> None:
    """Appended, and on the disk when this returns. `addresses` as `name` writes them."""
    lines = [f"{vault.fingerprint(address)} {now.isoformat()}\n" for address in addresses]
    if lines:
        await asyncio.to_thread(_append, directory / FILE_NAME, "".join(lines))


def _append(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


class Register:
    """The file, read once. Whoever came back after an erasure is somebody new: ask with when they came."""

    def __init__(self, directory: Path, vault: Vault) -> None:
        self._vault = vault
        self._erased: dict[str, datetime] = {}
        path = directory / FILE_NAME
        for line in path.read_text().splitlines() if path.exists() else ():
            mark, _, at = line.partition(" ")
            self._erased[mark] = datetime.fromisoformat(at)

    def __bool__(self) -> bool:
        return bool(self._erased)

    def names(self, address: str, *, since: datetime) -> bool:
        """Whether the person of this address, known here since then, was erased later."""
        at = self._erased.get(self._vault.fingerprint(address))
        return at is not None and since <= at
