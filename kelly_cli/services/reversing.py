"""Reversals: money that went back to its payer leaves the books, and every row stays.

What a payment held comes back by allocations with the other sign, its invoices and sales are open
again, and other credit of their customers may pay them. Whether Safaricom was asked, did it by
itself or was told by a person in its portal ends in the same few lines here, once for a payment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core import posting
from kelly_cli.core.books import Target
from kelly_cli.core.money import kes
from kelly_cli.errors import BrokenInvariantError, ConflictError, DomainError
from kelly_cli.services.payments import get_payment
from kelly_cli.store import audit_rows, book_rows, request_rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kelly_cli.core.books import Books
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.payment_rows import NetAllocation, PaymentView


class Moved(NamedTuple):
    """Money of another payment that went to an invoice which is open again."""

    receipt: str
    invoice_id: str
    amount_cents: int


class Reversal(NamedTuple):
    """A payment that left the books: what it held until then, and what took its place."""

    payment: PaymentView
    taken: tuple[NetAllocation, ...]
    moved: tuple[Moved, ...]


def reverse_by_hand(
    database: Database, hand: Hand, receipt: str, *, dry_run: bool = False
) -> Reversal:
    """Book a reversal that was made in Safaricom's portal. ``dry_run``: keep nothing.

    Raises:
        NotFoundError: no such payment.
        ConflictError: ``already_reversed``.
        DomainError: ``not_mpesa``: Safaricom holds no such money.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        payment = get_payment(connection, receipt)
        refuse(payment)
        return book(connection, hand, payment, "done in the portal")


def refuse(payment: PaymentView) -> None:
    """Refuse what cannot be reversed.

    Raises:
        ConflictError: ``already_reversed``.
        DomainError: ``not_mpesa``.
    """
    receipt = payment.mpesa_receipt_number
    if payment.reversed_at is not None:
        raise ConflictError(
            f"{receipt} is reversed already",
            hint=f"See it: kelly payment show {receipt}",
            code="already_reversed",
        )
    if payment.method != "mpesa":
        raise DomainError(
            f"{receipt} was paid by {payment.method}: Safaricom cannot give it back",
            hint="Only M-Pesa payments are reversed",
            code="not_mpesa",
        )


def book(connection: Connection, hand: Hand, payment: PaymentView, how: str) -> Reversal:
    """Take a live payment out of the books, in the caller's unit of work. ``how``: for the audit.

    The hand is the person who asked, or who told of it.
    """
    standing = request_rows.standing_of(connection, payment.row)
    books = book_rows.load(connection, {Target(invoice=row) for row in standing})
    money = book_rows.load_money(connection, [payment.row])[payment.row]
    if money.reversed:
        raise BrokenInvariantError(f"{money.receipt} is reversed already")
    posting.reverse(books, money, standing)
    book_rows.save(connection, books, hand.at)
    request_rows.set_reversed(connection, payment.row, hand.at)
    done = Reversal(
        get_payment(connection, payment.mpesa_receipt_number), payment.allocations, _moved(books)
    )
    audit_rows.record_audit(
        connection,
        hand,
        "payment.reverse",
        payment.mpesa_receipt_number,
        before=_state(payment),
        after={**_state(done.payment), "how": how, "moved": [_plain(each) for each in done.moved]},
    )
    return done


def _moved(books: Books) -> tuple[Moved, ...]:
    return tuple(
        Moved(each.money.receipt, each.invoice.public_id, each.amount_cents)
        for each in books.allocations
        if each.amount_cents > 0
    )


def _plain(moved: Moved) -> dict[str, str]:
    return {
        "mpesa_receipt_number": moved.receipt,
        "invoice_id": moved.invoice_id,
        "amount": kes(moved.amount_cents),
    }


def _state(payment: PaymentView) -> dict[str, Any]:
    return {
        "status": payment.status,
        "amount": kes(payment.amount_cents),
        "unallocated": kes(payment.unallocated_cents),
        "allocations": [
            {"invoice_id": each.invoice_id, "amount": kes(each.amount_cents)}
            for each in payment.allocations
        ],
    }
