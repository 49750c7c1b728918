import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kelly_cli.errors import DatabaseBusyError, StorageError
from kelly_cli.services import customers
from kelly_cli.store import backups, postgres_dumps
from kelly_cli.store.schema import open_for_writing

AT = datetime(2026, 2, 3, 12, 0, 0, tzinfo=UTC)
RESTORE = """
    import sys, time
    from pathlib import Path
    from kelly_cli.store import backups
    from kelly_cli.store.database import Database
    print("go", flush=True)
    backups.restore(Database(sys.argv[1]), Path(sys.argv[2]), keep=Path(sys.argv[3]))
"""
KEEP_WRITING = """
    import sys, time
    from kelly_cli.store.database import Database
    database = Database(sys.argv[1])
    number = 0
    end = time.monotonic() + 20
    while time.monotonic() < end:
        number += 1
        with database.writing() as connection:
            for half in "ab":
                connection.exec_driver_sql(
                    f"INSERT INTO counters (name, value) VALUES ('{number:06}{half}', {number})"
                )
        print(number, flush=True)
"""


@pytest.fixture
def sqlite_only(database):
    if not database.is_sqlite:
        pytest.skip("SQLite's")
    return database


@pytest.fixture
def ann(database, hand):
    """Books with one customer."""
    customers.create_customer(database, hand, name="Ann")
    return database


def names(database):
    return [each.name for each in customers.list_customers(database)]


def rows_of(file):
    with closing(sqlite3.connect(file)) as plain:
        return "\n".join(plain.iterdump())


def test_a_backup_comes_back(ann, hand, tmp_path):
    made = backups.back_up(ann, tmp_path / "saved")
    assert made == backups.look_into(ann, tmp_path / "saved")
    assert (made.payments, made.schema) == (0, "0005")
    assert made.bytes == made.file.stat().st_size > 0
    customers.create_customer(ann, hand, name="Ben")

    kept = backups.restore(ann, made.file, keep=tmp_path / "kept")

    assert names(ann) == ["Ann"]
    assert kept.file == tmp_path / "kept"
    backups.restore(ann, kept.file, keep=tmp_path / "kept again")
    assert names(ann) == ["Ann", "Ben"]
    customers.create_customer(ann, hand, name="Cat")
    assert names(ann) == ["Ann", "Ben", "Cat"]


def test_a_restored_schema_is_the_same_to_the_letter(ann, tmp_path, spelled):
    before = spelled(ann)
    made = backups.back_up(ann, tmp_path / "saved")
    backups.restore(ann, made.file, keep=tmp_path / "kept")
    assert spelled(ann) == before


def test_a_backup_is_for_its_owner_only_and_leaves_nothing_beside(ann, tmp_path):
    folder = tmp_path / "backups"
    folder.mkdir()
    backups.back_up(ann, folder / "saved")
    assert [each.name for each in folder.iterdir()] == ["saved"]
    assert (folder / "saved").stat().st_mode & 0o777 == 0o600


def test_a_backup_takes_the_place_of_an_older_one(ann, hand, tmp_path):
    file = tmp_path / "saved"
    backups.back_up(ann, file)
    customers.create_customer(ann, hand, name="Ben")
    backups.back_up(ann, file)
    backups.restore(ann, file, keep=tmp_path / "kept")
    assert names(ann) == ["Ann", "Ben"]


@pytest.mark.parametrize("pages", [1, 4096])
def test_a_backup_beside_writers_is_one_moment_and_holds_all_before_it(
    database, database_url, tmp_path, python, monkeypatch, pages
):
    if not database.is_sqlite and pages > 1:
        pytest.skip("SQLite's steps")
    monkeypatch.setattr("kelly_cli.store.sqlite_copies._PAGES_A_STEP", pages)
    writer = python(KEEP_WRITING, database_url)
    made = []
    for number in range(3):
        writer.stdout.readline()
        began = int(writer.stdout.readline())
        made.append((began, backups.back_up(database, tmp_path / f"saved {number}")))
    writer.kill()
    writer.wait()
    for began, backup in made:
        backups.restore(database, backup.file, keep=tmp_path / "kept")
        with database.reading() as connection:
            halves, last = connection.exec_driver_sql(
                "SELECT count(*), max(value) FROM counters"
            ).one()
        assert halves == 2 * last
        assert last >= began


def test_a_default_name_is_nairobi_s_time_and_free(ann, tmp_path):
    ending = "db" if ann.is_sqlite else "dump"
    first = backups.default_file(ann, AT, tmp_path)
    assert first.name == f"kelly-20260203-150000.{ending}"
    first.touch()
    assert backups.default_file(ann, AT, tmp_path).name == f"kelly-20260203-150000-2.{ending}"


def test_a_backup_that_cannot_be_written_is_told(ann, tmp_path):
    with pytest.raises(StorageError, match="cannot write the backup"):
        backups.back_up(ann, tmp_path / "nowhere" / "saved")


