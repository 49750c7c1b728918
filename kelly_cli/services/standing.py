"""Whether the database that stands there is the one to write to: the right books, and sound.

Promise: after the file was gone, replaced or found damaged, nothing is written until sound books
stand there that began as the known ones did; then all goes on by itself. Other books, empty ones
too, are left alone until a person starts the listener on them. One thread calls ``check``.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.errors import StorageError
from kelly_cli.store.same_file import SameFile
from kelly_cli.store.schema import open_for_reading
from kelly_cli.store.soundness import DAMAGED, check_pages, stamp_of, traces_of

if TYPE_CHECKING:
    import threading

    from kelly_cli.store.database import Database
    from kelly_cli.store.spool import Spool

LOOK_S = 0.5
"""How long pages are read before the first callback; the others are read beside it."""
LONG_LOOK_S = 60.0
"""The same after damage was met; callbacks go to the spool meanwhile."""
AGAIN_S = 60.0
"""Books that were refused are looked at again when their file changes, and after this time."""
LEARN_EVERY_S = 60.0
OTHER_BOOKS = "other_books"


class _Refused(NamedTuple):
    """Books that were looked at and refused, and by what they would show a change."""

    stamp: tuple[object, ...]
    at_s: float
    error: StorageError


class Standing:
    """What is known of the books that stand there.

    ``spool`` remembers what they began with over a restart. ``opened`` False: they are away at the
    start, and come later.

    Raises:
        StorageError: they are said to be open, and there is no database file.
    """

    def __init__(self, database: Database, spool: Spool | None, *, opened: bool) -> None:
        self._database = database
        self._spool = spool
        self._file = SameFile(database.path) if opened else None
        self._remembered: frozenset[str] | None = None
        self._traces = self._first_traces(opened=opened)
        self._learned_s: float | None = None
        self._doubt = None if opened else StorageError("the database was away at the start")
        self._look_s = LOOK_S
        self._is_read = False
        self._refused: _Refused | None = None
        self.has_unread_pages = False
        """Whether the look at the pages ended before the last of them."""

    def _first_traces(self, *, opened: bool) -> frozenset[str]:
        if opened:
            # By a person's own hand: whatever they are, these are the books. Known before the
            # first callback, so that others in their place are not taken for them.
            try:
                return traces_of(self._database)
            except StorageError:
                return frozenset()
        return frozenset() if self._spool is None else self._spool.known_books()

    def check(self) -> None:
        """Return when a unit of work may begin, or may be believed.

        Raises:
            StorageError: nothing may be written there now.
        """
        try:
            if self._file is None or self._doubt is not None or not self._is_read:
                self._look_anew()
            else:
                self._file.check()
        except StorageError as error:
            if not error.retryable:
                self.doubt(error)
            raise

    def must_stand(self) -> None:
        """Return unless the last look, or the last write, was a bad one. Any thread.

        Raises:
            StorageError: what it was.
        """
        doubt = self._doubt
        if doubt is not None:
            raise StorageError(doubt.message, hint=doubt.hint, code=doubt.code)

    @property
    def objection(self) -> StorageError | None:
        """What speaks against the books that stand there, by the last look. Any thread."""
        return self._doubt

    def doubt(self, error: StorageError) -> None:
        """Trust nothing that stands there, and no connection, before the next look. Any thread."""
        self._look_s = LONG_LOOK_S if error.code == DAMAGED else LOOK_S
        self._doubt = error
        self._database.drop_connections()
        if error.code in {DAMAGED, OTHER_BOOKS} and self._refused is None:
            # After the connections are closed: that may change the file.
            self._refused = _Refused(stamp_of(self._database.path), monotonic(), error)

    def learn(self) -> None:
        """Note now and then what the books began with.

        Raises:
            StorageError: they cannot be read.
        """
        now_s = monotonic()
        if self._learned_s is not None and now_s - self._learned_s < LEARN_EVERY_S:
            return
        self._note(traces_of(self._database))
        # Books that hold nothing yet soon will.
        self._learned_s = now_s if self._traces else None

    def read_on(self, over: threading.Event) -> None:
        """Read all pages, beside the work, until it is ``over``; damage is doubt. Any thread.

        Raises:
            StorageError: they are damaged, or cannot be read now.
        """
        try:
            self.has_unread_pages = not check_pages(self._database, over=over)
        except StorageError as error:
            if error.code == DAMAGED:
                self.has_unread_pages = False
                self.doubt(error)
            raise

    def _look_anew(self) -> None:
        if self._refused is not None and self._is_as_refused(self._refused):
            raise self._refused.error
        self._refused = None
        file = SameFile(self._database.path)
        open_for_reading(self._database)
        found = traces_of(self._database)
        if self._traces and not found & self._traces:
            raise _other_books(self._database)
        is_read = check_pages(self._database, within_s=self._look_s)
        self._file, self._is_read, self.has_unread_pages = file, True, not is_read
        self._doubt = self._refused = None
        self._note(found)

    def _is_as_refused(self, refused: _Refused) -> bool:
        if not self._database.is_sqlite or monotonic() - refused.at_s > AGAIN_S:
            return False
        return refused.stamp == stamp_of(self._database.path)

    def _note(self, traces: frozenset[str]) -> None:
        if traces and traces != self._remembered:
            self._traces = self._remembered = traces
            if self._spool is not None:
                self._spool.remember_books(traces)


def _other_books(database: Database) -> StorageError:
    return StorageError(
        f"the database {database.shown()} holds other books than before",
        hint="Put the right ones back, or stop kelly and start it on these",
        code=OTHER_BOOKS,
    )
