"""What the books hold of guesses: look-ups by index, and looks back over a bounded stretch.

References, phones and learnt payers are found by index however large the books are. Amounts, names
and earlier payments have none (one on who paid would cost each callback a page), so those are
looked for among the newest rows only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.store.database import fetch_in
from kelly_cli.store.tables import OPEN_INVOICE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection

RECENT_INVOICES = 200_000
RECENT_SALES = 50_000
RECENT_PAYMENTS = 100_000
MOST_CUSTOMERS = 200_000
"""How many of the newest rows a look back reads."""

_OPEN_CENTS = "amount_cents - amount_paid_cents - adjusted_cents"


class Debt(NamedTuple):
    """An invoice or a sale. ``open_cents`` 0 = paid or void; ``customer`` None = nobody's."""

    row: int
    public_id: str
    customer: int | None
    open_cents: int


class Known(NamedTuple):
    """A customer."""

    row: int
    customer_id: str
    name: str
    phone: str | None


def invoices(connection: Connection, rows: Collection[int]) -> list[Debt]:
    """Return invoices by row id."""
    select = (
        f"SELECT id, invoice_id, customer_id, CASE WHEN voided_at IS NULL THEN {_OPEN_CENTS} "
        "ELSE 0 END FROM invoices"
    )
    return [Debt(*row) for row in fetch_in(connection, select, "id", list(rows))]


_FOLDED_ID = (
    "replace(replace(replace(replace(replace("
    "customers.customer_id, '-', ''), ' ', ''), '.', ''), '_', ''), '/', '')"
)
"""What ``fold`` makes of a customer's id; see ``customer_rows``."""


def sales(connection: Connection, rows: Collection[int]) -> list[Debt]:
    """Return sales by row id; what is open on one is what is open on its invoice."""
    select = (
        "SELECT s.id, s.pos_id, s.customer_id, CASE WHEN s.voided_at IS NOT NULL THEN 0 "
        "WHEN i.id IS NULL THEN s.total_cents WHEN i.voided_at IS NOT NULL THEN 0 "
        "ELSE i.amount_cents - i.amount_paid_cents - i.adjusted_cents END "
        "FROM pos_sales s LEFT JOIN invoices i ON i.id = s.invoice_id"
    )
    return [Debt(*row) for row in fetch_in(connection, select, "s.id", list(rows))]


def customers(connection: Connection, rows: Collection[int]) -> list[Known]:
    """Return customers by row id; those that were merged into another or retired are nobody."""
    select = "SELECT id, customer_id, name, phone FROM customers"
    tail = (
        f"AND EXISTS (SELECT 1 FROM reference_keys k WHERE k.key = {_FOLDED_ID} "
        "AND k.customer_id = customers.id AND k.retired_at IS NULL)"
    )
    return [Known(*row) for row in fetch_in(connection, select, "id", list(rows), tail)]


def open_invoices_of(connection: Connection, rows: Collection[int], *, most: int) -> list[Debt]:
    """Return the open invoices of customers, the oldest first, ``most`` in all."""
    select = f"SELECT id, invoice_id, customer_id, {_OPEN_CENTS} FROM invoices"
    tail = f"AND {OPEN_INVOICE} ORDER BY issued_on, number LIMIT {most:d}"
    return [Debt(*row) for row in fetch_in(connection, select, "customer_id", list(rows), tail)]


def invoices_of_amount(connection: Connection, cents: int, *, most: int) -> list[int]:
    """Return the newest invoices (row ids) on which just this amount is open."""
    return _newest(
        connection,
        f"SELECT id FROM invoices WHERE {OPEN_INVOICE} AND {_OPEN_CENTS} = {_param(connection)} "
        f"AND {_recent('invoices', 'id', RECENT_INVOICES)} ORDER BY id DESC LIMIT {most:d}",
        cents,
    )


def sales_of_amount(connection: Connection, cents: int, *, most: int) -> list[int]:
    """Return the newest unpaid sales (row ids) of just this amount."""
    return _newest(
        connection,
        "SELECT id FROM pos_sales WHERE voided_at IS NULL AND invoice_id IS NULL "
        f"AND total_cents = {_param(connection)} "
        f"AND {_recent('pos_sales', 'id', RECENT_SALES)} ORDER BY id DESC LIMIT {most:d}",
        cents,
    )


def customers_of_phones(connection: Connection, phones: Collection[str]) -> list[tuple[str, int]]:
    """Return (phone, row id) of the customers that have one of these phones."""
    select = "SELECT phone, id FROM customers"
    return [(row[0], row[1]) for row in fetch_in(connection, select, "phone", list(phones))]


def customers_of_ends(connection: Connection, head: str, tail: str) -> list[tuple[str, int]]:
    """Return (phone, row id) of all customers whose phone starts and ends so."""
    mark = _param(connection)
    rows = connection.exec_driver_sql(
        f"SELECT phone, id FROM customers WHERE phone >= {mark} AND phone < {mark} "
        f"AND phone LIKE {mark} ORDER BY phone LIMIT {MOST_CUSTOMERS}",
        (head, f"{head}:", f"%{tail}"),
    ).cursor.fetchall()
    return [(row[0], row[1]) for row in rows]


def customers_named(connection: Connection, stems: Sequence[str], *, most: int) -> list[int]:
    """Return the customers (row ids) in whose name all of these stand, in upper case."""
    mark = _param(connection)
    conditions = " AND ".join(f"upper(name) LIKE {mark} ESCAPE '!'" for _ in stems)
    rows = connection.exec_driver_sql(
        f"SELECT id FROM customers WHERE {_recent('customers', 'id', MOST_CUSTOMERS)} "
        f"AND {conditions} ORDER BY id DESC LIMIT {most:d}",
        tuple(f"%{_literally(stem)}%" for stem in stems),
    ).cursor.fetchall()
    return [row[0] for row in rows]


def matched_before(
    connection: Connection, head: str, tail: str, *, but: int
) -> list[tuple[int, str, str | None, int]]:
    """Return (customer, msisdn, payer's name, payments) of payers whose phone is written so.

    ``head`` and ``tail``: what the MSISDN starts and ends with; ``but``: a payment to leave out.
    """
    mark = _param(connection)
    rows: Sequence[Any] = connection.exec_driver_sql(
        "SELECT customer_id, msisdn, payer_name, count(*) FROM payments "
        f"WHERE {_recent('payments', 'id', RECENT_PAYMENTS)} AND msisdn LIKE {mark} ESCAPE '!' "
        f"AND customer_id IS NOT NULL AND reversed_at IS NULL AND id <> {mark} "
        "GROUP BY customer_id, msisdn, payer_name ORDER BY customer_id, msisdn, payer_name",
        (f"{_literally(head)}%{_literally(tail)}", but),
    ).cursor.fetchall()
    return [(row[0], row[1], row[2], int(row[3])) for row in rows]


def _newest(connection: Connection, sql: str, value: int) -> list[int]:
    return [row[0] for row in connection.exec_driver_sql(sql, (value,)).cursor.fetchall()]


def _recent(table: str, column: str, rows: int) -> str:
    return f"{column} > (SELECT coalesce(max(id), 0) - {rows:d} FROM {table})"


def _param(connection: Connection) -> str:
    return "?" if connection.dialect.name == "sqlite" else "%s"


def _literally(text: str) -> str:
    """Return a text in which nothing is a wildcard."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
