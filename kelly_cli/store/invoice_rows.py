"""Invoices: rows as people see them, what was paid on them, and what a void writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Select, func, or_, select, text, update
from sqlmodel import col

from kelly_cli.store import hot, inbox_rows
from kelly_cli.store.database import fetch_in
from kelly_cli.store.tables import (
    OPEN_INVOICE,
    Allocation,
    Base,
    Customer,
    Invoice,
    Payment,
    PosSale,
    ReferenceKey,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

_LOGS = Base.metadata.tables["webhook_logs"]


class InvoiceView(NamedTuple):
    """One invoice as people and scripts see it.

    ``customer_id`` None = the invoice of a sale to nobody in particular; ``pos_id`` None = of no
    sale; ``due_on`` None = no day was agreed; ``adjusted_cents``: written off or credited.
    """

    row: int
    invoice_id: str
    customer_id: str | None
    customer_name: str | None
    pos_id: str | None
    status: str
    amount_cents: int
    paid_cents: int
    adjusted_cents: int
    description: str | None
    issued_on: date
    due_on: date | None
    on_hold: bool
    voided_at: datetime | None
    created_at: datetime

    @property
    def balance_cents(self) -> int:
        """What is still owed: nothing, when it is void."""
        return 0 if self.voided_at else self.amount_cents - self.adjusted_cents - self.paid_cents

    def is_overdue(self, today: date) -> bool:
        """Tell whether something is owed and the day for it has passed."""
        return self.balance_cents > 0 and self.due_on is not None and self.due_on < today


class AllocationView(NamedTuple):
    """One move of money to an invoice, or back from it (below zero)."""

    receipt: str
    amount_cents: int
    reason: str
    created_at: datetime


class InvoiceSearch(NamedTuple):
    """Which invoices; None = any.

    ``overdue_on``: open, and due before this day. ``first`` and ``last`` day of issue, both
    included. ``search``: part of the id, the description or the customer's name.
    """

    customer_row: int | None = None
    status: str | None = None
    overdue_on: date | None = None
    first: date | None = None
    last: date | None = None
    search: str | None = None
    limit: int = 100


_COLUMNS: tuple[Any, ...] = (
    col(Invoice.id),
    col(Invoice.invoice_id),
    col(Customer.customer_id),
    col(Customer.name),
    col(PosSale.pos_id),
    col(Invoice.status),
    col(Invoice.amount_cents),
    col(Invoice.amount_paid_cents),
    col(Invoice.adjusted_cents),
    col(Invoice.description),
    col(Invoice.issued_on),
    col(Invoice.due_on),
    col(Invoice.on_hold),
    col(Invoice.voided_at),
    col(Invoice.created_at),
)
"""In the order of ``InvoiceView``."""

_OPEN = "invoices." + OPEN_INVOICE.replace(" AND ", " AND invoices.")


def _select() -> Select[Any]:
    return (
        select(*_COLUMNS)
        .outerjoin(Customer, col(Customer.id) == col(Invoice.customer_id))
        .outerjoin(PosSale, col(PosSale.invoice_id) == col(Invoice.id))
    )


def list_invoices(connection: Connection, wanted: InvoiceSearch) -> Sequence[InvoiceView]:
    """Return invoices, newest first (issue day, then number)."""
    statement = (
        _select()
        .where(*_conditions(wanted))
        .order_by(col(Invoice.issued_on).desc(), col(Invoice.number).desc())
        .limit(wanted.limit)
    )
    return [InvoiceView(*row) for row in connection.execute(statement)]


def _conditions(wanted: InvoiceSearch) -> list[Any]:
    conditions: list[Any] = []
    if wanted.customer_row is not None:
        conditions.append(col(Invoice.customer_id) == wanted.customer_row)
    if wanted.status is not None:
        conditions.append(col(Invoice.status) == wanted.status)
    if wanted.overdue_on is not None:
        conditions.append(text(_OPEN))
        conditions.append(col(Invoice.due_on) < wanted.overdue_on)
    if wanted.first is not None:
        conditions.append(col(Invoice.issued_on) >= wanted.first)
    if wanted.last is not None:
        conditions.append(col(Invoice.issued_on) <= wanted.last)
    if wanted.search:
        columns = (Invoice.invoice_id, Invoice.description, Customer.name)
        conditions.append(
            or_(*(col(column).icontains(wanted.search, autoescape=True) for column in columns))
        )
    return conditions


def find_invoice(connection: Connection, key: str) -> InvoiceView | None:
    """Return the invoice that a folded id names, a void one too."""
    row = connection.execute(
        _select()
        .join(ReferenceKey, col(ReferenceKey.invoice_id) == col(Invoice.id))
        .where(col(ReferenceKey.key) == key)
    ).first()
    return InvoiceView(*row) if row else None


def list_allocations(connection: Connection, invoice_row: int) -> Sequence[AllocationView]:
    """Return every move of money to and from an invoice, in the order they were written."""
    rows = connection.execute(
        select(
            col(Payment.mpesa_receipt_number),
            col(Allocation.amount_cents),
            col(Allocation.reason),
            col(Allocation.created_at),
        )
        .join(Payment, col(Payment.id) == col(Allocation.payment_id))
        .where(col(Allocation.invoice_id) == invoice_row)
        .order_by(col(Allocation.id))
    )
    return [AllocationView(*row) for row in rows]


def money_on(connection: Connection, invoice_row: int) -> dict[int, int]:
    """Return what stands on an invoice: payment (row id) → cents, oldest payment first."""
    total = func.sum(Allocation.amount_cents)
    rows = connection.execute(
        select(col(Allocation.payment_id), total)
        .where(col(Allocation.invoice_id) == invoice_row)
        .group_by(col(Allocation.payment_id))
        .having(total != 0)
        .order_by(col(Allocation.payment_id))
    )
    return {row: int(cents) for row, cents in rows}


def set_voided(connection: Connection, invoice_row: int, at: datetime | None) -> None:
    """Mark an invoice void; nothing may stand on it any more. None: it is void no longer."""
    connection.execute(update(Invoice).where(col(Invoice.id) == invoice_row).values(voided_at=at))


def set_unmatched(connection: Connection, reasons: Mapping[int, str]) -> None:
    """Say why payments (row ids) are nobody's again, and put their logs back on the failed list.

    Source: contract section 4 (an unmatched payment's log is failed, with the reason).
    """
    inbox_rows.set_match(connection, [(None, reason, row) for row, reason in reasons.items()])
    logs = fetch_in(connection, "SELECT log_id, id FROM payments", "id", list(reasons))
    hot.update_rows(
        connection,
        _LOGS,
        ("processed", "is_duplicate", "error"),
        [(False, False, reasons[row], log) for log, row in logs if log is not None],
    )
