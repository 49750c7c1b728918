"""What the books keep of one payment's way, for whoever explains it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select
from sqlmodel import col

from kelly_cli.store.tables import (
    Allocation,
    Invoice,
    InvoiceAdjustment,
    PaymentClaim,
    PaymentFlag,
    PosSale,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection


class Move(NamedTuple):
    """One allocation; below zero = it came back."""

    invoice_id: str
    amount_cents: int
    reason: str
    created_at: datetime


class AdjustmentBeside(NamedTuple):
    """A write-off or credit note on an invoice that a payment ever touched."""

    invoice_id: str
    kind: str
    amount_cents: int
    reason: str | None
    created_at: datetime


class Mark(NamedTuple):
    """A claim or a flag on a payment."""

    created_at: datetime
    step: str
    rule: str
    text: str


def moves_of(connection: Connection, payment_row: int) -> Sequence[Move]:
    """Return every allocation of a payment, in the order they were written."""
    rows: Iterable[Any] = connection.execute(
        select(
            col(Invoice.invoice_id),
            col(Allocation.amount_cents),
            col(Allocation.reason),
            col(Allocation.created_at),
        )
        .join(Invoice, col(Invoice.id) == col(Allocation.invoice_id))
        .where(col(Allocation.payment_id) == payment_row)
        .order_by(col(Allocation.id))
    )
    return [Move(*row) for row in rows]


def adjustments_beside(connection: Connection, payment_row: int) -> Sequence[AdjustmentBeside]:
    """Return the adjustments of all invoices that a payment ever touched."""
    touched = select(col(Allocation.invoice_id)).where(col(Allocation.payment_id) == payment_row)
    rows: Iterable[Any] = connection.execute(
        select(
            col(Invoice.invoice_id),
            col(InvoiceAdjustment.kind),
            col(InvoiceAdjustment.amount_cents),
            col(InvoiceAdjustment.reason),
            col(InvoiceAdjustment.created_at),
        )
        .join(Invoice, col(Invoice.id) == col(InvoiceAdjustment.invoice_id))
        .where(col(InvoiceAdjustment.invoice_id).in_(touched))
        .order_by(col(InvoiceAdjustment.id))
    )
    return [AdjustmentBeside(*row) for row in rows]


def marks_of(connection: Connection, payment_row: int) -> Sequence[Mark]:
    """Return the claims and flags of a payment."""
    claims: Iterable[Any] = connection.execute(
        select(
            col(PaymentClaim.created_at),
            col(PaymentClaim.undone_at),
            col(PaymentClaim.note),
            col(PosSale.pos_id),
        )
        .outerjoin_from(PaymentClaim, PosSale, col(PosSale.id) == col(PaymentClaim.sale_id))
        .where(col(PaymentClaim.payment_id) == payment_row)
        .order_by(col(PaymentClaim.id))
    )
    found = []
    for created_at, undone_at, note, pos_id in claims:
        what = f"shown at the counter for {pos_id}" if pos_id else "shown at the counter"
        found.append(Mark(created_at, "claim", "claim", f"{what}: {note}" if note else what))
        if undone_at is not None:
            found.append(Mark(undone_at, "claim", "undone", "that claim was taken back"))
    flags: Iterable[Any] = connection.execute(
        select(col(PaymentFlag.created_at), col(PaymentFlag.flag), col(PaymentFlag.detail))
        .where(col(PaymentFlag.payment_id) == payment_row)
        .order_by(col(PaymentFlag.id))
    )
    for created_at, flag, detail in flags:
        found.append(Mark(created_at, "flag", flag, detail or flag))
    return found
