"""How invoices, sales and balances stand, by name: two such pictures show what a change does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kelly_cli.store.database import fetch_in
from kelly_cli.store.tables import FREE_MONEY, OPEN_INVOICE

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

SALE_STATUS = (
    "CASE WHEN s.voided_at IS NOT NULL THEN 'VOID' WHEN i.status IS NULL OR i.status = 'UNPAID' "
    "THEN 'PENDING' ELSE i.status END"
)
"""A sale's status follows its invoice: ``pos_sales s LEFT JOIN invoices i``."""


def standing_invoices(connection: Connection, rows: Collection[int]) -> dict[str, tuple[str, int]]:
    """Return (status, paid cents) of these invoices by public id."""
    select = "SELECT invoice_id, status, amount_paid_cents FROM invoices"
    return {row[0]: (row[1], row[2]) for row in fetch_in(connection, select, "id", list(rows))}


def standing_sales(connection: Connection, rows: Collection[int]) -> dict[str, tuple[str, int]]:
    """Return (status, paid cents) of these sales by public id."""
    select = (
        f"SELECT s.pos_id, {SALE_STATUS}, coalesce(i.amount_paid_cents, 0) "
        "FROM pos_sales s LEFT JOIN invoices i ON i.id = s.invoice_id"
    )
    return {row[0]: (row[1], row[2]) for row in fetch_in(connection, select, "s.id", list(rows))}


def standing_balances(connection: Connection, rows: Collection[int]) -> dict[str, int]:
    """Return the balances of these customers, in cents, by public id."""
    totals: dict[int, int] = dict.fromkeys(rows, 0)
    open_cents = "amount_cents - adjusted_cents - amount_paid_cents"
    owed = f"SELECT customer_id, sum({open_cents}) FROM invoices"
    free = "SELECT customer_id, sum(amount_cents - allocated_cents) FROM payments"
    for row in _sums(connection, owed, rows, OPEN_INVOICE):
        totals[row[0]] += int(row[1])
    for row in _sums(connection, free, rows, FREE_MONEY):
        totals[row[0]] -= int(row[1])
    names = fetch_in(connection, "SELECT id, customer_id FROM customers", "id", list(rows))
    return {name: totals[row] for row, name in names}


def _sums(connection: Connection, select: str, rows: Collection[int], where: str) -> Any:
    tail = f"AND {where} GROUP BY customer_id"
    return fetch_in(connection, select, "customer_id", list(rows), tail)
