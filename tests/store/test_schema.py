import signal
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from kelly_cli.errors import (
    DatabaseNotFoundError,
    SchemaTooNewError,
    SchemaTooOldError,
    StorageError,
)
from kelly_cli.store.schema import holds_books, open_for_reading, open_for_writing, revision_of
from kelly_cli.store.tables import SCHEMA_REVISION, Base

CREATE = """
    import os, sys
    from kelly_cli.store.database import Database
    from kelly_cli.store.schema import open_for_reading, open_for_writing
    if "postgres" in sys.argv[1]:
        import psycopg
    gate, key = os.pipe()
    children = []
    for _ in range(8):
        child = os.fork()
        if child == 0:
            os.close(key)
            os.read(gate, 1)
            database = Database(sys.argv[1])
            open_for_writing(database)
            open_for_reading(database)
            os._exit(0)
        children.append(child)
    os.close(key)
    print([os.waitpid(child, 0)[1] for child in children])
"""
CRASH = """
    import sys, time
    from kelly_cli.store import schema
    from kelly_cli.store.database import Database

    class Stopped:
        def __getattr__(self, name):
            print("half", flush=True)
            time.sleep(60)

    # Every table is made; the stamp, which comes last, is not.
    schema.insert = lambda _table: Stopped()
    schema.open_for_writing(Database(sys.argv[1]))
"""


def stamp(database, revision):
    with database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")


def test_eight_processes_make_one_schema_at_the_same_moment(database_url, opened, python, done):
    assert done(python(CREATE, database_url)) == f"{[0] * 8}\n"
    with opened(database_url).reading() as connection:
        assert revision_of(connection) == SCHEMA_REVISION
        stamps = connection.exec_driver_sql("SELECT count(*) FROM alembic_version").scalar_one()
    assert stamps == 1


def test_a_kill_while_the_books_are_made_leaves_nothing_half_made(database_url, opened, python):
    process = python(CRASH, database_url)
    assert process.stdout.readline() == "half\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    database = opened(database_url)
    assert not holds_books(database)
    with pytest.raises(DatabaseNotFoundError):
        open_for_reading(database)
    open_for_writing(database)
    assert holds_books(database)


def test_reading_makes_nothing(tmp_path, opened):
    database = opened(f"sqlite:///{tmp_path}/new/books.db")
    with pytest.raises(DatabaseNotFoundError) as caught:
        open_for_reading(database)
    assert caught.value.code == "database_not_found"
    assert not (tmp_path / "new").exists()


def test_an_empty_file_is_no_database_yet(tmp_path, opened):
    (tmp_path / "empty.db").touch()
    database = opened(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(DatabaseNotFoundError):
        open_for_reading(database)
    open_for_writing(database)
    open_for_reading(database)


def test_new_books_are_for_their_owner_only(tmp_path, opened):
    database = opened(f"sqlite:///{tmp_path}/new/books.db")
    open_for_writing(database)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert {each.stat().st_mode & 0o777 for each in (tmp_path / "new").iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("revision", "error"), [("0000", SchemaTooOldError), ("0009", SchemaTooNewError)]
)
def test_books_of_another_age_are_refused(database, opened, revision, error):
    stamp(database, revision)
    for open_ in (open_for_reading, open_for_writing):
        with pytest.raises(error, match=f"{revision}.* than this kelly's {SCHEMA_REVISION}"):
            open_(opened(database))


def test_not_a_byte_of_newer_books_is_changed(database, opened):
    if not database.is_sqlite:
        pytest.skip("a server's files are its own")
    stamp(database, "0009")
    database.close()
    folder = Path(database.path).parent
    before = {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}
    for open_ in (open_for_reading, open_for_writing):
        refused = opened(database)
        with pytest.raises(SchemaTooNewError):
            open_(refused)
        wal = Path(f"{database.path}-wal")
        assert not wal.exists() or wal.stat().st_size == 0
        refused.close()
    assert {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()} == before


FOREIGN = {
    "other tables": "CREATE TABLE songs (id INTEGER)",
    "another program's alembic": "CREATE TABLE alembic_version (version_num VARCHAR(32))",
    "half of kelly's": "CREATE TABLE customers (id INTEGER)",
}


@pytest.mark.parametrize("statement", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_database_of_somebody_else_is_refused_and_left_alone(database_url, opened, statement):
    database = opened(database_url)
    with database.writing() as connection:
        connection.exec_driver_sql(statement)
    for open_ in (open_for_reading, open_for_writing):
        with pytest.raises(StorageError, match="none of kelly's") as caught:
            open_(database)
        assert caught.value.code == "not_a_kelly_database"
    with database.writing() as connection:
        connection.exec_driver_sql(statement.replace("CREATE", "DROP").split(" (")[0])


def test_the_log_mode_stays_with_the_file(database):
    if not database.is_sqlite:
        pytest.skip("SQLite's")
    database.close()
    with sqlite3.connect(database.path) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    plain.close()


def test_money_that_is_not_whole_cents_is_refused_by_sqlite(database):
    if not database.is_sqlite:
        pytest.skip("PostgreSQL's BIGINT takes whole numbers only")
    for cents in ("1.5", "'x'"):
        with pytest.raises(IntegrityError, match="whole"), database.writing() as connection:
            connection.exec_driver_sql(
                "INSERT INTO payment_prompts (checkout_request_id, phone, amount_cents,"
                " environment, state, actor, created_at, updated_at) VALUES ('ws_1',"
                f" '254712345678', {cents}, 'local', 'unknown', 'x', '2026-02-03', '2026-02-03')"
            )


def test_every_foreign_key_restricts():
    for table in Base.metadata.sorted_tables:
        for key in table.foreign_keys:
            assert key.ondelete is None
            assert key.onupdate is None


def test_sqlite_can_use_every_index_of_a_part_of_a_table(database):
    """SQLite turns some conditions around, and then does not know them for the index's own."""
    if not database.is_sqlite:
        pytest.skip("a server proves more than that")
    partial = [
        (index.table.name, index.name, index.info["where"])
        for table in Base.metadata.tables.values()
        for index in table.indexes
        if "where" in index.info
    ]
    assert len(partial) > 3
    with database.reading() as connection:
        for table, index, where in partial:
            connection.exec_driver_sql(f"SELECT 1 FROM {table} INDEXED BY {index} WHERE {where}")
