"""I-28: M-Pesa's times are whole seconds of Nairobi wall-clock, all others are UTC instants."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Date, DateTime

from kelly_cli.core.times import EARLIEST_MPESA
from kelly_cli.store.tables import Base

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    for table in Base.metadata.sorted_tables:
        wrong = {column.name: _wrong(books, column) for column in table.c if _is_time(column)}
        # One look at the whole table; only where something is wrong, one for each column.
        if wrong and books.first(_any(table, wrong.values())):
            for name, condition in wrong.items():
                yield from books.found(
                    f"SELECT {_key(table)}, CAST({name} AS text) AS moment FROM {table.name} "
                    f"WHERE {condition}",
                    f"{table.name}.{name} is {{moment}}",
                )


def _wrong(books: Snapshot, column: Column[object]) -> str:
    """Return the condition under which a time is misshapen or out of its bounds."""
    name, latest = column.name, books.instant(books.now + _SLACK)
    if isinstance(column.type, Date):
        return f"{name} NOT GLOB '{_DAY}'" if books.is_sqlite else "FALSE"
    shape = f"{name} NOT GLOB '{_INSTANT}'" if books.is_sqlite else "FALSE"
    return f"({shape} OR {name} < '{EARLIEST_MPESA}' OR {name} > '{latest}')"


def times_of_payments(books: Snapshot) -> Found:
    """M-Pesa counts whole seconds since 2007, and tells of a payment when it has happened."""
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


def _any(table: Table, conditions: Iterable[str]) -> str:
    return f"SELECT 1 FROM {table.name} WHERE {' OR '.join(conditions)} LIMIT 1"


def _is_time(column: Column[object]) -> bool:
    kind = column.type
    if column.name == WALL_CLOCK:
        return False
    return isinstance(kind, (Date, DateTime)) or isinstance(getattr(kind, "impl", None), DateTime)


def _key(table: Table) -> str:
    return f"'{table.name} ' || {next(iter(table.primary_key.columns)).name}"
