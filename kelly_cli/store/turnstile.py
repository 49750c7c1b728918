"""The turnstile: every writer of one SQLite file, in any process, takes its turn.

Two lock files beside the database. A writer takes the *turn*, waits for the *lock*, gives the turn
back and writes. A bulk writer that has just let go of the lock finds the turn taken by whoever
waits, so nobody starves (SQLite's own busy handler makes a small commit wait for seconds beside a
bulk one). Because every commit and every checkpoint happens under the lock, the WAL-reset fault of
SQLite libraries before 3.51.3 cannot happen between kelly's processes (DESIGN.md, decision 3).
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kelly_cli.errors import DatabaseBusyError, StorageError
from kelly_cli.locks import try_lock, unlock

if TYPE_CHECKING:
    from collections.abc import Iterator

_FIRST_PAUSE_S = 0.0002
_LONGEST_PAUSE_S = 0.004


class Turnstile:
    """The two lock files of one database, and a lock for the threads of this process."""

    def __init__(self, database_path: str) -> None:
        # The real path: two names of one file must meet at one turnstile.
        base = os.path.realpath(database_path)
        self._paths = (f"{base}.turn", f"{base}.lock")
        self._files: tuple[int, int] | None = None
        self._threads = threading.Lock()

    @contextmanager
    def passed(self, *, timeout_s: float) -> Iterator[None]:
        """Hold the write lock for the block.

        Raises:
            DatabaseBusyError: another writer held it for ``timeout_s`` seconds.
        """
        deadline = time.monotonic() + timeout_s
        if not self._threads.acquire(timeout=timeout_s):
            raise _busy(timeout_s)
        try:
            turn, lock = self._opened()
            _wait(turn, deadline, timeout_s)
            try:
                _wait(lock, deadline, timeout_s)
            finally:
                unlock(turn)
            try:
                yield
            finally:
                unlock(lock)
        finally:
            self._threads.release()

    def close(self) -> None:
        """Close the lock files (they stay on disk: removing one would split the queue)."""
        if self._files is not None:
            for descriptor in self._files:
                os.close(descriptor)
            self._files = None

    def _opened(self) -> tuple[int, int]:
        if self._files is None:
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
            try:
                turn, lock = (os.open(path, flags, 0o600) for path in self._paths)
            except OSError as error:
                raise StorageError(
                    f"cannot open the lock file {error.filename}: {error.strerror}",
                    hint="Give this user the right to write in the database's folder",
                ) from error
            self._files = turn, lock
        return self._files


def _wait(descriptor: int, deadline: float, timeout_s: float) -> None:
    pause_s = _FIRST_PAUSE_S
    while not try_lock(descriptor):
        if time.monotonic() >= deadline:
            raise _busy(timeout_s)
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


def _busy(timeout_s: float) -> DatabaseBusyError:
    return DatabaseBusyError(
        f"another kelly process has been writing to the database for {timeout_s:g} s",
        hint="Wait for it to finish, then try again",
    )
