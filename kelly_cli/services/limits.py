"""The money rules: what is more than M-Pesa carries at once, and of one customer in a day.

They warn and never stop: money that came is booked all the same.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from kelly_cli.core import flags
from kelly_cli.core.refs import fold
from kelly_cli.store import book_rows, customer_rows, flag_rows

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from kelly_cli.store.database import Database
    from kelly_cli.store.payment_rows import PaymentView


def over(
    database: Database,
    amount_cents: int,
    customer_id: str | None,
    day: date,
    *,
    booked: bool = False,
) -> list[str]:
    """Say what an amount is too much for. ``booked``: it is in the books of that day already.

    ``day``: in Nairobi; ``customer_id`` None = nobody is known to pay it.
    """
    told = []
    if amount_cents > flags.MOST_AT_ONCE_CENTS:
        told.append(flags.why_over(amount_cents))
    if customer_id is not None:
        with database.reading() as connection:
            found = customer_rows.find_customer(connection, fold(customer_id) or "")
            if found is not None:
                count, cents = _paid_on(connection, found.row, day)
                if not booked:
                    count, cents = count + 1, cents + amount_cents
                told += _large(found.customer_id, count, cents, day)
    return told


def over_by_name(database: Database, amount_cents: int, reference: str, day: date) -> list[str]:
    """Say what an amount that names an invoice, a sale or a customer is too much for."""
    key = fold(reference)
    with database.reading() as connection:
        target = book_rows.find_keys(connection, [key]).get(key) if key else None
        owner = None
        if target is not None:
            books = book_rows.load_named(connection, [target])
            owners = [target.customer, *(each.customer for each in books.invoices.values())]
            owners += [each.customer for each in books.sales.values()]
            row = next((each for each in owners if each is not None), None)
            owner = flag_rows.names_of(connection, [row])[row] if row is not None else None
    return over(database, amount_cents, owner, day)


def large_day(connection: Connection, payment: PaymentView) -> list[tuple[str, str]]:
    """Return the flag of a payment whose customer paid more that day than M-Pesa carries."""
    if payment.customer_id is None or payment.reversed_at is not None:
        return []
    found = customer_rows.find_customer(connection, fold(payment.customer_id) or "")
    if found is None:
        return []
    day = payment.transaction_date.date()
    told = _large(found.customer_id, *_paid_on(connection, found.row, day), day)
    return [(flags.OVER_LIMIT, each) for each in told]


def _paid_on(connection: Connection, customer: int, day: date) -> tuple[int, int]:
    start = datetime.combine(day, time.min)
    return flag_rows.paid_between(connection, customer, start, start + timedelta(days=1))


def _large(customer_id: str, count: int, cents: int, day: date) -> list[str]:
    if cents <= flags.MOST_A_DAY_CENTS:
        return []
    return [flags.why_large_day(customer_id, count, cents, day)]
