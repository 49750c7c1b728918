"""The schema's age: make it, know it, refuse what this kelly must not touch.

A fresh database is made whole from the tables and stamped with the newest revision; an older one
waits for ``kelly db upgrade`` (migrations); a newer one is refused without a write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import inspect

from kelly_cli.errors import SchemaTooNewError, SchemaTooOldError, StorageError
from kelly_cli.store.tables import SCHEMA_REVISION, Base

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kelly_cli.store.database import Database

VERSION_TABLE = "alembic_version"


def revision_of(connection: Connection) -> str | None:
    """Return the revision that the database is stamped with, or None when it has no tables.

    Raises:
        StorageError: the database has tables, and they are not kelly's.
    """
    tables = inspect(connection).get_table_names()
    if VERSION_TABLE in tables:
        row = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").first()
        return str(row[0]) if row else None
    if tables:
        raise StorageError(
            f"the database holds other tables ({', '.join(sorted(tables)[:3])}) and none of kelly's",
            hint="Name another database with --db",
            code="not_a_kelly_database",
        )
    return None


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
        _use_wal(database)
    with database.writing() as connection:
        revision = revision_of(connection)
        if revision is None:
            create(connection)
            return
    check_revision(revision)


def create(connection: Connection) -> None:
    """Make every table and stamp the newest revision."""
    Base.metadata.create_all(connection)
    # The shape that alembic gives this table, without the cost of importing it.
    connection.exec_driver_sql(
        f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL, "
        f"CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num))"
    )
    connection.exec_driver_sql(
        f"INSERT INTO {VERSION_TABLE} (version_num) VALUES ('{SCHEMA_REVISION}')"
    )


def _use_wal(database: Database) -> None:
    from kelly_cli.store.database import make_folder

    make_folder(database.path)
    with database.alone() as raw:
        mode = raw.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        raise StorageError(
            f"SQLite cannot keep its log beside {database.shown()} (journal mode {mode})",
            hint="Keep the database on a local disk, not on a network share",
        )
