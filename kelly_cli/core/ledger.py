"""Double entry as a pure function of the documents.

An entry is one debit, one credit and one amount above zero, so nothing unbalanced can be written
down. Nothing is posted by hand and nothing is stored: the same documents give the same journal.
Money is the owner's of that moment: what changed hands later is an entry of that later moment.
This module knows no database and no file format.
"""

from __future__ import annotations

import heapq
from datetime import datetime, time
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.owners import AFTER_MOVES, BEFORE_MOVES, MOVES, Key, Owners
from kelly_cli.errors import BrokenInvariantError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from kelly_cli.core.owners import Story

MPESA = "assets:mpesa"
BANK = "assets:bank"
STOCK = "assets:stock"
UNAPPLIED = "liabilities:unapplied"
GOODS_RECEIVED = "liabilities:goods-received"
"""Pieces that came, and whose bill nobody has booked."""
OPENING = "equity:opening-balances"
OPENING_STOCK = "equity:opening-stock"
UNEXPLAINED = "equity:unexplained"
SALES = "income:sales"
CREDIT_NOTES = "income:credit-notes"
COST = "expenses:cost-of-goods"
CHARGES = "expenses:charges"
WRITE_OFFS = "expenses:write-offs"
STOCK_DIFFERENCES = "expenses:stock-differences"
RECEIVABLES = "assets:receivables"
CREDIT = "liabilities:credit"
COUNTER = f"{RECEIVABLES}:counter"
"""What sales to nobody in particular owe; a customer's id is in upper case."""

METHODS = {"mpesa": MPESA, "cash": "assets:cash", "bank": BANK, "cheque": "assets:cheques"}
"""Where money of each method stands: all M-Pesa money, placed or not, in one account."""

FIXED = (
    *METHODS.values(),
    STOCK,
    COUNTER,
    UNAPPLIED,
    GOODS_RECEIVED,
    OPENING,
    OPENING_STOCK,
    UNEXPLAINED,
    SALES,
    CREDIT_NOTES,
    COST,
    CHARGES,
    WRITE_OFFS,
    STOCK_DIFFERENCES,
)
"""The accounts that are there in any books, used or not."""

ARRIVES, LEAVES = BEFORE_MOVES - 1, AFTER_MOVES + 1
"""Places within one moment: documents come before what is done with them, and go after it."""


class Entry(NamedTuple):
    """One line of the journal; entries sort as they were posted.

    ``at``: Nairobi wall-clock, midnight where a document has a day alone; ``place``: the order
    within one moment; ``documents``: receipts and public ids; ``text``: words from outside.
    """

    at: datetime
    place: int
    documents: tuple[str, ...]
    debit: str
    credit: str
    amount_cents: int
    kind: str
    text: str = ""


class Invoice(NamedTuple):
    """What is owed from ``issued_on``. ``customer`` None = a sale to nobody in particular.

    ``opening``: owed since before the books began, so no sale of theirs.
    """

    row: int
    invoice_id: str
    customer: str | None
    amount_cents: int
    issued_on: date
    opening: bool = False
    text: str = ""


class Payment(NamedTuple):
    """Money that came. ``opening``: credit from before the books began."""

    row: int
    receipt: str
    customer: str | None
    amount_cents: int
    paid_at: datetime
    method: str = "mpesa"
    opening: bool = False
    text: str = ""


class Allocation(NamedTuple):
    """Money that went to an invoice; below zero = it came back. ``made_at``: Nairobi."""

    payment: int
    invoice: int
    amount_cents: int
    made_at: datetime
    reason: str
    receipt: str
    payer: str | None
    paid_at: datetime
    invoice_id: str
    debtor: str | None
    issued_on: date


class Adjustment(NamedTuple):
    """A write-off or a credit note; below zero = it was taken back. ``made_at``: Nairobi."""

    invoice: Invoice
    kind: str
    amount_cents: int
    made_at: datetime
    text: str = ""


class Movement(NamedTuple):
    """A statement's line that is no payer's money; in above zero. ``kind``: as it stands there."""

    receipt: str
    kind: str
    amount_cents: int
    at: datetime
    text: str = ""


