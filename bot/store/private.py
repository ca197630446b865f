"""Files and folders that only their owner may read: keys, passwords, the database."""

import os
from collections.abc import Callable
from pathlib import Path

from bot.errors import N_, Unavailable
from bot.ids import new_id


def make_folder(folder: Path) -> None:
    """Raises Unavailable with a sentence when that is not possible."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    try:
        for parent in reversed(missing):
            parent.mkdir(mode=0o700, exist_ok=True)
            give_to_owner(parent)
    except OSError as error:
        sentence = N_("The data directory %(directory)s cannot be used: %(reason)s.")
        reason = error.strerror or str(error)
        raise Unavailable(sentence, code="no_directory", directory=str(folder), reason=reason) from error


def read_or_make(path: Path, content: Callable[[], str]) -> str:
    """What the file holds; when there is none it is made first, whole or not at all. Two processes that
    make it at once end up with the same content.
    """
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        write(path, content(), replace=False)
    return path.read_text().strip()


def write(path: Path, content: str, *, replace: bool = True) -> None:
    """With `replace` False a file that appeared meanwhile is left as it is."""
    fresh = path.with_name(f".{path.name}.{new_id()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        give_to_owner(fresh)
        _put(fresh, path, replace=replace)
    finally:
        fresh.unlink(missing_ok=True)


def _put(fresh: Path, path: Path, *, replace: bool) -> None:
    if replace:
        fresh.replace(path)
        return
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        return


def owner_beside_root(folder: Path) -> tuple[int, int] | None:
    """User and group of a folder that is not root's while we are root, as with sudo beside a running
    service.
    """
    if os.geteuid() != 0:
        return None
    status = folder.stat()
    return (status.st_uid, status.st_gid) if status.st_uid != 0 else None


def give_to_owner(path: Path) -> None:
    """What root makes in another's folder belongs to that other, who must be able to use it later."""
    if owner := owner_beside_root(path.parent):
        os.chown(path, *owner)
