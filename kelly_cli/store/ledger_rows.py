"""The journal read from the documents: one stream for each kind, in the order of the days.

Nothing is held but what changed hands and what counts later than it was made, so that books of
millions cost little memory. What a document posts is told in ``core.ledger``.
"""

from __future__ import annotations

from itertools import dropwhile, takewhile
from typing import TYPE_CHECKING, Any

from kelly_cli.core import ledger
from kelly_cli.store import hot
from kelly_cli.store.book_rows import as_wall
from kelly_cli.store.database import fetch_in
from kelly_cli.store.ledger_documents import (
    ADJUSTED,
    ADJUSTMENTS,
    ALLOCATED,
    ALLOCATIONS,
    ALWAYS,
    BOOKED,
    COMPLETED,
    INVOICES,
    ISSUED,
    MOVEMENTS,
    PAID,
    PAYMENTS,
    REVERSED,
    VOIDED,
    Documents,
    Span,
    quoted,
)
from kelly_cli.store.ledger_goods import Goods
from kelly_cli.store.spells import in_nairobi

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from kelly_cli.core.ledger import Entry


def read_journal(
    connection: Connection,
    span: Span = ALWAYS,
    *,
    takes_payments: Callable[[str | None], bool] = lambda _: True,
) -> Generator[Entry]:
    """Read the entries of a stretch of time, in order; its end closes what it reads from.

    ``takes_payments``: whether payers pay into a statement's account.
    """
    documents = Documents(connection, span)
    reader = Reader(documents, takes_payments)
    entries = ledger.journal(
        [
            reader.seldom(),
            reader.invoices(),
            reader.payments(),
            reader.allocations(),
            reader.adjustments(),
            reader.movements(),
            reader.reversals(),
            reader.voids(),
            Goods(documents).entries(),
        ]
    )
    if span.start is not None:
        start = span.start
        entries = dropwhile(lambda each: each.at < start, entries)
    if span.end is not None:
        end = span.end
        entries = takewhile(lambda each: each.at < end, entries)
    try:
        yield from entries
    finally:
        documents.close()


