"""I-20 to I-25: customers, money without an owner, sales, and that nothing is made or lost.

Balances are computed, never stored; so each is computed in two ways here: from the sums that
invoices and payments carry, and from the rows of ``allocations`` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.core.money import kes

if TYPE_CHECKING:
    from kelly_cli.store.checks.shape import Found, Snapshot

_LIVE = "voided_at IS NULL"
_STANDING = "reversed_at IS NULL"


def _sum(what: str, rows: str) -> str:
    return f"(SELECT CAST(coalesce(sum({what}), 0) AS BIGINT) FROM {rows})"


def balances(books: Snapshot) -> Found:
    """A customer's balance is the same from the stored sums and from the allocations."""
    yield from books.found(
        "SELECT c.customer_id, "
        "CAST(coalesce(i.open, 0) - coalesce(p.free, 0) AS BIGINT) AS stored_cents, "
        "CAST(coalesce(i.owed, 0) - coalesce(a.got, 0) "
        "- coalesce(p.paid, 0) + coalesce(b.given, 0) AS BIGINT) AS rows_cents FROM customers c "
        "LEFT JOIN (SELECT customer_id, sum(amount_cents) AS owed, "
        "sum(amount_cents - amount_paid_cents) AS open "
        f"FROM invoices WHERE {_LIVE} GROUP BY customer_id) i ON i.customer_id = c.id "
        "LEFT JOIN (SELECT customer_id, sum(amount_cents) AS paid, "
        "sum(amount_cents - allocated_cents) AS free "
        f"FROM payments WHERE {_STANDING} GROUP BY customer_id) p ON p.customer_id = c.id "
        "LEFT JOIN (SELECT i.customer_id, sum(a.amount_cents) AS got FROM allocations a "
        f"JOIN invoices i ON i.id = a.invoice_id WHERE i.{_LIVE} GROUP BY i.customer_id) a "
        "ON a.customer_id = c.id "
        "LEFT JOIN (SELECT p.customer_id, sum(a.amount_cents) AS given FROM allocations a "
        f"JOIN payments p ON p.id = a.payment_id WHERE p.{_STANDING} GROUP BY p.customer_id) b "
        "ON b.customer_id = c.id "
        "WHERE coalesce(i.open, 0) - coalesce(p.free, 0) <> coalesce(i.owed, 0) "
        "- coalesce(a.got, 0) - coalesce(p.paid, 0) + coalesce(b.given, 0)",
        "the stored sums make a balance of {stored_cents}, the allocations {rows_cents}",
    )


def unmatched_money(books: Snapshot) -> Found:
    """Money that found no place has no customer, holds nothing, and says why it waits."""
    yield from books.found(
        "SELECT mpesa_receipt_number, matched_by, unmatched_reason, customer_id, allocated_cents "
        "FROM payments WHERE reversed_at IS NULL AND NOT pinned AND method = 'mpesa' "
        "AND ((unmatched_reason IS NOT NULL AND (customer_id IS NOT NULL OR allocated_cents <> 0 "
        "OR matched_by IS NOT NULL)) OR (unmatched_reason IS NULL AND matched_by IS NULL "
        "AND channel <> 'hand'))",
        "matched by {matched_by}, yet its reason for having no place is {unmatched_reason} "
        "(customer row {customer_id}, {allocated_cents} allocated)",
    )
    yield from books.found(
        "SELECT p.mpesa_receipt_number, l.id FROM payments p "
        "JOIN webhook_logs l ON l.id = p.log_id WHERE p.status = 'UNMATCHED' AND NOT p.pinned "
        "AND l.processed AND l.error IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM allocations a WHERE a.payment_id = p.id)",
        "it never found a place, and its log {id} says that it was processed",
    )


def matched_by_hand(books: Snapshot) -> Found:
    """Whatever a person placed, the audit knows."""
    yield from books.found(
        "SELECT p.mpesa_receipt_number FROM payments p "
        "WHERE (p.matched_by = 'hand' AND NOT EXISTS (SELECT 1 FROM audit a "
        "WHERE a.subject = p.mpesa_receipt_number)) "
        "OR EXISTS (SELECT 1 FROM allocations h WHERE h.payment_id = p.id AND h.reason = 'hand') "
        "AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.subject = p.mpesa_receipt_number)",
        "a person placed it, and no audit row speaks of it",
    )


def sales_follow_invoices(books: Snapshot) -> Found:
    """A sale is void when its invoice is, and only then; so its status is its invoice's."""
    yield from books.found(
        "SELECT s.pos_id, i.invoice_id, i.status, s.voided_at FROM pos_sales s "
        "JOIN invoices i ON i.id = s.invoice_id "
        "WHERE (s.voided_at IS NULL) <> (i.voided_at IS NULL)",
        "its invoice {invoice_id} is {status}, and the sale was voided at {voided_at}",
    )


