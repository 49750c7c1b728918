"""Hot statements: text made once from the tables, run in bulk with tuples.

Row-by-row ORM work is forty to a hundred times slower; compiling a Core construct at each call
costs half (DESIGN.md, decision 5). What the columns' own types do to a value is done here too, so
that a row written by this road reads like any other.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Date, DateTime, TypeDecorator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Dialect, Table

    Processor = Callable[[Any], Any]


def insert_rows(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows of ready parameters, one tuple a row, in the order of ``columns``."""
    if rows:
        connection.exec_driver_sql(_insert_sql(connection.dialect, table, columns), list(rows))


def update_rows(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Set ``columns`` of the rows whose id stands last in each tuple."""
    if rows:
        connection.exec_driver_sql(_update_sql(connection.dialect, table, columns), list(rows))


def ready(connection: Connection, table: Table, column: str) -> Processor | None:
    """Return what the column's type does to a value before the driver gets it, or None."""
    return _processor(connection.dialect, table, column)


def ready_value(connection: Connection, table: Table, column: str, value: Any) -> Any:
    """Return one value as the driver gets it."""
    processor = _processor(connection.dialect, table, column)
    return value if processor is None else processor(value)


@lru_cache(maxsize=256)
def _insert_sql(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> str:
    quote = dialect.identifier_preparer.quote
    names = ", ".join(quote(table.c[column].name) for column in columns)
    marks = ", ".join([mark(dialect)] * len(columns))
    return f"INSERT INTO {quote(table.name)} ({names}) VALUES ({marks})"


@lru_cache(maxsize=256)
def _update_sql(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> str:
    quote = dialect.identifier_preparer.quote
    changes = ", ".join(f"{quote(table.c[column].name)} = {mark(dialect)}" for column in columns)
    return f"UPDATE {quote(table.name)} SET {changes} WHERE id = {mark(dialect)}"


def mark(dialect: Dialect) -> str:
    """Return the mark of one parameter in driver text."""
    return "?" if dialect.paramstyle == "qmark" else "%s"


@lru_cache(maxsize=256)
def _processor(dialect: Dialect, table: Table, column: str) -> Processor | None:
    kind = table.c[column].type
    if dialect.name == "sqlite" and type(kind) is DateTime:
        # The text that SQLAlchemy's own processor writes (a test holds them equal), but faster.
        return _sqlite_text
    if not isinstance(kind, (Date, DateTime, TypeDecorator)):
        return None
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _sqlite_text(moment: datetime) -> str:
    return moment.isoformat(" ", "microseconds")
