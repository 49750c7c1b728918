"""I-31: what statements prove. A line and its payment say the same, and no proof is made up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kelly_cli.store.checks.shape import Found, Snapshot


def lines_and_payments(books: Snapshot) -> Found:
    """A line points at the payment of its own receipt, amount and short code alone."""
    yield from books.found(
        "SELECT m.receipt, m.kind, m.amount_cents, m.short_code, p.mpesa_receipt_number, "
        "p.amount_cents AS booked, p.short_code AS paid_to FROM statement_movements m "
        "LEFT JOIN payments p ON p.id = m.payment_id WHERE m.payment_id IS NOT NULL "
        "AND (p.id IS NULL OR m.kind <> 'payment' OR p.mpesa_receipt_number <> m.receipt "
        "OR p.amount_cents <> m.amount_cents OR p.short_code <> m.short_code)",
        "the statement's line ({kind}, {amount_cents}, to {short_code}) points at payment "
        "{mpesa_receipt_number} of {booked} to {paid_to}",
    )


def proofs(books: Snapshot) -> Found:
    """A payment that a statement proves stands in one, or was brought by one."""
    yield from books.found(
        "SELECT p.mpesa_receipt_number FROM payments p WHERE p.verified_by = 'statement' "
        "AND NOT EXISTS (SELECT 1 FROM statement_movements m WHERE m.payment_id = p.id) "
        "AND NOT EXISTS (SELECT 1 FROM webhook_logs l WHERE l.payment_id = p.id "
        "AND l.kind = 'statement')",
        "a statement is said to prove it, and none that was applied holds it",
    )


def files_and_lines(books: Snapshot) -> Found:
    """A line is of the short code of the file that brought it."""
    yield from books.found(
        "SELECT m.receipt, m.short_code, s.short_code AS of_file, s.file_name "
        "FROM statement_movements m LEFT JOIN statements s ON s.id = m.statement_id "
        "WHERE s.id IS NULL OR s.short_code <> m.short_code",
        "the line is of short code {short_code}, its file {file_name} of {of_file}",
    )
