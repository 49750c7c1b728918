"""Backups and the schema's age: save the books, put them back, bring them up to date.

Whatever writes over books keeps what was there first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.errors import DatabaseNotFoundError, SchemaTooNewError
from kelly_cli.store import audit_rows, backups, schema
from kelly_cli.store.tables import SCHEMA_REVISION

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.backups import Backup
    from kelly_cli.store.checks.shape import CheckResult
    from kelly_cli.store.database import Database


class Restored(NamedTuple):
    """What was put back, what was there before (None = nothing), and whether it holds together.

    ``check`` None = the books are of an older schema and wait for ``kelly db upgrade``.
    """

    backup: Backup
    kept: Backup | None
    check: CheckResult | None


class Upgraded(NamedTuple):
    """The schema before (None = the books were made now) and after, and the backup between."""

    before: str | None
    after: str
    backup: Backup | None


def backup_file(database: Database, at: datetime, file: Path | None) -> Path:
    """Return where a backup goes: ``file``, or a name with the time in that folder.

    None = beside the database. ``at``: aware.
    """
    if file is None or file.is_dir():
        return backups.default_file(database, at, file)
    return file


def back_up(database: Database, file: Path) -> Backup:
    """Write all books of this moment, of whatever schema, into ``file``; others write meanwhile.

    Raises:
        DatabaseNotFoundError: there are no books.
        StorageError: ``file`` cannot be written, or the books are damaged.
    """
    if not schema.holds_books(database):
        raise DatabaseNotFoundError(
            f"no books at {database.shown()}: there is nothing to save",
            hint="Name the database with --db",
        )
    return backups.back_up(database, file)


def look_into(database: Database, file: Path) -> Backup:
    """Verify the whole of a backup and tell what it holds.

    Raises:
        SchemaTooNewError: a newer kelly made it.
        StorageError: no such file, damaged, or no books in it.
    """
    found = backups.look_into(database, file)
    if found.schema is not None and found.schema > SCHEMA_REVISION:
        raise SchemaTooNewError(
            f"{file} has schema {found.schema}, newer than this kelly's {SCHEMA_REVISION}",
            hint="Use the newer kelly; nothing was written",
        )
    return found


def restore(database: Database, hand: Hand, backup: Backup) -> Restored:
    """Put a verified backup in the place of the books, then check them.

    What was there is kept beside the database. Money received since the backup is missing then
    until a statement brings it back.

    Raises:
        StorageError: nothing could be kept or put back; the books are as they were.
    """
    keep = backups.default_file(database, hand.at)
    kept = backups.restore(database, backup.file, keep=keep)
    if backup.schema != SCHEMA_REVISION:
        return Restored(backup, kept, None)

    from kelly_cli.services import checking

    after = {
        "payments": backup.payments,
        "schema": backup.schema,
        "kept": kept.file.name if kept else None,
    }
    with database.writing() as connection:
        audit_rows.record_audit(connection, hand, "db.restore", backup.file.name, after=after)
    return Restored(backup, kept, checking.check(database, now=hand.at))


def upgrade(database: Database, at: datetime, *, backup: bool = True) -> Upgraded:
    """Bring the books to this kelly's schema, and make them when there are none.

    ``backup``: save them beside the database first, in the same turn to write. ``at``: aware.

    Raises:
        SchemaTooNewError: a newer kelly made them; nothing was written.
        StorageError: no backup could be made; nothing was written.
    """
    if not schema.holds_books(database):
        schema.open_for_writing(database)
        return Upgraded(None, SCHEMA_REVISION, None)

    from kelly_cli.store import upgrading

    saved: list[Backup] = []

    def save(_revision: str) -> None:
        if backup:
            saved.append(backups.back_up(database, backups.default_file(database, at)))

    before, after = upgrading.upgrade(database, first=save)
    return Upgraded(before, after, saved[0] if saved else None)
