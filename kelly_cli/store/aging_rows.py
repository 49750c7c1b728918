"""What is owed and kept as credit, by customer and due day: now, or as it stood on a day.

On a day in the past, documents count by their own days (``core.accounts.allocated_on`` says the
same of one allocation): invoices from their issue, what the rules allocated from when it was paid,
what a person did, voids, reversals and adjustments from when they were done.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core.times import utc_range
from kelly_cli.store import hot
from kelly_cli.store.spells import REVERSALS, VOIDS, Actions, gone_at
from kelly_cli.store.tables import FREE_MONEY, OPEN_INVOICE, Base

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

_PAYMENTS = Base.metadata.tables["payments"]
_INVOICES = Base.metadata.tables["invoices"]

_COUNTED = (
    "CASE WHEN a.reason IN ('reference', 'fifo') THEN p.transaction_date < {wall} "
    "ELSE a.created_at < {instant} END AND i.issued_on <= {day}"
)
_ALLOCATED = (
    "SELECT a.{by} AS row, sum(a.amount_cents) AS cents FROM allocations a "
    "JOIN payments p ON p.id = a.payment_id JOIN invoices i ON i.id = a.invoice_id "
    f"WHERE {_COUNTED} GROUP BY a.{{by}}"
)


class OwedRow(NamedTuple):
    """Owed by one customer (row id, None = a sale of nobody) since one day."""

    customer: int | None
    due_on: date
    cents: int


class Person(NamedTuple):
    """A customer by name."""

    customer_id: str
    name: str
    phone: str | None


def owed_now(connection: Connection) -> list[OwedRow]:
    """Return what is owed now."""
    return _owed(
        connection,
        "SELECT customer_id, coalesce(due_on, issued_on), "
        "sum(amount_cents - adjusted_cents - amount_paid_cents) FROM invoices "
        f"WHERE {OPEN_INVOICE} GROUP BY 1, 2",
        (),
    )


def credit_now(connection: Connection) -> dict[int, int]:
    """Return the cents that customers have to their credit now, by row id."""
    return _credit(
        connection,
        "SELECT customer_id, sum(amount_cents - allocated_cents) FROM payments "
        f"WHERE {FREE_MONEY} AND customer_id IS NOT NULL GROUP BY 1",
        (),
    )


def owed_on(connection: Connection, day: date) -> list[OwedRow]:
    """Return what was owed at the end of a Nairobi day."""
    marks, wall, on, instant = _moments(connection, day)
    not_void, void = _not_gone(connection, day, "i.invoice_id", VOIDS)
    sql = (
        "SELECT i.customer_id, coalesce(i.due_on, i.issued_on), "
        "sum(i.amount_cents - coalesce(x.cents, 0) - coalesce(y.cents, 0)) FROM invoices i "
        f"LEFT JOIN ({_ALLOCATED.format(by='invoice_id', **marks)}) x ON x.row = i.id "
        "LEFT JOIN (SELECT invoice_id AS row, sum(amount_cents) AS cents FROM invoice_adjustments "
        f"WHERE created_at < {marks['instant']} GROUP BY invoice_id) y ON y.row = i.id "
        f"WHERE i.issued_on <= {marks['day']} "
        f"AND (i.voided_at IS NULL OR i.voided_at >= {marks['instant']}) {not_void} "
        "AND i.amount_cents - coalesce(x.cents, 0) - coalesce(y.cents, 0) > 0 GROUP BY 1, 2"
    )
    return _owed(connection, sql, (wall, instant, on, instant, on, instant, *void))


def credit_on(connection: Connection, day: date) -> dict[int, int]:
    """Return the cents that customers had to their credit at the end of a Nairobi day."""
    marks, wall, on, instant = _moments(connection, day)
    not_reversed, gone = _not_gone(connection, day, "p.mpesa_receipt_number", REVERSALS)
    sql = (
        "SELECT p.customer_id, sum(p.amount_cents - coalesce(x.cents, 0)) FROM payments p "
        f"LEFT JOIN ({_ALLOCATED.format(by='payment_id', **marks)}) x ON x.row = p.id "
        f"WHERE p.customer_id IS NOT NULL AND p.transaction_date < {marks['wall']} "
        f"AND (p.reversed_at IS NULL OR p.reversed_at >= {marks['instant']}) {not_reversed} "
        "GROUP BY 1"
    )
    return _credit(connection, sql, (wall, instant, on, wall, instant, *gone))


def people(connection: Connection) -> dict[int, Person]:
    """Return every customer by row id."""
    rows = hot.fetch(connection, "SELECT id, customer_id, name, phone FROM customers")
    return {row[0]: Person(*row[1:]) for row in rows}


def payers(connection: Connection, codes: Collection[str]) -> set[int]:
    """Return the customers (row ids) who ever paid to one of these short codes."""
    marks = ", ".join([hot.mark(connection.dialect)] * len(codes))
    rows = hot.fetch(
        connection,
        "SELECT DISTINCT customer_id FROM payments WHERE customer_id IS NOT NULL "
        f"AND short_code IN ({marks})",
        tuple(codes),
    )
    return {row[0] for row in rows}


def _moments(connection: Connection, day: date) -> tuple[dict[str, str], Any, Any, Any]:
    """Return the marks, and the end of the day as wall-clock, as a day and as an instant."""
    mark = hot.mark(connection.dialect)
    end = datetime.combine(day, time.min) + timedelta(days=1)
    return (
        {"wall": mark, "day": mark, "instant": mark},
        hot.ready_value(connection, _PAYMENTS, "transaction_date", end),
        hot.ready_value(connection, _INVOICES, "issued_on", day),
        hot.ready_value(connection, _INVOICES, "voided_at", utc_range(day, day)[1]),
    )


def _not_gone(
    connection: Connection, day: date, column: str, actions: Actions
) -> tuple[str, list[str]]:
    """Return the condition that leaves out what was gone at the end of a day and came back."""
    gone = gone_at(connection, actions, datetime.combine(day, time.max))
    marks = ", ".join([hot.mark(connection.dialect)] * len(gone))
    return (f"AND {column} NOT IN ({marks})" if gone else ""), gone


def _owed(connection: Connection, sql: str, values: tuple[Any, ...]) -> list[OwedRow]:
    return [
        OwedRow(row[0], _date(row[1]), int(row[2])) for row in hot.fetch(connection, sql, values)
    ]


def _credit(connection: Connection, sql: str, values: tuple[Any, ...]) -> dict[int, int]:
    return {row[0]: int(row[1]) for row in hot.fetch(connection, sql, values) if row[1]}


def _date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)