def midnight(day: date) -> datetime:
    """Return the moment at which a day begins."""
    return datetime.combine(day, time.min)


def entry(
    at: datetime,
    place: int,
    documents: tuple[str, ...],
    accounts: tuple[str, str],
    amount_cents: int,
    kind: str,
    text: str = "",
) -> Entry:
    """Return an entry; an amount below zero goes the other way. ``accounts``: debit, credit.

    Raises:
        BrokenInvariantError: the amount is zero, or both accounts are the same.
    """
    debit, credit = accounts
    if amount_cents == 0 or debit == credit:
        raise BrokenInvariantError(f"no entry: {amount_cents} cents from {credit} to {debit}")
    if amount_cents < 0:
        debit, credit, amount_cents = credit, debit, -amount_cents
    return Entry(at, place, documents, debit, credit, amount_cents, kind, text)


def receivable(customer: str | None) -> str:
    """Return the account of what a customer owes."""
    return COUNTER if customer is None else f"{RECEIVABLES}:{customer}"


def credit_of(customer: str | None) -> str:
    """Return the account of money that is a customer's, or nobody's."""
    return UNAPPLIED if customer is None else f"{CREDIT}:{customer}"


# One document after the other


def issued(invoice: Invoice, owners: Owners) -> Entry:
    """Return what an invoice posts on its day."""
    at = midnight(invoice.issued_on)
    debtor = receivable(owners.of_invoice(invoice.row, (at, ARRIVES), invoice.customer))
    income, kind = (OPENING, "opening") if invoice.opening else (SALES, "sale")
    documents = (invoice.invoice_id,)
    return entry(at, ARRIVES, documents, (debtor, income), invoice.amount_cents, kind, invoice.text)


def voided(invoice: Invoice, voided_at: datetime, owners: Owners) -> Entry:
    """Return what takes an invoice back. ``voided_at``: Nairobi wall-clock."""
    at = max(voided_at, midnight(invoice.issued_on))
    debtor = receivable(owners.of_invoice(invoice.row, (at, LEAVES), invoice.customer))
    accounts = (OPENING if invoice.opening else SALES, debtor)
    return entry(at, LEAVES, (invoice.invoice_id,), accounts, invoice.amount_cents, "void")


def revived(invoice: Invoice, revived_at: datetime, owners: Owners) -> Entry:
    """Return what brings an invoice back. ``revived_at``: Nairobi wall-clock."""
    at = max(revived_at, midnight(invoice.issued_on))
    debtor = receivable(owners.of_invoice(invoice.row, (at, ARRIVES), invoice.customer))
    accounts = (debtor, OPENING if invoice.opening else SALES)
    return entry(at, ARRIVES, (invoice.invoice_id,), accounts, invoice.amount_cents, "revival")


def received(payment: Payment, owners: Owners) -> Entry:
    """Return what money posts when it comes."""
    at = payment.paid_at
    whose = credit_of(owners.of_payment(payment.row, (at, ARRIVES), payment.customer))
    place, kind = (OPENING, "opening") if payment.opening else (METHODS[payment.method], "payment")
    documents = (payment.receipt,)
    return entry(at, ARRIVES, documents, (place, whose), payment.amount_cents, kind, payment.text)


def reversed_(payment: Payment, reversed_at: datetime, owners: Owners) -> Entry:
    """Return what money posts when it goes back. ``reversed_at``: Nairobi wall-clock."""
    at = max(reversed_at, payment.paid_at)
    whose = credit_of(owners.of_payment(payment.row, (at, LEAVES), payment.customer))
    place = OPENING if payment.opening else METHODS[payment.method]
    return entry(at, LEAVES, (payment.receipt,), (whose, place), payment.amount_cents, "reversal")


def restored(payment: Payment, restored_at: datetime, owners: Owners) -> Entry:
    """Return what takes a reversal back. ``restored_at``: Nairobi wall-clock."""
    at = max(restored_at, payment.paid_at)
    whose = credit_of(owners.of_payment(payment.row, (at, ARRIVES), payment.customer))
    place = OPENING if payment.opening else METHODS[payment.method]
    return entry(at, ARRIVES, (payment.receipt,), (place, whose), payment.amount_cents, "revival")


