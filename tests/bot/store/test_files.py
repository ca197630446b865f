import os

import pytest

from bot.errors import NotFound
from bot.store import files

LONG = 3 * files.PIECE_BYTES + 17


@pytest.fixture
def content() -> bytes:
    return os.urandom(LONG)


@pytest.fixture
def path(tmp_path, content):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    return path


async def whole(pieces) -> bytes:
    return b"".join([piece async for piece in pieces])


async def test_what_was_saved_is_read_back(store, path, content):
    file = await files.save(store, path, name="photo.jpg")
    assert await whole(files.read(store, file)) == content
    assert await files.size(store, file) == LONG


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 10), (files.PIECE_BYTES - 1, files.PIECE_BYTES + 1), (LONG - 5, None), (5, LONG + 99), (LONG, None)],
)
async def test_a_range_is_read_alone(store, path, content, start, end):
    file = await files.save(store, path, name="photo.jpg")
    assert await whole(files.read(store, file, start=start, end=end)) == content[start:end]


async def test_empty_file_is_a_file(store, tmp_path):
    (tmp_path / "empty").touch()
    file = await files.save(store, tmp_path / "empty", name="empty")
    assert await whole(files.read(store, file)) == b""


async def test_deleted_file_is_gone_with_all_its_pieces(store, path):
    file = await files.save(store, path, name="photo.jpg")
    await files.delete(store, file)
    await files.delete(store, file)
    assert await store["files.chunks"].count_documents({}) == 0
    for ask in (files.size(store, file), whole(files.read(store, file))):
        with pytest.raises(NotFound):
            await ask


async def test_upload_that_breaks_off_leaves_nothing(store, tmp_path):
    with pytest.raises(IsADirectoryError):
        await files.save(store, tmp_path, name="folder")
    assert await store["files.chunks"].count_documents({}) == 0
    assert await store["files.files"].count_documents({}) == 0
