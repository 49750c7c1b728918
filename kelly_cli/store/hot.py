"""Hot statements: text made once from the tables, run in bulk with tuples.

Row-by-row ORM work is forty to a hundred times slower; compiling a Core construct at each call
costs half (DESIGN.md, decision 5). What the columns' own types do to a value is done here too, so
that a row written by this road reads like any other.

On SQLite the driver is called directly: SQLAlchemy's part of a small statement is most of its
price. Many rows go in with one statement, because SQLite's driver lets other threads in at every
step of one, and has to wait for its turn to come back.
"""

from __future__ import annotations

import sqlite3
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy import Date, DateTime, TypeDecorator
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Dialect, Table

    Processor = Callable[[Any], Any]

_AT_ONCE = (64, 32, 16, 8, 4, 2, 1)
"""Rows in one INSERT: few sizes, so that each statement is prepared once."""


def run(
    connection: Connection, sql: str, parameters: Sequence[Any] = (), *, many: bool = False
) -> sqlite3.Cursor:
    """Run a statement with SQLite's driver; errors are the same as by way of SQLAlchemy.

    Raises:
        DBAPIError: what the driver raised, as SQLAlchemy says it.
    """
    raw: Any = connection.connection.driver_connection
    try:
        cursor: sqlite3.Cursor = (raw.executemany if many else raw.execute)(sql, parameters)
    except sqlite3.Error as error:
        raise DBAPIError.instance(sql, None, error, sqlite3.Error) from error
    return cursor


def fetch(connection: Connection, sql: str, parameters: Sequence[Any] = ()) -> Sequence[Any]:
    """Run driver text and return all rows, as the driver's own tuples."""
    if connection.dialect.name == "sqlite":
        rows: Sequence[Any] = run(connection, sql, parameters).fetchall()
        return rows
    # Wrapping each in a Row costs as much as fetching it.
    cursor: Any = connection.exec_driver_sql(sql, tuple(parameters)).cursor
    return cursor.fetchall()  # type: ignore[no-any-return]


def insert_rows(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows of ready parameters, one tuple a row, in the order of ``columns``."""
    if connection.dialect.name != "sqlite":
        if rows:
            connection.exec_driver_sql(_insert_sql(connection.dialect, table, columns), list(rows))
        return
    done = 0
    for size in _AT_ONCE:
        while len(rows) - done >= size:
            sql = _insert_sql(connection.dialect, table, columns, size)
            run(connection, sql, tuple(chain.from_iterable(rows[done : done + size])))
            done += size


def update_rows(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Set ``columns`` of the rows whose id stands last in each tuple."""
    if not rows:
        return
    sql = _update_sql(connection.dialect, table, columns)
    if connection.dialect.name == "sqlite":
        run(connection, sql, rows, many=True)
    else:
        connection.exec_driver_sql(sql, list(rows))


def ready(connection: Connection, table: Table, column: str) -> Processor | None:
    """Return what the column's type does to a value before the driver gets it, or None."""
    return _processor(connection.dialect, table, column)


def ready_value(connection: Connection, table: Table, column: str, value: Any) -> Any:
    """Return one value as the driver gets it."""
    processor = _processor(connection.dialect, table, column)
    return value if processor is None else processor(value)


@lru_cache(maxsize=256)
def _insert_sql(dialect: Dialect, table: Table, columns: tuple[str, ...], rows: int = 1) -> str:
    quote = dialect.identifier_preparer.quote
    names = ", ".join(quote(table.c[column].name) for column in columns)
    marks = ", ".join([mark(dialect)] * len(columns))
    values = ", ".join([f"({marks})"] * rows)
    return f"INSERT INTO {quote(table.name)} ({names}) VALUES {values}"


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
