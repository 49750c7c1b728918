"""Reversals: money that went back to its payer leaves the books, and every row stays.

What a payment held comes back by allocations with the other sign, its invoices and sales are open
again, and other credit of their customers may pay them. Whether Safaricom was asked, did it by
itself or was told by a person in its portal ends in the same few lines here, once for a payment.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core import posting
from kelly_cli.core.books import Books, Target
from kelly_cli.core.money import kes
from kelly_cli.errors import BrokenInvariantError, ConflictError, DomainError
from kelly_cli.services.customers import get_customer
from kelly_cli.services.payments import get_payment
from kelly_cli.store import audit_rows, audit_views, book_rows, invoice_rows, request_rows
from kelly_cli.store.audit_views import AuditSearch

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.payment_rows import NetAllocation, PaymentView


BY_HAND = {True: "done in the portal", False: "given back by hand"}
"""How a reversal that a person books came about: of M-Pesa money, and of other money."""
_MOST_REVERSALS = 100
"""Rows of the audit about one payment's reversals, at most so many are looked at."""


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
    """Book a reversal that was made in Safaricom's portal, or of money that a person recorded.

    ``dry_run``: keep nothing.

    Raises:
        NotFoundError: no such payment.
        ConflictError: ``already_reversed``.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        payment = get_payment(connection, receipt)
        refuse(payment)
        return book(connection, hand, payment, BY_HAND[payment.method == "mpesa"])


def restore_by_hand(
    database: Database, hand: Hand, receipt: str, *, dry_run: bool = False
) -> PaymentView:
    """Bring a payment back whose reversal a person booked by mistake: free, and pinned.

    What it paid does not come back by itself; a person allocates it. ``dry_run``: keep nothing.

    Raises:
        NotFoundError: no such payment, or its customer is gone.
        ConflictError: ``not_reversed``; ``reversed_elsewhere``: it was not a person who booked it,
            or Safaricom says so too.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        payment = get_payment(connection, receipt)
        receipt = payment.mpesa_receipt_number
        if payment.reversed_at is None:
            raise ConflictError(
                f"{receipt} is not reversed: nothing to undo",
                hint=f"See where it is: kelly payment explain {receipt}",
                code="not_reversed",
            )
        _refuse_elsewhere(connection, payment)
        if payment.customer_id is not None:
            get_customer(connection, payment.customer_id)
        books = Books()
        money = book_rows.load_money(connection, [payment.row])[payment.row]
        posting.restore(books, money)
        request_rows.set_reversed(connection, payment.row, None)
        book_rows.save(connection, books, hand.at)
        if money.unmatched:
            reason = "freed: its reversal was taken back, and it has no customer"
            invoice_rows.set_unmatched(connection, {money.row: reason})
        restored = get_payment(connection, receipt)
        audit_rows.record_audit(
            connection,
            hand,
            "payment.restore",
            receipt,
            before=_state(payment),
            after=_state(restored),
        )
        return restored


def _refuse_elsewhere(connection: Connection, payment: PaymentView) -> None:
    receipt = payment.mpesa_receipt_number
    says = request_rows.who_says_reversed(connection, payment.row, receipt)
    if says is None:
        wanted = AuditSearch(subject=receipt, action="payment.reverse")
        rows = audit_views.list_audit(connection, wanted, limit=_MOST_REVERSALS)
        after = next((row.after for row in rows if row.action == "payment.reverse"), None)
        how = json.loads(after or "{}").get("how")
        if how in BY_HAND.values():
            return
        says = how
    raise ConflictError(
        f"{receipt} was not reversed by a person's word alone: {says or 'nobody says by whom'}",
        hint=f"See how it came: kelly payment explain {receipt}",
        code="reversed_elsewhere",
    )


def refuse(payment: PaymentView) -> None:
    """Refuse what cannot be reversed.

    Raises:
        ConflictError: ``already_reversed``.
    """
    receipt = payment.mpesa_receipt_number
    if payment.reversed_at is not None:
        raise ConflictError(
            f"{receipt} is reversed already",
            hint=f"See it: kelly payment show {receipt}",
            code="already_reversed",
        )


def refuse_other_money(payment: PaymentView) -> None:
    """Refuse what Safaricom does not hold.

    Raises:
        DomainError: ``not_mpesa``.
    """
    if payment.method != "mpesa":
        receipt = payment.mpesa_receipt_number
        raise DomainError(
            f"{receipt} was paid by {payment.method}: Safaricom cannot give it back",
            hint=f"Give it back yourself, then: kelly payment reverse {receipt} --reason TEXT",
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
