"""Where statements and books differ, both ways, within the days that statements prove."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy import Connection

_ONLY_HERE = (
    "SELECT p.mpesa_receipt_number FROM payments p WHERE p.method = 'mpesa' "
    "AND EXISTS (SELECT 1 FROM statements s WHERE s.short_code = p.short_code "
    "AND s.from_at <= p.transaction_date AND s.to_at >= p.transaction_date) "
    "AND NOT EXISTS (SELECT 1 FROM statement_movements m WHERE m.short_code = p.short_code "
    "AND m.receipt = p.mpesa_receipt_number) ORDER BY p.transaction_date, p.id LIMIT :most"
)
_ONLY_THERE = (
    "SELECT m.receipt FROM statement_movements m WHERE m.kind = 'payment' "
    "AND m.payment_id IS NULL ORDER BY m.completed_at, m.id LIMIT :most"
)


class Differs(NamedTuple):
    """A receipt that only one side has."""

    receipt: str
    told: str


def days_that_differ(connection: Connection, *, limit: int) -> list[Differs]:
    """Return receipts that only a statement has, and that only the books have in its days."""
    if connection.execute(text("SELECT 1 FROM statements LIMIT 1")).first() is None:
        return []
    here = connection.execute(text(_ONLY_HERE), {"most": limit}).scalars()
    there = connection.execute(text(_ONLY_THERE), {"most": limit}).scalars()
    return [
        *(Differs(each, "the statement of its day does not hold it: a forgery?") for each in here),
        *(Differs(each, "a statement holds it, and the books do not") for each in there),
    ]


def payments(connection: Connection) -> int:
    """Return about how many payments there are: the last row."""
    return int(connection.execute(text("SELECT coalesce(max(id), 0) FROM payments")).scalar_one())
