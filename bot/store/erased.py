"""Who was erased, as keyed hashes in a file beside the data: a restore or an import must not bring them back."""

import asyncio
import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from bot.store.secrets import Vault

FILE_NAME = "erased.txt"


def name(kind: str, scope: str, value: str) -> str:
    """An address as one text."""
    return f"{kind} {scope} {value}"


async def remember(directory: Path, vault: Vault, addresses: Sequence[str], *, now: datetime) -> None:
    """Appended, and on the disk when this returns. `addresses` as `name` writes them."""
    lines = [f"{vault.fingerprint(address)} {now.date().isoformat()}\n" for address in addresses]
    if lines:
        await asyncio.to_thread(_append, directory / FILE_NAME, "".join(lines))


def _append(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def among(directory: Path, vault: Vault, addresses: Iterable[str]) -> set[str]:
    """Those of `addresses` whose person was erased."""
    try:
        known = {line.partition(" ")[0] for line in (directory / FILE_NAME).read_text().splitlines()}
    except FileNotFoundError:
        return set()
    return {address for address in addresses if vault.fingerprint(address) in known} if known else set()
