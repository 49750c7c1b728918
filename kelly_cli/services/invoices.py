"""Invoices: make, find, void."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core import hand_work, posting
from kelly_cli.core.books import Books, Target
from kelly_cli.core.money import kes
from kelly_cli.core.refs import fold
from kelly_cli.errors import ConflictError, DomainError, NotFoundError
from kelly_cli.services.customers import get_customer
from kelly_cli.store import adjustment_rows, audit_rows, book_rows, invoice_rows
from kelly_cli.store.by_age import Reach

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import Connection

    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.invoice_rows import AllocationView, InvoiceSearch, InvoiceView

LONGEST_TEXT = 200
EARLIEST_YEAR = 2000
"""A day before it is a slip of the fingers."""


class NewInvoice(NamedTuple):
    """What an invoice is to say. ``due_on`` None = no day is agreed."""

    customer_id: str
    amount_cents: int
    issued_on: date
    description: str | None = None
    due_on: date | None = None


class Issued(NamedTuple):
    """A new invoice, and how much of it the customer's credit paid at once.

    ``kept``: the receipts of credit that a person kept back from it.
    """

    invoice: InvoiceView
    credit_used_cents: int
    kept: tuple[str, ...] = ()


class Freed(NamedTuple):
    """Money that a void took back from an invoice. ``has_customer`` False = nobody's money."""

    receipt: str
    amount_cents: int
    has_customer: bool


class Voided(NamedTuple):
    """A void invoice, and the money that now waits for a person."""

    invoice: InvoiceView
    freed: list[Freed]


def create_invoice(
    database: Database, hand: Hand, wanted: NewInvoice, *, keep_credit: bool = False
) -> Issued:
    """Write a new invoice; the customer's credit that is not pinned pays it, oldest first.

    ``keep_credit``: it does not; that credit is pinned.

    Raises:
        DomainError: the description or a day is not one, or the invoice is due before its issue.
        NotFoundError: no such customer.
    """
    with database.writing() as connection:
        return issue(connection, hand, wanted, keep_credit=keep_credit)


def issue(
    connection: Connection, hand: Hand, wanted: NewInvoice, *, keep_credit: bool = False
) -> Issued:
    """Do what ``create_invoice`` does, in the caller's unit of work."""
    wanted = _checked(wanted)

    customer = get_customer(connection, wanted.customer_id)
    books = Books()
    # To keep all credit back, all of it is needed.
    reach = None if keep_credit else Reach(opened_cents=wanted.amount_cents)
    book_rows.load_customers(connection, books, [customer.row], reach=reach)
    made = book_rows.add_invoice(
        connection,
        customer=customer.row,
        amount_cents=wanted.amount_cents,
        issued_on=wanted.issued_on,
        created_at=hand.at,
        description=wanted.description,
        due_on=wanted.due_on,
    )
    posting.enqueue(books, made)
    kept = hand_work.keep_all(books, customer.row) if keep_credit else []
    posting.use_credit(books, customer.row)
    book_rows.save(connection, books, hand.at)
    after: dict[str, Any] = {
        "customer_id": customer.customer_id,
        "amount": kes(wanted.amount_cents),
        "description": wanted.description,
        "issued_on": str(wanted.issued_on),
        "due_on": str(wanted.due_on) if wanted.due_on else None,
        "credit_used": kes(made.paid_cents),
    }
    receipts = tuple(money.receipt for money in kept)
    if keep_credit:
        after["kept"] = list(receipts)
    audit_rows.record_audit(connection, hand, "invoice.create", made.public_id, after=after)
    return Issued(get_invoice(connection, made.public_id), made.paid_cents, receipts)


def show_invoice(
    database: Database, invoice_id: str
) -> tuple[InvoiceView, Sequence[AllocationView]]:
    """Return one invoice and every move of money to and from it.

    Raises:
        NotFoundError: no such invoice.
    """
    with database.reading() as connection:
        found = get_invoice(connection, invoice_id)
        return found, invoice_rows.list_allocations(connection, found.row)


def list_invoices(
    database: Database, wanted: InvoiceSearch, *, customer_id: str | None = None
) -> Sequence[InvoiceView]:
    """Return invoices, newest first. ``customer_id``: in any written form, None = any.

    Raises:
        NotFoundError: no such customer.
    """
    with database.reading() as connection:
        if customer_id is not None:
            wanted = wanted._replace(customer_row=get_customer(connection, customer_id).row)
        return invoice_rows.list_invoices(connection, wanted)


