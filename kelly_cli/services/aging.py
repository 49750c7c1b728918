"""Aging: who owes what since when, now or as it stood on any day."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.aging import Aged, aged
from kelly_cli.store import aging_rows
from kelly_cli.store.aging_rows import Person

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from kelly_cli.store.database import Database

NOBODY = Person("", "Sales without a customer", None)


class Debtor(NamedTuple):
    """What one customer owes by age, and has to his credit.

    ``oldest_days``: days since the oldest debt was due, None = nothing is owed.
    """

    person: Person
    aged: Aged
    credit_cents: int
    oldest_days: int | None

    @property
    def balance_cents(self) -> int:
        """What is owed, less the credit."""
        return self.aged.owed_cents - self.credit_cents


class Aging(NamedTuple):
    """All who owe or have credit, the largest overdue debt first, and their sum."""

    day: date
    debtors: list[Debtor]
    total: Aged
    credit_cents: int


def make_aging(
    database: Database,
    *,
    today: date,
    as_at: date | None = None,
    codes: Collection[str] | None = None,
) -> Aging:
    """Return what is owed by customer and age. ``as_at``: at the end of that day, None = now.

    ``codes``: only customers who ever paid to these short codes.
    """
    day = as_at or today
    with database.reading() as connection:
        if as_at is None:
            owed = aging_rows.owed_now(connection)
            credit = aging_rows.credit_now(connection)
        else:
            owed = aging_rows.owed_on(connection, as_at)
            credit = aging_rows.credit_on(connection, as_at)
        people = aging_rows.people(connection)
        among = None if codes is None else aging_rows.payers(connection, codes)
    ages: dict[int | None, Aged] = {}
    oldest: dict[int | None, date] = {}
    for row in owed:
        ages[row.customer] = ages.get(row.customer, Aged()).plus(aged(row.due_on, row.cents, day))
        oldest[row.customer] = min(oldest.get(row.customer, row.due_on), row.due_on)
    found = [
        Debtor(
            NOBODY if row is None else people[row],
            ages.get(row, Aged()),
            0 if row is None else credit.get(row, 0),
            (day - oldest[row]).days if row in oldest else None,
        )
        for row in ages.keys() | credit.keys()
        if among is None or row in among
    ]
    found.sort(key=lambda each: (-each.aged.overdue_cents, -each.balance_cents, each.person))
    total = Aged()
    for each in found:
        total = total.plus(each.aged)
    return Aging(day, found, total, sum(each.credit_cents for each in found))