def sales_and_invoices(books: Snapshot) -> Found:
    """Sale and invoice are one to one, with one total, one day and one customer."""
    yield from books.found(
        "SELECT s.pos_id, i.invoice_id, i.amount_cents, s.total_cents, i.issued_on, s.sold_on, "
        "i.customer_id AS debtor, s.customer_id AS buyer FROM pos_sales s "
        "LEFT JOIN invoices i ON i.id = s.invoice_id WHERE s.invoice_id IS NOT NULL "
        "AND (i.id IS NULL OR i.amount_cents <> s.total_cents OR i.issued_on <> s.sold_on "
        "OR coalesce(i.customer_id, 0) <> coalesce(s.customer_id, 0))",
        "total {total_cents}, {sold_on}, customer row {buyer}; its invoice {invoice_id}: "
        "{amount_cents}, {issued_on}, {debtor}",
    )
    yield from books.found(
        "SELECT max(pos_id), invoice_id, count(*) AS sales FROM pos_sales "
        "WHERE invoice_id IS NOT NULL GROUP BY invoice_id HAVING count(*) > 1",
        "{sales} sales share the invoice in row {invoice_id}",
    )
    yield from books.found(
        "SELECT i.invoice_id, i.description FROM invoices i "
        "WHERE NOT EXISTS (SELECT 1 FROM pos_sales s WHERE s.invoice_id = i.id) "
        "AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.subject = i.invoice_id "
        "AND a.action = 'invoice.create')",
        "neither a sale nor a person made it ({description})",
    )


def money_is_conserved(books: Snapshot) -> Found:
    """All payments are allocated, somebody's credit, or in suspense."""
    paid, given, credit, suspense = _numbers(
        books,
        _sum("amount_cents", f"payments WHERE {_STANDING}"),
        _sum("amount_cents", "allocations"),
        _sum(
            "amount_cents - allocated_cents",
            f"payments WHERE {_STANDING} AND customer_id IS NOT NULL",
        ),
        _sum(
            "amount_cents - allocated_cents",
            f"payments WHERE {_STANDING} AND customer_id IS NULL",
        ),
    )
    if paid != given + credit + suspense:
        yield (
            "payments",
            (
                f"{kes(paid)} came in; {kes(given)} is allocated, {kes(credit)} is credit and "
                f"{kes(suspense)} in suspense: {kes(given + credit + suspense)}"
            ),
        )


def debts_are_conserved(books: Snapshot) -> Found:
    """All live invoices are paid or open, and all balances are what is open less all credit."""
    owed, got, still_open = _numbers(
        books,
        _sum("amount_cents", f"invoices WHERE {_LIVE}"),
        _sum(
            "a.amount_cents", f"allocations a JOIN invoices i ON i.id = a.invoice_id AND i.{_LIVE}"
        ),
        _sum("amount_cents - amount_paid_cents", f"invoices WHERE {_LIVE}"),
    )
    if owed != got + still_open:
        yield (
            "invoices",
            (
                f"{kes(owed)} is owed; {kes(got)} is paid by allocations and "
                f"{kes(still_open)} open: {kes(got + still_open)}"
            ),
        )
    balances_sum, outstanding, credit = _numbers(
        books,
        "(SELECT CAST(coalesce(sum(b), 0) AS BIGINT) FROM (SELECT "
        f"(SELECT coalesce(sum(amount_cents - amount_paid_cents), 0) FROM invoices i "
        f"WHERE i.customer_id = c.id AND {_LIVE}) - "
        "(SELECT coalesce(sum(amount_cents - allocated_cents), 0) FROM payments p "
        f"WHERE p.customer_id = c.id AND {_STANDING} AND allocated_cents < amount_cents) AS b "
        "FROM customers c) x)",
        _sum("amount_cents - amount_paid_cents", f"invoices WHERE {_LIVE} AND customer_id > 0"),
        _sum("amount_cents - allocated_cents", f"payments WHERE {_STANDING} AND customer_id > 0"),
    )
    if balances_sum != outstanding - credit:
        yield (
            "customers",
            (
                f"the balances make {kes(balances_sum)}; {kes(outstanding)} is open and "
                f"{kes(credit)} is credit: {kes(outstanding - credit)}"
            ),
        )


def _numbers(books: Snapshot, *sums: str) -> list[int]:
    row = books.first(f"SELECT {', '.join(sums)}")
    return [int(value) for value in row]
