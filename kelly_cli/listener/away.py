"""While the database is away: a thread that keeps callbacks in the spool.

It takes over what the writer could not keep within a second, also while the writer still hangs in
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

LOOK_S = 0.1
"""How often the writer is looked at."""
MOST_AT_ONCE = 500


class Waiting(NamedTuple):
    """A callback and who waits until it is on disk."""

    callback: Callback
    kept: asyncio.Future[bool]


class Refuge:
    """The thread.

    ``keep`` puts callbacks in the spool, ``answer`` tells who waits, ``look`` gives what the writer
    does not keep in time, ``complain`` tells a person; all are called in the thread.
    """

    def __init__(
        self,
        keep: Callable[[Sequence[Callback]], None],
        *,
        answer: Callable[[Sequence[Waiting], bool], None],
        look: Callable[[], Sequence[Waiting]],
        complain: Callable[[Exception], None],
    ) -> None:
        self._keep = keep
        self._answer = answer
        self._look = look
        self._complain = complain
        self._queue: SimpleQueue[Sequence[Waiting] | None] = SimpleQueue()
        self._waiting = 0
        self._thread = threading.Thread(target=self._run, name="kelly-spool", daemon=True)
        self.kept = 0
        """Callbacks in the spool by this thread, since the start."""

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def take(self, waiting: Sequence[Waiting]) -> None:
        """Take callbacks over. Any thread."""
        self._queue.put(waiting)

    @property
    def waiting(self) -> int:
        """How many hand-overs are not looked at yet."""
        return self._queue.qsize()

    @property
    def is_alive(self) -> bool:
        """Tell whether the thread runs."""
        return self._thread.is_alive()

    def stop(self, *, timeout_s: float) -> None:
        """Keep what was taken over, and what the writer still holds."""
        if self._thread.ident is not None:
            self._queue.put(None)
            self._thread.join(timeout_s)

    def _run(self) -> None:
        last = False
        while not last:
            waiting: list[Waiting] = []
            with suppress(Empty):
                taken = self._queue.get(timeout=LOOK_S)
                while True:
                    last = last or taken is None
                    waiting += taken or ()
                    taken = self._queue.get_nowait()
            waiting += self._look()
            for start in range(0, len(waiting), MOST_AT_ONCE):
                self._keep_some(waiting[start : start + MOST_AT_ONCE])

    def _keep_some(self, waiting: Sequence[Waiting]) -> None:
        try:
            self._keep([each.callback for each in waiting])
        except Exception as error:  # noqa: BLE001 - the thread must outlive everything
            self._answer(waiting, False)  # noqa: FBT003 - as the writer's own answer
            self._complain(error)
            return
        self.kept += len(waiting)
        self._answer(waiting, True)  # noqa: FBT003
