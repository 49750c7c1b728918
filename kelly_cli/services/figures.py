"""Figures for reports: callbacks, payers, products, charges; each from one snapshot."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.store import aging_rows, figure_rows
from kelly_cli.store.figure_rows import LogDay

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from kelly_cli.core.tariff import Tariff
    from kelly_cli.store.aging_rows import Person
    from kelly_cli.store.database import Database
    from kelly_cli.store.figure_rows import Charged, Sold

    Codes = Collection[str] | None

_VALUES = re.compile(r"'[^']*'|\"[^\"]*\"|\b[A-Z0-9]*\d[A-Z0-9.,:-]*\b")
_LONGEST_REASON = 80


class Span(NamedTuple):
    """Days to look at, both included."""

    first: date
    last: date

    @classmethod
    def ending(cls, last: date, days: int) -> Span:
        """Return so many days up to ``last``."""
        return cls(last - timedelta(days=days - 1), last)


class Callbacks(NamedTuple):
    """Callbacks of each day, the newest first, and why some failed, the most frequent first."""

    days: list[LogDay]
    total: LogDay
    reasons: list[tuple[str, int]]


class PayerFigures(NamedTuple):
    """One customer: what he paid in the span, what he owes now, how long he takes to pay.

    ``share`` of all that customers paid; ``days_to_pay``: weighted by money, from the day of issue.
    """

    person: Person
    payments: int
    cents: int
    newest: date | None
    share: float | None
    owed_cents: int
    credit_cents: int
    days_to_pay: float | None


class FeeDay(NamedTuple):
    """The payments of one day on statements and what they were charged.

    ``expected_cents``: by the tariff, None = no tariff, or a payment that no band holds.
    ``other_cents``: charges that belong to no payment on the statement.
    """

    day: date
    payments: int
    cents: int
    charged_cents: int
    expected_cents: int | None
    other_cents: int

    @property
    def difference_cents(self) -> int | None:
        """Charged more (above zero) or less than expected."""
        return None if self.expected_cents is None else self.charged_cents - self.expected_cents


class Fees(NamedTuple):
    """Charges by day, the newest first, and the payments that were not charged as expected."""

    days: list[FeeDay]
    odd: list[tuple[Charged, int | None]]


def success_rate(day: LogDay) -> float | None:
    """Return processed / (total - duplicates), None when there were none."""
    tried = day.total - day.duplicates
    return day.processed / tried if tried else None


def callbacks(database: Database, span: Span, codes: Codes = None) -> Callbacks:
    """Return the callbacks of every day of the span, quiet ones too."""
    with database.reading() as connection:
        found = {day.day: day for day in figure_rows.log_days(connection, *span, codes)}
        errors = figure_rows.log_errors(connection, *span, codes)
    days = [span.last - timedelta(days=back) for back in range((span.last - span.first).days + 1)]
    listed = [found.get(day, LogDay(day, 0, 0, 0, 0, 0, 0)) for day in days]
    sums = [sum(each) for each in zip(*(day[1:] for day in listed), strict=True)]
    reasons: Counter[str] = Counter()
    for error, count in errors:
        reasons[kind_of(error)] += count
    ordered = sorted(reasons.items(), key=lambda each: (-each[1], each[0]))
    return Callbacks(listed, LogDay(span.last, *sums), ordered)


def kind_of(error: str) -> str:
    """Return an error without the values in it, so that the same mistakes count as one."""
    plain = " ".join(_VALUES.sub("…", error).split())
    return plain if len(plain) <= _LONGEST_REASON else plain[: _LONGEST_REASON - 1] + "…"


def payers(database: Database, span: Span, codes: Codes = None) -> list[PayerFigures]:
    """Return every customer who paid in the span, owes or has credit; the most paid first.

    ``codes``: what was paid to them, and only customers who ever paid to them.
    """
    owed: Counter[int | None] = Counter()
    with database.reading() as connection:
        paid = {each.customer: each for each in figure_rows.payers(connection, *span, codes)}
        waits = figure_rows.days_to_pay(connection, *span, codes)
        for debt in aging_rows.owed_now(connection):
            owed[debt.customer] += debt.cents
        credit = aging_rows.credit_now(connection)
        people = aging_rows.people(connection)
        among = people.keys() if codes is None else aging_rows.payers(connection, codes)
    whole = sum(each.cents for each in paid.values())
    found = []
    for row in (paid.keys() | owed.keys() | credit.keys()) & among:
        if row is None:
            continue
        payer, wait = paid.get(row), waits.get(row)
        found.append(
            PayerFigures(
                people[row],
                payer.payments if payer else 0,
                payer.cents if payer else 0,
                payer.newest.date() if payer else None,
                payer.cents / whole if payer and whole else None,
                owed.get(row, 0),
                credit.get(row, 0),
                max(wait[1] / wait[0], 0.0) if wait else None,
            )
        )
    return sorted(found, key=lambda each: (-each.cents, -each.owed_cents, each.person))


def products(database: Database, span: Span, codes: Codes = None) -> list[Sold]:
    """Return what was sold by product, the highest revenue first."""
    with database.reading() as connection:
        found = figure_rows.sold(connection, *span, codes)
    return sorted(found, key=lambda each: (-each.cents, -each.open_cents, each.product_id))


def fees(database: Database, span: Span, tariff: Tariff | None, codes: Codes = None) -> Fees:
    """Return what applied statements charged for payments, by day, against a tariff."""
    with database.reading() as connection:
        rows = figure_rows.charged(connection, *span, codes)
        others = figure_rows.other_charges(connection, *span, codes)
    days: dict[date, FeeDay] = {}
    odd = []
    for day, cents in others:
        old = days.get(day) or _no_fees(day, tariff)
        days[day] = old._replace(other_cents=old.other_cents + cents)
    for row in rows:
        old = days.get(row.day) or _no_fees(row.day, tariff)
        expected = tariff.fee_cents(row.amount_cents, row.short_code) if tariff else None
        known = old.expected_cents is not None and expected is not None
        days[row.day] = old._replace(
            payments=old.payments + 1,
            cents=old.cents + row.amount_cents,
            charged_cents=old.charged_cents + row.charged_cents,
            expected_cents=(old.expected_cents or 0) + (expected or 0) if known else None,
        )
        if tariff and expected != row.charged_cents:
            odd.append((row, expected))
    return Fees([days[day] for day in sorted(days, reverse=True)], odd)


def _no_fees(day: date, tariff: Tariff | None) -> FeeDay:
    return FeeDay(day, 0, 0, 0, 0 if tariff else None, 0)
