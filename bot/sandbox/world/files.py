"""Files on the platforms' servers: uploaded by the company, or sent by people. In memory, the oldest make room."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from bot.sandbox.world.company import digits


@dataclass(frozen=True, slots=True)
class Stored:
    id: str
    account: str
    mime: str
    name: str
    data: bytes
    at: float

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.data).digest()


class Files:
    def __init__(self, *, max_bytes: int) -> None:
        self._files: OrderedDict[str, Stored] = OrderedDict()
        self._bytes, self._max_bytes = 0, max_bytes

    def add(self, data: bytes, *, account: str, mime: str, name: str, at: float) -> Stored:
        stored = Stored(digits(15), account, mime, name, data, at)
        self._files[stored.id] = stored
        self._bytes += len(data)
        while self._bytes > self._max_bytes and len(self._files) > 1:
            self._bytes -= len(self._files.popitem(last=False)[1].data)
        return stored

    def find(self, file_id: str) -> Stored | None:
        return self._files.get(file_id)

    def remove(self, file_id: str) -> bool:
        stored = self._files.pop(file_id, None)
        self._bytes -= len(stored.data) if stored else 0
        return stored is not None
