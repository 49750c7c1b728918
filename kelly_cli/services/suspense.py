"""Suspense: money that found no owner, until a person gives it one.

The list and the assignment speak of the same money: free, not reversed, without a customer. Where
it goes is decided by the rules of the one road, as if the payer had typed the right reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core import posting
from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.core.refs import fold
from kelly_cli.errors import DomainError, NotFoundError
from kelly_cli.services.payments import get_payment
from kelly_cli.store import audit_rows, book_rows, inbox_rows, payment_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import Connection

    from kelly_cli.core.books import Books, Invoice, Sale, Target
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.payment_rows import PaymentView


class Suspended(NamedTuple):
    """A payment in suspense, why, and since how many whole Nairobi days."""

    payment: PaymentView
    reason: str
    age_days: int


def list_suspense(database: Database, *, today: date, limit: int = 100) -> Sequence[Suspended]:
    """Return all money without a customer that is free, the oldest first."""
    with database.reading() as connection:
        found = payment_rows.list_ownerless(connection, limit=limit)
    return [Suspended(each, _why(each), _age_days(each, today)) for each in found]


def assign(
    database: Database, hand: Hand, receipt: str, target_id: str, *, dry_run: bool = False
) -> PaymentView:
    """Give money in suspense to a customer, an invoice or a sale; return the payment.

    ``target_id``: in any written form. Its failed log becomes processed, others of the receipt
    duplicates. With ``dry_run`` nothing is kept. Refused in this order:

    Raises:
        NotFoundError: no such payment.
        DomainError: ``not_in_suspense``: the money is placed already, or reversed.
        NotFoundError: no such customer, invoice or sale.
        DomainError: ``late_or_double``: paid or void, and without a customer for the surplus.
    """
    opened = database.rehearsing() if dry_run else database.writing()
    with opened as connection:
        before = get_payment(connection, receipt)
        _refuse_placed(before)
        target = _target(connection, target_id)
        books = book_rows.load(connection, [target])
        _refuse_closed(books, target)

        _place(connection, hand, books, before, target)
        _settle_logs(connection, before)
        after = get_payment(connection, receipt)
        audit_rows.record_audit(
            connection,
            hand,
            "suspense.assign",
            before.mpesa_receipt_number,
            before=_state(before),
            after=_state(after) | {"to": _name(books, target, after), "moved": _moved(books)},
        )
        return after


def _place(
    connection: Connection, hand: Hand, books: Books, payment: PaymentView, target: Target
) -> None:
    def make_invoice(sale: Sale) -> Invoice:
        return book_rows.invoice_for_sale(connection, sale, hand.at)

    money = book_rows.load_money(connection, [payment.row])[payment.row]
    money.pinned = False
    books.changed_money[money.row] = money
    posting.settle(books, money, target, make_invoice)
    book_rows.save(connection, books, hand.at)
    inbox_rows.set_match(connection, [("hand", None, money.row)])


def _settle_logs(connection: Connection, payment: PaymentView) -> None:
    failed = {row for row, _ in inbox_rows.open_logs(connection, [payment.mpesa_receipt_number])}
    own = {payment.log_row} & failed
    inbox_rows.settle_logs(
        connection,
        processed=[row for row in own if row is not None],
        duplicates=failed - own,
    )


def _target(connection: Connection, target_id: str) -> Target:
    key = fold(target_id)
    found = book_rows.find_keys(connection, [key]).get(key) if key else None
    if found is None:
        noun = _noun_of(key or "")
        raise NotFoundError(
            f"no customer, invoice or sale is called {target_id!r}",
            hint="See who there is: kelly customer list, kelly invoice list, kelly pos list",
            code=f"{noun}_not_found",
        )
    return found


def _noun_of(key: str) -> str:
    """Say what a folded id looks like."""
    if key[3:].isdigit():
        return {"INV": "invoice", "POS": "sale"}.get(key[:3], "customer")
    return "customer"


def _refuse_closed(books: Books, target: Target) -> None:
    refused = posting.refusal(books, target)
    if refused is not None:
        code, _, message = refused.partition(": ")
        raise DomainError(
            message, hint="Assign it to a customer, or to another invoice or sale", code=code
        )


def _refuse_placed(payment: PaymentView) -> None:
    if payment.customer_id is None and payment.unallocated_cents:
        return
    raise DomainError(
        f"{payment.mpesa_receipt_number} is not in suspense: {_where(payment)}",
        hint=f"See it: kelly payment show {payment.mpesa_receipt_number}",
        code="not_in_suspense",
    )


def _where(payment: PaymentView) -> str:
    """Say where the money of a payment is."""
    if payment.reversed_at:
        return "the payment was reversed"
    parts = [f"{kes_for_people(cents)} is on {name}" for name, cents in payment.allocations]
    if payment.unallocated_cents:
        parts.append(f"{kes_for_people(payment.unallocated_cents)} is credit")
    owner = f"it is {payment.customer_id}'s; " if payment.customer_id else ""
    return owner + ", ".join(parts)


def _why(payment: PaymentView) -> str:
    """Say why money waits, with a code in front."""
    if payment.allocated_cents:
        used, whole = kes_for_people(payment.allocated_cents), kes_for_people(payment.amount_cents)
        names = ", ".join(each.invoice_id for each in payment.allocations)
        return f"rest: {used} of {whole} is on {names}; no customer is known"
    if payment.unmatched_reason:
        return payment.unmatched_reason
    if payment.pinned:
        return "freed: a person took it back, and it waits for one"
    return "no_owner: it is allocated to nothing and has no customer"


def _age_days(payment: PaymentView, today: date) -> int:
    # M-Pesa's clock may run ahead of ours: never below zero.
    return max((today - payment.transaction_date.date()).days, 0)


def _name(books: Books, target: Target, after: PaymentView) -> str | None:
    """Return the public id of a target."""
    if target.invoice is not None:
        return books.invoices[target.invoice].public_id
    if target.sale is not None:
        return books.sales[target.sale].public_id
    return after.customer_id


def _state(payment: PaymentView) -> dict[str, Any]:
    return {
        "customer_id": payment.customer_id,
        "matched_by": payment.matched_by,
        "unmatched_reason": payment.unmatched_reason,
        "pinned": payment.pinned,
        "allocations": [
            {"invoice_id": each.invoice_id, "amount": kes(each.amount_cents)}
            for each in payment.allocations
        ],
        "unallocated": kes(payment.unallocated_cents),
    }


def _moved(books: Books) -> list[dict[str, str]]:
    """Tell every new allocation: older credit may have been used beside this payment."""
    return [
        {
            "mpesa_receipt_number": each.money.receipt,
            "invoice_id": each.invoice.public_id,
            "amount": kes(each.amount_cents),
            "reason": each.reason,
        }
        for each in books.allocations
    ]
