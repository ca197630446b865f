import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Refused
from bot.store.secrets import CannotOpen, Vault, new_key, open_vault


@given(st.text())
def test_what_was_sealed_is_opened_with_the_same_key(value):
    vault = Vault(b"k" * 32)
    assert vault.open(vault.seal(value)) == value


def test_sealed_twice_looks_different_and_shows_nothing():
    vault = Vault(b"k" * 32)
    first, second = vault.seal("EAAtoken"), vault.seal("EAAtoken")
    assert first != second
    assert b"EAA" not in first


@pytest.mark.parametrize("place", [0, 1, 13, -1])
def test_one_changed_byte_cannot_be_opened(place):
    vault = Vault(b"k" * 32)
    sealed = bytearray(vault.seal("token"))
    sealed[place] ^= 1
    with pytest.raises(CannotOpen):
        vault.open(bytes(sealed))


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + b"x" * 12])
def test_pieces_cannot_be_opened(sealed):
    with pytest.raises(CannotOpen):
        Vault(b"k" * 32).open(sealed)


def test_another_key_opens_nothing_and_hashes_otherwise():
    one, other = Vault(b"k" * 32), Vault(b"x" * 32)
    with pytest.raises(CannotOpen):
        other.open(one.seal("token"))
    assert one.fingerprint("52155") == Vault(b"k" * 32).fingerprint("52155")
    assert one.fingerprint("52155") != other.fingerprint("52155")


def test_key_is_made_once_and_read_by_its_owner_only(tmp_path):
    directory = tmp_path / "data"
    sealed = open_vault(directory, {}).seal("token")
    assert open_vault(directory, {}).open(sealed) == "token"
    assert stat.S_IMODE((directory / "key").stat().st_mode) == 0o600


def test_key_of_the_environment_wins_and_leaves_no_file(tmp_path):
    key = new_key()
    sealed = open_vault(tmp_path, {"BANDEJA_KEY": key}).seal("token")
    assert open_vault(tmp_path / "elsewhere", {"BANDEJA_KEY": key}).open(sealed) == "token"
    assert list(tmp_path.rglob("*")) == [tmp_path / "elsewhere"]


@pytest.mark.parametrize("key", ["short", "ñ", "x" * 43])
def test_no_key_is_refused_without_repeating_it(tmp_path, key):
    with pytest.raises(Refused, match="BANDEJA_KEY holds no key") as caught:
        open_vault(tmp_path, {"BANDEJA_KEY": key})
    assert key not in str(caught.value)
