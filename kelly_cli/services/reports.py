"""Reports: what came in, where it went, what waits for a person."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.services.payments import CALLBACK_ONLY
from kelly_cli.store import report_rows
from kelly_cli.store.report_rows import Callbacks, Sum, Waiting

if TYPE_CHECKING:
    from datetime import date

    from kelly_cli.store.database import Database
    from kelly_cli.store.report_rows import Money

NONE = Sum()


class Day(NamedTuple):
    """One Nairobi day. ``payments`` are the COMPLETED ones.

    Where the COMPLETED money stands now: ``to_invoices_cents`` + ``to_sales_cents`` +
    ``credit_cents`` + ``rest_cents`` = ``payments.cents``. ``known_by``: COMPLETED and UNMATCHED
    ones by their ``verified_by``.
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

    @property
    def callback_only(self) -> Sum:
        """What no second source has confirmed yet."""
        return self.known_by.get(CALLBACK_ONLY, NONE)

    @property
    def success_rate(self) -> float | None:
        """Processed / (total - duplicates), None when there were none."""
        tried = self.callbacks.total - self.callbacks.duplicates
        return self.callbacks.processed / tried if tried else None


class Volume(NamedTuple):
    """The payments of one day, by status."""

    day: date
    payments: Sum
    unmatched: Sum
    reversed: Sum


def daily(database: Database, day: date) -> Day:
    """Return the figures of one Nairobi day, from one snapshot."""
    with database.reading() as connection:
        hours = report_rows.hours_of(connection, day)
        sales_cents = report_rows.to_sales(connection, day)
        waiting_of_day = report_rows.without_owner(connection, day)
        callbacks = report_rows.callbacks_of(connection, day)
        waiting = report_rows.waiting(connection)
        known_by = report_rows.known_by(connection, day)
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
        known_by=known_by,
    )


def volumes(database: Database, last: date, days: int) -> list[Volume]:
    """Return the payments of ``days`` days up to ``last``, newest first."""
    with database.reading() as connection:
        found = report_rows.days_of(connection, last - timedelta(days=days - 1), last)
    return [
        Volume(
            day,
            money.by_status.get("COMPLETED", NONE),
            money.by_status.get("UNMATCHED", NONE),
            money.by_status.get("REVERSED", NONE),
        )
        for day, money in reversed(found)
    ]


def _total(hours: list[Money], status: str) -> Sum:
    total = NONE
    for hour in hours:
        total = total.plus(hour.by_status.get(status, NONE))
    return total
