"""Reports: what came in, where it went, what waits for a person."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from kelly_cli.services.flagged import FlagsOfDay, flags_of
from kelly_cli.services.payments import CALLBACK_ONLY
from kelly_cli.store import hour_total_rows, report_rows
from kelly_cli.store.report_rows import Callbacks, Sum, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from kelly_cli.store.database import Database
    from kelly_cli.store.report_rows import Codes, Money

NONE = Sum()
K = TypeVar("K")


class Volume(NamedTuple):
    """The payments of one day, by status."""

    day: date
    payments: Sum
    unmatched: Sum
    reversed: Sum


class Day(NamedTuple):
    """One Nairobi day. ``payments`` are the COMPLETED ones.

    Where the COMPLETED money stands now: ``to_invoices_cents`` + ``to_sales_cents`` +
    ``credit_cents`` + ``rest_cents`` = ``payments.cents``. ``known_by``: COMPLETED and UNMATCHED
    ones by their ``verified_by``; ``by_code``: the same by short code, None = cash and such.
    """

    day: date
    payments: Sum
    unmatched: Sum
    reversed: Sum
    by_hour: list[Sum]
    to_invoices_cents: int
    to_sales_cents: int
    credit_cents: int
    rest_cents: int
    callbacks: Callbacks
    waiting: Waiting
    known_by: dict[str, Sum]
    flags: FlagsOfDay
    by_code: dict[str | None, Sum]

    @property
    def volume(self) -> Volume:
        """The day among others."""
        return Volume(self.day, self.payments, self.unmatched, self.reversed)

    @property
    def callback_only(self) -> Sum:
        """What no second source has confirmed yet."""
        return self.known_by.get(CALLBACK_ONLY, NONE)

    @property
    def success_rate(self) -> float | None:
        """Processed / (total - duplicates), None when there were none."""
        tried = self.callbacks.total - self.callbacks.duplicates
        return self.callbacks.processed / tried if tried else None


def daily(database: Database, day: date, codes: Codes = None) -> Day:
    """Return the figures of one Nairobi day, from one snapshot. ``codes``: only of these."""
    with database.reading() as connection:
        hours = report_rows.hours_of(connection, day, codes)
        sales_cents = report_rows.to_sales(connection, day, codes)
        waiting_of_day = report_rows.without_owner(connection, day, codes)
        callbacks = report_rows.callbacks_of(connection, day, codes)
        waiting = report_rows.waiting(connection, codes)
        parts = report_rows.parts_of(connection, day, codes)
        flags = flags_of(connection, day, codes)
    completed = _total(hours, "COMPLETED")
    unmatched = _total(hours, "UNMATCHED")
    allocated_cents = sum(hour.allocated_cents for hour in hours)
    rest_cents = waiting_of_day.cents - unmatched.cents
    return Day(
        day=day,
        payments=completed,
        unmatched=unmatched,
        reversed=_total(hours, "REVERSED"),
        by_hour=[hour.by_status.get("COMPLETED", NONE) for hour in hours],
        to_invoices_cents=allocated_cents - sales_cents,
        to_sales_cents=sales_cents,
        credit_cents=completed.cents - allocated_cents - rest_cents,
        rest_cents=rest_cents,
        callbacks=callbacks,
        waiting=waiting,
        known_by=_summed((each.known_by, each.sum) for each in parts),
        flags=flags,
        by_code=_summed((each.short_code, each.sum) for each in parts),
    )


def volumes(
    database: Database, last: date, days: int, codes: Codes = None
) -> tuple[list[Volume], list[str | None]]:
    """Return the payments of ``days`` days up to ``last``, newest first, and where they came to."""
    first = last - timedelta(days=days - 1)
    with database.reading() as connection:
        rows = hour_total_rows.totals(connection, first, last, codes)
    found: dict[date, dict[str, Sum]] = {}
    for row in rows:
        sums = found.setdefault(row.day, {})
        sums[row.status] = sums.get(row.status, NONE).plus(Sum(row.payments, row.cents))
    listed = []
    for back in range(days):
        sums = found.get(last - timedelta(days=back), {})
        of_status = (sums.get(name, NONE) for name in ("COMPLETED", "UNMATCHED", "REVERSED"))
        listed.append(Volume(last - timedelta(days=back), *of_status))
    paid_to = {row.short_code for row in rows} if codes is None else codes
    return listed, list(paid_to)


def _summed(parts: Iterable[tuple[K, Sum]]) -> dict[K, Sum]:
    found: dict[K, Sum] = {}
    for key, part in parts:
        found[key] = found.get(key, NONE).plus(part)
    return found


def _total(hours: list[Money], status: str) -> Sum:
    total = NONE
    for hour in hours:
        total = total.plus(hour.by_status.get(status, NONE))
    return total
