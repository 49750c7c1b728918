"""The one writer thread: whatever arrived while the last commit ran is the next batch.

Promise: a callback's future says True only after its commit. There is no timer: a lone callback
costs one commit, and many at once share one. Must not know HTTP.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.errors import KellyError
from kelly_cli.services.serving import Callback

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator, Sequence

    from kelly_cli.daraja.messages import Kind
    from kelly_cli.listener.counts import Counts
    from kelly_cli.services.serving import Happened, Intake

MOST_WAITING = 10_000
"""Callbacks; one more is refused at once."""
MOST_AT_ONCE = 2_000
"""Callbacks that one commit takes."""
AGAIN_S = 5.0
"""After trouble: how long until unfinished logs are looked for again."""
SLOW_S = 4.0
"""A unit of work that runs longer than this keeps nothing in time."""


class _Waiting(NamedTuple):
    """A callback and who waits for its commit."""

    callback: Callback
    kept: asyncio.Future[bool]


class Writer:
    """The thread and its queue.

    ``tell`` hears what became of callbacks, ``complain`` what a person should know; both are
    called in the thread and must not wait.
    """

    def __init__(
        self,
        intake: Intake,
        counts: Counts,
        *,
        tell: Callable[[Sequence[Happened]], None],
        complain: Callable[[str], None],
    ) -> None:
        self._intake = intake
        self._counts = counts
        self._tell = tell
        self._complain = complain
        # Bytes are validation requests, which nobody waits for; None = stop.
        self._queue: SimpleQueue[_Waiting | bytes | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="kelly-writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop
        self._closed = False
        self._in_trouble = False
        self._began_s: float | None = None
        self._sweep: Iterator[list[Happened]] | None = None
        self._sweep_due_s: float | None = monotonic()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the thread; futures are settled in ``loop``."""
        self._loop = loop
        self._thread.start()

    def offer(self, raw: bytes, kind: Kind) -> asyncio.Future[bool] | None:
        """Hand a callback over; the future tells whether it is on disk. None = it was not taken."""
        if self._closed or self._queue.qsize() >= MOST_WAITING or not self._thread.is_alive():
            return None
        kept = self._loop.create_future()
        self._queue.put(_Waiting(Callback(raw, kind), kept))
        return kept

    def keep_validation(self, raw: bytes) -> None:
        """Hand a validation request over, as long as there is room: it is nobody's money."""
        if not self._closed and self._queue.qsize() < MOST_WAITING:
            self._queue.put(raw)

    @property
    def waiting(self) -> int:
        """How many are not looked at yet."""
        return self._queue.qsize()

    @property
    def keeps(self) -> bool:
        """Tell whether, as far as this thread knows, a callback offered now would be kept."""
        began_s = self._began_s
        return (
            self._thread.is_alive()
            and not self._closed
            and not self._in_trouble
            and self._queue.qsize() < MOST_WAITING
            and (began_s is None or monotonic() - began_s < SLOW_S)
        )

    def stop(self, *, timeout_s: float) -> bool:
        """Take no more, finish what was taken, and tell whether that was done in time."""
        self._closed = True
        if self._thread.ident is None:
            return True
        self._queue.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    # In the thread

    def _run(self) -> None:
        last = False
        while not last:
            batch = self._collect()
            last = bool(batch) and batch[-1] is None
            self._began_s = monotonic()
            if batch:
                self._keep(batch)
            else:
                self._finish_unfinished()
            self._began_s = None

    def _collect(self) -> list[_Waiting | bytes | None]:
        """Wait for one, then take all that wait. Nothing: see to unfinished logs instead."""
        batch: list[_Waiting | bytes | None] = []
        with suppress(Empty):
            batch.append(self._queue.get(timeout=self._idle_s()))
            while len(batch) < MOST_AT_ONCE:
                batch.append(self._queue.get_nowait())
        return batch

    def _idle_s(self) -> float | None:
        return None if self._sweep_due_s is None else max(self._sweep_due_s - monotonic(), 0)

    def _keep(self, batch: Sequence[_Waiting | bytes | None]) -> None:
        waiting = [item for item in batch if isinstance(item, _Waiting)]
        validations = [item for item in batch if isinstance(item, bytes)]
        if waiting:
            self._take(waiting)
        if validations:
            try:
                self._intake.keep_validations(validations)
            except Exception as error:  # noqa: BLE001 - the thread must outlive everything
                self._trouble(error)

    def _take(self, waiting: Sequence[_Waiting]) -> None:
        try:
            happened = self._intake.take([each.callback for each in waiting])
        except Exception as error:  # noqa: BLE001 - the thread must outlive everything
            self._trouble(error)
            self._answer(waiting, kept=False)
            return
        self._answer(waiting, kept=True)
        self._counts.commits += 1
        self._done(happened)

    def _answer(self, waiting: Sequence[_Waiting], *, kept: bool) -> None:
        # A loop that is closed has nobody left to answer.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(_settle, waiting, kept)

    def _finish_unfinished(self) -> None:
        """Take one step in finishing the logs that a crash, or trouble, left behind."""
        try:
            if self._sweep is None:
                self._sweep = self._intake.unfinished()
            happened = next(self._sweep, None)
        except Exception as error:  # noqa: BLE001 - the thread must outlive everything
            self._trouble(error)
            return
        if happened is None:
            self._sweep = self._sweep_due_s = None
        self._done(happened or ())

    def _done(self, happened: Sequence[Happened]) -> None:
        if self._in_trouble:
            self._in_trouble = False
            self._complain("The database takes callbacks again")
        if happened:
            self._counts.outcomes.update(each.outcome for each in happened)
            self._tell(happened)

    def _trouble(self, error: Exception) -> None:
        self._in_trouble = True
        self._sweep = None
        self._sweep_due_s = monotonic() + AGAIN_S
        self._complain(f"Warning: callbacks are not kept: {_said(error)}")


def _settle(waiting: Sequence[_Waiting], kept: bool) -> None:  # noqa: FBT001 - the loop passes it on
    for each in waiting:
        # Whoever gave up, or was sent away, has cancelled or settled it already.
        if not each.kept.done():
            each.kept.set_result(kept)


def _said(error: Exception) -> str:
    if isinstance(error, KellyError):
        return error.message
    return f"{type(error).__name__}: {error}"
