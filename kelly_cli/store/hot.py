"""Hot statements: text made once from the tables, run in bulk with tuples.

Row-by-row ORM work is forty to a hundred times slower; compiling a Core construct at each call
costs half (DESIGN.md, decision 5). What the columns' own types do to a value is done here too, so
that a row written by this road reads like any other.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Date, DateTime, TypeDecorator, bindparam

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
    statement = table.insert().values({column: bindparam(column) for column in columns})
    return _in_order(statement.compile(dialect=dialect), columns)


@lru_cache(maxsize=256)
def _update_sql(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> str:
    statement = (
        table.update()
        .where(table.c.id == bindparam("row_id"))
        .values({column: bindparam(column) for column in columns})
    )
    return _in_order(statement.compile(dialect=dialect), (*columns, "row_id"))


def _in_order(compiled: Any, columns: tuple[str, ...]) -> str:
    if tuple(compiled.positiontup) != columns:
        # SQLAlchemy orders SET and VALUES as the table does: callers must do the same.
        raise AssertionError(f"columns must stand as in the table: {compiled.positiontup}")
    return str(compiled)


@lru_cache(maxsize=256)
def _processor(dialect: Dialect, table: Table, column: str) -> Processor | None:
    kind = table.c[column].type
    if not isinstance(kind, (Date, DateTime, TypeDecorator)):
        return None
    return kind.dialect_impl(dialect).bind_processor(dialect)
