"""I-12 to I-17, I-19: what payments gave is what invoices got, and no more.

Every stored sum is recomputed from the rows of ``allocations``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kelly_cli.store.checks.shape import Found, Snapshot

_OF_PAYMENT = (
    "(SELECT CAST(coalesce(sum(a.amount_cents), 0) AS BIGINT) FROM allocations a "
    "WHERE a.payment_id = p.id)"
)
_OF_INVOICE = (
    "(SELECT CAST(coalesce(sum(a.amount_cents), 0) AS BIGINT) FROM allocations a "
    "WHERE a.invoice_id = i.id)"
)
_NET = (
    "(SELECT CAST(sum(n.amount_cents) AS BIGINT) FROM allocations n "
    "WHERE n.payment_id = a.payment_id AND n.invoice_id = a.invoice_id)"
)
INVOICE_STATUS = (
    "CASE WHEN i.voided_at IS NOT NULL THEN 'VOID' "
    "WHEN i.amount_paid_cents = 0 THEN 'UNPAID' "
    "WHEN i.amount_paid_cents = i.amount_cents THEN 'PAID' ELSE 'PARTIALLY_PAID' END"
)
PAYMENT_STATUS = (
    "CASE WHEN p.reversed_at IS NOT NULL THEN 'REVERSED' "
    "WHEN p.customer_id IS NOT NULL OR p.allocated_cents > 0 THEN 'COMPLETED' ELSE 'UNMATCHED' END"
)


def sums_of_payments(books: Snapshot) -> Found:
    """A payment's allocated money is the sum of its allocations, and no more than it has."""
    yield from books.found(
        "SELECT * FROM (SELECT p.mpesa_receipt_number, p.amount_cents, p.allocated_cents, "
        f"{_OF_PAYMENT} AS rows_cents FROM payments p) x WHERE rows_cents <> allocated_cents "
        "OR rows_cents > amount_cents OR allocated_cents > amount_cents OR rows_cents < 0",
        "of {amount_cents}, {allocated_cents} is stored as allocated; its rows make {rows_cents}",
    )


def nothing_taken_back_twice(books: Snapshot) -> Found:
    """A payment never holds less than nothing on one invoice."""
    yield from books.found(
        f"SELECT p.mpesa_receipt_number, i.invoice_id, {_NET} AS net_cents FROM "
        "(SELECT DISTINCT payment_id, invoice_id FROM allocations WHERE amount_cents < 0) a "
        "LEFT JOIN payments p ON p.id = a.payment_id LEFT JOIN invoices i ON i.id = a.invoice_id "
        f"WHERE {_NET} < 0",
        "its allocations to {invoice_id} make {net_cents}",
    )


def sums_of_invoices(books: Snapshot) -> Found:
    """What is paid of an invoice is the sum of its allocations."""
    yield from books.found(
        "SELECT * FROM (SELECT i.invoice_id, i.amount_paid_cents, "
        f"{_OF_INVOICE} AS rows_cents FROM invoices i) x WHERE rows_cents <> amount_paid_cents",
        "{amount_paid_cents} is stored as paid; its allocations make {rows_cents}",
    )


def paid_within_amount(books: Snapshot) -> Found:
    """No invoice is paid less than nothing or more than it is owed."""
    yield from books.found(
        "SELECT invoice_id, amount_cents, amount_paid_cents FROM invoices "
        "WHERE amount_paid_cents < 0 OR amount_paid_cents > amount_cents",
        "{amount_paid_cents} of {amount_cents} is paid",
    )


def statuses(books: Snapshot) -> Found:
    """A status says what the money says; a void invoice and a reversed payment hold nothing."""
    yield from books.found(
        "SELECT * FROM (SELECT i.invoice_id, i.status, i.amount_paid_cents, "
        f"{INVOICE_STATUS} AS recomputed FROM invoices i) x "
        "WHERE status IS NULL OR status <> recomputed "
        "OR (recomputed = 'VOID' AND amount_paid_cents <> 0)",
        "its status is {status}, its money says {recomputed} with {amount_paid_cents} paid",
    )
    yield from books.found(
        "SELECT * FROM (SELECT p.mpesa_receipt_number, p.status, "
        f"{PAYMENT_STATUS} AS recomputed FROM payments p) x "
        "WHERE status IS NULL OR status <> recomputed",
        "its status is {status}, its money says {recomputed}",
    )
    yield from _held_by(
        books,
        "invoices v CROSS JOIN allocations a",
        "a.invoice_id = v.id AND v.voided_at IS NOT NULL",
    )


def reversed_holds_nothing(books: Snapshot) -> Found:
    """A reversed payment gives nothing to any invoice."""
    yield from _held_by(
        books,
        "payments v CROSS JOIN allocations a",
        "a.payment_id = v.id AND v.reversed_at IS NOT NULL",
    )


def one_customer(books: Snapshot) -> Found:
    """A payment pays its own customer's invoices, or those of nobody in particular."""
    yield from _held_by(
        books,
        "allocations a CROSS JOIN payments v CROSS JOIN invoices w",
        "v.id = a.payment_id AND w.id = a.invoice_id AND w.customer_id IS NOT NULL "
        "AND (v.customer_id IS NULL OR v.customer_id <> w.customer_id)",
    )


def credit_is_used(books: Snapshot) -> Found:
    """Nobody has free money and an open invoice, save what is pinned and what is on hold."""
    yield from books.found(
        "SELECT c.customer_id, min(p.mpesa_receipt_number) AS receipt FROM payments p "
        "JOIN customers c ON c.id = p.customer_id "
        "WHERE p.reversed_at IS NULL AND p.allocated_cents < p.amount_cents AND NOT p.pinned "
        "AND EXISTS (SELECT 1 FROM invoices i WHERE i.customer_id = p.customer_id "
        "AND i.voided_at IS NULL AND i.amount_paid_cents < i.amount_cents AND NOT i.on_hold) "
        "GROUP BY c.customer_id",
        "has both an open invoice and free money ({receipt})",
    )


def _held_by(books: Snapshot, rows: str, which: str) -> Found:
    """Tell what payments hold on invoices by these rows (allocations ``a``), corrections counted.

    SQLite reads the tables of a CROSS JOIN from left to right.
    """
    yield from books.found(
        "SELECT p.mpesa_receipt_number, i.invoice_id, p.customer_id AS payer, "
        f"i.customer_id AS debtor, {_NET} AS net_cents "
        f"FROM (SELECT DISTINCT a.payment_id, a.invoice_id FROM {rows} WHERE {which}) a "
        "LEFT JOIN payments p ON p.id = a.payment_id LEFT JOIN invoices i ON i.id = a.invoice_id "
        f"WHERE {_NET} <> 0",
        "it holds {net_cents} on {invoice_id} (customer rows: payment {payer}, invoice {debtor})",
    )
