"""A line for the operator's eyes and one for the log, behind the answers: no callback waits for it.

A thread of its own writes. When nobody reads, lines are dropped and counted, and when nobody can
read any more (closed, full), it goes on in silence.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kelly_cli.listener.logs import Note
    from kelly_cli.services.serving import Happened

MOST_WAITING = 20_000
"""Callbacks whose lines wait to be printed; more are dropped."""
QUIET_S = 60.0
"""The same complaint is said once in this time."""
_MOST_COMPLAINTS = 100


def _nothing(_: object) -> None:
    """Write nothing."""


class _Noted(NamedTuple):
    note: Note


class Teller:
    """The thread that prints.

    ``ready`` is called first, in the thread. ``line`` writes what became of a callback in one
    harmless line. ``out`` puts whole lines on stdout. The others write on stderr: ``err`` a text
    from anywhere, ``log`` what became of callbacks, ``note`` any other event. All of them may
    wait, or raise OSError.
    """

    def __init__(
        self,
        *,
        ready: Callable[[], None],
        line: Callable[[Happened], str],
        out: Callable[[str], None],
        err: Callable[[str], None],
        log: Callable[[Sequence[Happened]], None] = _nothing,
        note: Callable[[Note], None] = _nothing,
    ) -> None:
        self._ready = ready
        self._line = line
        self._out = out
        self._err = err
        self._log = log
        self._note = note
        self._queue: SimpleQueue[Sequence[Happened] | str | _Noted | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="kelly-teller", daemon=True)
        # Each of these is changed by one thread only.
        self._given = 0
        self._printed = 0
        self._dropped = 0
        self._said: dict[str, float] = {}

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def tell(self, happened: Sequence[Happened]) -> None:
        """Print a line for each, later. Only the writer's thread may call it."""
        if self._given - self._printed > MOST_WAITING:
            self._dropped += len(happened)
            return
        self._given += len(happened)
        self._queue.put(happened)

    def complain(self, text: str) -> None:
        """Print a line on stderr, later; the same one only once in ``QUIET_S``. Any thread."""
        now_s = monotonic()
        if now_s - self._said.get(text, -QUIET_S) < QUIET_S:
            return
        if len(self._said) >= _MOST_COMPLAINTS:
            self._said.clear()
        self._said[text] = now_s
        self._queue.put(text)

    def note(self, note: Note) -> None:
        """Write an event to the log, later. Any thread."""
        self._queue.put(_Noted(note))

    def stop(self, *, timeout_s: float) -> None:
        """Print what waits, as far as that goes in ``timeout_s``."""
        if self._thread.ident is not None:
            self._queue.put(None)
            self._thread.join(timeout_s)

    def _run(self) -> None:
        with suppress(OSError):
            self._ready()
        reported = 0
        while (item := self._queue.get()) is not None:
            # Whoever reads has gone, or the disk is full: the callbacks go on.
            with suppress(OSError):
                if isinstance(item, str):
                    self._err(item)
                elif isinstance(item, _Noted):
                    self._note(item.note)
                else:
                    self._tell(item)
                    if (dropped := self._dropped) != reported:
                        lost = dropped - reported
                        self._err(f"Warning: {lost} callbacks were kept without a line")
                        reported = dropped

    def _tell(self, happened: Sequence[Happened]) -> None:
        self._printed += len(happened)
        with suppress(OSError):
            self._out("".join(f"{self._line(each)}\n" for each in happened))
        self._log(happened)
