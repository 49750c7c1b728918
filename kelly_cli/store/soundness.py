"""Whether the books that stand there are sound, and the ones that stood there before.

Soundness is SQLite's own ``quick_check``: every page is read and must make sense. A server checks
its pages itself. Which books they are is told by what they began with, which nothing ever changes.
"""

from __future__ import annotations

import math
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import OperationalError

from kelly_cli.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kelly_cli.store.database import Database

DAMAGED = "database_damaged"
_LOOK_S = 0.1
_FIRST_ROWS = (
    ("log", "SELECT delivery_id FROM webhook_logs ORDER BY id LIMIT 1"),
    ("audit", "SELECT hash FROM audit ORDER BY id LIMIT 1"),
)


def traces_of(database: Database) -> frozenset[str]:
    """Return what these books, and their copies of any later day, began with.

    Nothing = they hold nothing yet.

    Raises:
        StorageError: they cannot be read.
    """
    traces = set()
    with database.reading() as connection:
        for name, sql in _FIRST_ROWS:
            first = connection.exec_driver_sql(sql).scalar()
            if first is not None:
                traces.add(f"{name} {first}")
    return frozenset(traces)


def check_pages(
    database: Database, *, within_s: float | None = None, over: threading.Event | None = None
) -> bool:
    """Read every page; tell whether that was done in time, and before it was ``over``.

    Raises:
        StorageError: ``database_damaged``, or it cannot be read.
    """
    if not database.is_sqlite:
        return True
    with database.reading() as connection:
        raw: Any = connection.connection.driver_connection
        try:
            with _interrupted(raw, within_s, over or threading.Event()):
                found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        except OperationalError as error:
            if "interrupted" in str(error.orig):
                return False
            raise
    if found != "ok":
        raise StorageError(
            f"the database {database.shown()} is damaged: {str(found).splitlines()[-1]}",
            hint="Restore the last backup: kelly db restore FILE (it keeps what is there)",
            code=DAMAGED,
        )
    return True


def stamp_of(path: str | None) -> tuple[object, ...]:
    """Return what changes whenever a file or its log does, without opening them."""
    stamps: list[object] = []
    for name in (path, f"{path}-wal") if path else ():
        try:
            found = Path(name).stat()
        except OSError as error:
            stamps.append(error.errno)
        else:
            stamps += [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns]
    return tuple(stamps)


@contextmanager
def _interrupted(raw: Any, within_s: float | None, over: threading.Event) -> Iterator[None]:
    """End what a connection does in the block when it is time, from another thread."""
    done = threading.Event()

    def watch() -> None:
        # Two reasons to end and one thread: the second is looked at now and then.
        left_s = math.inf if within_s is None else within_s
        while not done.wait(min(max(left_s, 0), _LOOK_S)):
            left_s -= _LOOK_S
            if left_s <= 0 or over.is_set():
                raw.interrupt()
                left_s = _LOOK_S

    watcher = threading.Thread(target=watch, name="kelly-clock", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
