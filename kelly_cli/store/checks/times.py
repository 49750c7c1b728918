"""I-28: M-Pesa's times are whole seconds of Nairobi wall-clock, all others are UTC instants."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Date, DateTime

from kelly_cli.core.times import EARLIEST_MPESA
from kelly_cli.store.tables import Base

if TYPE_CHECKING:
    from sqlalchemy import Column, Table

    from kelly_cli.store.checks.shape import Found, Snapshot

WALL_CLOCK = "transaction_date"
"""The one column that holds Nairobi wall-clock."""

_DAY = "[12][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]"
_TIME = "[0-2][0-9]:[0-5][0-9]:[0-5][0-9]"
_SECOND = f"{_DAY} {_TIME}.000000"
_INSTANT = f"{_DAY} {_TIME}.[0-9][0-9][0-9][0-9][0-9][0-9]"
_SLACK = timedelta(days=1)


def times(books: Snapshot) -> Found:
    """Every time is written in its one form, and lies between 2007 and a day ahead of now."""
    latest = books.now + _SLACK
    for table in Base.metadata.sorted_tables:
        for column in table.c:
            if isinstance(column.type, Date):
                yield from _misshapen(books, table, column, _DAY)
            elif column.name != WALL_CLOCK and _is_instant(column):
                yield from _misshapen(books, table, column, _INSTANT)
                yield from books.found(
                    f"SELECT {_key(table)}, {column.name} AS moment FROM {table.name} "
                    f"WHERE {column.name} < '{EARLIEST_MPESA}' OR {column.name} > ?",
                    f"{table.name}.{column.name} is {{moment}}",
                    books.instant(latest),
                )


def times_of_payments(books: Snapshot) -> Found:
    """M-Pesa counts whole seconds since 2007, and tells of a payment when it has happened."""
    payments = Base.metadata.tables["payments"]
    yield from _misshapen(books, payments, payments.c[WALL_CLOCK], _INSTANT)
    if books.is_sqlite:
        fraction = f"{WALL_CLOCK} NOT GLOB '{_SECOND}'"
        # Nairobi is three hours ahead of UTC, and a TransTime may be a day ahead of us.
        too_late = f"{WALL_CLOCK} > datetime(created_at, '+27 hours', '+1 second')"
    else:
        fraction = f"{WALL_CLOCK} <> date_trunc('second', {WALL_CLOCK})"
        too_late = f"{WALL_CLOCK} > (created_at AT TIME ZONE 'UTC') + INTERVAL '27 hours 1 second'"
    yield from books.found(
        f"SELECT mpesa_receipt_number, {WALL_CLOCK}, created_at FROM payments "
        f"WHERE {WALL_CLOCK} < '{EARLIEST_MPESA}' "
        f"OR (method = 'mpesa' AND ({fraction} OR {too_late}))",
        "transaction_date is {transaction_date}, and it was booked at {created_at} (UTC)",
    )


def _misshapen(books: Snapshot, table: Table, column: Column[object], pattern: str) -> Found:
    """SQLite keeps times as text and takes any; PostgreSQL has types for them."""
    if books.is_sqlite:
        yield from books.found(
            f"SELECT {_key(table)}, {column.name} AS text FROM {table.name} "
            f"WHERE {column.name} NOT GLOB '{pattern}'",
            f"{table.name}.{column.name} is {{text}}, not written as the books write it",
        )


def _is_instant(column: Column[object]) -> bool:
    kind = column.type
    return isinstance(kind, DateTime) or isinstance(getattr(kind, "impl", None), DateTime)


def _key(table: Table) -> str:
    return f"'{table.name} ' || {next(iter(table.primary_key.columns)).name}"
