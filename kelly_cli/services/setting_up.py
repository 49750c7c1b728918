"""The first minute: files that are not there yet, and books.

Nothing that is there is written over, by whoever and at whatever moment: a file is made in one step
or it is kept. What was begun is finished by doing it again.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.errors import KellyError
from kelly_cli.store.schema import holds_books, open_for_writing

if TYPE_CHECKING:
    from pathlib import Path

    from kelly_cli.store.database import Database

SHARED = 0o644
OWN = 0o600
"""The mode of a file with secrets in it."""


class Made(NamedTuple):
    """Something that is there now. ``made`` False: it was there before, and is as it was."""

    what: str
    made: bool


def make_file(path: Path, text: str, *, mode: int) -> Made:
    """Write a new file, whole and on the disk; keep the one that is there.

    Raises:
        KellyError: ``file_not_writable``; nothing is left half written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return Made(str(path), made=False)
    except OSError as refusal:
        raise _not_writable(path, refusal) from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as refusal:
        with suppress(OSError):
            path.unlink()
        raise _not_writable(path, refusal) from None
    return Made(str(path), made=True)


def _not_writable(path: Path, refusal: OSError) -> KellyError:
    return KellyError(
        f"{path} cannot be written: {refusal.strerror}",
        hint="Choose a folder that you may write in: kelly init FOLDER",
        code="file_not_writable",
    )


def make_books(database: Database) -> Made:
    """Make the books, or keep those that are there.

    Raises:
        StorageError: they cannot be made, or are of another age.
    """
    there = (database.exists() if database.is_sqlite else True) and holds_books(database)
    open_for_writing(database)
    return Made(database.shown(), made=not there)
