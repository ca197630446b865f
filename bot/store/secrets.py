"""Secrets at rest: sealed with a key that is never in the database, and keyed hashes of what need not be
read back.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.errors import N_, Refused
from bot.log import hide
from bot.store import private

FILE_NAME, VARIABLE = "key", "BANDEJA_KEY"
KEY_BYTES, NONCE_BYTES = 32, 12
FIRST_FORMAT = b"\x01"
BAD_KEY = "bad_key"


class CannotOpen(Exception):
    """Sealed with another key, or not by us at all."""


class Vault:
    """Both uses have keys of their own, derived from one."""

    def __init__(self, key: bytes) -> None:
        self._sealing = AESGCM(_derived(key, b"bandeja sealing"))
        self._hashing = _derived(key, b"bandeja hashing")

    def seal(self, value: str) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return FIRST_FORMAT + nonce + self._sealing.encrypt(nonce, value.encode(), FIRST_FORMAT)

    def open(self, sealed: bytes) -> str:
        """Raises CannotOpen."""
        body = bytes(sealed)
        if not body.startswith(FIRST_FORMAT):
            raise CannotOpen("unknown format")
        nonce, hidden = body[1 : 1 + NONCE_BYTES], body[1 + NONCE_BYTES :]
        try:
            return self._sealing.decrypt(nonce, hidden, FIRST_FORMAT).decode()
        except (InvalidTag, ValueError) as error:
            raise CannotOpen("another key") from error

    def fingerprint(self, text: str) -> str:
        """The same for the same text under the same key; nobody without the key can tell what it is of,
        not even by trying all phone numbers.
        """
        return hmac.new(self._hashing, text.encode(), hashlib.sha256).hexdigest()


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(key)


def open_vault(directory: Path, environ: Mapping[str, str] = os.environ) -> Vault:
    """With the key in BANDEJA_KEY, else that of the data directory, which is made when there is none.
    Every process of an installation needs the same one. Raises Refused when it is no key. Afterwards there is
    a data directory in any case.
    """
    private.make_folder(directory)
    given = environ.get(VARIABLE, "").strip()
    if given:
        return _vault(given, VARIABLE)
    file = directory / FILE_NAME
    return _vault(private.read_or_make(file, new_key), str(file))


def keep_key(directory: Path, text: str) -> None:
    """Another installation's key from now on, as after a restore. Raises Refused when it is no key."""
    _vault(text, "What was given")
    private.make_folder(directory)
    private.write(directory / FILE_NAME, text)


def new_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()


def _vault(text: str, place: str) -> Vault:
    hide(text)
    try:
        key = base64.urlsafe_b64decode(text)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        sentence = N_("%(place)s holds no key of Bandeja: 32 bytes in base64 are expected.")
        raise Refused(sentence, code=BAD_KEY, place=place)
    return Vault(key)
