"""Books for a trial: a temporary SQLite file, all in one unit of work that is never kept.

Whatever is done to them by the ordinary verbs is done at the speed of memory, and can be taken back
to any point. Nothing of it reaches other books.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kelly_cli.errors import BrokenInvariantError
from kelly_cli.store.database import Database
from kelly_cli.store.schema import open_for_writing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


class Scratch(Database):
    """Empty books to try things out on; ``scratch()`` makes and removes them."""

    _held: Connection | None = None

    @contextmanager
    def trial(self) -> Iterator[Connection]:
        """Hold one unit of work around all that follows; at its end everything is taken back."""
        with self._plainly(), self._engine.connect() as connection:
            held = connection.execution_options(kelly_writes=True)
            with held.begin() as whole:
                self._held = held
                try:
                    yield held
                finally:
                    self._held = None
                    whole.rollback()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give the books as they are now."""
        if self._held is None:
            with super().reading() as connection:
                yield connection
            return
        yield self._held

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a unit of work inside the trial: all of it stays, or none.

        Raises:
            BrokenInvariantError: no trial is under way, and these are not the first tables.
        """
        if self._held is None:
            with super().writing() as connection:
                yield connection
            return
        with self._plainly(), self._held.begin_nested():
            yield self._held

    @property
    def held(self) -> Connection:
        """The connection of the trial.

        Raises:
            BrokenInvariantError: none is under way.
        """
        if self._held is None:
            raise BrokenInvariantError("no trial is under way")
        return self._held


@contextmanager
def scratch(folder: Path | None = None) -> Iterator[Scratch]:
    """Make empty books in a temporary folder (``folder``: inside this one); remove them after."""
    with tempfile.TemporaryDirectory(prefix="kelly-trial-", dir=folder) as place:
        books = Scratch(f"sqlite:///{Path(place) / 'books.db'}")
        try:
            open_for_writing(books)
            yield books
        finally:
            books.close()
