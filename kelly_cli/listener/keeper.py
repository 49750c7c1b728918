"""The keeper: a thread that sets refused bodies aside, behind everything else.

At most one unit of work in ``PAUSE_S``, however many strangers there are, and nobody waits for it:
they have their 403 already. What does not fit in its hands is let go and counted.
"""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING

from kelly_cli.listener.room import Room

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kelly_cli.listener.counts import Counts
    from kelly_cli.services.quarantine import SetAside, Stranger

PAUSE_S = 1.0
MOST_WAITING = 500
MOST_WAITING_BYTES = 8 * 1024 * 1024
AGAIN_S = 5.0
"""After trouble with the database: how long until the next try."""


class Keeper:
    """The thread and what it has in its hands. ``take`` sets aside; it may wait, and raise."""

    def __init__(
        self,
        take: Callable[[Sequence[Stranger]], SetAside],
        counts: Counts,
        complain: Callable[[str], None],
    ) -> None:
        self._take = take
        self._counts = counts
        self._complain = complain
        self._queue: SimpleQueue[Stranger | None] = SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kelly-keeper", daemon=True)
        self._room = Room(most=MOST_WAITING, most_bytes=MOST_WAITING_BYTES)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def offer(self, stranger: Stranger) -> None:
        """Hand over a body; only the loop's thread may call it."""
        if not self._room.enter(len(stranger.raw)):
            self._counts.let_go += 1
            self._complain("Warning: refused callbacks come too fast: some are not in quarantine")
            return
        self._queue.put(stranger)

    def stop(self, *, timeout_s: float) -> None:
        """Set aside what waits, as far as that goes in ``timeout_s``."""
        self._stopping.set()
        self._queue.put(None)
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        last = False
        while not last:
            batch = [self._queue.get()]
            # The others that come in this time go with it.
            self._stopping.wait(PAUSE_S)
            try:
                while True:
                    batch.append(self._queue.get_nowait())
            except Empty:
                pass
            last = None in batch
            strangers = [each for each in batch if each is not None]
            if strangers:
                self._set_aside(strangers)
            self._room.leave(len(strangers), sum(len(each.raw) for each in strangers))

    def _set_aside(self, strangers: Sequence[Stranger]) -> None:
        while True:
            began_s = monotonic()
            try:
                done = self._take(strangers)
            except Exception as error:  # noqa: BLE001 - the thread must outlive everything
                said = getattr(error, "message", None) or f"{type(error).__name__}: {error}"
                self._complain(f"Warning: refused callbacks are not in quarantine yet: {said}")
                if self._stopping.wait(max(AGAIN_S - (monotonic() - began_s), 0.1)):
                    return
                continue
            break
        if done.plausible_addresses:
            self._counts.plausible_refusals += len(done.plausible_addresses)
            several = ", ".join(sorted(set(done.plausible_addresses))[:3])
            self._complain(
                f"Warning: callbacks that look real were refused: {several} is not allowed "
                "(kelly webhook quarantine list)"
            )