def allocated(move: Allocation, owners: Owners) -> Entry:
    """Return what pays an invoice: the payer's credit meets what is owed."""
    at = effective(move)
    whose = credit_of(owners.of_payment(move.payment, (at, MOVES), move.payer))
    debtor = receivable(owners.of_invoice(move.invoice, (at, MOVES), move.debtor))
    documents = (move.receipt, move.invoice_id)
    return entry(
        at, MOVES, documents, (whose, debtor), move.amount_cents, "allocation", move.reason
    )


def effective(move: Allocation) -> datetime:
    """Return when a move counts: never before its payment and its invoice do."""
    return max(move.made_at, move.paid_at, midnight(move.issued_on))


def adjusted(change: Adjustment, owners: Owners) -> Entry:
    """Return what is no longer owed."""
    invoice = change.invoice
    at = max(change.made_at, midnight(invoice.issued_on))
    debtor = receivable(owners.of_invoice(invoice.row, (at, MOVES), invoice.customer))
    account = WRITE_OFFS if change.kind == "writeoff" else CREDIT_NOTES
    documents = (invoice.invoice_id,)
    return entry(
        at, MOVES, documents, (account, debtor), change.amount_cents, change.kind, change.text
    )


_OTHER_SIDE = {"charge": CHARGES, "settlement": BANK, "withdrawal": BANK}


def moved(movement: Movement) -> Entry:
    """Return what a statement's line posts: charges, money to the bank, what nobody explained."""
    other = _OTHER_SIDE.get(movement.kind, UNEXPLAINED)
    return entry(
        movement.at,
        MOVES,
        (movement.receipt,),
        (MPESA, other),
        movement.amount_cents,
        movement.kind,
        movement.text,
    )


def opened(short_code: str, at: datetime, amount_cents: int) -> Entry:
    """Return what an M-Pesa account held before the books knew it; it may be less than nothing."""
    return entry(at, ARRIVES, (short_code,), (MPESA, OPENING), amount_cents, "opening")


def handed_over(
    document: str, story: Story, amount_cents: int, moves: Sequence[tuple[Key, int]], *, owed: bool
) -> Iterator[Entry]:
    """Give what was left of a document to each new owner.

    ``moves``: what took from it, sorted. ``owed``: it is an invoice, else it is money.
    """
    account = receivable if owed else credit_of
    left_cents, owner, taken = amount_cents, story.first, 0
    for key, new_owner in story.steps:
        while taken < len(moves) and moves[taken][0] < key:
            left_cents -= moves[taken][1]
            taken += 1
        if left_cents and new_owner != owner:
            accounts = (account(owner), account(new_owner))
            debit_credit = (accounts[1], accounts[0]) if owed else accounts
            yield entry(*key, (document,), debit_credit, left_cents, "handover")
        owner = new_owner


# All of them together


def in_order(entries: Iterable[tuple[datetime, Entry]]) -> Iterator[Entry]:
    """Sort entries that come in the order in which they were made, and count then or later."""
    later: list[Entry] = []
    for made_at, each in entries:
        while later and later[0].at <= made_at:
            yield heapq.heappop(later)
        if each.at <= made_at:
            yield each
        else:
            heapq.heappush(later, each)
    while later:
        yield heapq.heappop(later)


def journal(streams: Iterable[Iterable[Entry]]) -> Iterator[Entry]:
    """Merge streams of entries, each in order, into the one journal."""
    return heapq.merge(*streams)


def balances(entries: Iterable[Entry]) -> dict[str, int]:
    """Return account → cents, debit above zero; together they make zero."""
    cents: dict[str, int] = {}
    for _, _, _, debit, credit, amount_cents, _, _ in entries:
        cents[debit] = cents.get(debit, 0) + amount_cents
        cents[credit] = cents.get(credit, 0) - amount_cents
    return cents
