"""What people do to invoices beside voiding them: hold, release, write off, credit.

A write-off gives up what is open; a credit note takes back what was charged, and frees the money
that was paid too much for it. Both are rows that only grow: an undo is a row with the other sign.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core import hand_work, posting
from kelly_cli.core.books import Target
from kelly_cli.core.money import kes, kes_for_people
from kelly_cli.errors import ConflictError
from kelly_cli.services.hand_audit import moved_by, moves_of
from kelly_cli.services.invoices import Freed, get_invoice
from kelly_cli.store import adjustment_rows, audit_rows, book_rows, invoice_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from kelly_cli.core.books import Books, Invoice
    from kelly_cli.services.hand_audit import Move
    from kelly_cli.store.adjustment_rows import AdjustmentView
    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.invoice_rows import InvoiceView

WRITEOFF, CREDIT_NOTE = "writeoff", "credit_note"


class Adjusted(NamedTuple):
    """An invoice after it was changed by hand. ``amount_cents``: by how much, 0 = by nothing.

    ``freed`` waits for a person; ``moved``: what the rules did with other credit.
    """

    invoice: InvoiceView
    amount_cents: int
    freed: list[Freed]
    moved: list[Move]


def list_adjustments(database: Database, invoice_id: str) -> Sequence[AdjustmentView]:
    """Return every write-off and credit note of an invoice, and what was taken back of them.

    Raises:
        NotFoundError: no such invoice.
    """
    with database.reading() as connection:
        found = get_invoice(connection, invoice_id)
        return adjustment_rows.list_adjustments(connection, found.row)


def hold(database: Database, hand: Hand, invoice_id: str, *, dry_run: bool = False) -> Adjusted:
    """Keep an invoice out of what the rules pay by themselves.

    Raises:
        NotFoundError: no such invoice.
        ConflictError: ``already_held``; ``nothing_open``.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        before = get_invoice(connection, invoice_id)
        if before.on_hold:
            raise ConflictError(
                f"{before.invoice_id} is on hold already",
                hint=f"Let it in again: kelly invoice release {before.invoice_id} --reason TEXT",
                code="already_held",
            )
        _refuse_closed(before)
        adjustment_rows.set_on_hold(connection, before.row, on_hold=True)
        return _told(connection, hand, "invoice.hold", before, {})


def release(database: Database, hand: Hand, invoice_id: str, *, dry_run: bool = False) -> Adjusted:
    """Let a held invoice in again; the customer's credit that is not pinned pays it.

    Raises:
        NotFoundError: no such invoice.
        ConflictError: ``not_held``.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        before = get_invoice(connection, invoice_id)
        if not before.on_hold:
            raise ConflictError(
                f"{before.invoice_id} is not on hold",
                hint=f"See it: kelly invoice show {before.invoice_id}",
                code="not_held",
            )
        adjustment_rows.set_on_hold(connection, before.row, on_hold=False)
        books = _reopen(connection, hand, before)
        return _told(connection, hand, "invoice.release", before, {}, books)


def write_off(
    database: Database, hand: Hand, invoice_id: str, *, most_cents: int, dry_run: bool = False
) -> Adjusted:
    """Give up what is open on an invoice, when that is at most ``most_cents``.

    Raises:
        NotFoundError: no such invoice.
        ConflictError: ``nothing_open``; ``more_than_max``.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        before = get_invoice(connection, invoice_id)
        _refuse_closed(before)
        open_cents = before.balance_cents
        if open_cents > most_cents:
            raise ConflictError(
                f"{kes_for_people(open_cents)} is open on {before.invoice_id}, more than "
                f"{kes_for_people(most_cents)}",
                hint=f"To give all of it up: --max {kes(open_cents)}",
                code="more_than_max",
            )
        adjustment_rows.add_adjustment(connection, hand, before.row, WRITEOFF, open_cents)
        asked = {"max": kes(most_cents)}
        return _told(connection, hand, "invoice.writeoff", before, asked, cents=open_cents)


