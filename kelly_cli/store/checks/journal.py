"""I-26: the ledger says what the books say: each account holds what its documents make.

The journal is read entry by entry; what it makes is held against the sums that invoices and
payments carry, against plain sums of money and statements, and against the pieces in stock.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from kelly_cli.core import ledger
from kelly_cli.core.money import kes
from kelly_cli.errors import BrokenInvariantError
from kelly_cli.store.checks.ledger import LIVE, ledger_of
from kelly_cli.store.ledger_documents import BOOKED
from kelly_cli.store.ledger_rows import read_journal
from kelly_cli.store.ledger_stories import OPENING_CREDIT

if TYPE_CHECKING:
    from kelly_cli.store.checks.shape import Found, Snapshot

_MONEY = (
    "SELECT method, CAST(sum(amount_cents) AS BIGINT) FROM payments WHERE reversed_at IS NULL "
    "AND NOT (method = 'bank' AND "
    f"substr(coalesce(transaction_type, ''), 1, {len(OPENING_CREDIT)}) = '{OPENING_CREDIT}') "
    "GROUP BY method"
)
_MOVED = (
    "SELECT m.kind, CAST(sum(m.amount_cents) AS BIGINT) FROM statement_movements m "
    f"WHERE NOT {BOOKED} GROUP BY m.kind"
)
_SHELVES = "SELECT stock, cost_cents FROM products WHERE stock IS NOT NULL AND cost_cents > 0"


def accounts(books: Snapshot) -> Found:
    """Each account of money, people and goods holds what the books say; all together nothing."""
    try:
        held = _held(books)
    except BrokenInvariantError as error:
        yield "journal", error.message
        return
    expected = _expected(books)
    for name in sorted(_compared(held) | expected.keys()):
        if held.get(name, 0) != expected.get(name, 0):
            ours, theirs = kes(held.get(name, 0)), kes(expected.get(name, 0))
            yield name, f"the ledger makes {ours}, the books {theirs}"
    if sum(held.values()):
        yield "journal", f"all accounts together make {kes(sum(held.values()))}"


def _held(books: Snapshot) -> dict[str, int]:
    """Return account → cents, without what a statement says that was there before."""
    held: dict[str, int] = {}
    with closing(read_journal(books.connection)) as entries:
        for _, _, _, debit, credit, cents, kind, _ in entries:
            if cents <= 0 or debit == credit:
                raise BrokenInvariantError(f"an entry moves {cents} cents from {credit} to {debit}")
            if kind == "opening" and ledger.MPESA in {debit, credit}:
                continue
            held[debit] = held.get(debit, 0) + cents
            held[credit] = held.get(credit, 0) - cents
    return held


def _compared(held: dict[str, int]) -> set[str]:
    """Return the accounts that the books know by themselves."""
    people = (f"{ledger.RECEIVABLES}:", f"{ledger.CREDIT}:", ledger.UNAPPLIED)
    plain = {*ledger.METHODS.values(), ledger.STOCK}
    return {name for name in held if name in plain or name.startswith(people)}


def _expected(books: Snapshot) -> dict[str, int]:
    names = {row[0]: row[1] for row in books.rows("SELECT id, customer_id FROM customers")}
    made: dict[str, int] = {}
    both = ledger_of(books)
    sides = ((both.invoices, 1, ledger.receivable), (both.payments, -1, ledger.credit_of))
    for side, sign, account in sides:
        for _, amount_cents, stored_cents, _, customer, state in side.all():
            if state == LIVE and amount_cents != stored_cents:
                name = account(names.get(customer))
                made[name] = made.get(name, 0) + sign * (amount_cents - stored_cents)
    for method, cents in books.rows(_MONEY):
        name = ledger.METHODS[method]
        made[name] = made.get(name, 0) + cents
    for pieces, cost_cents in books.rows(_SHELVES):
        made[ledger.STOCK] = made.get(ledger.STOCK, 0) + pieces * cost_cents
    for kind, cents in books.rows(_MOVED):
        made[ledger.MPESA] = made.get(ledger.MPESA, 0) + cents
        if kind in {"settlement", "withdrawal"}:
            made[ledger.BANK] = made.get(ledger.BANK, 0) - cents
    return made
