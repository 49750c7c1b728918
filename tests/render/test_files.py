import os
import stat
from pathlib import Path

import pytest

from kelly_cli.errors import StorageError
from kelly_cli.render.files import save


def names(folder):
    return sorted(each.name for each in folder.iterdir())


def test_a_file_is_made_and_replaced_whole(tmp_path):
    file = tmp_path / "list.csv"
    save(file, b"one\n")
    save(file, iter([b"two\n", b"three\n"]))
    assert file.read_bytes() == b"two\nthree\n"
    assert names(tmp_path) == ["list.csv"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_the_mode_follows_the_umask_also_when_another_file_was_there(tmp_path, umask, mode):
    file = tmp_path / "list.csv"
    file.write_text("old")
    file.chmod(0o640)
    before = os.umask(umask)
    try:
        save(file, b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == mode


def breaks_off():
    yield b"half"
    raise OSError(28, "No space left on device")


def test_what_breaks_off_leaves_the_old_file_and_nothing_else(tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("old")
    with pytest.raises(StorageError, match="No space left on device; nothing was written") as told:
        save(file, breaks_off())
    assert told.value.code == "file_not_writable"
    assert (file.read_text(), names(tmp_path)) == ("old", ["list.csv"])


def interrupted():
    yield b"half"
    raise KeyboardInterrupt


def test_an_interruption_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path / "list.csv", interrupted())
    assert names(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_told_and_a_device_stays_a_device(tmp_path):
    full = tmp_path / "full.csv"
    full.symlink_to("/dev/full")
    with pytest.raises(StorageError, match="No space left"):
        save(full, b"x" * 10_000)
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)
    assert names(tmp_path) == ["full.csv"]


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("missing/list.csv", "there is no folder"),
        ("folder.csv", "that is a folder"),
        ("file/list.csv", "there is no folder"),
        (f"{'x' * 300}.csv", "name too long"),
    ],
)
def test_a_place_where_no_file_can_be_is_refused(tmp_path, place, why):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=f"(?i){why}"):
        save(tmp_path / place, b"x")
    assert names(tmp_path) == ["file", "folder.csv"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    save(tmp_path / "link.csv", b"new")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "new"


def test_a_pipe_is_written_to(tmp_path):
    reading, writing = os.pipe()
    with open(reading, "rb") as read:
        with open(writing, "wb"):
            save(Path(f"/dev/fd/{writing}"), b"through")
        assert read.read() == b"through"
