"""Reminders: who owes what is overdue, and what they were told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Select, case, func, insert, select, text, update
from sqlmodel import col

from kelly_cli.store.tables import FREE_MONEY, OPEN_INVOICE, Customer, Invoice, Payment, Reminder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

_OPEN = "invoices." + OPEN_INVOICE.replace(" AND ", " AND invoices.")
_REST: Any = Invoice.amount_cents - Invoice.adjusted_cents - Invoice.amount_paid_cents
COUNTS = ("ready", "sending", "sent")
"""States of a reminder that was made, or may have gone out."""


class Late(NamedTuple):
    """A customer with invoices whose day has passed; those on hold are left out.

    ``credit_cents``: his free money, which could pay them. ``since``: the oldest due day.
    """

    row: int
    customer_id: str
    name: str
    phone: str | None
    open_cents: int
    late_cents: int
    since: date
    credit_cents: int


class LateInvoice(NamedTuple):
    """One of those invoices."""

    customer_row: int
    invoice_id: str
    rest_cents: int
    due_on: date


class ReminderView(NamedTuple):
    """One reminder as people see it."""

    row: int
    customer_id: str
    name: str
    channel: str
    address: str | None
    message: str
    owed_cents: int
    as_of: date
    state: str
    error: str | None
    actor: str
    created_at: datetime
    sent_at: datetime | None


def late_customers(
    connection: Connection, due_before: date, customer_row: int | None = None
) -> list[Late]:
    """Return who has an open invoice that was due before a day, by customer id."""
    late = col(Invoice.due_on) < due_before
    rest_of_late = func.sum(case((late, _REST), else_=0))
    credit = (
        select(func.coalesce(func.sum(Payment.amount_cents - Payment.allocated_cents), 0))
        .where(
            col(Payment.customer_id) == col(Customer.id),
            text("payments." + FREE_MONEY.replace(" AND ", " AND payments.")),
        )
        .correlate(Customer)
        .scalar_subquery()
    )
    statement = (
        select(
            col(Customer.id),
            col(Customer.customer_id),
            col(Customer.name),
            col(Customer.phone),
            func.sum(_REST),
            rest_of_late,
            func.min(case((late, col(Invoice.due_on)))),
            credit,
        )
        .join_from(Invoice, Customer, col(Customer.id) == col(Invoice.customer_id))
        .where(text(_OPEN), text("NOT invoices.on_hold"))
        .group_by(
            col(Customer.id), col(Customer.customer_id), col(Customer.name), col(Customer.phone)
        )
        .having(rest_of_late > 0)
        .order_by(func.length(Customer.customer_id), col(Customer.customer_id))
    )
    if customer_row is not None:
        statement = statement.where(col(Customer.id) == customer_row)
    rows: Sequence[Any] = connection.execute(statement).all()
    return [
        Late(row[0], row[1], row[2], row[3], int(row[4]), int(row[5]), row[6], int(row[7]))
        for row in rows
    ]


def late_invoices(
    connection: Connection, due_before: date, customer_row: int | None = None
) -> list[LateInvoice]:
    """Return those invoices, the oldest due day first."""
    columns: tuple[Any, ...] = (
        col(Invoice.customer_id),
        col(Invoice.invoice_id),
        _REST,
        col(Invoice.due_on),
    )
    statement = (
        select(*columns)
        .where(text(_OPEN), text("NOT invoices.on_hold"), col(Invoice.due_on) < due_before)
        .where(col(Invoice.customer_id).is_not(None))
        .order_by(col(Invoice.due_on), col(Invoice.id))
    )
    if customer_row is not None:
        statement = statement.where(col(Invoice.customer_id) == customer_row)
    return [LateInvoice(*row) for row in connection.execute(statement)]


def last_days(
    connection: Connection, after: date, customer_row: int | None = None
) -> dict[int, date]:
    """Return customer row → the last day, after one, on which he was reminded."""
    statement = (
        select(col(Reminder.customer_id), func.max(col(Reminder.as_of)))
        .where(col(Reminder.as_of) > after, col(Reminder.state).in_(COUNTS))
        .group_by(col(Reminder.customer_id))
    )
    if customer_row is not None:
        statement = statement.where(col(Reminder.customer_id) == customer_row)
    rows: Sequence[Any] = connection.execute(statement).all()
    return {row[0]: row[1] for row in rows}


def add(connection: Connection, **values: Any) -> int:
    """Write a reminder; return its row."""
    statement = insert(Reminder).values(**values).returning(col(Reminder.id))
    return int(connection.execute(statement).scalar_one() or 0)


def change(connection: Connection, row: int, **values: Any) -> None:
    """Write what became of a reminder."""
    connection.execute(update(Reminder).where(col(Reminder.id) == row).values(**values))


def list_reminders(
    connection: Connection, *, customer_row: int | None, state: str | None, limit: int
) -> list[ReminderView]:
    """Return reminders, the newest first; None = of anybody, in any state."""
    statement = _select().order_by(col(Reminder.id).desc()).limit(limit)
    if customer_row is not None:
        statement = statement.where(col(Reminder.customer_id) == customer_row)
    if state is not None:
        statement = statement.where(col(Reminder.state) == state)
    return [ReminderView(*row) for row in connection.execute(statement)]


def find(connection: Connection, row: int) -> ReminderView | None:
    """Return one reminder."""
    found = connection.execute(_select().where(col(Reminder.id) == row)).first()
    return ReminderView(*found) if found else None


def _select() -> Select[Any]:
    columns: tuple[Any, ...] = (
        col(Reminder.id),
        col(Customer.customer_id).label("public_id"),
        col(Customer.name),
        col(Reminder.channel),
        col(Reminder.address),
        col(Reminder.message),
        col(Reminder.owed_cents),
        col(Reminder.as_of),
        col(Reminder.state),
        col(Reminder.error),
        col(Reminder.actor),
        col(Reminder.created_at),
        col(Reminder.sent_at),
    )
    return select(*columns).join_from(
        Reminder, Customer, col(Customer.id) == col(Reminder.customer_id)
    )
