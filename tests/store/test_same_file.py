"""The file of the database: gone, replaced and overwritten are noticed."""

import pytest

from kelly_cli.errors import StorageError
from kelly_cli.store.same_file import SameFile


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "books.db"
    path.write_bytes(b"\x00" * 4096)
    return path


def test_a_file_that_only_grew_is_the_same(path):
    file = SameFile(str(path))
    path.write_bytes(b"\x01" * 8192)
    file.check()


@pytest.mark.parametrize("content", [None, b"", b"no database", b"\x00" * 4096])
def test_another_file_in_its_place_is_noticed(path, content):
    file = SameFile(str(path))
    path.rename(path.with_suffix(".old"))
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StorageError) as refused:
        file.check()
    assert refused.value.code == "database_replaced"
    assert str(path) in refused.value.message
    path.unlink(missing_ok=True)
    path.with_suffix(".old").rename(path)
    file.check()


def test_a_file_that_was_cut_or_overwritten_is_noticed(path):
    file = SameFile(str(path))
    for content in (b"", b"no database"):
        path.write_bytes(content)
        with pytest.raises(StorageError):
            file.check()


def test_without_a_file_there_is_nothing_to_watch():
    SameFile(None).check()
