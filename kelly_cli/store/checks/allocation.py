"""I-12 to I-17, I-19: what payments gave is what invoices got, and no more.

Every stored sum is recomputed from the rows of ``allocations``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.core.money import kes
from kelly_cli.store.checks.ledger import GONE, ledger_of

if TYPE_CHECKING:
    from kelly_cli.store.checks.shape import Found, Snapshot

INVOICE_STATUS = (
    "CASE WHEN i.voided_at IS NOT NULL THEN 'VOID' "
    "WHEN i.amount_cents - i.adjusted_cents - i.amount_paid_cents = 0 THEN 'PAID' "
    "WHEN i.amount_paid_cents = 0 THEN 'UNPAID' ELSE 'PARTIALLY_PAID' END"
)
PAYMENT_STATUS = (
    "CASE WHEN p.reversed_at IS NOT NULL THEN 'REVERSED' "
    "WHEN p.customer_id IS NOT NULL OR p.allocated_cents > 0 THEN 'COMPLETED' ELSE 'UNMATCHED' END"
)


def sums_of_payments(books: Snapshot) -> Found:
    """A payment's allocated money is the sum of its allocations, and no more than it has."""
    for row, amount_cents, stored_cents, rows_cents, _, _ in ledger_of(books).payments.all():
        if stored_cents != rows_cents or not 0 <= rows_cents <= amount_cents:
            yield (
                books.name_of("payments", row),
                (
                    f"of {kes(amount_cents)}, {kes(stored_cents)} is stored as allocated; "
                    f"its allocations make {kes(rows_cents)}"
                ),
            )


def nothing_taken_back_twice(books: Snapshot) -> Found:
    """A payment never holds less than nothing on one invoice."""
    net = (
        "(SELECT CAST(sum(n.amount_cents) AS BIGINT) FROM allocations n "
        "WHERE n.payment_id = a.payment_id AND n.invoice_id = a.invoice_id)"
    )
    yield from books.found(
        f"SELECT p.mpesa_receipt_number, i.invoice_id, {net} AS net_cents FROM "
        "(SELECT DISTINCT payment_id, invoice_id FROM allocations WHERE amount_cents < 0) a "
        "LEFT JOIN payments p ON p.id = a.payment_id LEFT JOIN invoices i ON i.id = a.invoice_id "
        f"WHERE {net} < 0",
        "its allocations to {invoice_id} make {net_cents}",
    )


def sums_of_invoices(books: Snapshot) -> Found:
    """What is paid of an invoice is the sum of its allocations."""
    for row, _, stored_cents, rows_cents, _, _ in ledger_of(books).invoices.all():
        if stored_cents != rows_cents:
            yield (
                books.name_of("invoices", row),
                f"{kes(stored_cents)} is stored as paid; its allocations make {kes(rows_cents)}",
            )


def paid_within_amount(books: Snapshot) -> Found:
    """No invoice is paid less than nothing or more than it is owed."""
    for row, amount_cents, stored_cents, _, _, _ in ledger_of(books).invoices.all():
        if not 0 <= stored_cents <= amount_cents:
            yield (
                books.name_of("invoices", row),
                f"{kes(stored_cents)} of {kes(amount_cents)} is paid",
            )


def statuses(books: Snapshot) -> Found:
    """A status says what the money says; a void invoice holds nothing."""
    yield from books.found(
        "SELECT * FROM (SELECT i.invoice_id, i.status, i.amount_paid_cents, i.adjusted_cents, "
        f"{INVOICE_STATUS} AS recomputed FROM invoices i) x "
        "WHERE status IS NULL OR status <> recomputed "
        "OR (recomputed = 'VOID' AND (amount_paid_cents <> 0 OR adjusted_cents <> 0))",
        "its status is {status}, its money says {recomputed} with {amount_paid_cents} paid and "
        "{adjusted_cents} adjusted",
    )
    yield from books.found(
        "SELECT * FROM (SELECT p.mpesa_receipt_number, p.status, "
        f"{PAYMENT_STATUS} AS recomputed FROM payments p) x "
        "WHERE status IS NULL OR status <> recomputed",
        "its status is {status}, its money says {recomputed}",
    )
    ledger = ledger_of(books)
    for (payment, invoice), net_cents in ledger.odd.items():
        if net_cents and ledger.invoices.state[invoice] == GONE:
            yield books.name_of("invoices", invoice), _holds(books, payment, net_cents, "is void")


def one_customer(books: Snapshot) -> Found:
    """A payment pays its own customer's invoices, or those of nobody in particular."""
    ledger = ledger_of(books)
    payer, debtor = ledger.payments.customer, ledger.invoices.customer
    for (payment, invoice), net_cents in ledger.odd.items():
        if net_cents and debtor[invoice] and debtor[invoice] != payer[payment]:
            yield (
                books.name_of("invoices", invoice),
                _holds(books, payment, net_cents, "is another customer's"),
            )


def reversed_holds_nothing(books: Snapshot) -> Found:
    """A reversed payment gives nothing to any invoice."""
    ledger = ledger_of(books)
    for (payment, invoice), net_cents in ledger.odd.items():
        if net_cents and ledger.payments.state[payment] == GONE:
            yield (
                books.name_of("payments", payment),
                f"it is reversed, and {kes(net_cents)} is on {books.name_of('invoices', invoice)}",
            )


def credit_is_used(books: Snapshot) -> Found:
    """Nobody has free money and an open invoice, save what is pinned and what is on hold."""
    ledger = ledger_of(books)
    for customer in sorted(ledger.payments.open_for & ledger.invoices.open_for):
        yield (
            books.name_of("customers", customer),
            "has both an open invoice and free money that pays it",
        )


def _holds(books: Snapshot, payment: int, net_cents: int, what: str) -> str:
    return f"it {what}, and holds {kes(net_cents)} of {books.name_of('payments', payment)}"
