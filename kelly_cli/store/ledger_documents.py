"""The documents of the ledger as rows give them, and when each counts, in the words of SQL.

What a document posts is told in ``core.ledger``, and whose it was in ``store.ledger_stories``.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core import ledger
from kelly_cli.core.ledger import Adjustment, Allocation, Invoice, Movement, Payment
from kelly_cli.store import hot
from kelly_cli.store.book_rows import as_wall
from kelly_cli.store.ledger_stories import OPENING_CREDIT, Stories, read_stories
from kelly_cli.store.spells import in_nairobi

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, CursorResult

ROWS_AT_ONCE = 5_000

_INVOICE_ID = re.compile(r"INV-\d{8}-\d{4,}", re.ASCII)
_NAIROBI = timedelta(hours=3)

PAYMENTS = (
    "SELECT p.id, p.mpesa_receipt_number, p.customer_id, p.amount_cents, p.transaction_date, "
    "p.method, p.transaction_type, p.payer_name, p.reversed_at FROM payments p"
)
INVOICES = (
    "SELECT i.id, i.invoice_id, i.customer_id, i.amount_cents, i.issued_on, i.description, "
    "i.voided_at FROM invoices i"
)
TO_INVOICES = (
    "FROM allocations a JOIN payments p ON p.id = a.payment_id JOIN invoices i ON i.id = "
    "a.invoice_id"
)
ALLOCATIONS = (
    "SELECT a.payment_id, a.invoice_id, a.amount_cents, a.created_at, a.reason, "
    "p.mpesa_receipt_number, p.customer_id, p.transaction_date, "
    f"i.invoice_id, i.customer_id, i.issued_on, a.id {TO_INVOICES}"
)
ON_INVOICES = "FROM invoice_adjustments a JOIN invoices i ON i.id = a.invoice_id"
ADJUSTMENTS = (
    "SELECT i.id, i.invoice_id, i.customer_id, i.amount_cents, i.issued_on, i.description, "
    f"a.kind, a.amount_cents, a.created_at, a.reason {ON_INVOICES}"
)
BOOKED = (
    "(m.kind = 'payment' OR (m.kind = 'reversal' AND m.occurrence = 1 AND EXISTS (SELECT 1 "
    "FROM payments r WHERE r.mpesa_receipt_number = m.linked_receipt "
    "AND r.reversed_at IS NOT NULL AND r.method = 'mpesa' AND r.amount_cents = -m.amount_cents)))"
)
"""Lines of a statement that the books hold as a payment, or as its reversal."""
MOVEMENTS = (
    "SELECT m.receipt, m.kind, m.amount_cents, m.completed_at, m.details FROM statement_movements m"
)


class Span(NamedTuple):
    """A stretch of time, Nairobi wall-clock; None = from the first, to the last document."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Tell whether a moment lies in it; its end does not."""
        return (self.start is None or moment >= self.start) and (
            self.end is None or moment < self.end
        )


ALWAYS = Span()


class When(NamedTuple):
    """When a document counts: at the latest of these columns.

    ``made``: an instant (UTC); ``wall``: a wall-clock; ``day``: the midnight with which it begins.
    """

    made: str = ""
    wall: str = ""
    day: str = ""


ISSUED = When(day="i.issued_on")
VOIDED = When(made="i.voided_at", day="i.issued_on")
PAID = When(wall="p.transaction_date")
REVERSED = When(made="p.reversed_at", wall="p.transaction_date")
ALLOCATED = When(made="a.created_at", wall="p.transaction_date", day="i.issued_on")
ADJUSTED = When(made="a.created_at", day="i.issued_on")
COMPLETED = When(wall="m.completed_at")
MOVED = When(made="m.created_at")


