"""I-01 to I-03: every amount is a whole number of cents, within its bounds, and sums are sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger

from kelly_cli.store.tables import MAX_CENTS, Base

if TYPE_CHECKING:
    from sqlalchemy import Table

    from kelly_cli.store.checks.shape import Found, Snapshot

_NOT_CENTS = {"log_id"}
"""Whole numbers that are no amounts."""

_BOUNDS = (
    ("payments", "mpesa_receipt_number", "amount_cents", 1),
    ("invoices", "invoice_id", "adjusted_cents", 0),
    ("payer_aliases", "id", "amount_cents", 1),
    ("invoices", "invoice_id", "amount_cents", 1),
    ("pos_sales", "pos_id", "total_cents", 1),
    ("payment_prompts", "id", "amount_cents", 1),
    ("pos_items", "id", "quantity", 1),
    ("pos_items", "id", "unit_price_cents", 0),
)


def whole_cents(books: Snapshot) -> Found:
    """Every amount is an integer: no binary floating point, no text, no gap."""
    kind = "typeof({0})" if books.is_sqlite else "CAST(pg_typeof({0}) AS text)"
    whole = "integer" if books.is_sqlite else "bigint"
    for table in Base.metadata.sorted_tables:
        for column in _amounts(table):
            missing = "FALSE" if table.c[column].nullable else f"{column} IS NULL"
            given = f"{column} IS NOT NULL AND {kind.format(column)} <> '{whole}'"
            yield from books.found(
                f"SELECT {_key(table)}, {kind.format(column)} AS kind, "
                f"CAST({column} AS text) AS value FROM {table.name} WHERE {missing} OR ({given})",
                f"{table.name}.{column} is {{value}} ({{kind}}): no whole number",
            )


def amount_for_people(books: Snapshot) -> Found:
    """``payments.amount``, the column for people's own SQL, is the same money in KES."""
    yield from books.found(
        "SELECT mpesa_receipt_number, amount, amount_cents FROM payments "
        "WHERE CAST(round(amount * 100) AS BIGINT) <> amount_cents",
        "payments.amount says {amount}, the books {amount_cents}",
    )


def bounds(books: Snapshot) -> Found:
    """No amount is below zero, and none is larger than kelly books at once."""
    for table, key, column, least in _BOUNDS:
        yield from books.found(
            f"SELECT {key} AS row_key, {column} AS value FROM {table} "
            f"WHERE {column} < {least} OR {column} > {MAX_CENTS}",
            f"{table}.{column} is {{value}}: it must be from {least} to {MAX_CENTS}",
        )


def signs_of_allocations(books: Snapshot) -> Found:
    """Money goes to an invoice by a positive row and comes back by a negative one that says why."""
    yield from books.found(
        "SELECT p.mpesa_receipt_number, a.id, a.amount_cents, a.reason FROM allocations a "
        "LEFT JOIN payments p ON p.id = a.payment_id "
        f"WHERE a.amount_cents = 0 OR abs(a.amount_cents) > {MAX_CENTS} "
        "OR (a.amount_cents < 0 AND a.reason IN ('reference', 'fifo', 'credit')) "
        "OR (a.amount_cents > 0 AND a.reason IN ('void', 'reversal'))",
        "allocation {id} moves {amount_cents} with the reason {reason}",
    )


def totals_of_sales(books: Snapshot) -> Found:
    """A sale's total is the sum of its lines."""
    yield from books.found(
        "SELECT s.pos_id, s.total_cents, x.lines_cents FROM pos_sales s LEFT JOIN "
        "(SELECT sale_id, CAST(sum(quantity * unit_price_cents) AS BIGINT) AS lines_cents "
        "FROM pos_items GROUP BY sale_id) x ON x.sale_id = s.id "
        "WHERE x.lines_cents IS NULL OR x.lines_cents <> s.total_cents",
        "the total is {total_cents}, its lines make {lines_cents}",
    )


def _amounts(table: Table) -> list[str]:
    return [
        column.name
        for column in table.c
        if isinstance(column.type, BigInteger)
        and not column.primary_key
        and not column.foreign_keys
        and column.name not in _NOT_CENTS
    ]


def _key(table: Table) -> str:
    return f"'{table.name} ' || {next(iter(table.primary_key.columns)).name}"
