"""I-20 to I-25: customers, money without an owner, sales, and that nothing is made or lost.

Balances are computed, never stored; so each is computed in two ways here: from the sums that
invoices and payments carry, and from the rows of ``allocations`` alone.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from kelly_cli.core.money import kes
from kelly_cli.store.checks.ledger import LIVE, ledger_of

if TYPE_CHECKING:
    from kelly_cli.store.checks.ledger import Ledger
    from kelly_cli.store.checks.shape import Found, Snapshot


def balances(books: Snapshot) -> Found:
    """A customer's balance is the same from the stored sums and from the allocations."""
    stored, rows = _balances(ledger_of(books))
    for customer in sorted(stored.keys() | rows.keys()):
        if stored[customer] != rows[customer]:
            yield (
                books.name_of("customers", customer),
                (
                    f"the stored sums make a balance of {kes(stored[customer])}, "
                    f"the allocations {kes(rows[customer])}"
                ),
            )


def _balances(ledger: Ledger) -> tuple[defaultdict[int, int], defaultdict[int, int]]:
    """Return customer → owed less credit, by the stored sums and by the rows."""
    stored: defaultdict[int, int] = defaultdict(int)
    rows: defaultdict[int, int] = defaultdict(int)
    for side, sign in ((ledger.invoices, 1), (ledger.payments, -1)):
        for _, amount_cents, stored_cents, rows_cents, customer, state in side.all():
            if customer and state == LIVE:
                stored[customer] += sign * (amount_cents - stored_cents)
                rows[customer] += sign * (amount_cents - rows_cents)
    return stored, rows


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
        "OR EXISTS (SELECT 1 FROM allocations h JOIN invoices i ON i.id = h.invoice_id "
        "WHERE h.payment_id = p.id AND h.reason = 'hand' AND NOT EXISTS (SELECT 1 FROM audit a "
        "WHERE a.subject IN (p.mpesa_receipt_number, i.invoice_id) "
        "AND a.action IN ('payment.allocate', 'payment.unallocate', 'payment.part', "
        "'invoice.credit_note')))",
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
    ledger = ledger_of(books)
    paid = credit = suspense = 0
    for _, amount_cents, stored_cents, _, customer, state in ledger.payments.all():
        if state == LIVE:
            paid += amount_cents
            credit += amount_cents - stored_cents if customer else 0
            suspense += 0 if customer else amount_cents - stored_cents
    together = ledger.allocated_cents + credit + suspense
    if paid != together:
        yield (
            "payments",
            (
                f"{kes(paid)} came in; {kes(ledger.allocated_cents)} is allocated, {kes(credit)} "
                f"is credit and {kes(suspense)} in suspense: {kes(together)}"
            ),
        )


def debts_are_conserved(books: Snapshot) -> Found:
    """All live invoices are paid or open, and all balances are what is open less all credit."""
    ledger = ledger_of(books)
    owed = got = still_open = outstanding = credit = 0
    for _, amount_cents, stored_cents, rows_cents, customer, state in ledger.invoices.all():
        if state == LIVE:
            owed, got = owed + amount_cents, got + rows_cents
            still_open += amount_cents - stored_cents
            outstanding += amount_cents - stored_cents if customer else 0
    if owed != got + still_open:
        yield (
            "invoices",
            (
                f"{kes(owed)} is owed; {kes(got)} is paid by allocations and {kes(still_open)} "
                f"open: {kes(got + still_open)}"
            ),
        )
    for _, amount_cents, _, rows_cents, customer, state in ledger.payments.all():
        credit += amount_cents - rows_cents if customer and state == LIVE else 0
    balance = sum(_balances(ledger)[0].values())
    if balance != outstanding - credit:
        yield (
            "customers",
            (
                f"the balances make {kes(balance)}; {kes(outstanding)} is open and {kes(credit)} "
                f"is credit: {kes(outstanding - credit)}"
            ),
        )
