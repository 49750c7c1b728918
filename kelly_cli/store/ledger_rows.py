"""The journal read from the documents: one stream for each kind, in the order of the days.

Nothing is held but what changed hands and what counts later than it was made, so that books of
millions cost little memory. What a document posts is told in ``core.ledger``.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from itertools import dropwhile, takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core import ledger
from kelly_cli.core.ledger import Adjustment, Allocation, Entry, Invoice, Movement, Payment
from kelly_cli.store import hot
from kelly_cli.store.book_rows import as_wall
from kelly_cli.store.ledger_stories import OPENING_CREDIT, Stories, in_nairobi, read_stories

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from sqlalchemy import Connection, CursorResult

ROWS_AT_ONCE = 5_000

_INVOICE_ID = re.compile(r"INV-\d{8}-\d{4,}", re.ASCII)
_NAIROBI = timedelta(hours=3)

_PAYMENT = (
    "SELECT p.id, p.mpesa_receipt_number, p.customer_id, p.amount_cents, p.transaction_date, "
    "p.method, p.transaction_type, p.payer_name, p.reversed_at FROM payments p"
)
_INVOICE = (
    "SELECT i.id, i.invoice_id, i.customer_id, i.amount_cents, i.issued_on, i.description, "
    "i.voided_at FROM invoices i"
)
_ALLOCATION = (
    "SELECT a.payment_id, a.invoice_id, a.amount_cents, a.created_at, a.reason, "
    "p.mpesa_receipt_number, p.customer_id, p.transaction_date, "
    "i.invoice_id, i.customer_id, i.issued_on "
    "FROM allocations a JOIN payments p ON p.id = a.payment_id "
    "JOIN invoices i ON i.id = a.invoice_id"
)
_ADJUSTMENT = (
    "SELECT i.id, i.invoice_id, i.customer_id, i.amount_cents, i.issued_on, i.description, "
    "a.kind, a.amount_cents, a.created_at, a.reason "
    "FROM invoice_adjustments a JOIN invoices i ON i.id = a.invoice_id"
)
_COST = (
    "SELECT i.id, i.invoice_id, i.customer_id, i.amount_cents, i.issued_on, i.description, "
    "i.voided_at, c.cost_cents FROM (SELECT sale_id, CAST(sum(quantity * cost_cents) AS BIGINT) "
    "AS cost_cents FROM pos_items WHERE cost_cents > 0 GROUP BY sale_id) c "
    "JOIN pos_sales s ON s.id = c.sale_id JOIN invoices i ON i.id = s.invoice_id"
)
BOOKED = (
    "(m.kind = 'payment' OR (m.kind = 'reversal' AND m.occurrence = 1 AND EXISTS (SELECT 1 "
    "FROM payments r WHERE r.mpesa_receipt_number = m.linked_receipt "
    "AND r.reversed_at IS NOT NULL AND r.method = 'mpesa' AND r.amount_cents = -m.amount_cents)))"
)
"""Lines of a statement that the books hold as a payment, or as its reversal."""
_MOVEMENT = (
    "SELECT m.receipt, m.kind, m.amount_cents, m.completed_at, m.details FROM statement_movements m"
)


class Span(NamedTuple):
    """A stretch of time, Nairobi wall-clock; None = from the first, to the last document."""

    start: datetime | None = None
    end: datetime | None = None


ALWAYS = Span()


def read_journal(
    connection: Connection,
    span: Span = ALWAYS,
    *,
    takes_payments: Callable[[str | None], bool] = lambda _: True,
) -> Generator[Entry]:
    """Read the entries of a stretch of time, in order; its end closes what it reads from.

    ``takes_payments``: whether payers pay into a statement's account.
    """
    reader = _Reader(connection, span, read_stories(connection))
    entries = ledger.journal(
        [
            reader.openings(takes_payments),
            reader.invoices(),
            reader.costs(),
            reader.payments(),
            reader.handovers(),
            reader.allocations(),
            reader.adjustments(),
            reader.movements(),
            reader.reversals(),
            reader.voids(),
            reader.costs_back(),
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
        reader.close()


class _Reader:
    """One stream for each kind of document, each in order."""

    def __init__(self, connection: Connection, span: Span, stories: Stories) -> None:
        self._connection = connection
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._span = span
        self._stories = stories
        self._owners = stories.owners
        self._names = stories.names
        self._opening = _opening_invoices(connection)
        self._streams: list[CursorResult[Any]] = []

    def invoices(self) -> Iterator[Entry]:
        where = self._between(issued_on="i.issued_on")
        for row in self._rows(f"{_INVOICE}{where} ORDER BY i.issued_on, i.number"):
            yield ledger.issued(self._invoice(row), self._owners)

    def voids(self) -> Iterator[Entry]:
        where = self._between("i.voided_at IS NOT NULL", made="i.voided_at", later="i.issued_on")
        sql = f"{_INVOICE}{where} ORDER BY i.voided_at, i.id"
        return ledger.in_order(
            (at, ledger.voided(self._invoice(row), at, self._owners))
            for at, row in _when(6, self._rows(sql))
        )

    def costs(self) -> Iterator[Entry]:
        where = self._between(issued_on="i.issued_on")
        for row in self._rows(f"{_COST}{where} ORDER BY i.issued_on, i.number"):
            yield ledger.cost(self._invoice(row), int(row[7]))

    def costs_back(self) -> Iterator[Entry]:
        where = self._between("i.voided_at IS NOT NULL", made="i.voided_at", later="i.issued_on")
        return ledger.in_order(
            (at, ledger.cost_back(self._invoice(row), int(row[7]), at))
            for at, row in _when(6, self._rows(f"{_COST}{where} ORDER BY i.voided_at, i.id"))
        )

    def payments(self) -> Iterator[Entry]:
        where = self._between(paid_at="p.transaction_date")
        for row in self._rows(f"{_PAYMENT}{where} ORDER BY p.transaction_date, p.id"):
            yield ledger.received(self._payment(row), self._owners)

    def reversals(self) -> Iterator[Entry]:
        where = self._between(
            "p.reversed_at IS NOT NULL", made="p.reversed_at", later="p.transaction_date"
        )
        return ledger.in_order(
            (at, ledger.reversed_(self._payment(row), at, self._owners))
            for at, row in _when(8, self._rows(f"{_PAYMENT}{where} ORDER BY p.reversed_at, p.id"))
        )

    def allocations(self) -> Iterator[Entry]:
        where = self._between(made="a.created_at", later="p.transaction_date i.issued_on")
        rows = self._rows(f"{_ALLOCATION}{where} ORDER BY a.created_at, a.id")
        moves = (allocation(row, self._names) for row in rows)
        return ledger.in_order(
            (move.made_at, ledger.allocated(move, self._owners)) for move in moves
        )

    def adjustments(self) -> Iterator[Entry]:
        where = self._between(made="a.created_at", later="i.issued_on")
        rows = self._rows(f"{_ADJUSTMENT}{where} ORDER BY a.created_at, a.id")
        changes = (self._adjustment(row) for row in rows)
        return ledger.in_order(
            (change.made_at, ledger.adjusted(change, self._owners)) for change in changes
        )

    def movements(self) -> Iterator[Entry]:
        where = self._between(f"NOT {BOOKED}", paid_at="m.completed_at")
        for row in self._rows(f"{_MOVEMENT}{where} ORDER BY m.completed_at, m.id"):
            yield ledger.moved(Movement(row[0], row[1], row[2], as_wall(row[3]), row[4] or ""))

    def handovers(self) -> Iterator[Entry]:
        return iter(sorted(self._stories.handovers()))

    def openings(self, takes_payments: Callable[[str | None], bool]) -> Iterator[Entry]:
        """Give what each account of a statement held before the books knew it."""
        first: dict[tuple[str, str | None], tuple[datetime, int]] = {}
        for code, account, from_at, cents in self._rows(
            "SELECT short_code, account, from_at, opening_cents FROM statements "
            "WHERE opening_cents IS NOT NULL ORDER BY from_at, id"
        ):
            first.setdefault((code, account), (as_wall(from_at), cents))
        found = []
        for (code, account), (at, cents) in first.items():
            before_cents = self._known_before(code, at) if takes_payments(account) else 0
            if cents != before_cents:
                found.append(ledger.opened(code, at, cents - before_cents))
        return iter(sorted(found))

    def _known_before(self, code: str, at: datetime) -> int:
        wall, instant = self._wall(at), self._instant(at)
        codes = hot.fetch(
            self._connection,
            "SELECT count(DISTINCT short_code) FROM payments WHERE method = 'mpesa'",
        )
        alone = " OR short_code IS NULL" if codes[0][0] <= 1 else ""
        rows = hot.fetch(
            self._connection,
            "SELECT (SELECT CAST(coalesce(sum(amount_cents), 0) AS BIGINT) FROM payments "
            f"WHERE method = 'mpesa' AND (short_code = {_quoted(code)}{alone}) "
            f"AND transaction_date < {wall} "
            f"AND (reversed_at IS NULL OR reversed_at >= {instant})) + "
            "(SELECT CAST(coalesce(sum(m.amount_cents), 0) AS BIGINT) FROM statement_movements m "
            f"WHERE m.short_code = {_quoted(code)} AND m.completed_at < {wall} AND NOT {BOOKED})",
        )
        return int(rows[0][0])

    # Rows as documents

    def _invoice(self, row: Any) -> Invoice:
        day = row[4] if isinstance(row[4], date) else date.fromisoformat(row[4])
        return Invoice(
            row[0], row[1], self._names[row[2]], row[3], day, row[1] in self._opening, row[5] or ""
        )

    def _payment(self, row: Any) -> Payment:
        opening = row[5] == "bank" and (row[6] or "").startswith(OPENING_CREDIT)
        customer = self._names[row[2]]
        return Payment(
            row[0], row[1], customer, row[3], as_wall(row[4]), row[5], opening, row[7] or ""
        )

    def _adjustment(self, row: Any) -> Adjustment:
        return Adjustment(self._invoice(row), row[6], row[7], in_nairobi(row[8]), row[9] or "")

    # The words of the dialects

    def _rows(self, sql: str) -> Iterable[Any]:
        if self._is_sqlite:
            return hot.run(self._connection, sql)
        rows = self._connection.exec_driver_sql(
            sql, execution_options={"stream_results": True, "yield_per": ROWS_AT_ONCE}
        )
        self._streams.append(rows)
        return rows

    def close(self) -> None:
        """Let go of what was not read to its end."""
        for rows in self._streams:
            rows.close()

    def _between(
        self,
        condition: str = "",
        *,
        made: str = "",
        later: str = "",
        paid_at: str = "",
        issued_on: str = "",
    ) -> str:
        """Return the WHERE that leaves out what cannot count in the span.

        ``made``: a UTC column; it counts then, or on a wall-clock or day of ``later`` that is not
        before it.
        """
        parts = [condition] if condition else []
        start, end = self._span
        if end is not None:
            parts += [f"{made} < {self._instant(end)}"] if made else []
            parts += [f"{paid_at} < {self._wall(end)}"] if paid_at else []
            parts += [f"{issued_on} < {self._day(end)}"] if issued_on else []
        if start is not None:
            parts += [f"{paid_at} >= {self._wall(start)}"] if paid_at else []
            parts += [f"{issued_on} >= {self._day(start)}"] if issued_on else []
        if start is not None and made:
            either = [f"{made} >= {self._instant(start)}"]
            for column in later.split():
                literal = self._day(start) if column.endswith("_on") else self._wall(start)
                either.append(f"{column} >= {literal}")
            parts.append(f"({' OR '.join(either)})")
        return f" WHERE {' AND '.join(parts)}" if parts else ""

    def _wall(self, moment: datetime) -> str:
        return f"'{moment.isoformat(' ', 'microseconds')}'"

    def _day(self, moment: datetime) -> str:
        # A document of a day counts from its midnight on.
        day = moment.date() if moment == ledger.midnight(moment.date()) else None
        return f"'{day or moment.date() + timedelta(days=1)}'"

    def _instant(self, moment: datetime) -> str:
        utc = (moment - _NAIROBI).isoformat(" ", "microseconds")
        return f"'{utc}'" if self._is_sqlite else f"'{utc}+00'"


def allocation(row: Any, names: dict[int | None, str | None]) -> Allocation:
    """Return an allocation as the driver gave it. ``names``: customer row → public id."""
    day = row[10] if isinstance(row[10], date) else date.fromisoformat(row[10])
    return Allocation(
        row[0],
        row[1],
        row[2],
        in_nairobi(row[3]),
        row[4],
        row[5],
        names[row[6]],
        as_wall(row[7]),
        row[8],
        names[row[9]],
        day,
    )


def _when(column: int, rows: Iterable[Any]) -> Iterator[tuple[datetime, Any]]:
    """Give each row with the Nairobi wall-clock of one of its instants."""
    for row in rows:
        yield in_nairobi(row[column]), row


def _opening_invoices(connection: Connection) -> frozenset[str]:
    """Return the invoices that imports made: owed since before the books began."""
    rows = hot.fetch(
        connection,
        "SELECT r.subject FROM import_rows r JOIN imports m ON m.id = r.import_id "
        "WHERE r.verdict = 'created' AND m.kind IN ('customers', 'invoices')",
    )
    found = (_INVOICE_ID.search(row[0] or "") for row in rows)
    return frozenset(each[0] for each in found if each)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def newest_day(connection: Connection) -> date | None:
    """Return the day of the newest payment or invoice, None = there is none."""
    (row,) = hot.fetch(
        connection,
        "SELECT (SELECT max(transaction_date) FROM payments), "
        "(SELECT max(issued_on) FROM invoices)",
    )
    days = [datetime.fromisoformat(str(each)).date() for each in row if each is not None]
    return max(days, default=None)


def customer_ids(connection: Connection) -> list[str]:
    """Return the public id of every customer."""
    rows = hot.fetch(connection, "SELECT customer_id FROM customers ORDER BY customer_id")
    return [row[0] for row in rows]
