"""The clerk: has the books open, in a process of its own, and works off what the listener sends.

Whatever came while the last commit ran is the next unit of work: there is no timer, a lone callback
costs one commit, and many at once share one. The clerk says that callbacks are kept only after
their commit, and at once; what became of them follows. Between commits it drains the spool and
finishes logs that a crash left behind. While the database is away it says of everything at once
that it is not kept, and tries the database again.
Must not know HTTP.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from kelly_cli.errors import KellyError, StorageError
from kelly_cli.listener import wire
from kelly_cli.services.inbox import Answered
from kelly_cli.services.serving import Callback

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kelly_cli.listener.wire import Wire
    from kelly_cli.services.serving import Happened, Intake

MOST_AT_ONCE = 2_000
"""Callbacks that one commit takes."""
AGAIN_S = 5.0
"""After trouble: how long until unfinished logs are looked for again."""
PROBE_S = 0.5
"""How often a database that is away is tried."""
DRAIN_S = 2.0
"""How often the spool is looked into: another process may have filled it."""
DRAIN_AGAIN_S = 0.2

_STILL_AWAY = (True, None)
"""The database is, and why was said already."""


class Clerk:
    """One thread's work on the books. ``opened`` False: the database is away at the start."""

    def __init__(self, intake: Intake, end: Wire, *, opened: bool = True) -> None:
        self._intake = intake
        self._wire = end
        self._is_away = not opened
        self._in_trouble = False
        self._told: StorageError | None = None
        self._damaged = 0
        self._stops = False
        self._sweep: Iterator[list[Happened]] | None = None
        self._sweep_due_s: float | None = monotonic()
        self._drain_due_s: float | None = monotonic() if intake.has_spool else None

    def run(self) -> None:
        """Work until told to stop, or until nobody is there any more."""
        self._wire.send(wire.READY)
        if self._is_away:
            self._probe()
        while not (self._stops or self._wire.is_cut):
            frames = self._wire.receive(PROBE_S if self._is_away else self._idle_s())
            callbacks = [
                Callback(*each) for word, *rest in frames if word == wire.TAKE for each in rest[0]
            ]
            asked = [
                Answered(*each) for word, *rest in frames if word == wire.ASKED for each in rest[0]
            ]
            words = {frame[0] for frame in frames}
            self._stops = wire.STOP in words
            if wire.DRAIN in words and self._drain_due_s is not None:
                self._drain_due_s = monotonic()
            for start in range(0, len(callbacks), MOST_AT_ONCE):
                self._take(callbacks[start : start + MOST_AT_ONCE])
            if asked:
                self._note(asked)
            if not (self._stops or self._wire.is_cut):
                self._see_to_the_rest()
            self._tell_doubt()
        self._wire.send(wire.ENDED)

    # What was sent

    def _take(self, callbacks: Sequence[Callback]) -> None:
        if self._is_away:
            self._wire.send(wire.NOT_KEPT, len(callbacks), *_STILL_AWAY)
            return
        are_kept = False

        def kept() -> None:
            nonlocal are_kept
            are_kept = True
            self._wire.send(wire.KEPT, len(callbacks))

        try:
            happened = self._intake.take(callbacks, kept=kept)
        except Exception as error:  # noqa: BLE001 - the clerk must outlive everything
            # What was said already stands, whatever went wrong behind it.
            said_of = (wire.TROUBLE,) if are_kept else (wire.NOT_KEPT, len(callbacks))
            self._wire.send(*said_of, *self._trouble(error))
        else:
            self._wire.send(wire.HAPPENED, *_rows(happened))

    def _note(self, asked: Sequence[Answered]) -> None:
        if self._is_away:
            self._wire.send(wire.NOT_NOTED, len(asked), *_STILL_AWAY)
            return
        try:
            self._intake.keep_validations(asked)
        except Exception as error:  # noqa: BLE001 - the clerk must outlive everything
            self._wire.send(wire.NOT_NOTED, len(asked), *self._trouble(error))
        else:
            self._wire.send(wire.NOTED, len(asked))

    # What has no hurry

    def _idle_s(self) -> float | None:
        due_s = [due for due in (self._sweep_due_s, self._drain_due_s) if due is not None]
        return max(min(due_s) - monotonic(), 0) if due_s else None

    def _see_to_the_rest(self) -> None:
        """Take one step: a database that is away, the spool, or logs that were left unfinished."""
        now_s = monotonic()
        if self._is_away:
            self._probe()
        elif self._drain_due_s is not None and now_s >= self._drain_due_s:
            self._drain()
        elif self._sweep_due_s is not None and now_s >= self._sweep_due_s:
            self._finish_unfinished()

    def _probe(self) -> None:
        try:
            self._intake.probe()
        except Exception as error:  # noqa: BLE001 - the clerk must outlive everything
            self._wire.send(wire.TROUBLE, *self._trouble(error))
        else:
            self._sweep_due_s = monotonic()
            if self._intake.has_spool:
                self._drain_due_s = monotonic()
            self._come_back()

    def _drain(self) -> None:
        try:
            happened = self._intake.drain()
        except Exception as error:  # noqa: BLE001 - the clerk must outlive everything
            self._drain_due_s = monotonic() + DRAIN_S
            if _is_of_the_database(error):
                self._wire.send(wire.TROUBLE, *self._trouble(error))
            else:
                self._wire.send(wire.SAID, f"Warning: the spool waits: {said(error)}")
            return
        if self._intake.damaged > self._damaged:
            lost = self._intake.damaged - self._damaged
            self._damaged = self._intake.damaged
            self._wire.send(
                wire.SAID, f"Warning: {lost} damaged pieces of the spool are kept aside there"
            )
        pause_s = DRAIN_AGAIN_S if happened is None else 0 if happened else DRAIN_S
        self._drain_due_s = monotonic() + pause_s
        if happened:
            self._wire.send(wire.HAPPENED, *_rows(happened))

    def _finish_unfinished(self) -> None:
        """Take one step in finishing the logs that a crash, or trouble, left behind."""
        try:
            if self._sweep is None:
                self._sweep = self._intake.unfinished()
            happened = next(self._sweep, None)
        except Exception as error:  # noqa: BLE001 - the clerk must outlive everything
            self._wire.send(wire.TROUBLE, *self._trouble(error))
            return
        if happened is None:
            self._sweep = self._sweep_due_s = None
            if self._in_trouble:
                self._come_back()
        else:
            self._wire.send(wire.HAPPENED, *_rows(happened))

    # Trouble

    def _come_back(self) -> None:
        self._is_away = self._in_trouble = False
        self._wire.send(wire.BACK)

    def _trouble(self, error: Exception) -> tuple[bool, str]:
        self._in_trouble = True
        self._sweep = None
        self._sweep_due_s = monotonic() + AGAIN_S
        self._is_away = self._intake.has_spool and _is_of_the_database(error)
        return self._is_away, said(error)

    def _tell_doubt(self) -> None:
        now = self._intake.standing.objection
        if now is not self._told:
            self._told = now
            self._wire.send(wire.DOUBT, None if now is None else (now.message, now.hint, now.code))


def _rows(happened: Sequence[Happened]) -> tuple[str, list[tuple[object, ...]]]:
    """Return when it happened, all at once, and the rest of each."""
    at = happened[0].at.isoformat() if happened else ""
    return at, [tuple(each[1:]) for each in happened]


def _is_of_the_database(error: Exception) -> bool:
    return isinstance(error, StorageError) and error.code != "spool_unusable"


def said(error: Exception) -> str:
    """Return what an error says to a person."""
    if isinstance(error, KellyError):
        return error.message
    return f"{type(error).__name__}: {error}"
