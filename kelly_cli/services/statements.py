"""Statements: a customer's account over a period, and what was owed on any day.

Computed from dated documents alone: invoices count from their day of issue, payments from the day
they were made, adjustments, voids, reversals and work by hand from the day they were done. Without
a last day the closing balance is the customer's balance.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.accounts import Account, Entry, account, allocated_on
from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.services.customers import get_customer
from kelly_cli.store import account_rows
from kelly_cli.store.spells import REVERSALS, VOIDS, Spell, spells_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from sqlalchemy import Connection

    from kelly_cli.store.account_rows import (
        AdjustmentRow,
        InvoiceRow,
        MoveRow,
        PaymentRow,
    )
    from kelly_cli.store.customer_rows import CustomerView
    from kelly_cli.store.database import Database

METHODS = {"mpesa": "M-PESA", "cash": "Cash", "bank": "Bank", "cheque": "Cheque"}
_ADJUSTED = {"writeoff": "Written off", "credit_note": "Credit note"}


class OpenInvoice(NamedTuple):
    """An invoice on which something was owed."""

    invoice_id: str
    description: str | None
    issued_on: date
    due_on: date | None
    amount_cents: int
    owed_cents: int


class Statement(NamedTuple):
    """A customer's account. ``first`` and ``last`` None = no bound.

    ``as_at`` None = now; otherwise ``last`` is the same day. ``to_pay_cents``: owed then, below
    zero credit; ``open_invoices``: those that were open then, the oldest first.
    """

    customer: CustomerView
    first: date | None
    last: date | None
    as_at: date | None
    account: Account
    to_pay_cents: int
    open_invoices: tuple[OpenInvoice, ...]


def make_statement(
    database: Database,
    customer_id: str,
    *,
    first: date | None = None,
    last: date | None = None,
    as_at: date | None = None,
) -> Statement:
    """Return the statement of a customer, in any written form of the id.

    Raises:
        NotFoundError: no such customer.
    """
    with database.reading() as connection:
        return statement_of(
            connection,
            get_customer(connection, customer_id),
            first=first,
            last=as_at or last,
            as_at=as_at,
        )


def statement_of(
    connection: Connection,
    customer: CustomerView,
    *,
    first: date | None,
    last: date | None,
    as_at: date | None,
) -> Statement:
    """Do what ``make_statement`` does, in the caller's unit of work."""
    invoices = account_rows.list_invoices(connection, customer.row)
    moves = account_rows.list_moves(connection, customer.row)
    adjustments = account_rows.list_adjustments(connection, customer.row)
    payments = account_rows.list_payments(connection, customer.row)
    voids = spells_of(connection, VOIDS, [each.invoice_id for each in invoices])
    reversals = spells_of(connection, REVERSALS, [each.receipt for each in payments])
    entries = [
        *_of_invoices(invoices, voids),
        *_of_payments(payments, reversals),
        *_of_adjustments(adjustments),
        *_of_moves(moves),
    ]
    whole = account(entries, None, as_at)
    return Statement(
        customer,
        first,
        last,
        as_at,
        account(entries, first, last),
        whole.closing_cents,
        tuple(_open(invoices, moves, adjustments, voids, as_at)),
    )


def _of_invoices(
    rows: Sequence[InvoiceRow], voids: Mapping[str, Sequence[Spell]]
) -> Iterator[Entry]:
    for row in rows:
        text = row.description or ("Sale " + row.pos_id if row.pos_id else "Invoice")
        made = nairobi_wall_clock(row.created_at)
        yield Entry(row.issued_on, "invoice", row.invoice_id, text, row.amount_cents, made)
        for gone_at, back_at in voids.get(row.invoice_id, ()):
            yield _change(gone_at, "void", row.invoice_id, "Void", -row.amount_cents)
            yield _change(back_at, "revival", row.invoice_id, "Void taken back", row.amount_cents)
        if row.voided_at is not None:
            at = nairobi_wall_clock(row.voided_at)
            yield _change(at, "void", row.invoice_id, "Void", -row.amount_cents)


def _change(at: datetime, kind: str, reference: str, text: str, cents: int) -> Entry:
    return Entry(at.date(), kind, reference, text, cents, at)


def _of_payments(
    rows: Sequence[PaymentRow], reversals: Mapping[str, Sequence[Spell]]
) -> Iterator[Entry]:
    for row in rows:
        at = row.transaction_date
        text = f"{METHODS[row.method]} payment"
        if row.payer_name:
            text += f", {row.payer_name}"
        yield _change(at, "payment", row.receipt, text, -row.amount_cents)
        gone, back = "Payment reversed", "Reversal taken back"
        for gone_at, back_at in reversals.get(row.receipt, ()):
            yield _change(gone_at, "reversal", row.receipt, gone, row.amount_cents)
            yield _change(back_at, "revival", row.receipt, back, -row.amount_cents)
        if row.reversed_at is not None:
            at = nairobi_wall_clock(row.reversed_at)
            yield _change(at, "reversal", row.receipt, gone, row.amount_cents)


def _of_adjustments(rows: Sequence[AdjustmentRow]) -> Iterator[Entry]:
    for row in rows:
        at = nairobi_wall_clock(row.created_at)
        text = _ADJUSTED[row.kind] + (" taken back" if row.amount_cents < 0 else "")
        yield _change(at, row.kind, row.invoice_id, text, -row.amount_cents)


def _of_moves(rows: Sequence[MoveRow]) -> Iterator[Entry]:
    """Money of others on this customer's invoices, and his on theirs: his own is in payments."""
    for row in rows:
        if row.invoice_is_theirs == row.payment_is_theirs:
            continue
        at = _counts_from(row)
        if row.invoice_is_theirs:
            text, change = f"Paid for by {row.receipt}", -row.amount_cents
        else:
            text, change = f"{row.receipt} used for {row.invoice_id}", row.amount_cents
        yield _change(at, "moved", row.invoice_id, text, change)


def _counts_from(row: MoveRow) -> datetime:
    made = nairobi_wall_clock(row.created_at)
    return allocated_on(row.reason, made, row.transaction_date, row.issued_on)


def _open(
    invoices: Sequence[InvoiceRow],
    moves: Sequence[MoveRow],
    adjustments: Sequence[AdjustmentRow],
    voids: Mapping[str, Sequence[Spell]],
    as_at: date | None,
) -> Iterator[OpenInvoice]:
    end = datetime.combine(as_at, time.max) if as_at else datetime.max  # noqa: DTZ901 - wall-clock
    settled: dict[int, int] = {}
    for move in moves:
        if move.invoice_is_theirs and _counts_from(move) <= end:
            settled[move.invoice_row] = settled.get(move.invoice_row, 0) + move.amount_cents
    for row in adjustments:
        if nairobi_wall_clock(row.created_at) <= end:
            settled[row.invoice_row] = settled.get(row.invoice_row, 0) + row.amount_cents
    for found in invoices:
        void = found.voided_at is not None and nairobi_wall_clock(found.voided_at) <= end
        void |= any(spell.holds(end) for spell in voids.get(found.invoice_id, ()))
        owed = found.amount_cents - settled.get(found.row, 0)
        if owed > 0 and not void and found.issued_on <= end.date():
            yield OpenInvoice(
                found.invoice_id,
                found.description,
                found.issued_on,
                found.due_on,
                found.amount_cents,
                owed,
            )
