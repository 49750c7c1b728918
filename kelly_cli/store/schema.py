"""The schema's age: make it, know it, refuse what this kelly must not touch.

A fresh database is made whole from the tables and stamped with the newest revision; an older one
waits for ``kelly db upgrade`` (migrations); a newer one is refused without a write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Text, column, insert, inspect, table

from kelly_cli.errors import SchemaTooNewError, SchemaTooOldError, StorageError
from kelly_cli.store.tables import SCHEMA_REVISION, metadata_for

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from kelly_cli.store.database import Database

VERSION_TABLE = "alembic_version"
_ALWAYS_THERE = {VERSION_TABLE, "customers", "payments", "webhook_logs"}


def revision_of(connection: Connection) -> str | None:
    """Return the revision that the database is stamped with, or None when it has no tables.

    Raises:
        StorageError: the database has tables, and they are not kelly's.
    """
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    row = None
    if is_kelly(tables):
        row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    if row is None:
        raise not_kelly("the database", tables)
    return str(row[0])


def holds_books(database: Database) -> bool:
    """Tell whether there are books, of whatever age.

    Raises:
        StorageError: it holds somebody else's tables, or is damaged.
    """
    if not database.exists():
        return False
    with database.reading() as connection:
        return revision_of(connection) is not None


def is_kelly(tables: Iterable[str]) -> bool:
    """Tell by the names of its tables whether a database holds books of any age."""
    return _ALWAYS_THERE.issubset(tables)


def not_kelly(what: object, tables: Iterable[str]) -> StorageError:
    """Return the refusal of a database that is somebody else's, or half of one."""
    names = ", ".join(sorted(tables)[:3])
    return StorageError(
        f"{what} is none of kelly's: it holds {names or 'no tables'}",
        hint="Name another one",
        code="not_a_kelly_database",
    )


def check_revision(revision: str | None) -> None:
    """Refuse a database of another age.

    Raises:
        SchemaTooOldError: it waits for ``kelly db upgrade``.
        SchemaTooNewError: a newer kelly made it.
    """
    if revision == SCHEMA_REVISION:
        return
    if revision is not None and revision > SCHEMA_REVISION:
        raise SchemaTooNewError(
            f"the database has schema {revision}, newer than this kelly's {SCHEMA_REVISION}",
            hint="Use the newer kelly; nothing was written",
        )
    raise SchemaTooOldError(
        f"the database has schema {revision}, older than this kelly's {SCHEMA_REVISION}",
        hint="Run: kelly db upgrade (it takes a backup first)",
    )


def open_for_reading(database: Database) -> None:
    """Check that there are books and that this kelly may read them.

    Raises:
        DatabaseNotFoundError: there is nothing to read.
        SchemaTooOldError: it waits for ``kelly db upgrade``.
        SchemaTooNewError: a newer kelly made it.
    """
    from kelly_cli.errors import DatabaseNotFoundError

    with database.reading() as connection:
        revision = revision_of(connection)
    if revision is None:
        raise DatabaseNotFoundError(
            f"the database {database.shown()} is empty",
            hint="A writing command makes it: kelly customer create NAME",
        )
    check_revision(revision)


def open_for_writing(database: Database) -> None:
    """Make the books when they are missing, and check that this kelly may write them.

    Safe to run in any number of processes at the same moment: one makes, the others find.

    Raises:
        SchemaTooOldError: it waits for ``kelly db upgrade``.
        SchemaTooNewError: a newer kelly made it.
    """
    if database.exists():
        with database.reading() as connection:
            revision = revision_of(connection)
        if revision is not None:
            check_revision(revision)
            return
    if database.is_sqlite:
        with database.alone() as raw:
            use_wal(raw, database.shown())
    with database.writing() as connection:
        revision = revision_of(connection)
        if revision is None:
            create(connection)
            return
    check_revision(revision)


def create(connection: Connection) -> None:
    """Make every table and stamp the newest revision."""
    metadata_for(connection.dialect.name).create_all(connection)
    # The shape that alembic gives this table, without the cost of importing it.
    connection.exec_driver_sql(
        "CREATE TABLE alembic_version ( version_num VARCHAR(32) NOT NULL, "
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num) )"
    )
    stamp = column("version_num", Text)
    connection.execute(insert(table(VERSION_TABLE, stamp)).values(version_num=SCHEMA_REVISION))


def use_wal(raw: sqlite3.Connection, shown: str) -> None:
    """Put a SQLite database into WAL mode, which stays with the file.

    Raises:
        StorageError: its disk cannot do that.
    """
    mode = raw.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        raise StorageError(
            f"SQLite cannot keep its log beside {shown} (journal mode {mode})",
            hint="Keep the database on a local disk, not on a network share",
        )
