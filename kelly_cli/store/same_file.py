"""Whether the database's file is still the one that was opened.

A program that holds a SQLite file open goes on writing to it after it was deleted or replaced, and
nobody finds those rows again. The file is only looked at, never opened: closing a second handle of
it would give up SQLite's locks.
"""

from __future__ import annotations

from pathlib import Path

from kelly_cli.errors import StorageError

_SMALLEST_PAGE = 512
"""Bytes; the size of a SQLite file is a multiple of it."""


class SameFile:
    """Remembers a file and tells when another one, or none, stands in its place.

    ``path`` None = there is no file to watch (PostgreSQL).
    """

    def __init__(self, path: str | None) -> None:
        self._path = Path(path) if path else None
        self._known = self._identity() if path else None

    def check(self) -> None:
        """Return when the file is still the same.

        Raises:
            StorageError: it is gone, replaced or overwritten.
        """
        if self._path is not None and self._identity() != self._known:
            raise _lost(f"the database {self._path} was replaced while it was in use")

    def _identity(self) -> tuple[int, int]:
        assert self._path is not None  # noqa: S101 - asked for only when there is a path
        try:
            found = self._path.stat()
        except OSError as error:
            raise _lost(f"the database {self._path} is gone: {error.strerror}") from error
        if found.st_size == 0 or found.st_size % _SMALLEST_PAGE:
            raise _lost(f"the database {self._path} was overwritten: it is no SQLite file")
        return found.st_dev, found.st_ino


def _lost(message: str) -> StorageError:
    return StorageError(
        message,
        hint="Put the file back, or stop kelly and start it on the new one",
        code="database_replaced",
    )
