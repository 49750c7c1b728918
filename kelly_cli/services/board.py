"""The live page in figures: today by hour against the usual, what waits, what is owed and proved.

Reads only. What changes slowly is kept for a while, so that a look after each callback is cheap on
a book of millions too. One thread at a time.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.times import nairobi_day, nairobi_wall_clock
from kelly_cli.services import proving
from kelly_cli.services.spooling import SOURCE
from kelly_cli.store import board_rows, log_rows, report_rows, status_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from kelly_cli.store.board_rows import Owed
    from kelly_cli.store.database import Database
    from kelly_cli.store.status_rows import Partly, Unplaced

HOURS = 24
USUAL_WEEKS = 4
USUAL_FOR = timedelta(minutes=5)
"""How long the usual is believed; its days lie in the past."""
PROVED_DAYS = 14
PROVED_FOR = timedelta(seconds=20)
PARTLY_FOR = timedelta(seconds=20)
"""How long money that is placed in part is believed while no more and no less of it is there."""
_WORST_FIRST = ("unproved", "partly", "open", "proved")


class ProvedDay(NamedTuple):
    """One day of the last ones. ``state``: proved, partly, unproved, open; None = no money came."""

    day: date
    state: str | None


class Board(NamedTuple):
    """All figures of one moment.

    ``hours``: (count, cents) of each hour of today. ``usual``: the mean cents of each hour on this
    weekday in the last ``weeks`` weeks; no weeks = nothing is usual yet. ``last_callback_at``:
    aware UTC, None = none ever came over HTTP.
    """

    now: datetime
    today: date
    hours: tuple[tuple[int, int], ...]
    usual: tuple[int, ...]
    weeks: int
    unplaced: Unplaced
    failed: int
    pending: int
    last_callback_at: datetime | None
    owed: Owed
    days: tuple[ProvedDay, ...]

    @property
    def money(self) -> tuple[int, int]:
        """Return (count, cents) of today."""
        return sum(each[0] for each in self.hours), sum(each[1] for each in self.hours)

    @property
    def usual_by_now(self) -> int:
        """Return the cents that usually are there at this time of the day."""
        wall = nairobi_wall_clock(self.now)
        return sum(self.usual[: wall.hour]) + self.usual[wall.hour] * wall.minute // 60

    @property
    def unplaced_days(self) -> int:
        """Return the whole days for which the oldest unplaced money has waited."""
        oldest = self.unplaced.oldest_at
        return max((self.today - oldest.date()).days, 0) if oldest else 0


class _Usual(NamedTuple):
    day: date
    at: datetime
    hours: tuple[int, ...]
    weeks: int


class _Partly(NamedTuple):
    payments: int
    at: datetime
    found: tuple[Partly, ...]


class Boards:
    """Reads boards of one database, and remembers what need not be read each time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._usual: dict[Sequence[str] | None, _Usual] = {}
        self._days: dict[Sequence[str] | None, tuple[datetime, date, tuple[ProvedDay, ...]]] = {}
        self._partly: _Partly | None = None
        self._seen = 0
        self._last_at: datetime | None = None
        self._has_looked = False

    def forget(self) -> None:
        """Forget everything: other books may stand there now."""
        self._usual.clear()
        self._days.clear()
        self._partly = None
        self._has_looked = False

    def look(self, now: datetime, codes: tuple[str, ...] | None = None) -> Board:
        """Return the board of this moment (aware UTC). ``codes``: money of these, None = all.

        Raises:
            StorageError: the books cannot be read now.
        """
        today = nairobi_day(now)
        days = self._proved(now, today, codes)
        with self._database.reading() as connection:
            usual = self._usual_of(connection, now, today, codes)
            hours = board_rows.hours_of(connection, today, codes)
            failed, pending = report_rows.open_logs(connection, codes)
            return Board(
                now=now,
                today=today,
                hours=tuple(hours.get(hour, (0, 0)) for hour in range(HOURS)),
                usual=usual.hours,
                weeks=usual.weeks,
                unplaced=status_rows.unplaced(connection, codes, self._partly_of(connection, now)),
                failed=failed,
                pending=pending,
                last_callback_at=self._last_callback(connection),
                owed=board_rows.owed(connection, today),
                days=days,
            )

    def _usual_of(
        self, connection: Connection, now: datetime, today: date, codes: tuple[str, ...] | None
    ) -> _Usual:
        known = self._usual.get(codes)
        if known is not None and known.day == today and now - known.at < USUAL_FOR:
            return known
        weeks = [
            board_rows.hours_of(connection, today - timedelta(weeks=back), codes)
            for back in range(1, USUAL_WEEKS + 1)
        ]
        # Weeks before the first money say nothing of what is usual.
        while weeks and not weeks[-1]:
            weeks.pop()
        means = tuple(
            sum(week.get(hour, (0, 0))[1] for week in weeks) // max(len(weeks), 1)
            for hour in range(HOURS)
        )
        found = self._usual[codes] = _Usual(today, now, means, len(weeks))
        return found

    def _proved(
        self, now: datetime, today: date, codes: tuple[str, ...] | None
    ) -> tuple[ProvedDay, ...]:
        known = self._days.get(codes)
        if known is not None and known[1] == today and now - known[0] < PROVED_FOR:
            return known[2]
        states = proving.states(self._database, codes, last=today, count=PROVED_DAYS)
        found = tuple(
            ProvedDay(day, _worst(states.get(day, set())))
            for day in (today - timedelta(days=back) for back in reversed(range(PROVED_DAYS)))
        )
        self._days[codes] = (now, today, found)
        return found

    def _partly_of(self, connection: Connection, now: datetime) -> Sequence[Partly]:
        """Return what is placed in part: read when its number changes, else once in a while."""
        count = status_rows.count_partly_placed(connection)
        if not count:
            self._partly = None
            return ()
        known = self._partly
        if known is None or known.payments != count or now - known.at >= PARTLY_FOR:
            found = tuple(status_rows.list_partly_placed(connection))
            known = self._partly = _Partly(count, now, found)
        return known.found

    def _last_callback(self, connection: Connection) -> datetime | None:
        """Look through all logs once, and then only through those that came since."""
        newest = board_rows.newest_log(connection)
        if not self._has_looked or newest < self._seen:
            times = log_rows.list_times(connection, SOURCE, since=None, limit=1)
            self._last_at = times[0] if times else None
            self._has_looked = True
        elif newest > self._seen:
            came = board_rows.last_from(connection, SOURCE, after=self._seen)
            if came is not None and (self._last_at is None or came > self._last_at):
                self._last_at = came
        self._seen = newest
        return self._last_at


def _worst(states: set[str]) -> str | None:
    return next((state for state in _WORST_FIRST if state in states), None)
