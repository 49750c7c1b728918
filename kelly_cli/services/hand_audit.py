"""What the hand work on payments writes into the audit, and how its logs are settled.

``asked`` in an audit row is the whole instruction in plain values, enough to do it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core.money import kes
from kelly_cli.store import inbox_rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kelly_cli.core.books import Books
    from kelly_cli.store.payment_rows import PaymentView


class Move(NamedTuple):
    """Money that went to an invoice, or came back from it (below zero)."""

    receipt: str
    invoice_id: str
    amount_cents: int
    reason: str


def moves_of(books: Books) -> list[Move]:
    """Return every new allocation: other money may have moved beside the one that was meant."""
    return [
        Move(each.money.receipt, each.invoice.public_id, each.amount_cents, each.reason)
        for each in books.allocations
    ]


def state_of(payment: PaymentView) -> dict[str, Any]:
    """Return a payment as plain values."""
    return {
        "status": payment.status,
        "customer_id": payment.customer_id,
        "pinned": payment.pinned,
        "unmatched_reason": payment.unmatched_reason,
        "allocations": [
            {"invoice_id": each.invoice_id, "amount": kes(each.amount_cents)}
            for each in payment.allocations
        ],
        "unallocated": kes(payment.unallocated_cents),
    }


def moved_by(books: Books) -> list[dict[str, str]]:
    """Return every new allocation as plain values."""
    return [plain_move(each) for each in moves_of(books)]


def plain_move(move: Move) -> dict[str, str]:
    """Return one move as plain values."""
    return {
        "mpesa_receipt_number": move.receipt,
        "invoice_id": move.invoice_id,
        "amount": kes(move.amount_cents),
        "reason": move.reason,
    }


def settle_logs(connection: Connection, payment: PaymentView) -> None:
    """Take a payment that has its place now off the failed list (contract section 4)."""
    failed = {row for row, _ in inbox_rows.open_logs(connection, [payment.mpesa_receipt_number])}
    own = {payment.log_row} & failed
    inbox_rows.settle_logs(
        connection,
        processed=[row for row in own if row is not None],
        duplicates=failed - own,
    )
