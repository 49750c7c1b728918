"""Write-offs and credit notes: rows, and the sum of them that each invoice carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, insert, select, update
from sqlmodel import col

from kelly_cli.store import stock_rows
from kelly_cli.store.tables import Invoice, InvoiceAdjustment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from kelly_cli.store.audit_rows import Hand


class AdjustmentView(NamedTuple):
    """One write-off or credit note, or what was taken back of them (below zero)."""

    kind: str
    amount_cents: int
    reason: str | None
    actor: str
    created_at: datetime


def add_adjustment(
    connection: Connection, hand: Hand, invoice_row: int, kind: str, amount_cents: int
) -> None:
    """Write one row and carry it into the invoice. ``amount_cents`` below zero takes back."""
    connection.execute(
        insert(InvoiceAdjustment).values(
            invoice_id=invoice_row,
            kind=kind,
            amount_cents=amount_cents,
            reason=hand.reason,
            actor=hand.actor,
            created_at=hand.at,
        )
    )
    connection.execute(
        update(Invoice)
        .where(col(Invoice.id) == invoice_row)
        .values(adjusted_cents=Invoice.adjusted_cents + amount_cents)
    )
    # A sale that is settled by it is paid, and one that is open again is not.
    stock_rows.settle(connection, [invoice_row], hand.at)


def standing_adjustments(connection: Connection, invoice_row: int) -> dict[str, int]:
    """Return what stands of each kind, in cents; zero left out."""
    total = func.sum(InvoiceAdjustment.amount_cents)
    rows = connection.execute(
        select(col(InvoiceAdjustment.kind), total)
        .where(col(InvoiceAdjustment.invoice_id) == invoice_row)
        .group_by(col(InvoiceAdjustment.kind))
        .order_by(col(InvoiceAdjustment.kind))
    )
    return {kind: int(cents) for kind, cents in rows if cents}


def list_adjustments(connection: Connection, invoice_row: int) -> Sequence[AdjustmentView]:
    """Return every write-off and credit note of an invoice, in the order they were written."""
    rows = connection.execute(
        select(
            col(InvoiceAdjustment.kind),
            col(InvoiceAdjustment.amount_cents),
            col(InvoiceAdjustment.reason),
            col(InvoiceAdjustment.actor),
            col(InvoiceAdjustment.created_at),
        )
        .where(col(InvoiceAdjustment.invoice_id) == invoice_row)
        .order_by(col(InvoiceAdjustment.id))
    )
    return [AdjustmentView(*row) for row in rows]


def set_on_hold(connection: Connection, invoice_row: int, *, on_hold: bool) -> None:
    """Keep an invoice out of what the rules pay by themselves, or let it in again."""
    connection.execute(
        update(Invoice).where(col(Invoice.id) == invoice_row).values(on_hold=on_hold)
    )
