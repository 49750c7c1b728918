"""The money of the whole books in memory, read once: what is stored, and what the rows make.

About a hundred bytes for a payment with its invoice, so that every sum costs one pass over each
table. Row ids are the index; 0 = no customer, no allocation.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from itertools import compress
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kelly_cli.store.checks.shape import Snapshot

Numbers: TypeAlias = "array[int] | defaultdict[int, int]"
"""A number for each row id; a dictionary where the ids are spread too wide."""

LIVE, GONE = 1, 2
"""States: a row that counts; one that is void or reversed. 0 = no such row."""

_PAYMENTS = (
    "SELECT id, amount_cents, allocated_cents, customer_id, "
    "CASE WHEN reversed_at IS NULL THEN 1 ELSE 2 END, pinned, 0 FROM payments"
)
_INVOICES = (
    "SELECT id, amount_cents, amount_paid_cents, customer_id, "
    "CASE WHEN voided_at IS NULL THEN 1 ELSE 2 END, on_hold, adjusted_cents FROM invoices"
)
_ALLOCATIONS = (
    "SELECT id, payment_id, invoice_id, amount_cents, "
    "amount_cents > 0 AND reason IN ('fifo', 'credit') FROM allocations ORDER BY id"
)
_SPARSE = 8
"""Ids that are spread wider than so many times their number are not worth an array."""


class Side:
    """One side of the allocations: all payments, or all invoices.

    ``amount_cents`` of an invoice is what its money can pay: less what was written off or credited.
    ``open_for``: customers with something open that neither a pin nor a hold keeps from the rules.
    """

    def __init__(self, books: Snapshot, sql: str, table: str, pointer: str) -> None:
        self._size = _size(books, table, pointer)
        self.amount_cents = self.numbers()
        self.stored_cents = self.numbers()
        self.rows_cents = self.numbers()
        self.customer = self.numbers()
        self.state = self.numbers()
        self.open_for: set[int] = set()
        for row, whole, stored, customer, state, kept, adjusted in books.rows(sql):
            amount = whole - adjusted
            self.amount_cents[row] = amount
            self.stored_cents[row] = stored
            self.customer[row] = customer or 0
            self.state[row] = state
            if state == LIVE and stored < amount and not kept and customer:
                self.open_for.add(customer)

    def numbers(self) -> Numbers:
        """Return a zero for each row."""
        return defaultdict(int) if self._size is None else array("q", bytes(8 * self._size))

    def all(self) -> Iterator[tuple[int, int, int, int, int, int]]:
        """Give everything that exists: row, amount, stored sum, sum of rows, customer, state."""
        columns = [
            self.amount_cents,
            self.stored_cents,
            self.rows_cents,
            self.customer,
            self.state,
        ]
        if self._size is not None:
            return compress(zip(range(self._size), *columns, strict=True), self.state)
        there = [row for row in sorted(self.state) if self.state[row]]
        return zip(there, *([column[row] for row in there] for column in columns), strict=True)


class Ledger:
    """Both sides, and what the allocations say of them.

    ``first_on_account`` and ``last``: an invoice's first allocation on account, and its last.
    ``odd``: (payment, invoice) → net cents, of those that must not hold anything of each other.
    """

    def __init__(self, books: Snapshot) -> None:
        self.payments = Side(books, _PAYMENTS, "payments", "payment_id")
        self.invoices = Side(books, _INVOICES, "invoices", "invoice_id")
        self.first_on_account = self.invoices.numbers()
        self.last = self.invoices.numbers()
        self.odd: defaultdict[tuple[int, int], int] = defaultdict(int)
        self.allocated_cents = 0
        self._read_allocations(books)

    def _read_allocations(self, books: Snapshot) -> None:
        given, got = self.payments.rows_cents, self.invoices.rows_cents
        payer, debtor = self.payments.customer, self.invoices.customer
        reverse, void = self.payments.state, self.invoices.state
        first, last, odd = self.first_on_account, self.last, self.odd
        total_cents = 0
        for row, payment, invoice, cents, on_account in books.rows(_ALLOCATIONS):
            total_cents += cents
            given[payment] += cents
            got[invoice] += cents
            last[invoice] = row
            if on_account and not first[invoice]:
                first[invoice] = row
            strange = debtor[invoice] and debtor[invoice] != payer[payment]
            if strange or reverse[payment] == GONE or void[invoice] == GONE:
                odd[payment, invoice] += cents
        self.allocated_cents = total_cents


def ledger_of(books: Snapshot) -> Ledger:
    """Return the ledger of a snapshot; it is read when it is first asked for."""
    if books.ledger is None:
        books.ledger = Ledger(books)
    return books.ledger


def _size(books: Snapshot, table: str, pointer: str) -> int | None:
    lowest, highest, count = books.first(f"SELECT min(id), max(id), count(*) FROM {table}")
    least, most = books.first(f"SELECT min({pointer}), max({pointer}) FROM allocations")
    size: int = max(highest or 0, most or 0) + 1
    # A negative id would be read from an array's other end.
    dense = min(lowest or 0, least or 0) >= 0 and size <= _SPARSE * (count + 1_000)
    return size if dense else None
