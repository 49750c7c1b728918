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
from kelly_cli.services.aliases import learn
from kelly_cli.services.customers import get_customer
from kelly_cli.services.hand_audit import moved_by, settle_logs
from kelly_cli.services.payments import get_payment
from kelly_cli.store import audit_rows, book_rows, inbox_rows, note_rows, payment_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
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
    note: str | None = None


def list_suspense(
    database: Database,
    *,
    today: date,
    short_codes: Collection[str] | None = None,
    limit: int = 100,
) -> Sequence[Suspended]:
    """Return all money without a customer that is free, the oldest first."""
    with database.reading() as connection:
        found = payment_rows.list_ownerless(connection, short_codes=short_codes, limit=limit)
        notes = note_rows.latest_notes(connection, [each.mpesa_receipt_number for each in found])
    return [
        Suspended(each, _why(each), _age_days(each, today), notes.get(each.mpesa_receipt_number))
        for each in found
    ]


def note(
    database: Database, hand: Hand, receipt: str, text: str, *, dry_run: bool = False
) -> PaymentView:
    """Write what a person found out about money in suspense; "" takes the note away.

    A later note stands in the place of an earlier one; the audit keeps both.

    Raises:
        NotFoundError: no such payment.
        DomainError: ``not_in_suspense``.
    """
    opened = database.rehearsing() if dry_run else database.writing()
    with opened as connection:
        payment = get_payment(connection, receipt)
        refuse_placed(payment)
        name = payment.mpesa_receipt_number
        before = note_rows.latest_notes(connection, [name]).get(name)
        if before != (text or None):
            audit_rows.record_audit(
                connection,
                hand,
                note_rows.ACTION,
                name,
                before={"note": before},
                after={"note": text or None},
            )
        return payment


def assign(
    database: Database,
    hand: Hand,
    receipt: str,
    target_id: str,
    *,
    remember: bool = False,
    keep_credit: bool = False,
    dry_run: bool = False,
) -> PaymentView:
    """Give money in suspense to a customer, an invoice or a sale; return the payment.

    ``target_id``: in any written form. Its failed log becomes processed, others of the receipt
    duplicates. ``remember``: the payer and what was typed become the customer's aliases, suggested
    next time. ``keep_credit``: what that invoice does not need is pinned. With ``dry_run`` nothing
    is kept. Refused in this order:

    Raises:
        NotFoundError: no such payment.
        DomainError: ``not_in_suspense``: the money is placed already, or reversed.
        NotFoundError: no such customer, invoice or sale.
        DomainError: ``late_or_double``: paid or void, and without a customer for the surplus.
        DomainError: ``nobody_to_remember``: the sale has no customer.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        return assign_now(
            connection, hand, receipt, target_id, remember=remember, keep_credit=keep_credit
        )


def assign_now(
    connection: Connection,
    hand: Hand,
    receipt: str,
    target_id: str,
    *,
    remember: bool = False,
    keep_credit: bool = False,
) -> PaymentView:
    """Do what ``assign`` does, in the caller's unit of work.

    Raises:
        NotFoundError, DomainError: as ``assign`` does.
    """
    before = get_payment(connection, receipt)
    refuse_placed(before)
    target = _target(connection, target_id)
    books = book_rows.load(connection, [target])
    _refuse_closed(books, target)

    _place(connection, hand, books, before, target, keep=keep_credit)
    settle_logs(connection, before)
    after = get_payment(connection, receipt)
    told = _state(after) | {"to": _name(books, target, after), "moved": moved_by(books)}
    if keep_credit:
        told["keep_credit"] = True
    if remember:
        told["remembered"] = _remember(connection, hand, before, after)
    audit_rows.record_audit(
        connection,
        hand,
        "suspense.assign",
        before.mpesa_receipt_number,
        before=_state(before),
        after=told,
    )
    return after


def _remember(
    connection: Connection, hand: Hand, before: PaymentView, after: PaymentView
) -> list[dict[str, object]]:
    if after.customer_id is None:
        raise DomainError(
            "nobody to remember: the sale has no customer",
            hint="Leave --remember out, or assign it to a customer",
            code="nobody_to_remember",
        )
    customer = get_customer(connection, after.customer_id)
    return learn(connection, hand, before, customer.row)


def _place(
    connection: Connection,
    hand: Hand,
    books: Books,
    payment: PaymentView,
    target: Target,
    *,
    keep: bool,
) -> None:
    def make_invoice(sale: Sale) -> Invoice:
        return book_rows.invoice_for_sale(connection, sale, hand.at)

    money = book_rows.load_money(connection, [payment.row])[payment.row]
    money.pinned = False
    books.changed_money[money.row] = money
    posting.settle(books, money, target, make_invoice, keep=keep)
    book_rows.save(connection, books, hand.at)
    inbox_rows.set_match(connection, [("hand", None, money.row)])


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


def refuse_placed(payment: PaymentView) -> None:
    """Refuse money that is not in suspense, and say where it is.

    Raises:
        DomainError: ``not_in_suspense``.
    """
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