def test_a_file_that_is_not_there_or_no_backup_is_told(ann, tmp_path):
    with pytest.raises(StorageError, match="there is no file"):
        backups.look_into(ann, tmp_path / "saved")
    for content in (b"", b"x" * 10_000, b"PGDMP" + b"\0" * 100):
        (tmp_path / "saved").write_bytes(content)
        with pytest.raises(StorageError):
            backups.look_into(ann, tmp_path / "saved")


def test_a_flipped_byte_or_a_lost_end_is_found(ann, tmp_path):
    whole = backups.back_up(ann, tmp_path / "saved").file.read_bytes()
    cut = tmp_path / "cut"
    cut.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(StorageError) as caught:
        backups.look_into(ann, cut)
    assert caught.value.code == "database_damaged"
    (tmp_path / "head").write_bytes(b"x" + whole[1:])
    with pytest.raises(StorageError):
        backups.look_into(ann, tmp_path / "head")


def test_a_restore_into_an_empty_place_makes_the_books(ann, database_url, tmp_path, opened):
    made = backups.back_up(ann, tmp_path / "saved")
    if ann.is_sqlite:
        empty = opened(f"sqlite:///{tmp_path}/new/books.db")
    else:
        empty = ann
        with ann.writing() as connection:
            for (table,) in connection.exec_driver_sql(
                "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
            ).all():
                connection.exec_driver_sql(f"DROP TABLE {table} CASCADE")
    assert backups.restore(empty, made.file, keep=tmp_path / "kept") is None
    assert not (tmp_path / "kept").exists()
    open_for_writing(empty)
    assert names(empty) == ["Ann"]


def test_a_database_of_somebody_else_is_not_written_over(ann, tmp_path, opened):
    made = backups.back_up(ann, tmp_path / "saved")
    if ann.is_sqlite:
        foreign = opened(f"sqlite:///{tmp_path}/songs.db")
        with foreign.writing() as connection:
            connection.exec_driver_sql("CREATE TABLE songs (id INTEGER)")
    else:
        foreign = ann
        with ann.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE payments RENAME TO songs")
    with pytest.raises(StorageError, match="none of kelly's"):
        backups.restore(foreign, made.file, keep=tmp_path / "kept")


def test_others_who_have_the_books_open_see_the_restored_ones(ann, hand, tmp_path, opened):
    other = opened(ann)
    made = backups.back_up(ann, tmp_path / "saved")
    customers.create_customer(other, hand, name="Ben")
    assert names(other) == ["Ann", "Ben"]
    backups.restore(ann, made.file, keep=tmp_path / "kept")
    assert names(other) == ["Ann"]
    customers.create_customer(other, hand, name="Cat")
    assert names(ann) == ["Ann", "Cat"]