class Documents:
    """The documents that count in a stretch of time, and whose each was."""

    def __init__(self, connection: Connection, span: Span, stories: Stories | None = None) -> None:
        self.connection = connection
        self.span = span
        self.is_sqlite = connection.dialect.name == "sqlite"
        self.stories = stories or read_stories(connection)
        self.owners = self.stories.owners
        self.names = self.stories.names
        self.opening = _opening_invoices(connection)
        self._streams: list[CursorResult[Any]] = []

    # Rows

    def rows(self, sql: str) -> Iterable[Any]:
        """Stream the rows of driver text."""
        if self.is_sqlite:
            return hot.run(self.connection, sql)
        rows = self.connection.exec_driver_sql(
            sql, execution_options={"stream_results": True, "yield_per": ROWS_AT_ONCE}
        )
        self._streams.append(rows)
        return rows

    def close(self) -> None:
        """Let go of what was not read to its end."""
        for rows in self._streams:
            rows.close()

    def where(self, when: When, condition: str = "", *, since: bool = True) -> str:
        """Return the WHERE of what counts in the span; not ``since``: also before it."""
        start, end = self.span
        parts = [condition] if condition else []
        if end is not None:
            parts += [f"{column} < {literal}" for column, literal in self._columns(when, end)]
        if start is not None and since:
            parts.append(self._not_before(when, start))
        return f" WHERE {' AND '.join(parts)}" if parts else ""

    def within(self, when: When) -> str:
        """Return what is 1 for a document that counts in the span, 0 for one before it."""
        start = self.span.start
        return (
            "1" if start is None else f"CASE WHEN {self._not_before(when, start)} THEN 1 ELSE 0 END"
        )

    def _not_before(self, when: When, start: datetime) -> str:
        either = [f"{column} >= {literal}" for column, literal in self._columns(when, start)]
        return f"({' OR '.join(either)})"

    def _columns(self, when: When, moment: datetime) -> list[tuple[str, str]]:
        literals = (self.instant(moment), self.wall(moment), _day(moment))
        return [(column, literal) for column, literal in zip(when, literals, strict=True) if column]

    def wall(self, moment: datetime) -> str:
        """Return a wall-clock as SQL has it."""
        return f"'{moment.isoformat(' ', 'microseconds')}'"

    def instant(self, moment: datetime) -> str:
        """Return the instant of a Nairobi wall-clock as SQL has it."""
        utc = (moment - _NAIROBI).isoformat(" ", "microseconds")
        return f"'{utc}'" if self.is_sqlite else f"TIMESTAMPTZ '{utc}+00'"

    # Rows as documents

    def invoice(self, row: Any) -> Invoice:
        """Return an invoice of ``INVOICES``."""
        day = row[4] if isinstance(row[4], date) else date.fromisoformat(row[4])
        return Invoice(
            row[0], row[1], self.names[row[2]], row[3], day, row[1] in self.opening, row[5] or ""
        )

    def payment(self, row: Any) -> Payment:
        """Return a payment of ``PAYMENTS``."""
        opening = row[5] == "bank" and (row[6] or "").startswith(OPENING_CREDIT)
        customer = self.names[row[2]]
        return Payment(
            row[0], row[1], customer, row[3], as_wall(row[4]), row[5], opening, row[7] or ""
        )

    def allocation(self, row: Any) -> Allocation:
        """Return an allocation of ``ALLOCATIONS``."""
        day = row[10] if isinstance(row[10], date) else date.fromisoformat(row[10])
        return Allocation(
            row[0],
            row[1],
            row[2],
            in_nairobi(row[3]),
            row[4],
            row[5],
            self.names[row[6]],
            as_wall(row[7]),
            row[8],
            self.names[row[9]],
            day,
        )

    def adjustment(self, row: Any) -> Adjustment:
        """Return an adjustment of ``ADJUSTMENTS``."""
        return Adjustment(self.invoice(row), row[6], row[7], in_nairobi(row[8]), row[9] or "")

    def movement(self, row: Any) -> Movement:
        """Return a line of a statement, of ``MOVEMENTS``."""
        return Movement(row[0], row[1], row[2], as_wall(row[3]), row[4] or "")


def _day(moment: datetime) -> str:
    # A document of a day counts from its midnight on.
    day = moment.date() if moment == ledger.midnight(moment.date()) else None
    return f"'{day or moment.date() + timedelta(days=1)}'"


def _opening_invoices(connection: Connection) -> frozenset[str]:
    """Return the invoices that imports made: owed since before the books began."""
    rows = hot.fetch(
        connection,
        "SELECT r.subject FROM import_rows r JOIN imports m ON m.id = r.import_id "
        "WHERE r.verdict = 'created' AND m.kind IN ('customers', 'invoices')",
    )
    found = (_INVOICE_ID.search(row[0] or "") for row in rows)
    return frozenset(each[0] for each in found if each)


def quoted(text: str) -> str:
    """Return a text as SQL has it."""
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
