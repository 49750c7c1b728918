"""Backups: one file that holds all the books of one moment, and the way back.

A backup has its name only when it is whole, verified and on disk. Each database's own means make
it: SQLite's online backup (sqlite_copies) or pg_dump (postgres_dumps); writers go on meanwhile.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.errors import StorageError
from kelly_cli.store import postgres_dumps, sqlite_copies
from kelly_cli.store.schema import holds_books

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from kelly_cli.store.database import Database


class Backup(NamedTuple):
    """A backup file: its size, how many payments it holds and the schema they are in.

    ``payments`` and ``schema`` None = a copy of a damaged database: nobody can tell.
    """

    file: Path
    bytes: int
    payments: int | None
    schema: str | None


def default_file(database: Database, at: datetime, folder: Path | None = None) -> Path:
    """Return a free name that tells the moment in Nairobi; beside the database, or in ``folder``.

    PostgreSQL has no place of its own here: then it is the working directory.
    """
    if folder is None:
        folder = Path(database.path).resolve().parent if database.path else Path.cwd()
    stem = f"kelly-{nairobi_wall_clock(at):%Y%m%d-%H%M%S}"
    ending = ".db" if database.is_sqlite else ".dump"
    file = folder / f"{stem}{ending}"
    number = 1
    while os.path.lexists(file):
        number += 1
        file = folder / f"{stem}-{number}{ending}"
    return file


def back_up(database: Database, file: Path) -> Backup:
    """Write all books of this moment into ``file``, in the place of what is there.

    Raises:
        StorageError: it cannot be written, or what was read is damaged; ``file`` is as it was.
    """
    file = file.absolute()
    _refuse_target(database, file)
    with _written(file) as partial:
        if database.is_sqlite:
            payments, schema = sqlite_copies.copy_out(database, partial)
        else:
            payments, schema, _ = postgres_dumps.dump(database, partial)
    return Backup(file, file.stat().st_size, payments, schema)


def look_into(database: Database, file: Path) -> Backup:
    """Verify a backup for this kind of database and tell what it holds.

    Raises:
        StorageError: no such file, damaged, no books, or the live database itself.
    """
    file = file.absolute()
    if not file.is_file():
        raise StorageError(f"there is no file {file}", hint="Give the file of a backup")
    if _is_live(database, file):
        raise StorageError(f"{file} is the database itself", hint="Give the file of a backup")
    if database.is_sqlite:
        payments, schema = sqlite_copies.verify(file)
    else:
        payments, schema, _ = postgres_dumps.verify(file)
    return Backup(file, file.stat().st_size, payments, schema)


def restore(database: Database, file: Path, *, keep: Path) -> Backup | None:
    """Put a verified backup in the place of the books; return the backup of what was there.

    ``keep``: the file for what was there. It is made under the same turn to write, so nothing
    falls between. Damaged books are kept too, byte by byte. None = nothing was there. Other
    processes that have the database open see the change at their next unit of work.

    Raises:
        StorageError: ``not_a_kelly_database``, or nothing could be kept or put back; the books are
            as they were.
    """
    if database.is_sqlite:
        with database.turn():
            return _restore_sqlite(database, file, keep)
    with database.writing():
        # Through other connections: this one must hold no lock on a table.
        kept = back_up(database, keep) if holds_books(database) else None
        postgres_dumps.load(database, file, wait_s=database.busy_s)
    return kept


def _restore_sqlite(database: Database, file: Path, keep: Path) -> Backup | None:
    kept = None
    damaged = False
    try:
        if holds_books(database):
            kept = back_up(database, keep)
    except StorageError as error:
        if error.code != sqlite_copies.DAMAGED:
            raise
        damaged = True
        sqlite_copies.copy_bytes(database, keep)
        kept = Backup(keep.absolute(), keep.stat().st_size, None, None)
    sqlite_copies.copy_in(database, file, damaged=damaged)
    return kept


def _is_live(database: Database, file: Path) -> bool:
    try:
        return database.path is not None and file.samefile(database.path)
    except OSError:
        return False


def _refuse_target(database: Database, file: Path) -> None:
    if _is_live(database, file):
        raise StorageError(f"{file} is the database itself", hint="Name another file")
    for ending in ("-wal", "-journal"):
        beside = file.with_name(file.name + ending)
        # It would be replayed over the new file.
        if beside.exists():
            raise StorageError(
                f"{beside} is there: a program has {file} open, or died with it open",
                hint="Name another file",
            )


@contextmanager
def _written(file: Path) -> Iterator[Path]:
    """Give a name to write to, and put it in the place of ``file`` when it is whole and on disk."""
    try:
        descriptor, name = tempfile.mkstemp(
            prefix=f".{file.name}.", suffix=".partial", dir=file.parent
        )
    except OSError as error:
        raise _unwritable(file, error) from error
    os.close(descriptor)
    partial = Path(name)
    try:
        yield partial
        _flush(partial)
        partial.replace(file)
        if os.name != "nt":  # there a folder cannot be flushed
            _flush(file.parent)
    except OSError as error:
        raise _unwritable(file, error) from error
    finally:
        partial.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(file: Path, error: OSError) -> StorageError:
    return StorageError(
        f"cannot write the backup {file}: {error.strerror}",
        hint="Name a file in a folder where this user may write",
    )
