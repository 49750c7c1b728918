"""Payments by day, week or month, from the rollup; each beside the one before."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

from kelly_cli.store import hour_total_rows
from kelly_cli.store.report_rows import Sum

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from kelly_cli.store.database import Database
    from kelly_cli.store.hour_total_rows import HourTotal

Unit = Literal["week", "month"]
_NONE = Sum()
_DAY = timedelta(days=1)


class Period(NamedTuple):
    """The payments of one stretch of days, both included. ``payments``: the COMPLETED ones.

    ``before``: those of the period before; of as many days of it, when this one is not over
    (``is_over``). None = there was no payment yet.
    """

    first: date
    last: date
    is_over: bool
    payments: Sum
    unmatched: Sum
    reversed: Sum
    before: Sum | None

    @property
    def change_cents(self) -> int | None:
        """More (above zero) or less than before."""
        return None if self.before is None else self.payments.cents - self.before.cents

    @property
    def change_share(self) -> float | None:
        """The change as a share of what was before; None = nothing was."""
        if self.before is None or not self.before.cents:
            return None
        return (self.payments.cents - self.before.cents) / self.before.cents


def periods(
    database: Database,
    *,
    unit: Unit,
    count: int,
    last: date,
    codes: Collection[str] | None = None,
) -> tuple[list[Period], list[str | None]]:
    """Return ``count`` weeks or months up to the one of ``last``, the newest first.

    Also where their money came to. ``last`` is the newest day that is looked at.
    """
    starts = [_start(last, unit)]
    for _ in range(count):
        starts.append(_start(starts[-1] - _DAY, unit))
    with database.reading() as connection:
        rows = hour_total_rows.totals(connection, starts[-1], last, codes)
        begun = hour_total_rows.first_day(connection)
    days: dict[date, list[HourTotal]] = {}
    for row in rows:
        days.setdefault(row.day, []).append(row)
    found = []
    for start, earlier in pairwise(starts):
        whole_end = _end(start, unit)
        end = min(whole_end, last)
        same_end = start - _DAY if end == whole_end else min(earlier + (end - start), start - _DAY)
        before = _sums(days, earlier, same_end)["COMPLETED"]
        sums = _sums(days, start, end)
        known = begun is not None and begun < start
        found.append(
            Period(
                start,
                end,
                end == whole_end,
                sums["COMPLETED"],
                sums["UNMATCHED"],
                sums["REVERSED"],
                before if known else None,
            )
        )
    return found, _codes(row for row in rows if row.day >= starts[-2])


def _start(day: date, unit: Unit) -> date:
    return day.replace(day=1) if unit == "month" else day - timedelta(days=day.weekday())


def _end(start: date, unit: Unit) -> date:
    if unit == "week":
        return start + timedelta(days=6)
    return (start + timedelta(days=31)).replace(day=1) - _DAY


def _sums(days: dict[date, list[HourTotal]], first: date, last: date) -> dict[str, Sum]:
    found = dict.fromkeys(("COMPLETED", "UNMATCHED", "REVERSED"), _NONE)
    for number in range((last - first).days + 1):
        for row in days.get(first + timedelta(days=number), ()):
            found[row.status] = found[row.status].plus(Sum(row.payments, row.cents))
    return found


def _codes(rows: Iterable[HourTotal]) -> list[str | None]:
    return sorted({row.short_code for row in rows}, key=lambda code: code or "")
