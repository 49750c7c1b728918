"""Sums for reports: callbacks by day and reason, payers, goods sold, charges of statements."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core.times import utc_range
from kelly_cli.store import hot
from kelly_cli.store.effect_rows import SALE_STATUS
from kelly_cli.store.tables import Base

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    Codes = Collection[str] | None

_TABLES = Base.metadata.tables
_LOG_DAY = {
    "sqlite": "date(l.created_at, '+3 hours')",
    "postgresql": "CAST(l.created_at AT TIME ZONE 'Africa/Nairobi' AS DATE)",
}
_DAYS_TO_PAY = {
    "sqlite": "CAST(julianday(date(p.transaction_date)) - julianday(i.issued_on) AS INTEGER)",
    "postgresql": "CAST(p.transaction_date AS DATE) - i.issued_on",
}


class LogDay(NamedTuple):
    """The callbacks of one Nairobi day by what became of them."""

    day: date
    total: int
    processed: int
    duplicates: int
    failed: int
    pending: int
    conflicts: int


class Payer(NamedTuple):
    """What one customer paid in a stretch of time (``newest``: Nairobi wall-clock)."""

    customer: int
    payments: int
    cents: int
    newest: datetime


class Sold(NamedTuple):
    """What was sold of a product: paid for, and on sales that are not (wholly) paid.

    ``costed``: paid pieces whose cost is known, with what they brought and cost.
    """

    product_id: str
    name: str
    sales: int
    quantity: int
    cents: int
    open_quantity: int
    open_cents: int
    costed: int
    costed_cents: int
    cost_cents: int


class Charged(NamedTuple):
    """A payment on a statement and what was charged for it; cents above zero."""

    receipt: str
    short_code: str
    day: date
    amount_cents: int
    charged_cents: int


def log_days(connection: Connection, first: date, last: date, codes: Codes) -> list[LogDay]:
    """Return the callbacks of each Nairobi day that had some."""
    where, values = _logs_within(connection, first, last, codes)
    rows = hot.fetch(
        connection,
        f"SELECT {_LOG_DAY[connection.dialect.name]}, count(*), "
        "sum(CASE WHEN l.processed THEN 1 ELSE 0 END), "
        "sum(CASE WHEN l.is_duplicate THEN 1 ELSE 0 END), "
        "sum(CASE WHEN NOT l.processed AND NOT l.is_duplicate AND l.error IS NOT NULL "
        "THEN 1 ELSE 0 END), "
        "sum(CASE WHEN NOT l.processed AND NOT l.is_duplicate AND l.error IS NULL "
        "THEN 1 ELSE 0 END), "
        "sum(CASE WHEN l.is_duplicate AND substr(l.error, 1, 10) = 'conflict: ' "
        f"THEN 1 ELSE 0 END) FROM webhook_logs l{where} GROUP BY 1 ORDER BY 1",
        values,
    )
    return [LogDay(_date(row[0]), *(int(each) for each in row[1:])) for row in rows]


def log_errors(
    connection: Connection, first: date, last: date, codes: Codes
) -> list[tuple[str, int]]:
    """Return the errors of failed callbacks and of conflicts, and how often each stands there."""
    where, values = _logs_within(connection, first, last, codes)
    rows = hot.fetch(
        connection,
        f"SELECT l.error, count(*) FROM webhook_logs l{where} AND l.error IS NOT NULL "
        "AND NOT l.processed AND (NOT l.is_duplicate OR substr(l.error, 1, 10) = 'conflict: ') "
        "GROUP BY l.error",
        values,
    )
    return [(row[0], int(row[1])) for row in rows]


def payers(connection: Connection, first: date, last: date, codes: Codes) -> list[Payer]:
    """Return what each customer paid from ``first`` to ``last``; reversed money did not stay."""
    where, values = _paid_within(connection, first, last, codes)
    rows = hot.fetch(
        connection,
        "SELECT p.customer_id, count(*), sum(p.amount_cents), max(p.transaction_date) "
        f"FROM payments p WHERE {where} AND p.customer_id IS NOT NULL "
        "AND p.reversed_at IS NULL GROUP BY 1",
        values,
    )
    return [Payer(row[0], int(row[1]), int(row[2]), _wall(row[3])) for row in rows]


def days_to_pay(
    connection: Connection, first: date, last: date, codes: Codes
) -> dict[int, tuple[int, int]]:
    """Return, by customer, the cents paid on invoices in these days and cents times days waited."""
    where, values = _paid_within(connection, first, last, codes)
    waited = _DAYS_TO_PAY[connection.dialect.name]
    rows = hot.fetch(
        connection,
        f"SELECT i.customer_id, sum(a.amount_cents), sum(a.amount_cents * ({waited})) "
        "FROM payments p JOIN allocations a ON a.payment_id = p.id "
        f"JOIN invoices i ON i.id = a.invoice_id WHERE {where} "
        "AND i.customer_id IS NOT NULL GROUP BY 1 HAVING sum(a.amount_cents) > 0",
        values,
    )
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def sold(connection: Connection, first: date, last: date, codes: Codes) -> list[Sold]:
    """Return what was sold from ``first`` to ``last`` (day of sale) by product; no void sales."""
    mark = hot.mark(connection.dialect)
    by_code = ""
    if codes is not None:
        by_code = (
            " AND EXISTS (SELECT 1 FROM allocations a JOIN payments p ON p.id = a.payment_id "
            f"WHERE a.invoice_id = s.invoice_id AND p.short_code IN ({_marks(mark, codes)}))"
        )
    paid, costed = "x.status = 'PAID'", "x.status = 'PAID' AND x.cost IS NOT NULL"
    price = "x.quantity * x.price"
    sums = ", ".join(
        f"coalesce(sum(CASE WHEN {when} THEN {what} END), 0)"
        for when, what in (
            (paid, "x.quantity"),
            (paid, price),
            (f"NOT ({paid})", "x.quantity"),
            (f"NOT ({paid})", price),
            (costed, "x.quantity"),
            (costed, price),
            (costed, "x.quantity * x.cost"),
        )
    )
    rows = hot.fetch(
        connection,
        f"SELECT x.product_id, max(x.name), count(DISTINCT x.sale), {sums} FROM ("
        f"SELECT t.product_id, t.product_name AS name, s.id AS sale, {SALE_STATUS} AS status, "
        "t.quantity, t.unit_price_cents AS price, t.cost_cents AS cost FROM pos_items t "
        "JOIN pos_sales s ON s.id = t.sale_id LEFT JOIN invoices i ON i.id = s.invoice_id "
        f"WHERE s.voided_at IS NULL AND s.sold_on BETWEEN {mark} AND {mark}{by_code}) x "
        "GROUP BY x.product_id",
        (
            *(
                hot.ready_value(connection, _TABLES["pos_sales"], "sold_on", d)
                for d in (first, last)
            ),
            *(codes or ()),
        ),
    )
    return [Sold(row[0], row[1], *(int(each) for each in row[2:])) for row in rows]


def charged(connection: Connection, first: date, last: date, codes: Codes) -> list[Charged]:
    """Return the payments of applied statements with the charges of the same receipt."""
    where, values = _moved_within(connection, first, last, codes)
    rows = hot.fetch(
        connection,
        "SELECT m.receipt, m.short_code, m.completed_at, m.amount_cents, coalesce(("
        "SELECT -sum(c.amount_cents) FROM statement_movements c WHERE c.kind = 'charge' "
        "AND c.short_code = m.short_code AND c.receipt = m.receipt), 0) "
        f"FROM statement_movements m WHERE m.kind = 'payment' AND {where} "
        "ORDER BY m.completed_at, m.receipt",
        values,
    )
    return [Charged(row[0], row[1], _wall(row[2]).date(), int(row[3]), int(row[4])) for row in rows]


def other_charges(
    connection: Connection, first: date, last: date, codes: Codes
) -> list[tuple[date, int]]:
    """Return the charges of statements that belong to no payment on them, by day; above zero."""
    where, values = _moved_within(connection, first, last, codes)
    rows = hot.fetch(
        connection,
        "SELECT m.completed_at, -m.amount_cents FROM statement_movements m "
        f"WHERE m.kind = 'charge' AND {where} AND NOT EXISTS (SELECT 1 FROM statement_movements p "
        "WHERE p.kind = 'payment' AND p.short_code = m.short_code AND p.receipt = m.receipt)",
        values,
    )
    return [(_wall(row[0]).date(), int(row[1])) for row in rows]


def _logs_within(
    connection: Connection, first: date, last: date, codes: Codes
) -> tuple[str, tuple[Any, ...]]:
    mark = hot.mark(connection.dialect)
    values = tuple(
        hot.ready_value(connection, _TABLES["webhook_logs"], "created_at", each)
        for each in utc_range(first, last)
    )
    join, among = "", ""
    told: tuple[str, ...] = ()
    if codes is not None:
        # A log that led to no payment is of the codes that its text names.
        named = " OR ".join([f"l.raw_payload LIKE {mark}"] * len(codes))
        join = " LEFT JOIN payments p ON p.id = l.payment_id"
        among = (
            f" AND (p.short_code IN ({_marks(mark, codes)}) "
            f"OR (l.payment_id IS NULL AND ({named})))"
        )
        told = (*codes, *(f"%{code}%" for code in codes))
    within = f"l.created_at >= {mark} AND l.created_at < {mark}"
    return f"{join} WHERE {within}{among}", (*values, *told)


def _paid_within(
    connection: Connection, first: date, last: date, codes: Codes
) -> tuple[str, tuple[Any, ...]]:
    return _within(connection, "p.transaction_date", "p.short_code", first, last, codes)


def _moved_within(
    connection: Connection, first: date, last: date, codes: Codes
) -> tuple[str, tuple[Any, ...]]:
    return _within(connection, "m.completed_at", "m.short_code", first, last, codes)


def _within(
    connection: Connection, moment: str, code: str, first: date, last: date, codes: Codes
) -> tuple[str, tuple[Any, ...]]:
    mark = hot.mark(connection.dialect)
    start, end = datetime.combine(first, time.min), datetime.combine(last, time.min)
    values = tuple(
        hot.ready_value(connection, _TABLES["payments"], "transaction_date", each)
        for each in (start, end + timedelta(days=1))
    )
    among = "" if codes is None else f" AND {code} IN ({_marks(mark, codes)})"
    return f"{moment} >= {mark} AND {moment} < {mark}{among}", (*values, *(codes or ()))


def _marks(mark: str, values: Collection[str]) -> str:
    return ", ".join([mark] * len(values))


def _date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def _wall(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
