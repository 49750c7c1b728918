"""Hot statements: they write what they are given, and fail as any other statement does."""

import contextlib
import sqlite3

import pytest
from sqlalchemy.exc import IntegrityError

from kelly_cli.errors import DatabaseBusyError
from kelly_cli.store import hot
from kelly_cli.store.tables import Base

COUNTERS = Base.metadata.tables["counters"]
COLUMNS = ("name", "value")


def counters(database):
    with database.reading() as connection:
        return hot.fetch(connection, "SELECT name, value FROM counters ORDER BY name")


@pytest.mark.parametrize("count", [0, 1, 2, 3, 63, 64, 65, 200])
def test_every_row_is_written_once(database, count):
    rows = [(f"n{number:03}", number) for number in range(count)]
    with database.writing() as connection:
        hot.insert_rows(connection, COUNTERS, COLUMNS, rows)
    assert [tuple(row) for row in counters(database)] == rows


def test_a_broken_constraint_is_no_fault_of_the_database_and_keeps_nothing(database):
    rows = [(f"n{number:03}", number) for number in range(70)]
    with pytest.raises(IntegrityError), database.writing() as connection:
        hot.insert_rows(connection, COUNTERS, COLUMNS, [*rows, rows[0]])
    assert list(counters(database)) == []


def test_a_connection_that_has_written_reads_without_writing(tmp_path):
    from kelly_cli.errors import StorageError
    from kelly_cli.store.database import Database
    from kelly_cli.store.schema import open_for_writing

    database = Database(f"sqlite:///{tmp_path}/books.db")
    open_for_writing(database)
    for _ in range(2):
        with database.writing() as connection:
            hot.insert_rows(connection, COUNTERS, COLUMNS, [(f"n{_}", 1)])
        with pytest.raises(StorageError, match="readonly"), database.reading() as connection:
            hot.insert_rows(connection, COUNTERS, COLUMNS, [("read", 1)])
        with database.alone():
            pass
        with pytest.raises(StorageError, match="readonly"), database.reading() as connection:
            hot.insert_rows(connection, COUNTERS, COLUMNS, [("read", 1)])
    database.close()


def test_a_database_that_another_program_holds_is_busy(tmp_path):
    from kelly_cli.store.database import Database
    from kelly_cli.store.schema import open_for_writing

    database = Database(f"sqlite:///{tmp_path}/books.db", busy_s=0.1)
    open_for_writing(database)
    with contextlib.closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(DatabaseBusyError), database.writing():
            pass
        other.execute("ROLLBACK")
    with database.writing() as connection:
        hot.insert_rows(connection, COUNTERS, COLUMNS, [("n", 1)])
    database.close()
