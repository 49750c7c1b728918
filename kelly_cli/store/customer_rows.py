"""Customers: rows and their balances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Select, and_, func, insert, or_, select, text, update
from sqlmodel import col

from kelly_cli.core.refs import fold
from kelly_cli.store.tables import (
    FREE_MONEY,
    OPEN_INVOICE,
    Customer,
    Invoice,
    Payment,
    ReferenceKey,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection


class CustomerView(NamedTuple):
    """One customer as people and scripts see it. ``balance_cents``: owed, or credit below zero."""

    row: int
    customer_id: str
    name: str
    phone: str | None
    email: str | None
    created_at: datetime
    owed_cents: int
    credit_cents: int

    @property
    def balance_cents(self) -> int:
        """What is owed, less the credit."""
        return self.owed_cents - self.credit_cents


def _select() -> Select[Any]:
    owed = (
        select(func.coalesce(func.sum(_OWED), 0))
        .where(col(Invoice.customer_id) == col(Customer.id), text(f"invoices.{_OPEN}"))
        .scalar_subquery()
    )
    credit = (
        select(func.coalesce(func.sum(Payment.amount_cents - Payment.allocated_cents), 0))
        .where(col(Payment.customer_id) == col(Customer.id), text(f"payments.{_FREE}"))
        .scalar_subquery()
    )
    return select(
        col(Customer.id),
        col(Customer.customer_id),
        col(Customer.name),
        col(Customer.phone),
        col(Customer.email),
        col(Customer.created_at),
        owed.label("owed"),
        credit.label("credit"),
    )


_OWED = Invoice.amount_cents - Invoice.adjusted_cents - Invoice.amount_paid_cents
_OPEN = OPEN_INVOICE.replace(" AND ", " AND invoices.")
_FREE = FREE_MONEY.replace(" AND ", " AND payments.")


def _stands() -> ColumnElement[bool]:
    """Say that a customer's own key stands for it: it was neither merged into another nor retired.

    An id holds letters, digits and these signs, so this is its folded form, found by its index.
    """
    folded: Any = col(Customer.customer_id)
    for sign in "- ._/":
        folded = func.replace(folded, sign, "")
    return (
        select(col(ReferenceKey.key))
        .where(
            col(ReferenceKey.key) == folded,
            col(ReferenceKey.customer_id) == col(Customer.id),
            col(ReferenceKey.retired_at).is_(None),
        )
        .exists()
    )


def _view(row: Any) -> CustomerView:
    return CustomerView(
        row=row.id,
        customer_id=row.customer_id,
        name=row.name,
        phone=row.phone,
        email=row.email,
        created_at=row.created_at,
        owed_cents=int(row.owed),
        credit_cents=int(row.credit),
    )


def list_customers(
    connection: Connection, *, search: str | None, owing: bool, limit: int
) -> Sequence[CustomerView]:
    """Return customers in the order of their ids; ``search``: part of id, name, phone or email."""
    order = func.length(Customer.customer_id), col(Customer.customer_id)
    statement = _select().where(_stands()).order_by(*order)
    if search:
        statement = statement.where(_contains(search))
    if owing:
        statement = statement.where(
            select(col(Invoice.id))
            .where(col(Invoice.customer_id) == col(Customer.id), text(f"invoices.{_OPEN}"))
            .exists()
        )
    return [_view(row) for row in connection.execute(statement.limit(limit))]


def _contains(search: str) -> ColumnElement[bool]:
    columns = (Customer.customer_id, Customer.name, Customer.phone, Customer.email)
    return or_(*(col(column).icontains(search, autoescape=True) for column in columns))


def find_customer(connection: Connection, key: str) -> CustomerView | None:
    """Return the customer that a folded id names."""
    statement = (
        _select()
        .join(ReferenceKey, and_(col(ReferenceKey.customer_id) == col(Customer.id)))
        .where(col(ReferenceKey.key) == key, col(ReferenceKey.retired_at).is_(None))
    )
    row = connection.execute(statement).first()
    return _view(row) if row else None


def taken(connection: Connection, key: str) -> bool:
    """Tell whether a folded id already stands for something."""
    return (
        connection.execute(
            select(col(ReferenceKey.key)).where(col(ReferenceKey.key) == key)
        ).first()
        is not None
    )


def add_customer(
    connection: Connection,
    *,
    customer_id: str,
    name: str,
    phone: str | None,
    email: str | None,
    created_at: datetime,
) -> int:
    """Write a new customer and its reference key; return its row."""
    row = connection.execute(
        insert(Customer)
        .values(customer_id=customer_id, name=name, phone=phone, email=email, created_at=created_at)
        .returning(col(Customer.id))
    ).scalar_one()
    connection.execute(insert(ReferenceKey).values(key=fold(customer_id), customer_id=row))
    return int(row or 0)


def change_customer(connection: Connection, row: int, changes: dict[str, Any]) -> None:
    """Write changed columns of a customer."""
    connection.execute(update(Customer).where(col(Customer.id) == row).values(**changes))