def test_a_restore_waits_for_its_turn(ann, tmp_path, opened):
    made = backups.back_up(ann, tmp_path / "saved")
    hasty = opened(ann, busy_s=0.2)
    with ann.writing(), pytest.raises(DatabaseBusyError):
        backups.restore(hasty, made.file, keep=tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


# SQLite


def test_a_backup_is_one_plain_file_that_opens_anywhere(sqlite_only, tmp_path):
    backups.back_up(sqlite_only, tmp_path / "saved")
    assert (tmp_path / "saved").read_bytes()[18:20] == b"\x01\x01"


def test_restored_books_keep_their_log_mode(sqlite_only, tmp_path):
    made = backups.back_up(sqlite_only, tmp_path / "saved")
    backups.restore(sqlite_only, made.file, keep=tmp_path / "kept")
    with closing(sqlite3.connect(sqlite_only.path)) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert Path(sqlite_only.path).stat().st_mode & 0o777 == 0o600


def test_a_reader_keeps_its_moment_through_a_restore(sqlite_only, hand, tmp_path, opened):
    made = backups.back_up(sqlite_only, tmp_path / "saved")
    customers.create_customer(sqlite_only, hand, name="Ann")
    other = opened(sqlite_only)
    count = "SELECT count(*) FROM customers"
    with other.reading() as connection:
        assert connection.exec_driver_sql(count).scalar_one() == 1
        backups.restore(sqlite_only, made.file, keep=tmp_path / "kept")
        assert connection.exec_driver_sql(count).scalar_one() == 1
    assert names(other) == []


def test_the_live_database_is_no_backup_of_itself(sqlite_only, tmp_path):
    link = tmp_path / "link.db"
    link.symlink_to(sqlite_only.path)
    for file in (Path(sqlite_only.path), link):
        with pytest.raises(StorageError, match="is the database itself"):
            backups.back_up(sqlite_only, file)
        with pytest.raises(StorageError, match="is the database itself"):
            backups.look_into(sqlite_only, file)


def test_a_backup_is_not_put_under_somebody_s_log(sqlite_only, tmp_path):
    (tmp_path / "saved-wal").write_bytes(b"log")
    with pytest.raises(StorageError, match="saved-wal is there"):
        backups.back_up(sqlite_only, tmp_path / "saved")


def test_what_only_stands_in_a_copied_log_comes_back_too(sqlite_only, hand, tmp_path):
    customers.create_customer(sqlite_only, hand, name="Ann")
    for ending in ("", "-wal"):
        copied = Path(f"{sqlite_only.path}{ending}").read_bytes()
        (tmp_path / f"copied.db{ending}").write_bytes(copied)
    found = backups.look_into(sqlite_only, tmp_path / "copied.db")
    customers.create_customer(sqlite_only, hand, name="Ben")
    backups.restore(sqlite_only, found.file, keep=tmp_path / "kept")
    assert names(sqlite_only) == ["Ann"]


@pytest.mark.parametrize("where", [0, 4096, -1])
def test_damaged_books_are_kept_as_they_are_and_replaced(sqlite_only, hand, tmp_path, where):
    customers.create_customer(sqlite_only, hand, name="Ann")
    made = backups.back_up(sqlite_only, tmp_path / "saved")
    sqlite_only.close()
    path = Path(sqlite_only.path)
    content = bytearray(path.read_bytes())
    if where < 0:
        del content[len(content) // 2 :]
    else:
        content[where : where + 3000] = b"\xff" * 3000
    path.write_bytes(content)
    with pytest.raises(StorageError):
        backups.back_up(sqlite_only, tmp_path / "bad")
    assert not (tmp_path / "bad").exists()

    kept = backups.restore(sqlite_only, made.file, keep=tmp_path / "kept")

    assert kept == (tmp_path / "kept", len(content), None, None)
    assert (tmp_path / "kept").read_bytes() == bytes(content)
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o600
    assert names(sqlite_only) == ["Ann"]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
def test_a_killed_restore_leaves_the_old_books(sqlite_only, hand, tmp_path, python):
    customers.create_customer(sqlite_only, hand, name="Old")
    with sqlite_only.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO counters (name, value) VALUES (?, 1)",
            [(f"{number}{'x' * 500}",) for number in range(20_000)],
        )
    made = backups.back_up(sqlite_only, tmp_path / "saved")
    customers.create_customer(sqlite_only, hand, name="New")
    url = sqlite_only.url.render_as_string(hide_password=False)
    seen = set()
    for number in range(5):
        process = python(RESTORE, url, made.file, tmp_path / f"kept {number}")
        assert process.stdout.readline() == "go\n"
        time.sleep(number * 0.05)
        process.kill()
        process.wait()
        seen.add(tuple(names(sqlite_only)))
        with closing(sqlite3.connect(sqlite_only.path)) as plain:
            assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert seen <= {("Old", "New"), ("Old",)}


# PostgreSQL


@pytest.fixture
def postgres_only(database):
    if database.is_sqlite:
        pytest.skip("PostgreSQL's")
    return database


def test_a_password_never_stands_in_the_arguments():
    pytest.importorskip("psycopg")
    from kelly_cli.store.database import Database

    database = Database(
        "postgresql://ann:s3%20cret@db.example:5433/books"
        "?sslmode=require&options=-csearch_path%3Dshop%20-cwork_mem%3D8MB"
    )
    conninfo, environment = postgres_dumps._connection_of(database)
    assert "cret" not in conninfo
    assert environment["PGPASSWORD"] == "s3 cret"
    assert "sslmode=require" in conninfo
    assert "options='-csearch_path=shop -cwork_mem=8MB'" in conninfo
    database.close()


def test_missing_programs_of_postgresql_are_told(postgres_only, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StorageError, match="pg_dump is needed") as caught:
        backups.back_up(postgres_only, tmp_path / "saved")
    assert caught.value.code == "no_pg_tools"
    assert not (tmp_path / "saved").exists()


def test_a_failing_program_says_why(postgres_only, tmp_path, monkeypatch):
    program = tmp_path / "pg_dump"
    program.write_text("#!/bin/sh\necho 'pg_dump: server version mismatch' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StorageError, match="server version mismatch"):
        backups.back_up(postgres_only, tmp_path / "saved")


def test_a_dump_of_another_schema_is_refused(postgres_only, tmp_path, opened):
    made = backups.back_up(postgres_only, tmp_path / "saved")
    other = opened(postgres_only.url.set(query={}).render_as_string(hide_password=False))
    with pytest.raises(StorageError, match="keeps its books in 'public'"):
        postgres_dumps.load(other, made.file, wait_s=1)


def test_a_long_reader_makes_a_restore_give_up(postgres_only, tmp_path, opened):
    made = backups.back_up(postgres_only, tmp_path / "saved")
    hasty = opened(postgres_only, busy_s=0.3)
    started = time.monotonic()
    with postgres_only.reading() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM customers").scalar_one()
        with pytest.raises(DatabaseBusyError):
            backups.restore(hasty, made.file, keep=tmp_path / "kept")
    assert time.monotonic() - started < 20
    assert names(postgres_only) == []