def credit(
    database: Database, hand: Hand, invoice_id: str, *, amount_cents: int, dry_run: bool = False
) -> Adjusted:
    """Take back a part of what an invoice charges; money paid too much for it is freed and pinned.

    Raises:
        NotFoundError: no such invoice.
        ConflictError: ``nothing_open``: it is void; ``more_than_owed``.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        before = get_invoice(connection, invoice_id)
        if before.voided_at is not None:
            _refuse_closed(before)
        most_cents = before.amount_cents - before.adjusted_cents
        if amount_cents > most_cents:
            raise ConflictError(
                f"{before.invoice_id} charges {kes_for_people(most_cents)}, "
                f"less than {kes_for_people(amount_cents)}",
                hint=f"See it: kelly invoice show {before.invoice_id}",
                code="more_than_owed",
            )
        freed = _free(connection, hand, before, amount_cents)
        adjustment_rows.add_adjustment(connection, hand, before.row, CREDIT_NOTE, amount_cents)
        return _told(
            connection,
            hand,
            "invoice.credit_note",
            before,
            {"amount": kes(amount_cents)},
            cents=amount_cents,
            freed=freed,
        )


def undo(
    database: Database,
    hand: Hand,
    invoice_id: str,
    kind: str,
    *,
    amount_cents: int | None = None,
    dry_run: bool = False,
) -> Adjusted:
    """Take write-offs or credit notes back, all that stand or ``amount_cents`` of them.

    The invoice is open again, and credit that is not pinned pays it; freed money stays freed.

    Raises:
        NotFoundError: no such invoice.
        ConflictError: ``nothing_to_undo``: less than that stands.
    """
    with database.rehearsing() if dry_run else database.writing() as connection:
        before = get_invoice(connection, invoice_id)
        stands = adjustment_rows.standing_adjustments(connection, before.row).get(kind, 0)
        back_cents = stands if amount_cents is None else amount_cents
        if not 0 < back_cents <= stands:
            what = "written off" if kind == WRITEOFF else "credited"
            raise ConflictError(
                f"{kes_for_people(stands)} is {what} on {before.invoice_id}",
                hint=f"See it: kelly invoice show {before.invoice_id}",
                code="nothing_to_undo",
            )
        adjustment_rows.add_adjustment(connection, hand, before.row, kind, -back_cents)
        books = _reopen(connection, hand, before)
        asked = {"undo": kes(back_cents)}
        return _told(connection, hand, f"invoice.{kind}", before, asked, books, cents=-back_cents)


def _free(connection: Connection, hand: Hand, found: InvoiceView, amount_cents: int) -> list[Freed]:
    """Take the newest money off an invoice, as much as the rest of it can no longer hold."""
    books = book_rows.load(connection, [Target(invoice=found.row)])
    invoice = books.invoices[found.row]
    standing = invoice_rows.money_on(connection, found.row)
    takings = hand_work.freed_for(invoice, standing, amount_cents)
    payments = book_rows.load_money(connection, [row for row, _ in takings])
    freed, unmatched = [], {}
    for row, cents in takings:
        money = payments[row]
        posting.leave_credit(books, money)
        posting.free(books, money, invoice, cents, "hand")
        money.pinned = True
        freed.append(Freed(money.receipt, cents, money.customer is not None))
        if money.unmatched:
            unmatched[row] = f"freed: a credit note on {found.invoice_id} took it back"
    book_rows.save(connection, books, hand.at)
    invoice_rows.set_unmatched(connection, unmatched)
    return freed


def _reopen(connection: Connection, hand: Hand, found: InvoiceView) -> Books:
    """Let credit pay what is open again; the rows must say already that it is."""
    books = book_rows.load(connection, [Target(invoice=found.row)])
    invoice: Invoice = books.invoices[found.row]
    posting.reopen(books, [invoice])
    book_rows.save(connection, books, hand.at)
    return books


def _refuse_closed(found: InvoiceView) -> None:
    if found.balance_cents == 0:
        raise ConflictError(
            f"nothing is open on {found.invoice_id}: it is {found.status}",
            hint=f"See it: kelly invoice show {found.invoice_id}",
            code="nothing_open",
        )


def _told(
    connection: Connection,
    hand: Hand,
    action: str,
    before: InvoiceView,
    asked: dict[str, str],
    books: Books | None = None,
    *,
    cents: int = 0,
    freed: Sequence[Freed] = (),
) -> Adjusted:
    after = get_invoice(connection, before.invoice_id)
    told = {
        "asked": asked,
        "moved": moved_by(books) if books else [],
        "freed": [{"receipt": each.receipt, "amount": kes(each.amount_cents)} for each in freed],
    }
    audit_rows.record_audit(
        connection,
        hand,
        action,
        before.invoice_id,
        before=_state(before),
        after=_state(after) | told,
    )
    return Adjusted(after, cents, list(freed), moves_of(books) if books else [])


def _state(found: InvoiceView) -> dict[str, Any]:
    return {
        "status": found.status,
        "on_hold": found.on_hold,
        "amount_paid": kes(found.paid_cents),
        "adjusted": kes(found.adjusted_cents),
        "balance": kes(found.balance_cents),
    }
