"""Whether books may have changed since the last look, for those who look again and again.

One small question for each look: on SQLite what its own counter says, on PostgreSQL the newest unit
of work of the server. A mark that differs may mean nothing; a mark that is equal means no change.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kelly_cli.store.schema import open_for_reading

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kelly_cli.store.database import Database


class Marks:
    """Gives marks of one database; a file that was put in its place is opened anew."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._opened = 0
        self._file: tuple[int, int] | None = None
        self._is_open = False

    def look(self) -> tuple[object, ...]:
        """Return the mark of this moment.

        Raises:
            StorageError: the books cannot be read now; the next look opens them anew.
        """
        file = self._identity()
        if not self._is_open or file != self._file:
            self.let_go()
            open_for_reading(self._database)
            self._file, self._is_open = file, True
            self._opened += 1
        try:
            with self._database.reading() as connection:
                return (self._opened, file, *_mark(connection))
        except Exception:
            self.let_go()
            raise

    def let_go(self) -> None:
        """Close what is open, so that whoever needs the file alone can have it."""
        self._is_open = False
        self._database.drop_connections()

    def _identity(self) -> tuple[int, int] | None:
        if self._database.path is None:
            return None
        try:
            found = os.stat(self._database.path)  # noqa: PTH116 - twice a second, for hours
        except OSError:
            return None
        return found.st_dev, found.st_ino


def _mark(connection: Connection) -> tuple[object, ...]:
    if connection.dialect.name == "sqlite":
        raw: Any = connection.connection.driver_connection
        version = connection.exec_driver_sql("PRAGMA data_version").scalar_one()
        # The counter is a connection's own.
        return (id(raw), version)
    return (connection.exec_driver_sql("SELECT pg_current_snapshot()::text").scalar_one(),)
