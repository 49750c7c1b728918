"""The morning screen: what came, what waits, what is not proved. Reads only, one snapshot."""

from __future__ import annotations

from datetime import datetime, timedelta
from statistics import median_low
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.times import nairobi_day, nairobi_wall_clock
from kelly_cli.services import proving
from kelly_cli.services.flagged import flags_of
from kelly_cli.services.spooling import SOURCE
from kelly_cli.store import close_rows, log_rows, product_rows, report_rows, status_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import Connection

    from kelly_cli.store.database import Database
    from kelly_cli.store.status_rows import Unplaced

USUAL_WEEKS = 4
"""The same weekday of so many weeks says what is usual."""

PROVED_DAYS = 14
FLAG_DAYS = 2
"""Flags of today and yesterday are counted."""


class Morning(NamedTuple):
    """All figures. Money is (count, cents).

    ``usual``: of the same weekday up to the same hour, None = that weekday never saw money.
    ``last_callback_at``: aware UTC, None = none came over HTTP. ``unproved``: days with money that
    no second source proved, newest first. ``last_closed``: None = no day was ever closed.
    ``below_zero``: products of which more was sold than there was.
    """

    now: datetime
    today: date
    money: tuple[int, int]
    usual: tuple[int, int] | None
    unplaced: Unplaced
    failed: int
    pending: int
    last_callback_at: datetime | None
    unproved: list[date]
    prompts: int
    late: int
    doubles: int
    over_limit: int
    overdue: tuple[int, int]
    last_closed: date | None
    unclosed: list[date]
    below_zero: int = 0

    @property
    def unplaced_days(self) -> int:
        """The whole days for which the oldest unplaced money has waited."""
        oldest = self.unplaced.oldest_at
        return max((self.today - oldest.date()).days, 0) if oldest else 0


def morning(database: Database, now: datetime, codes: Sequence[str] | None = None) -> Morning:
    """Return the figures of a moment. ``now``: aware UTC; ``codes``: money of these, None = all."""
    today = nairobi_day(now)
    with database.reading() as connection:
        failed, pending = report_rows.open_logs(connection)
        newest = log_rows.list_times(connection, SOURCE, since=None, limit=1)
        flags = [flags_of(connection, today - timedelta(days=back)) for back in range(FLAG_DAYS)]
        closed = close_rows.last_day_before(connection, today + timedelta(days=1))
        found = Morning(
            now=now,
            today=today,
            money=_until(connection, today, now, codes),
            usual=_usual(connection, today, now, codes),
            unplaced=status_rows.unplaced(connection, codes),
            failed=failed,
            pending=pending,
            last_callback_at=newest[0] if newest else None,
            unproved=[],
            prompts=status_rows.open_prompts(connection),
            late=sum(len(each.late) for each in flags),
            doubles=sum(len(each.doubles) for each in flags),
            over_limit=sum(len(each.over) + len(each.large_days) for each in flags),
            below_zero=product_rows.below_zero(connection),
            overdue=status_rows.overdue(connection, today),
            last_closed=closed,
            unclosed=[]
            if closed is None
            else close_rows.days_with_money(
                connection, max(closed, today - timedelta(days=31)), today
            ),
        )
    states = proving.states(database, codes, last=today, count=PROVED_DAYS + 1)
    unproved = [day for day, each in states.items() if each & {"unproved", "partly"}]
    return found._replace(unproved=unproved)


def _until(
    connection: Connection, day: date, now: datetime, codes: Sequence[str] | None
) -> tuple[int, int]:
    """Return the money of a day up to this hour of it."""
    end = datetime.combine(day, nairobi_wall_clock(now).time())
    return status_rows.money_until(connection, end + timedelta(microseconds=1), codes)


def _usual(
    connection: Connection, today: date, now: datetime, codes: Sequence[str] | None
) -> tuple[int, int] | None:
    """Return the middle of the same weekday's last weeks; weeks before the first money are none."""
    weeks = [
        _until(connection, today - timedelta(weeks=back), now, codes)
        for back in range(1, USUAL_WEEKS + 1)
    ]
    while weeks and weeks[-1] == (0, 0):
        weeks.pop()
    if not weeks:
        return None
    return median_low(count for count, _ in weeks), median_low(cents for _, cents in weeks)
