"""While the database is away: a thread that keeps callbacks in the spool.

It takes what the clerk could not keep, or not within a second, also while the clerk still hangs in
the database. A callback that both kept is one log in the end: its delivery id is the same.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from kelly_cli.services.serving import Callback

MOST_AT_ONCE = 500


class Waiting(NamedTuple):
    """A callback and who waits until it is on disk."""

    callback: Callback
    kept: asyncio.Future[bool]


class Refuge:
    """The thread.

    ``keep`` puts callbacks in the spool, ``answer`` tells who waits, ``complain`` tells a person;
    all are called in the thread.
    """

    def __init__(
        self,
        keep: Callable[[Sequence[Callback]], None],
        *,
        answer: Callable[[Sequence[Waiting], bool], None],
        complain: Callable[[Exception], None],
    ) -> None:
        self._keep = keep
        self._answer = answer
        self._complain = complain
        self._queue: SimpleQueue[Sequence[Waiting] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="kelly-spool", daemon=True)
        # Each is changed by one thread only: whoever hands over, and this one.
        self._taken = self._done = 0

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def take(self, waiting: Sequence[Waiting]) -> None:
        """Take callbacks over. One thread at a time."""
        self._taken += len(waiting)
        self._queue.put(waiting)

    @property
    def waiting(self) -> int:
        """How many callbacks are not on disk yet."""
        return self._taken - self._done

    @property
    def is_alive(self) -> bool:
        """Tell whether the thread runs."""
        return self._thread.is_alive()

    def stop(self, *, timeout_s: float) -> None:
        """Keep what was taken over."""
        if self._thread.ident is not None:
            self._queue.put(None)
            self._thread.join(timeout_s)

    def _run(self) -> None:
        last = False
        while not last:
            waiting: list[Waiting] = []
            taken = self._queue.get()
            with suppress(Empty):
                while True:
                    last = last or taken is None
                    waiting += taken or ()
                    taken = self._queue.get_nowait()
            for start in range(0, len(waiting), MOST_AT_ONCE):
                self._keep_some(waiting[start : start + MOST_AT_ONCE])

    def _keep_some(self, waiting: Sequence[Waiting]) -> None:
        try:
            self._keep([each.callback for each in waiting])
        except Exception as error:  # noqa: BLE001 - the thread must outlive everything
            self._done += len(waiting)
            self._answer(waiting, False)  # noqa: FBT003 - as the loop's own answer
            self._complain(error)
            return
        self._done += len(waiting)
        self._answer(waiting, True)  # noqa: FBT003
