"""The one writer thread: whatever arrived while the last commit ran is the next batch.

Promise: a callback's future says True only after its commit, or after it is in the spool: there it
goes when the database is away, or has not taken it within a second. There is no timer: a lone
callback costs one commit, and many at once share one. Must not know HTTP.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

from kelly_cli.errors import KellyError, StorageError
from kelly_cli.listener.away import Refuge, Waiting
from kelly_cli.listener.room import Room
from kelly_cli.services.inbox import Answered
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
MOST_ASKED = 2_000
"""Validation requests that wait for the books; more are answered and not kept."""
MOST_ASKED_BYTES = 8 * 1024 * 1024
AGAIN_S = 5.0
"""After trouble: how long until unfinished logs are looked for again."""
SLOW_S = 4.0
"""A unit of work that runs longer than this keeps nothing in time."""


OVERDUE_S = 1.0
"""What the database has not taken by then goes to the spool."""
PROBE_S = 0.5
"""How often a database that is away is tried."""
DRAIN_S = 2.0
"""How often the spool is looked into: another process may have filled it."""
DRAIN_AGAIN_S = 0.2

Item: TypeAlias = "Waiting | Answered | None"
"""Answered ones are validation requests, which nobody waits for; None = stop."""


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
        counts.spool_depth = intake.spool_depth
        counts.away_s = self._away_s
        self._queue: SimpleQueue[Item] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="kelly-writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop
        self._closed = False
        self._in_trouble = False
        self._troubled_s = 0.0
        self._began_s: float | None = None
        self._sweep: Iterator[list[Happened]] | None = None
        self._sweep_due_s: float | None = monotonic()
        self._drain_due_s: float | None = monotonic() if intake.has_spool else None
        self._damaged = 0
        # Set by both threads, each to what it saw last: either way the next probe decides.
        self._away = False
        self._in_flight: Sequence[Waiting] = ()
        self._handed: Sequence[Waiting] = ()
        self._stopping = threading.Event()
        self._late: deque[Answered] = deque()
        self._room_to_ask = Room(most=MOST_ASKED, most_bytes=MOST_ASKED_BYTES)
        self._refuge = (
            Refuge(
                intake.keep_aside,
                answer=lambda waiting, kept: self._answer(waiting, kept=kept),
                look=self._overdue,
                complain=lambda error: complain(
                    f"Warning: neither database nor spool keep callbacks: {_said(error)}"
                ),
            )
            if intake.has_spool
            else None
        )

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the thread; futures are settled in ``loop``."""
        self._loop = loop
        self._thread.start()
        if self._refuge is not None:
            self._refuge.start()

    def offer(self, raw: bytes, kind: Kind) -> asyncio.Future[bool] | None:
        """Hand a callback over; the future tells whether it is on disk. None = it was not taken."""
        if self._closed or self.waiting >= MOST_WAITING or not self._thread.is_alive():
            return None
        kept = self._loop.create_future()
        waiting = Waiting(Callback(raw, kind, self._intake.next_id()), kept)
        if self._away and self._refuge is not None:
            self._refuge.take((waiting,))
        else:
            self._queue.put(waiting)
        return kept

    def keep_validation(self, answered: Answered) -> None:
        """Hand a validation request over, as long as there is room: it is nobody's money."""
        if not self._closed and self._room_to_ask.enter(len(answered.raw)):
            self._queue.put(answered)
        else:
            self._counts.unkept_validations += 1

    @property
    def waiting(self) -> int:
        """How many are not looked at yet."""
        refuge = self._refuge
        return self._queue.qsize() + (0 if refuge is None else refuge.waiting)

    @property
    def keeps_away(self) -> bool:
        """Tell whether a callback would be kept by the spool, whatever the database does."""
        refuge = self._refuge
        return (
            refuge is not None
            and refuge.is_alive
            and self._thread.is_alive()
            and not self._closed
            and self.waiting < MOST_WAITING
            and self._intake.spool_takes
        )

    @property
    def is_away(self) -> bool:
        """Tell whether callbacks go to the spool now."""
        return self._away

    @property
    def keeps(self) -> bool:
        """Tell whether, as far as this thread knows, the database would keep a callback now."""
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
        self._stopping.set()
        self._thread.join(timeout_s * 0.6)
        if self._refuge is not None:
            self._refuge.stop(timeout_s=timeout_s * 0.4)
        return not self._thread.is_alive()

    # In the thread

    def _run(self) -> None:
        last = False
        while not last:
            if self._away:
                last = self._wait_for_the_database()
                continue
            batch = self._collect()
            last = bool(batch) and batch[-1] is None
            self._began_s = monotonic()
            if batch:
                self._keep(batch)
            if not (last or self._away):
                self._began_s = monotonic()
                self._see_to_the_rest()
            self._began_s = None

    def _wait_for_the_database(self) -> bool:
        """Try it once more, after a pause; tell whether it is time to stop."""
        if self._stopping.wait(PROBE_S):
            return True
        self._began_s = monotonic()
        try:
            self._intake.probe()
        except Exception as error:  # noqa: BLE001 - the thread must outlive everything
            self._trouble(error)
        else:
            self._away = False
            self._drain_due_s = self._sweep_due_s = monotonic()
            while self._late:
                self._queue.put(self._late.popleft())
            self._done(())
        self._began_s = None
        return False

    def _see_to_the_rest(self) -> None:
        """Take one step in what has no hurry: the spool, or logs that were left unfinished."""
        now_s = monotonic()
        if self._drain_due_s is not None and now_s >= self._drain_due_s:
            self._drain()
        elif self._sweep_due_s is not None and now_s >= self._sweep_due_s:
            self._finish_unfinished()

    def _drain(self) -> None:
        try:
            happened = self._intake.drain()
        except Exception as error:  # noqa: BLE001 - the thread must outlive everything
            self._drain_due_s = monotonic() + DRAIN_S
            if _is_of_the_database(error):
                self._trouble(error)
            else:
                self._complain(f"Warning: the spool waits: {_said(error)}")
            return
        if self._intake.damaged > self._damaged:
            lost = self._intake.damaged - self._damaged
            self._damaged = self._intake.damaged
            self._complain(f"Warning: {lost} damaged pieces of the spool are kept aside there")
        pause_s = DRAIN_AGAIN_S if happened is None else 0 if happened else DRAIN_S
        self._drain_due_s = monotonic() + pause_s
        if happened:
            self._done(happened)

    def _overdue(self) -> list[Waiting]:
        """Return what must go to the spool now. In the refuge's thread."""
        began_s = self._began_s
        waiting: list[Waiting] = []
        if began_s is not None and monotonic() - began_s > OVERDUE_S:
            self._away = True
            if self._in_flight is not self._handed:
                self._handed = self._in_flight
                waiting += self._handed
        if not (self._away or not self._thread.is_alive()):
            return waiting
        with suppress(Empty):
            for _ in range(self._queue.qsize()):
                item = self._queue.get_nowait()
                if isinstance(item, Waiting):
                    waiting.append(item)
                elif item is None:
                    self._queue.put(None)
                else:
                    self._late.append(item)
        return waiting

    def _collect(self) -> list[Item]:
        """Wait for one, then take all that wait. Nothing: see to unfinished logs instead."""
        batch: list[Item] = []
        with suppress(Empty):
            batch.append(self._queue.get(timeout=self._idle_s()))
            while len(batch) < MOST_AT_ONCE:
                batch.append(self._queue.get_nowait())
        return batch

    def _idle_s(self) -> float | None:
        due_s = [due for due in (self._sweep_due_s, self._drain_due_s) if due is not None]
        return max(min(due_s) - monotonic(), 0) if due_s else None

    def _keep(self, batch: Sequence[Item]) -> None:
        waiting = [item for item in batch if isinstance(item, Waiting)]
        validations = [item for item in batch if isinstance(item, Answered)]
        if waiting:
            self._take(waiting)
        if validations:
            self._keep_validations(validations)

    def _keep_validations(self, answered: Sequence[Answered]) -> None:
        try:
            self._intake.keep_validations(answered)
        except Exception as error:  # noqa: BLE001 - the thread must outlive everything
            self._trouble(error)
            if self._away:
                # They wait in memory: nothing but a word to the payer hangs on them.
                self._late.extend(answered)
                return
        self._room_to_ask.leave(len(answered), sum(len(each.raw) for each in answered))

    def _take(self, waiting: Sequence[Waiting]) -> None:
        self._in_flight = waiting
        try:
            happened = self._intake.take([each.callback for each in waiting])
        except Exception as error:  # noqa: BLE001 - the thread must outlive everything
            self._trouble(error)
            if self._refuge is None:
                self._answer(waiting, kept=False)
            elif self._handed is not waiting:
                self._refuge.take(waiting)
            return
        finally:
            self._in_flight = ()
        self._answer(waiting, kept=True)
        self._counts.commits += 1
        self._counts.batches.see(len(waiting))
        self._done(happened)

    def _answer(self, waiting: Sequence[Waiting], *, kept: bool) -> None:
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
            self._counts.outcomes.update((each.kind, each.outcome) for each in happened)
            self._tell(happened)

    def _away_s(self) -> int:
        """Return for how long the database has taken nothing. Any thread."""
        since_s = self._troubled_s if self._in_trouble else self._began_s
        return int(monotonic() - since_s) if self._away and since_s is not None else 0

    def _trouble(self, error: Exception) -> None:
        if not self._in_trouble:
            self._troubled_s = monotonic()
        self._in_trouble = True
        self._sweep = None
        self._sweep_due_s = monotonic() + AGAIN_S
        self._away = self._refuge is not None and _is_of_the_database(error)
        where = "are not kept" if self._refuge is None else "wait in the spool"
        self._complain(f"Warning: callbacks {where}: {_said(error)}")


def _settle(waiting: Sequence[Waiting], kept: bool) -> None:  # noqa: FBT001 - the loop passes it on
    for each in waiting:
        # Whoever gave up, or was sent away, has cancelled or settled it already.
        if not each.kept.done():
            each.kept.set_result(kept)


def _is_of_the_database(error: Exception) -> bool:
    return isinstance(error, StorageError) and error.code != "spool_unusable"


def _said(error: Exception) -> str:
    if isinstance(error, KellyError):
        return error.message
    return f"{type(error).__name__}: {error}"
