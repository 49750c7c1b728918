"""Soundness: what is broken is found, in bounded time, and copies of the same books are known."""

import random
import shutil
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from kelly_cli.errors import StorageError
from kelly_cli.store import audit_rows, backups
from kelly_cli.store.database import Database
from kelly_cli.store.schema import open_for_writing
from kelly_cli.store.soundness import check_pages, stamp_of, traces_of


@pytest.fixture
def only_sqlite(database):
    if not database.is_sqlite:
        pytest.skip("a server looks after its own pages")
    return database


def test_sound_books_are_sound(database):
    assert check_pages(database)


def test_a_look_ends_in_time_and_when_it_is_over(only_sqlite):
    with only_sqlite.writing() as connection:
        connection.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) "
            "INSERT INTO counters (name, value) SELECT printf('%0500d', i), 1 FROM n"
        )
    began = time.monotonic()
    check_pages(only_sqlite, within_s=0)
    over = threading.Event()
    over.set()
    check_pages(only_sqlite, over=over)
    assert time.monotonic() - began < 2
    # The connection that was interrupted is as good as before.
    assert check_pages(only_sqlite)


@pytest.mark.parametrize("way", ["flip", "truncate"])
def test_damage_of_the_file_is_found(only_sqlite, tmp_path, way):
    with only_sqlite.writing() as connection:
        for number in range(1500):
            connection.exec_driver_sql(
                f"INSERT INTO counters (name, value) VALUES ('{number:0200}', {number})"
            )
    copy = tmp_path / "copy.db"
    backups.back_up(only_sqlite, copy)
    whole = copy.read_bytes()
    rolls = random.Random(3)
    found = 0
    for _ in range(50):
        broken = bytearray(whole)
        if way == "flip":
            # A whole sector, as disks lose them.
            at = rolls.randrange(len(broken) // 512) * 512
            broken[at : at + 512] = rolls.randbytes(512)
        else:
            del broken[rolls.randrange(1, len(broken) // 512) * 512 :]
        file = tmp_path / "broken.db"
        file.write_bytes(broken)
        with closing(Database(f"sqlite:///{file}")) as books:
            try:
                found += not check_pages(books)
            except StorageError:
                found += 1
        for ending in ("-wal", "-shm"):
            Path(f"{file}{ending}").unlink(missing_ok=True)
    print(f"\n{way}: {found} of 50 found")
    assert found >= (50 if way == "truncate" else 25)


def test_copies_of_the_same_books_have_the_same_beginning(only_sqlite, hand, tmp_path):
    assert traces_of(only_sqlite) == frozenset()
    with only_sqlite.writing() as connection:
        audit_rows.record_audit(connection, hand, "a.test", "CUST-001")
    first = traces_of(only_sqlite)
    backups.back_up(only_sqlite, tmp_path / "copy.db")
    with only_sqlite.writing() as connection:
        audit_rows.record_audit(connection, hand, "a.test", "CUST-002")
    assert traces_of(only_sqlite) == first
    with closing(Database(f"sqlite:///{tmp_path}/copy.db")) as copy:
        assert traces_of(copy) == first
    with closing(Database(f"sqlite:///{tmp_path}/other.db")) as other:
        open_for_writing(other)
        assert not traces_of(other) & first


def test_a_stamp_changes_with_the_file(tmp_path):
    path = tmp_path / "books.db"
    with closing(sqlite3.connect(path)) as books:
        books.execute("CREATE TABLE a (b)")
    one = stamp_of(str(path))
    assert stamp_of(str(path)) == one
    shutil.copy(path, tmp_path / "new.db")
    (tmp_path / "new.db").replace(path)
    two = stamp_of(str(path))
    path.unlink()
    assert len({one, two, stamp_of(str(path))}) == 3
    assert stamp_of(None) == ()
