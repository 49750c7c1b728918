"""The watch: what the counts, the books and the disk say, made into alerts.

Promise: no callback waits for it, and what goes wrong is an alert within a minute. Its thread looks
at the counts and never waits; looks at the books and the disk, which may hang, are taken in another
one. An alert goes to the log and to every channel.
"""

from __future__ import annotations

import threading
from collections import Counter
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core import silence
from kelly_cli.core.alerting import Alert, Alerting, AlertKind
from kelly_cli.listener.logs import Note
from kelly_cli.services import watching

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from kelly_cli.listener.counts import Counts
    from kelly_cli.store.database import Database

LOOK_EVERY_S = 2.0
"""How often the counts are looked at: an alert is on its way so soon."""
BOOKS_EVERY_S = 20.0
"""How often the books and the disk are."""
LEARN_EVERY_S = 6 * 3600.0
REFUSED_EVERY_S = 60.0
"""How often refusals are logged, by status: never one by one, because strangers cause them."""
AWAY_S = 10
"""A database that takes nothing for as long is worth an alert."""
FLOOR_MIB = 500
"""Less than this free is worth an alert."""
FIRST_REFUSAL = 400


class Seen(NamedTuple):
    """What a look at the books and the disk saw. None = nothing wrong, or nothing known."""

    silent_min: int | None = None
    free_mib: int | None = None


class Books:
    """Looks at the books and the disk. ``spool``: its folder. ``clock``: aware UTC now."""

    def __init__(self, database: Database, spool: Path, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._spool = spool
        self._clock = clock
        self._usual: silence.Usual | None = None
        self._learned_s: float | None = None

    def look(self) -> Seen:
        """Look once; what cannot be looked at is for others to tell."""
        return Seen(self._silent_min(), self._free_mib())

    def _silent_min(self) -> int | None:
        now = self._clock()
        try:
            if self._learned_s is None or monotonic() - self._learned_s > LEARN_EVERY_S:
                self._usual = silence.learn(watching.callback_times(self._database, now))
                self._learned_s = monotonic()
            last = watching.last_callback_at(self._database)
        except Exception:  # noqa: BLE001 - the books are away: the writer says so
            return None
        if self._usual is None or last is None:
            return None
        quiet_s = silence.silent_s(self._usual, last, now)
        return None if quiet_s is None else quiet_s // 60

    def _free_mib(self) -> int | None:
        try:
            free = watching.free_mib(self._database, self._spool)
        except OSError:
            return None
        return free if free < FLOOR_MIB else None


class Watch:
    """The thread that watches.

    ``look`` sees the books and the disk, ``send`` gets alerts, ``note`` events for the log; the
    last two must not wait.
    """

    def __init__(
        self,
        counts: Counts,
        look: Callable[[], Seen],
        *,
        send: Callable[[Alert], None],
        note: Callable[[Note], None],
        repeat_s: int,
    ) -> None:
        self._counts = counts
        self._look = look
        self._send = send
        self._note = note
        self._alerting = Alerting(repeat_s=repeat_s)
        self._told: dict[AlertKind, int] = {}
        self._refused: dict[int, int] = {}
        self._refused_due_s = monotonic() + REFUSED_EVERY_S
        self._looked_s: float | None = None
        self._looker: threading.Thread | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kelly-watch", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, *, timeout_s: float) -> None:
        """Look at the counts a last time and end, as far as that goes in ``timeout_s``."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            self._look_at_books()
            self._look_at_counts(monotonic())
        self._look_at_counts(monotonic())
        self._log_refusals()

    def _look_at_books(self) -> None:
        """Start a look when it is time, unless the last one still hangs."""
        due = self._looked_s is None or monotonic() - self._looked_s >= BOOKS_EVERY_S
        if due and (self._looker is None or not self._looker.is_alive()):
            self._looked_s = monotonic()
            self._looker = threading.Thread(target=self._see, name="kelly-look", daemon=True)
            self._looker.start()

    def _see(self) -> None:
        seen = self._look()
        self._alerting.goes_on("silence", seen.silent_min)
        self._alerting.goes_on("disk", seen.free_mib)

    def _look_at_counts(self, now_s: float) -> None:
        counts = self._counts
        outcomes: Counter[str] = Counter()
        for (_, outcome), number in dict(counts.outcomes).items():
            outcomes[outcome] += number
        totals: dict[AlertKind, int] = {
            "failed": outcomes["failed"] + outcomes["unmatched"],
            "conflict": outcomes["conflict"],
            "unavailable": counts.answers.get(503, 0),
            "refused": counts.plausible_refusals,
        }
        for kind, total in totals.items():
            self._alerting.happened(kind, total - self._told.get(kind, 0))
        self._told = totals
        self._alerting.goes_on("spool", counts.spool_depth() or None)
        away_s = counts.away_s()
        self._alerting.goes_on("away", away_s if away_s >= AWAY_S else None)
        for alert in self._alerting.due(int(now_s)):
            self._note(Note("error", "alert", {"kind": alert.kind, "number": alert.number}))
            self._send(alert)
        if now_s >= self._refused_due_s:
            self._refused_due_s = now_s + REFUSED_EVERY_S
            self._log_refusals()

    def _log_refusals(self) -> None:
        answers = {status: n for status, n in dict(self._counts.answers).items() if n}
        for status in sorted(each for each in answers if each >= FIRST_REFUSAL):
            more = answers[status] - self._refused.get(status, 0)
            if more:
                self._note(Note("warning", "refused", {"status": status, "number": more}))
        self._refused = answers


def to_all(channels: Sequence[Callable[[Alert], None]]) -> Callable[[Alert], None]:
    """Return what hands an alert to every channel."""

    def send(alert: Alert) -> None:
        for channel in channels:
            channel(alert)

    return send
