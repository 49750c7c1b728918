"""The writer: hands callbacks to the clerk, who has the books open, and hears what became of them.

Promise: a callback's future says True only after its commit, or after it is in the spool: there it
goes when the database is away, when it has not taken it within a second, and when the clerk dies.
Lives in the loop and waits for nothing: whatever comes in one turn of the loop goes out together.
Must not know HTTP.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING

from kelly_cli.listener import wire
from kelly_cli.listener.away import Refuge, Waiting
from kelly_cli.listener.clerk import MOST_AT_ONCE, said
from kelly_cli.listener.clerk_line import ClerkLine
from kelly_cli.listener.room import Room
from kelly_cli.services.serving import Callback, Happened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from kelly_cli.daraja.messages import Kind
    from kelly_cli.listener.clerk_line import OpenClerk
    from kelly_cli.listener.counts import Counts
    from kelly_cli.listener.doubt import Doubt
    from kelly_cli.services.inbox import Answered
    from kelly_cli.services.serving import Shelf

MOST_WAITING = 10_000
"""Callbacks; one more is refused at once."""
MOST_ASKED = 2_000
"""Validation requests that wait for the books; more are answered and not kept."""
MOST_ASKED_BYTES = 8 * 1024 * 1024
SLOW_S = 4.0
"""A clerk that says nothing for longer than this keeps nothing in time."""
OVERDUE_S = 1.0
"""What the database has not taken by then goes to the spool."""
ANSWER_S = 4.5
"""From the last byte of a callback to its answer, at most (the contract promises 5)."""
LOOK_S = 0.1
"""How often both are looked at."""


class Writer:
    """What the listener hands callbacks to.

    ``open_clerk`` starts a clerk. ``tell`` hears what became of callbacks, ``complain`` what a
    person should know; both must not wait, and ``complain`` may be called in any thread.
    """

    def __init__(
        self,
        shelf: Shelf,
        counts: Counts,
        *,
        open_clerk: OpenClerk,
        doubt: Doubt,
        tell: Callable[[Sequence[Happened]], None],
        complain: Callable[[str], None],
    ) -> None:
        self._shelf = shelf
        self._counts = counts
        self._tell = tell
        self._complain = complain
        counts.spool_depth = shelf.depth
        counts.away_s = self._away_s
        self._line = ClerkLine(open_clerk, hear=self._hear, lost=self._lost, ready=self._send_soon)
        self._heard: Mapping[str, Callable[..., None]] = {
            wire.KEPT: self._kept,
            wire.NOT_KEPT: self._not_kept,
            wire.NOTED: self._noted,
            wire.NOT_NOTED: self._not_noted,
            wire.HAPPENED: lambda at, rows: self._done(_happened(at, rows)),
            wire.TROUBLE: self._trouble,
            wire.BACK: self._back,
            wire.DOUBT: doubt.say,
            wire.SAID: complain,
        }
        self._loop: asyncio.AbstractEventLoop
        self._look: asyncio.TimerHandle | None = None
        # Until the start, and from the end on.
        self._closed = True
        self._in_trouble = False
        self._troubled_s = 0.0
        self._away = False
        # Callbacks: not sent yet, and sent; of these the first ``_handed`` are the refuge's too.
        self._queue: list[Waiting] = []
        self._sent: deque[Waiting] = deque()
        self._handed = 0
        self._heard_s = 0.0
        # Until when each has to have its answer: a timer of its own for each would be dear.
        self._until: deque[tuple[float, asyncio.Future[bool]]] = deque()
        self._is_due = False
        # Validation requests: not sent yet, and sent.
        self._questions: list[Answered] = []
        self._asked: deque[Answered] = deque()
        self._room_to_ask = Room(most=MOST_ASKED, most_bytes=MOST_ASKED_BYTES)
        self._refuge = (
            Refuge(
                shelf.keep,
                answer=self._answer_from_afar,
                complain=lambda error: complain(
                    f"Warning: neither database nor spool keep callbacks: {said(error)}"
                ),
            )
            if shelf.is_there
            else None
        )

    async def start(self) -> None:
        """Start the clerk, and wait until he takes callbacks; futures are settled in this loop."""
        self._loop = asyncio.get_running_loop()
        if self._refuge is not None:
            self._refuge.start()
        await self._line.start()
        self._closed = False
        self._look = self._loop.call_later(LOOK_S, self._look_again)

    def offer(self, raw: bytes, kind: Kind) -> asyncio.Future[bool] | None:
        """Hand a callback over; the future tells whether it is on disk. None = it was not taken."""
        if self._closed or self.waiting >= MOST_WAITING:
            return None
        waiting = Waiting(Callback(raw, kind, self._shelf.next_id()), self._loop.create_future())
        self._until.append((monotonic() + ANSWER_S, waiting.kept))
        if (self._away or not self._line.is_open) and self._refuge is not None:
            self._refuge.take((waiting,))
        else:
            self._queue.append(waiting)
            self._send_soon()
        return waiting.kept

    def keep_validation(self, answered: Answered) -> None:
        """Hand a validation request over, as long as there is room: it is nobody's money."""
        if not self._closed and self._room_to_ask.enter(len(answered.raw)):
            self._questions.append(answered)
            self._send_soon()
        else:
            self._counts.unkept_validations += 1

    @property
    def waiting(self) -> int:
        """How many are not on disk yet."""
        refuge = 0 if self._refuge is None else self._refuge.waiting
        return len(self._queue) + len(self._sent) - self._handed + refuge

    @property
    def keeps_away(self) -> bool:
        """Tell whether a callback would be kept by the spool, whatever the database does."""
        return (
            self._refuge is not None
            and self._refuge.is_alive
            and not self._closed
            and self.waiting < MOST_WAITING
            and self._shelf.takes()
        )

    @property
    def is_away(self) -> bool:
        """Tell whether callbacks go to the spool now."""
        return self._away

    @property
    def keeps(self) -> bool:
        """Tell whether, by what the clerk said last, the database would keep a callback now."""
        return (
            self._line.is_open
            and not self._closed
            and not self._in_trouble
            and self.waiting < MOST_WAITING
            and self._silent_s() < SLOW_S
        )

    async def finish(self, *, timeout_s: float) -> bool:
        """Take no more, let the clerk finish, and tell whether he did in time."""
        self._closed = True
        if self._look is None:
            return True
        self._look.cancel()
        if self._queue or self._questions:
            self._send()
        finished = await self._line.finish(timeout_s=timeout_s * 0.6)
        if self._refuge is not None:
            self._hand_over()
            await asyncio.to_thread(self._refuge.stop, timeout_s=timeout_s * 0.4)
        return finished

    # To the clerk

    def _send_soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._send)

    def _send(self) -> None:
        """Send what waits, unless the wire is full: then it grows together here."""
        self._is_due = False
        if not self._line.takes:
            return
        if self._queue:
            if not self._sent:
                self._heard_s = monotonic()
            for start in range(0, len(self._queue), MOST_AT_ONCE):
                part = self._queue[start : start + MOST_AT_ONCE]
                self._line.send(wire.TAKE, [tuple(each.callback) for each in part])
            self._sent.extend(self._queue)
            self._queue.clear()
        if self._questions and not self._away:
            self._line.send(wire.ASKED, [tuple(each) for each in self._questions])
            self._asked.extend(self._questions)
            self._questions.clear()

    # From the clerk

    def _hear(self, word: str, facts: Sequence[Any]) -> None:
        self._heard[word](*facts)

    def _noted(self, number: int) -> None:
        for answered in self._answered(number):
            self._room_to_ask.leave(1, len(answered.raw))

    def _not_noted(self, number: int, is_away: bool, why: str | None) -> None:  # noqa: FBT001 - off the wire
        # They wait in memory: nothing but a word to the payer hangs on them.
        self._questions[:0] = self._answered(number)
        self._trouble(is_away, why)

    def _back(self) -> None:
        self._done(())
        self._come_back()

    def _answered(self, number: int) -> list[Answered]:
        return [self._asked.popleft() for _ in range(number)]

    def _next(self, number: int) -> tuple[list[Waiting], int]:
        """Return the callbacks that the clerk speaks of, and how many of them the refuge has."""
        self._heard_s = monotonic()
        handed = min(self._handed, number)
        self._handed -= handed
        return [self._sent.popleft() for _ in range(number)], handed

    def _kept(self, number: int) -> None:
        waiting, _ = self._next(number)
        _settle(waiting, kept=True)
        self._counts.commits += 1
        self._counts.batches.see(number)
        self._done(())
        if self._away and not self._sent:
            # It was slow, and is back.
            self._line.send(wire.DRAIN)
            self._come_back()

    def _not_kept(self, number: int, is_away: bool, why: str | None) -> None:  # noqa: FBT001 - off the wire
        waiting, handed = self._next(number)
        self._trouble(is_away, why)
        if self._refuge is None:
            _settle(waiting, kept=False)
        elif handed < number:
            self._refuge.take(waiting[handed:])

    def _done(self, happened: Sequence[Happened]) -> None:
        if self._in_trouble:
            self._in_trouble = False
            self._complain("The database takes callbacks again")
        if happened:
            self._counts.outcomes.update((each.kind, each.outcome) for each in happened)
            self._tell(happened)

    def _trouble(self, is_away: bool, why: str | None) -> None:  # noqa: FBT001 - off the wire
        if why is None:
            return
        if not self._in_trouble:
            self._troubled_s = monotonic()
        self._in_trouble = True
        where = "are not kept" if self._refuge is None else "wait in the spool"
        self._complain(f"Warning: callbacks {where}: {why}")
        if is_away:
            self._go_away()

    # Away and back

    def _look_again(self) -> None:
        """See whether the clerk, or the spool, has been silent for too long. A step of the loop."""
        self._look = self._loop.call_later(LOOK_S, self._look_again)
        now_s = monotonic()
        while self._until and (self._until[0][1].done() or self._until[0][0] <= now_s):
            _, kept = self._until.popleft()
            if not kept.done():
                # When it is kept after all, the repeat is a duplicate.
                kept.set_result(False)
        if self._refuge is not None and self._silent_s() > OVERDUE_S:
            self._go_away()

    def _silent_s(self) -> float:
        """Return for how long the clerk has said nothing of what was sent."""
        return monotonic() - self._heard_s if self._sent else 0.0

    def _go_away(self) -> None:
        self._away = self._refuge is not None
        self._hand_over()

    def _hand_over(self) -> None:
        """Let the refuge keep what no commit has kept yet, whatever the clerk still does."""
        if self._refuge is None:
            return
        waiting = [*list(self._sent)[self._handed :], *self._queue]
        self._handed = len(self._sent)
        self._queue.clear()
        if waiting:
            self._refuge.take(waiting)

    def _come_back(self) -> None:
        self._away = False
        self._send_soon()

    def _lost(self, why: str) -> None:
        """The clerk is dead, and nobody knows what of the last he kept."""
        if not self._in_trouble:
            self._troubled_s = monotonic()
        self._in_trouble = True
        self._complain(f"Warning: {why}")
        self._go_away()
        if self._refuge is None:
            _settle([*self._sent, *self._queue], kept=False)
            self._queue.clear()
        self._sent.clear()
        self._handed = 0
        self._questions[:0] = self._asked
        self._asked.clear()

    def _away_s(self) -> int:
        """Return for how long the database has taken nothing. Any thread."""
        if not self._away:
            return 0
        return int(monotonic() - self._troubled_s if self._in_trouble else self._silent_s())

    def _answer_from_afar(self, waiting: Sequence[Waiting], kept: bool) -> None:  # noqa: FBT001 - as it is said
        # A loop that is closed has nobody left to answer.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(lambda: _settle(waiting, kept=kept))


def _settle(waiting: Sequence[Waiting], *, kept: bool) -> None:
    for each in waiting:
        # Whoever gave up, or was sent away, has cancelled or settled it already.
        if not each.kept.done():
            each.kept.set_result(kept)


def _happened(at: str, rows: Sequence[Sequence[Any]]) -> list[Happened]:
    if not rows:
        return []
    when = datetime.fromisoformat(at)
    return [Happened(when, *row) for row in rows]
