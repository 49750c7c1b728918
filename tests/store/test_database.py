import os
import sqlite3
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from kelly_cli.errors import (
    BrokenInvariantError,
    DatabaseBusyError,
    DatabaseNotFoundError,
    KellyError,
    StorageError,
)
from kelly_cli.store.database import Database, fetch_in, reserve_ids
from kelly_cli.store.schema import open_for_reading, open_for_writing

ADD = "INSERT INTO counters (name, value) VALUES ('{}', 1)"


def add(database, name):
    with database.writing() as connection:
        connection.exec_driver_sql(ADD.format(name))


def names(database):
    with database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT name FROM counters ORDER BY name").all()
    return [name for (name,) in rows]


@pytest.fixture
def sqlite_only(database):
    if not database.is_sqlite:
        pytest.skip("SQLite's")
    return database


def test_what_is_written_is_kept_and_what_fails_is_not(database):
    add(database, "kept")
    with pytest.raises(ZeroDivisionError), database.writing() as connection:  # noqa: PT012
        connection.exec_driver_sql(ADD.format("lost"))
        raise ZeroDivisionError
    assert names(database) == ["kept"]


def test_a_rehearsal_leaves_nothing(database):
    with database.rehearsing() as connection:
        connection.exec_driver_sql(ADD.format("tried"))
    with pytest.raises(ZeroDivisionError), database.rehearsing():
        raise ZeroDivisionError
    assert names(database) == []


def test_reading_cannot_write(database):
    add(database, "first")
    for statement in (ADD.format("x"), "DELETE FROM counters", "CREATE TABLE x (id INTEGER)"):
        with pytest.raises((KellyError, DBAPIError)), database.reading() as connection:
            connection.exec_driver_sql(statement)
    assert names(database) == ["first"]
    add(database, "second")


def test_a_reader_sees_one_moment_while_others_write(database, opened):
    add(database, "before")
    other = opened(database)
    with database.reading() as connection:
        count = "SELECT count(*) FROM counters"
        assert connection.exec_driver_sql(count).scalar_one() == 1
        add(other, "meanwhile")
        assert connection.exec_driver_sql(count).scalar_one() == 1
    assert names(database) == ["before", "meanwhile"]


def test_a_second_writer_waits_for_the_first(database, opened):
    other = opened(database)
    order = []

    def second():
        with other.writing() as connection:
            order.append(connection.exec_driver_sql("SELECT count(*) FROM counters").scalar_one())

    with database.writing() as connection:
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.1)
        assert order == []
        connection.exec_driver_sql(ADD.format("first"))
    thread.join()
    assert order == [1]


def test_a_writer_gives_up_when_its_time_is_over(database, opened):
    other = opened(database, busy_s=0.2)
    with database.writing():
        started = time.monotonic()
        with pytest.raises(DatabaseBusyError) as caught:
            add(other, "late")
        assert 0.15 < time.monotonic() - started < 2
    assert (caught.value.exit_code, caught.value.retryable) == (1, True)
    add(other, "later")


def test_an_outside_program_that_holds_the_file_is_told(sqlite_only, opened):
    other = opened(sqlite_only, busy_s=0.2)
    add(other, "before")
    with closing(sqlite3.connect(sqlite_only.path, isolation_level=None)) as browser:
        browser.execute("BEGIN EXCLUSIVE")
        started = time.monotonic()
        with pytest.raises(DatabaseBusyError, match="another program holds the database"):
            add(other, "late")
        assert time.monotonic() - started < 2
        assert names(other) == ["before"]
        browser.execute("ROLLBACK")
    add(other, "later")


def test_a_broken_reference_is_refused_also_after_a_reshaping(database):
    with database.reshaping() as connection:
        connection.exec_driver_sql(ADD.format("kept"))
    for _ in range(2):
        with pytest.raises(IntegrityError), database.writing() as connection:
            connection.exec_driver_sql(
                "INSERT INTO reference_keys (key, customer_id) VALUES ('X', 77)"
            )
    assert names(database) == ["kept"]


def test_a_reshaping_that_breaks_a_reference_is_undone(sqlite_only):
    with (
        pytest.raises(BrokenInvariantError, match="reference_keys points at no row of customers"),
        sqlite_only.reshaping() as connection,
    ):
        connection.exec_driver_sql("INSERT INTO reference_keys (key, customer_id) VALUES ('X', 77)")
    with sqlite_only.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM reference_keys").scalar_one() == 0


def test_ids_are_reserved_once(database):
    with database.writing() as connection:
        first = reserve_ids(connection, "customers", 3)
        assert reserve_ids(connection, "customers", 0) == []
    assert len(set(first)) == 3
    assert first == sorted(first)


def test_a_list_is_one_parameter_however_long(database):
    add(database, "a")
    with database.reading() as connection:
        wanted = ["a", "b'", *map(str, range(40_000))]
        found = fetch_in(connection, "SELECT name FROM counters", "name", wanted)
        assert [tuple(row) for row in found] == [("a",)]
        assert fetch_in(connection, "SELECT name FROM counters", "name", []) == []


