"""I-13 to I-15: what is no longer owed is the sum of its rows, and a person stands behind each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kelly_cli.store.checks.shape import Found, Snapshot

_SUMS = (
    "SELECT i.invoice_id, i.amount_cents, i.adjusted_cents, i.amount_paid_cents, "
    "coalesce(x.rows_cents, 0) AS rows_cents, i.voided_at FROM invoices i LEFT JOIN "
    "(SELECT invoice_id, CAST(sum(amount_cents) AS BIGINT) AS rows_cents "
    "FROM invoice_adjustments GROUP BY invoice_id) x ON x.invoice_id = i.id"
)


def sums_of_adjustments(books: Snapshot) -> Found:
    """What is stored as adjusted is the sum of the write-offs and credit notes."""
    yield from books.found(
        f"SELECT * FROM ({_SUMS}) y WHERE adjusted_cents <> rows_cents",
        "{adjusted_cents} is stored as adjusted; its adjustments make {rows_cents}",
    )


def kinds_of_adjustments(books: Snapshot) -> Found:
    """No more of one kind was taken back than was ever given."""
    yield from books.found(
        "SELECT i.invoice_id, a.kind, CAST(sum(a.amount_cents) AS BIGINT) AS net_cents "
        "FROM invoice_adjustments a JOIN invoices i ON i.id = a.invoice_id "
        "GROUP BY i.invoice_id, a.kind HAVING sum(a.amount_cents) < 0",
        "its adjustments of the kind {kind} make {net_cents}",
    )


def adjusted_within_amount(books: Snapshot) -> Found:
    """Nothing is adjusted below zero, or beyond what is owed after the money that came."""
    yield from books.found(
        "SELECT invoice_id, amount_cents, adjusted_cents, amount_paid_cents FROM invoices "
        "WHERE adjusted_cents < 0 OR adjusted_cents + amount_paid_cents > amount_cents",
        "of {amount_cents}, {adjusted_cents} is adjusted and {amount_paid_cents} paid",
    )


def adjusted_by_hand(books: Snapshot) -> Found:
    """Every adjustment has the audit row of its invoice."""
    yield from books.found(
        "SELECT DISTINCT i.invoice_id FROM invoice_adjustments a "
        "JOIN invoices i ON i.id = a.invoice_id WHERE NOT EXISTS (SELECT 1 FROM audit t "
        "WHERE t.subject = i.invoice_id "
        "AND t.action IN ('invoice.writeoff', 'invoice.credit_note', 'invoice.void'))",
        "it was adjusted, and no audit row speaks of it",
    )