def void_invoice(
    database: Database, hand: Hand, invoice_id: str, *, dry_run: bool = False
) -> Voided:
    """Void an invoice; money on it is freed and waits for a person. ``dry_run``: keep nothing.

    Raises:
        NotFoundError: no such invoice.
        ConflictError: it is void already, or it belongs to a sale.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        found = get_invoice(connection, invoice_id)
        refuse_void_again(found.invoice_id, is_void=found.voided_at is not None)
        refuse_part_of_sale(found)
        freed = void_found(connection, hand, found)
        return Voided(get_invoice(connection, found.invoice_id), freed)


def void_found(connection: Connection, hand: Hand, found: InvoiceView) -> list[Freed]:
    """Free the money on an open or paid invoice, pin it, mark the invoice void, and audit that.

    A customer's money becomes credit that waits for a person; nobody's money waits in suspense.
    """
    books = book_rows.load_named(connection, [Target(invoice=found.row)])
    invoice = books.invoices[found.row]
    standing = invoice_rows.money_on(connection, found.row)
    payments = book_rows.load_money(connection, standing)
    freed = []
    unmatched = {}
    for row, amount_cents in standing.items():
        money = payments[row]
        posting.free(books, money, invoice, amount_cents, "void")
        money.pinned = True
        freed.append(Freed(money.receipt, amount_cents, money.customer is not None))
        if money.unmatched:
            what = f"sale {found.pos_id}" if found.pos_id else f"invoice {found.invoice_id}"
            unmatched[row] = f"freed: {what} was voided and has no customer"
    book_rows.save(connection, books, hand.at)
    invoice_rows.set_unmatched(connection, unmatched)
    # What is void holds no adjustment: each is taken back by a row with the other sign.
    for kind, cents in adjustment_rows.standing_adjustments(connection, found.row).items():
        adjustment_rows.add_adjustment(connection, hand, found.row, kind, -cents)
    invoice_rows.set_voided(connection, found.row, hand.at)
    audit_rows.record_audit(
        connection,
        hand,
        "invoice.void",
        found.invoice_id,
        before={"status": found.status, "amount_paid": kes(found.paid_cents)},
        after={"status": "VOID", "amount_paid": kes(0), "freed": freed_for_audit(freed)},
    )
    return freed


def freed_for_audit(freed: Sequence[Freed]) -> list[dict[str, str]]:
    """Return freed money as plain values."""
    return [{"receipt": each.receipt, "amount": kes(each.amount_cents)} for each in freed]


def refuse_void_again(public_id: str, *, is_void: bool) -> None:
    """Refuse what is void.

    Raises:
        ConflictError: it is.
    """
    if is_void:
        raise ConflictError(f"{public_id} is void already", code="already_void")


def refuse_part_of_sale(found: InvoiceView, option: str = "") -> None:
    """Refuse an invoice that stands for a sale. ``option``: what else the sale's command takes.

    Raises:
        ConflictError: ``invoice_of_sale``.
    """
    if found.pos_id is not None:
        raise ConflictError(
            f"{found.invoice_id} belongs to the sale {found.pos_id}",
            hint=f"Do it to the sale: kelly pos void {found.pos_id} {option}--reason TEXT",
            code="invoice_of_sale",
        )


def get_invoice(connection: Connection, invoice_id: str) -> InvoiceView:
    """Return the invoice that an id names, in any written form.

    Raises:
        NotFoundError: no such invoice.
    """
    key = fold(invoice_id)
    found = invoice_rows.find_invoice(connection, key) if key else None
    if found is None:
        raise NotFoundError(
            f"no invoice is called {invoice_id!r}",
            hint="See what there is: kelly invoice list",
            code="invoice_not_found",
        )
    return found


def check_day(issued_on: date) -> None:
    """Refuse a day that no id can carry or nobody can mean.

    Raises:
        DomainError: it is before the year 2000.
    """
    if issued_on.year < EARLIEST_YEAR:
        raise DomainError(
            f"{issued_on} is before the year {EARLIEST_YEAR}",
            hint="Write the day as 2026-02-03",
            code="bad_day",
        )


def _checked(wanted: NewInvoice) -> NewInvoice:
    check_day(wanted.issued_on)
    if wanted.due_on is not None and wanted.due_on < wanted.issued_on:
        raise DomainError(
            f"due on {wanted.due_on}, before the day of issue, {wanted.issued_on}",
            hint="Give --due a later day, or --date an earlier one",
            code="due_before_issue",
        )
    return wanted._replace(description=_description(wanted.description))


def _description(text: str | None) -> str | None:
    description = " ".join((text or "").split())
    if len(description) > LONGEST_TEXT or not description.isprintable():
        raise DomainError(
            f"--description: {text!r} is not a text of up to {LONGEST_TEXT} printable characters",
            code="bad_description",
        )
    return description or None
