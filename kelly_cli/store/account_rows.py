"""What changed a customer's account, and what stands on one payment or invoice: rows for papers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, func, or_, select
from sqlmodel import col

from kelly_cli.store.tables import (
    Allocation,
    Customer,
    Invoice,
    InvoiceAdjustment,
    Payment,
    PosSale,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, Connection


class InvoiceRow(NamedTuple):
    """One invoice of a customer, a void one too. ``pos_id`` None = of no sale."""

    row: int
    invoice_id: str
    pos_id: str | None
    amount_cents: int
    description: str | None
    issued_on: date
    due_on: date | None
    voided_at: datetime | None
    created_at: datetime


class PaymentRow(NamedTuple):
    """One payment of a customer. ``transaction_date``: Nairobi wall-clock."""

    receipt: str
    method: str
    amount_cents: int
    transaction_date: datetime
    payer_name: str | None
    reversed_at: datetime | None


class AdjustmentRow(NamedTuple):
    """One write-off or credit note, or what was taken back of one (below zero)."""

    invoice_row: int
    invoice_id: str
    kind: str
    amount_cents: int
    reason: str | None
    created_at: datetime


class MoveRow(NamedTuple):
    """One move of money to an invoice, or back (below zero). ``own``: both are the customer's."""

    invoice_row: int
    invoice_id: str
    issued_on: date
    receipt: str
    amount_cents: int
    reason: str
    created_at: datetime
    transaction_date: datetime
    invoice_is_theirs: bool
    payment_is_theirs: bool


class PaidRow(NamedTuple):
    """What one payment holds on an invoice. ``paid_at``: Nairobi wall-clock."""

    receipt: str
    method: str
    paid_at: datetime
    amount_cents: int


class HeldRow(NamedTuple):
    """An invoice that a payment holds money on, and what is still owed on it."""

    invoice_id: str
    pos_id: str | None
    description: str | None
    amount_cents: int
    owed_cents: int


def list_invoices(connection: Connection, customer_row: int) -> Sequence[InvoiceRow]:
    """Return every invoice of a customer by day of issue and number."""
    rows: Iterable[Any] = connection.execute(
        select(
            col(Invoice.id),
            col(Invoice.invoice_id),
            col(PosSale.pos_id),
            col(Invoice.amount_cents),
            col(Invoice.description),
            col(Invoice.issued_on),
            col(Invoice.due_on),
            col(Invoice.voided_at),
            col(Invoice.created_at),
        )
        .outerjoin(PosSale, col(PosSale.invoice_id) == col(Invoice.id))
        .where(col(Invoice.customer_id) == customer_row)
        .order_by(col(Invoice.issued_on), col(Invoice.number))
    )
    return [InvoiceRow(*row) for row in rows]


def list_payments(connection: Connection, customer_row: int) -> Sequence[PaymentRow]:
    """Return every payment of a customer, reversed ones too, as they were paid."""
    rows: Iterable[Any] = connection.execute(
        select(
            col(Payment.mpesa_receipt_number),
            col(Payment.method),
            col(Payment.amount_cents),
            col(Payment.transaction_date),
            col(Payment.payer_name),
            col(Payment.reversed_at),
        )
        .where(col(Payment.customer_id) == customer_row)
        .order_by(col(Payment.transaction_date), col(Payment.id))
    )
    return [PaymentRow(*row) for row in rows]


def list_adjustments(connection: Connection, customer_row: int) -> Sequence[AdjustmentRow]:
    """Return every write-off and credit note on a customer's invoices, as they were written."""
    rows: Iterable[Any] = connection.execute(
        select(
            col(Invoice.id),
            col(Invoice.invoice_id),
            col(InvoiceAdjustment.kind),
            col(InvoiceAdjustment.amount_cents),
            col(InvoiceAdjustment.reason),
            col(InvoiceAdjustment.created_at),
        )
        .join(Invoice, col(Invoice.id) == col(InvoiceAdjustment.invoice_id))
        .where(col(Invoice.customer_id) == customer_row)
        .order_by(col(InvoiceAdjustment.id))
    )
    return [AdjustmentRow(*row) for row in rows]


def list_moves(connection: Connection, customer_row: int) -> Sequence[MoveRow]:
    """Return every allocation to a customer's invoices, and of his money to those of others."""
    to_theirs = col(Invoice.customer_id) == customer_row
    elsewhere = and_(
        col(Payment.customer_id) == customer_row,
        or_(col(Invoice.customer_id).is_(None), col(Invoice.customer_id) != customer_row),
    )
    return [
        *_moves(connection, to_theirs, customer_row),
        *_moves(connection, elsewhere, customer_row),
    ]


def _moves(
    connection: Connection, where: ColumnElement[bool], customer_row: int
) -> Sequence[MoveRow]:
    rows: Iterable[Any] = connection.execute(
        select(
            col(Invoice.id),
            col(Invoice.invoice_id),
            col(Invoice.issued_on),
            col(Payment.mpesa_receipt_number),
            col(Allocation.amount_cents),
            col(Allocation.reason),
            col(Allocation.created_at),
            col(Payment.transaction_date),
            col(Invoice.customer_id),
            col(Payment.customer_id),
        )
        .join(Invoice, col(Invoice.id) == col(Allocation.invoice_id))
        .join(Payment, col(Payment.id) == col(Allocation.payment_id))
        .where(where)
        .order_by(col(Allocation.id))
    )
    return [
        MoveRow._make((*row[:8], row[8] == customer_row, row[9] == customer_row)) for row in rows
    ]


def paid_on(connection: Connection, invoice_row: int) -> Sequence[PaidRow]:
    """Return what stands on an invoice, by payment, the oldest first."""
    total = func.sum(Allocation.amount_cents)
    columns = (
        col(Payment.id),
        col(Payment.mpesa_receipt_number),
        col(Payment.method),
        col(Payment.transaction_date),
    )
    rows: Iterable[Any] = connection.execute(
        select(*columns, total)
        .join(Payment, col(Payment.id) == col(Allocation.payment_id))
        .where(col(Allocation.invoice_id) == invoice_row)
        .group_by(*columns)
        .having(total != 0)
        .order_by(col(Payment.transaction_date), col(Payment.id))
    )
    return [PaidRow(row[1], row[2], row[3], int(row[4])) for row in rows]


def held_by(connection: Connection, payment_row: int) -> Sequence[HeldRow]:
    """Return the invoices that a payment holds money on, in the order it first came to them."""
    total = func.sum(Allocation.amount_cents)
    owed: Any = Invoice.amount_cents - Invoice.adjusted_cents - Invoice.amount_paid_cents
    rows: Iterable[Any] = connection.execute(
        select(col(Invoice.invoice_id), col(PosSale.pos_id), col(Invoice.description), total, owed)
        .join(Invoice, col(Invoice.id) == col(Allocation.invoice_id))
        .outerjoin(PosSale, col(PosSale.invoice_id) == col(Invoice.id))
        .where(col(Allocation.payment_id) == payment_row)
        .group_by(col(Invoice.id), col(PosSale.pos_id))
        .having(total != 0)
        .order_by(func.min(Allocation.id))
    )
    return [HeldRow(row[0], row[1], row[2], int(row[3]), int(row[4])) for row in rows]


def name_of(connection: Connection, customer_id: str) -> tuple[str, str | None]:
    """Return name and phone of a customer by the public id."""
    row = connection.execute(
        select(col(Customer.name), col(Customer.phone)).where(
            col(Customer.customer_id) == customer_id
        )
    ).one()
    return row[0], row[1]