# What cannot be opened


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:s3cret@host/db",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://user:s3cret@host:port/db",
        "://user:s3cret@host",
        "",
    ],
)
def test_a_url_of_no_use_is_told_without_its_password(url):
    with pytest.raises(StorageError) as caught:
        Database(url)
    assert "s3cret" not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.hint


def test_a_server_that_is_down_is_told_without_its_password(opened):
    pytest.importorskip("psycopg")
    database = opened("postgresql://user:s3cret@127.0.0.1:1/books?connect_timeout=2")
    for use in (open_for_reading, open_for_writing):
        with pytest.raises(StorageError, match=r"127\.0\.0\.1") as caught:
            use(database)
        assert "s3cret" not in f"{caught.value.message} {caught.value.hint}"
        assert caught.value.exit_code == 1
    assert "s3cret" not in database.shown()


@pytest.mark.parametrize("content", [b"not a database", b"\0" * 8192, b"x" * 100_000])
def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path, opened, content):
    file = tmp_path / "letter.txt"
    file.write_bytes(content)
    for use in (open_for_reading, open_for_writing):
        database = opened(f"sqlite:///{file}")
        with pytest.raises(StorageError) as caught:
            use(database)
        assert caught.value.code == "database_damaged"
    assert file.read_bytes() == content


def test_a_folder_is_no_database(tmp_path, opened):
    database = opened(f"sqlite:///{tmp_path}")
    with pytest.raises(DatabaseNotFoundError):
        open_for_reading(database)
    with pytest.raises(StorageError, match="is a folder") as caught:
        open_for_writing(database)
    assert f"{tmp_path}/kelly.db" in caught.value.hint
    assert not Path(f"{tmp_path}.lock").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path, opened):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot make the database"):
        open_for_writing(opened(f"sqlite:///{tmp_path}/file/books.db"))


@pytest.fixture
def public():
    """A folder that every user can reach."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@contextmanager
def read_only(folder):
    """Act as a user who may not write in the folder."""
    was = os.geteuid()
    folder.chmod(0o555)
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)
        folder.chmod(0o755)


def test_a_folder_without_the_right_to_write_is_told(public, opened):
    with read_only(public), pytest.raises(StorageError, match="Permission denied") as caught:
        open_for_writing(opened(f"sqlite:///{public}/books.db"))
    assert "right to write" in caught.value.hint


def test_books_in_a_folder_without_the_right_to_write_are_told(public, opened):
    made = opened(f"sqlite:///{public}/books.db")
    open_for_writing(made)
    made.close()
    for file in public.iterdir():
        file.unlink() if file.suffix != ".db" else file.chmod(0o644)
    with read_only(public), pytest.raises(StorageError, match="cannot open the lock file"):
        add(opened(made), "x")


# The log of SQLite


@pytest.mark.slow
def test_the_log_stays_small_in_a_long_run(sqlite_only):
    wal = Path(f"{sqlite_only.path}-wal")
    text = "x" * 1000
    largest = 0
    for batch in range(75):
        with sqlite_only.writing() as connection:
            connection.exec_driver_sql(
                "INSERT INTO counters (name, value) VALUES (?, 1)",
                [(f"{batch}-{number}-{text}",) for number in range(2000)],
            )
        largest = max(largest, wal.stat().st_size)
    assert Path(sqlite_only.path).stat().st_size > 150e6
    assert largest < 100e6


@pytest.mark.slow
def test_the_log_is_copied_back_beside_a_linked_name(sqlite_only, tmp_path, opened):
    link = tmp_path / "link.db"
    link.symlink_to(sqlite_only.path)
    linked = opened(f"sqlite:///{link}")
    wal = Path(f"{sqlite_only.path}-wal")
    text = "x" * 1000
    for batch in range(60):
        with linked.writing() as connection:
            connection.exec_driver_sql(
                "INSERT INTO counters (name, value) VALUES (?, 1)",
                [(f"{batch}-{number}-{text}",) for number in range(2000)],
            )
    assert wal.stat().st_size < 100e6


def test_a_long_reader_does_not_hold_up_writers(sqlite_only, opened, monkeypatch):
    monkeypatch.setattr("kelly_cli.store.database._CHECKPOINT_BYTES", 0)
    monkeypatch.setattr("kelly_cli.store.database._TRUNCATE_BYTES", 0)
    other = opened(sqlite_only)
    with other.reading() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM counters").scalar_one()
        started = time.monotonic()
        for number in range(5):
            add(sqlite_only, f"n{number}")
        assert time.monotonic() - started < 1
    add(sqlite_only, "last")
    assert Path(f"{sqlite_only.path}-wal").stat().st_size == 0


@pytest.mark.postgres
def test_a_host_that_says_nothing_is_given_up_in_time_unless_the_url_says_otherwise():
    url = os.environ.get("KELLY_TEST_POSTGRES_URL") or pytest.skip("no PostgreSQL")
    for more, wanted in (("", "15000"), ("tcp_user_timeout=7000", "7000")):
        database = Database(f"{url}{'&' if '?' in url else '?'}{more}")
        with database.engine.connect() as connection:
            told = connection.connection.driver_connection.info.get_parameters()
        assert (told["tcp_user_timeout"], told["keepalives_idle"]) == (wanted, "10")
        database.close()