class Reader:
    """One stream for each kind of document, each in order."""

    def __init__(self, documents: Documents, takes_payments: Callable[[str | None], bool]) -> None:
        self._documents = documents
        self._connection = documents.connection
        self._owners = documents.owners
        self._takes_payments = takes_payments

    def invoices(self) -> Iterator[Entry]:
        """Give what is owed from its day on."""
        where = self._documents.where(ISSUED)
        for row in self._documents.rows(f"{INVOICES}{where} ORDER BY i.issued_on, i.number"):
            yield ledger.issued(self._documents.invoice(row), self._owners)

    def voids(self) -> Iterator[Entry]:
        """Give what is void now."""
        where = self._documents.where(VOIDED, "i.voided_at IS NOT NULL")
        rows = self._documents.rows(f"{INVOICES}{where} ORDER BY i.voided_at, i.id")
        return ledger.in_order(
            (at, ledger.voided(self._documents.invoice(row), at, self._owners))
            for at, row in _when(6, rows)
        )

    def payments(self) -> Iterator[Entry]:
        """Give money as it came."""
        where = self._documents.where(PAID)
        for row in self._documents.rows(f"{PAYMENTS}{where} ORDER BY p.transaction_date, p.id"):
            yield ledger.received(self._documents.payment(row), self._owners)

    def reversals(self) -> Iterator[Entry]:
        """Give money that is gone now."""
        where = self._documents.where(REVERSED, "p.reversed_at IS NOT NULL")
        rows = self._documents.rows(f"{PAYMENTS}{where} ORDER BY p.reversed_at, p.id")
        return ledger.in_order(
            (at, ledger.reversed_(self._documents.payment(row), at, self._owners))
            for at, row in _when(8, rows)
        )

    def allocations(self) -> Iterator[Entry]:
        """Give what paid invoices."""
        where = self._documents.where(ALLOCATED)
        rows = self._documents.rows(f"{ALLOCATIONS}{where} ORDER BY a.created_at, a.id")
        moves = (self._documents.allocation(row) for row in rows)
        return ledger.in_order(
            (move.made_at, ledger.allocated(move, self._owners)) for move in moves
        )

    def adjustments(self) -> Iterator[Entry]:
        """Give what is no longer owed."""
        where = self._documents.where(ADJUSTED)
        rows = self._documents.rows(f"{ADJUSTMENTS}{where} ORDER BY a.created_at, a.id")
        changes = (self._documents.adjustment(row) for row in rows)
        return ledger.in_order(
            (change.made_at, ledger.adjusted(change, self._owners)) for change in changes
        )

    def movements(self) -> Iterator[Entry]:
        """Give the lines of statements that are no payer's money."""
        where = self._documents.where(COMPLETED, f"NOT {BOOKED}")
        for row in self._documents.rows(f"{MOVEMENTS}{where} ORDER BY m.completed_at, m.id"):
            yield ledger.moved(self._documents.movement(row))

    def seldom(self) -> Iterator[Entry]:
        """Give what no row alone tells: changes of hands, what was void for a while, openings.

        It is not bounded by the span.
        """
        found = [*self._documents.stories.handovers(), *self._openings(), *self._came_back()]
        return iter(sorted(found))

    def _came_back(self) -> Iterator[Entry]:
        stories = self._documents.stories
        voids = fetch_in(self._connection, INVOICES, "i.invoice_id", list(stories.voids))
        for invoice in map(self._documents.invoice, voids):
            for gone_at, back_at in stories.voids[invoice.invoice_id]:
                yield ledger.voided(invoice, gone_at, self._owners)
                yield ledger.revived(invoice, back_at, self._owners)
        receipts = list(stories.reversals)
        gone = fetch_in(self._connection, PAYMENTS, "p.mpesa_receipt_number", receipts)
        for payment in map(self._documents.payment, gone):
            for gone_at, back_at in stories.reversals[payment.receipt]:
                yield ledger.reversed_(payment, gone_at, self._owners)
                yield ledger.restored(payment, back_at, self._owners)

    def _openings(self) -> Iterator[Entry]:
        """Give what each account of a statement held before the books knew it."""
        first: dict[tuple[str, str | None], tuple[datetime, int]] = {}
        for code, account, from_at, cents in hot.fetch(
            self._connection,
            "SELECT short_code, account, from_at, opening_cents FROM statements "
            "WHERE opening_cents IS NOT NULL ORDER BY from_at, id",
        ):
            first.setdefault((code, account), (as_wall(from_at), cents))
        for (code, account), (at, cents) in first.items():
            before_cents = self._known_before(code, at) if self._takes_payments(account) else 0
            if cents != before_cents:
                yield ledger.opened(code, at, cents - before_cents)

    def _known_before(self, code: str, at: datetime) -> int:
        wall, instant = self._documents.wall(at), self._documents.instant(at)
        codes = hot.fetch(
            self._connection,
            "SELECT count(DISTINCT short_code) FROM payments WHERE method = 'mpesa'",
        )
        alone = " OR short_code IS NULL" if codes[0][0] <= 1 else ""
        rows = hot.fetch(
            self._connection,
            "SELECT (SELECT CAST(coalesce(sum(amount_cents), 0) AS BIGINT) FROM payments "
            f"WHERE method = 'mpesa' AND (short_code = {quoted(code)}{alone}) "
            f"AND transaction_date < {wall} "
            f"AND (reversed_at IS NULL OR reversed_at >= {instant})) + "
            "(SELECT CAST(coalesce(sum(m.amount_cents), 0) AS BIGINT) FROM statement_movements m "
            f"WHERE m.short_code = {quoted(code)} AND m.completed_at < {wall} AND NOT {BOOKED})",
        )
        return int(rows[0][0])


def _when(column: int, rows: Iterable[Any]) -> Iterator[tuple[datetime, Any]]:
    """Give each row with the Nairobi wall-clock of one of its instants."""
    for row in rows:
        yield in_nairobi(row[column]), row
