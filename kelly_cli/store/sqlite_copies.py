"""Copies of a SQLite database, out of the live one and into it, by SQLite's online backup.

A copy out reads one snapshot while others write. A copy in is one unit of work of the live
database: it goes through its log, so those who have it open read on, and a crash leaves the old.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from kelly_cli.errors import DatabaseBusyError, StorageError
from kelly_cli.store.database import make_folder
from kelly_cli.store.schema import is_kelly, not_kelly, use_wal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kelly_cli.store.database import Database

DAMAGED = "database_damaged"
_PAGES_A_STEP = 4096


class Found(NamedTuple):
    """What a backup holds."""

    payments: int
    schema: str


def copy_out(database: Database, partial: Path) -> Found:
    """Copy one snapshot of the books into a file of its own, and verify the copy.

    Raises:
        StorageError: the disk is full, or the books are damaged.
    """
    with database.reading() as connection:
        # The first read fixes the snapshot; steps between which Ctrl-C is heard all read it.
        connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").all()
        raw: Any = connection.connection.driver_connection
        with _told(database.shown()), closing(_opened(partial, "rw")) as copy:
            copy.execute("PRAGMA journal_mode=OFF")
            raw.backup(copy, pages=_PAGES_A_STEP)
            # One file that opens anywhere, also from a disc that cannot be written.
            copy.execute("PRAGMA journal_mode=DELETE")
    return verify(partial, shown=database.shown())


def verify(file: Path, *, shown: str = "") -> Found:
    """Check every page and row of a backup, without a write beside it, and tell what it holds.

    ``shown``: what to call it in an error, when it is a copy of something.

    Raises:
        StorageError: damaged, or none of kelly's.
    """
    shown = shown or str(file)
    with _told(shown), closing(_opened_to_read(file)) as copy:
        tables = [row[0] for row in copy.execute("SELECT name FROM sqlite_master")]
        if not is_kelly(tables):
            raise not_kelly(shown, tables)
        problem = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
        lost = copy.execute("PRAGMA foreign_key_check").fetchone()
        if problem != "ok" or lost is not None:
            raise _damaged(shown, problem if lost is None else f"a row of {lost[0]} points nowhere")
        payments = copy.execute("SELECT count(*) FROM payments").fetchone()[0]
        stamp = copy.execute("SELECT version_num FROM alembic_version").fetchone()
        if stamp is None:
            raise not_kelly(shown, tables)
    return Found(payments, stamp[0])


def copy_in(database: Database, file: Path, *, damaged: bool) -> None:
    """Put a verified backup in the place of the live database; the turn to write must be held.

    ``damaged``: what is there may be too broken to be written over; it is then taken away first.

    Raises:
        StorageError: the disk is full, or another program holds the database.
    """
    try:
        _write_over(database, file)
    except StorageError as error:
        if not damaged or error.code != DAMAGED:
            raise
        for ending in ("", "-wal", "-shm", "-journal"):
            _beside(_live(database), ending).unlink(missing_ok=True)
        _write_over(database, file)


def copy_bytes(database: Database, file: Path) -> None:
    """Copy a damaged database and its log as they are; the turn to write must be held."""
    # Closing a plain handle of the file gives up the locks of every connection of this process.
    database.engine.dispose()
    for ending in ("", "-wal"):
        with suppress(FileNotFoundError), _beside(_live(database), ending).open("rb") as damaged:
            copy_name = _beside(file, ending)
            copy_name.touch(0o600)
            with copy_name.open("wb") as copy:
                shutil.copyfileobj(damaged, copy)
                copy.flush()
                os.fsync(copy.fileno())


def _live(database: Database) -> Path:
    return Path(database.path or "").resolve()


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(file.name + ending)


def _write_over(database: Database, file: Path) -> None:
    make_folder(database.path)
    with (
        _told(database.shown()),
        closing(_opened(_live(database), "rw", busy_s=database.busy_s)) as live,
        closing(_opened_to_read(file)) as backup,
    ):
        live.execute("PRAGMA synchronous=FULL")
        live.execute("PRAGMA wal_autocheckpoint=0")
        use_wal(live, database.shown())
        backup.backup(live)
        live.execute("PRAGMA busy_timeout=0")
        live.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _opened_to_read(file: Path) -> sqlite3.Connection:
    """Open without a write beside the file, unless a log there holds a part of it."""
    logs = (_beside(file, "-wal"), _beside(file, "-journal"))
    lonely = not any(log.exists() and log.stat().st_size for log in logs)
    return _opened(file, "ro&immutable=1" if lonely else "ro")


def _opened(file: Path, mode: str, *, busy_s: float = 0) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(file.absolute()))}?mode={mode}",
        uri=True,
        isolation_level=None,
        timeout=busy_s,
    )
    connection.execute("PRAGMA trusted_schema=OFF")
    return connection


@contextmanager
def _told(shown: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        # The low byte is the kind of error, the rest its detail.
        kind = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if kind in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise _damaged(shown, str(error)) from error
        if kind in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise DatabaseBusyError(
                f"another program holds {shown}", hint="Close it, then try again"
            ) from error
        raise StorageError(f"the copying of {shown} failed: {error}") from error


def _damaged(shown: str, detail: str) -> StorageError:
    return StorageError(
        f"{shown} is damaged: {detail}",
        hint="Keep it, and use a good backup: kelly db restore FILE",
        code=DAMAGED,
    )
