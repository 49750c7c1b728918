"""I-29: the database itself stands guard, as the tables say, and its files are sound.

The tables are compared by name and shape with ``store.tables``. The text of CHECKs and of partial
indexes is compared on SQLite, which keeps it as written; PostgreSQL rewrites it.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, UniqueConstraint, inspect

from kelly_cli.store.checks.shape import listed
from kelly_cli.store.tables import SCHEMA_REVISION, Base, metadata_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Inspector, Table

    from kelly_cli.store.checks.shape import Found, Snapshot

_POSTGRES_ASLEEP = (
    (
        (
            "SELECT conrelid::regclass::text, conname FROM pg_constraint "
            "WHERE NOT convalidated AND connamespace = current_schema()::regnamespace"
        ),
        "the constraint {conname} was never validated",
    ),
    (
        (
            "SELECT t.tgrelid::regclass::text, t.tgname FROM pg_trigger t "
            "JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE t.tgenabled <> 'O' AND c.relnamespace = current_schema()::regnamespace"
        ),
        "the trigger {tgname} is switched off",
    ),
    (
        (
            "SELECT i.indrelid::regclass::text, i.indexrelid::regclass::text AS name "
            "FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid "
            "WHERE NOT i.indisvalid AND c.relnamespace = current_schema()::regnamespace"
        ),
        "the index {name} is not valid",
    ),
    (
        (
            "SELECT 'connection', current_setting('session_replication_role') AS role "
            "WHERE current_setting('session_replication_role') <> 'origin'"
        ),
        "session_replication_role is {role}: foreign keys are not enforced",
    ),
)


def revision(books: Snapshot) -> Found:
    """The schema is of this kelly's age."""
    stamped = [row[0] for row in books.rows("SELECT version_num FROM alembic_version")]
    if stamped != [SCHEMA_REVISION]:
        yield "alembic_version", f"stamped {listed(stamped)}; this kelly's is {SCHEMA_REVISION}"


def as_the_tables_say(books: Snapshot) -> Found:
    """Every table, column, index and constraint is there, and none is another."""
    inspector = inspect(books.connection)
    there = set(inspector.get_table_names())
    for table in metadata_for(books.connection.dialect.name).sorted_tables:
        if table.name not in there:
            yield table.name, "the table is missing"
            continue
        with warnings.catch_warnings():
            # What reflection cannot read shows as a difference.
            warnings.simplefilter("ignore")
            found = dict(_found(books, inspector, table))
        wanted = dict(_wanted(books, table))
        for name in sorted(wanted.keys() | found.keys()):
            if wanted.get(name) != found.get(name):
                yield (
                    table.name,
                    f"{name}: {found.get(name, 'missing')}, not {wanted.get(name, 'there')}",
                )


def foreign_keys(books: Snapshot) -> Found:
    """Every row that is pointed to is there, and the database sees to it."""
    if books.is_sqlite:
        if books.first("PRAGMA foreign_keys")[0] != 1:
            yield "connection", "foreign keys are not enforced"
        for table, row, parent, _ in books.rows("PRAGMA foreign_key_check"):
            yield f"{table} {row}", f"points to a row of {parent} that is not there"
        return
    for sql, detail in _POSTGRES_ASLEEP:
        yield from books.found(sql, detail)
    for table in Base.metadata.sorted_tables:
        for constraint in table.foreign_key_constraints:
            column, parent = constraint.column_keys[0], constraint.elements[0].column
            yield from books.found(
                f"SELECT '{table.name}', c.{column} AS missing FROM {table.name} c "
                f"WHERE c.{column} IS NOT NULL AND NOT EXISTS (SELECT 1 "
                f"FROM {parent.table.name} p WHERE p.{parent.name} = c.{column})",
                f"{column} {{missing}} points to no row of {parent.table.name}",
            )


def integrity(books: Snapshot) -> Found:
    """SQLite finds its own file sound: pages, indexes, NOT NULLs and CHECKs."""
    if books.is_sqlite:
        for (line,) in books.rows("PRAGMA integrity_check"):
            if line != "ok":
                yield "file", str(line)


def _wanted(books: Snapshot, table: Table) -> Iterator[tuple[str, str]]:
    dialect = books.connection.dialect
    for column in table.columns:
        kind, computed = column.type.compile(dialect), column.computed is not None
        nullable = bool(column.nullable)
        yield f"column {column.name}", _column(kind, nullable=nullable, computed=computed)
    yield "primary key", listed([column.name for column in table.primary_key.columns])
    for index in table.indexes:
        where = index.dialect_options[dialect.name]["where"]
        columns = [column.name for column in index.columns]
        yield f"index {index.name}", _index(books, columns, where, unique=bool(index.unique))
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            columns = [column.name for column in constraint.columns]
            yield f"constraint {constraint.name}", f"UNIQUE {listed(columns)}"
        elif isinstance(constraint, ForeignKeyConstraint):
            yield (
                f"constraint {constraint.name}",
                _reference(constraint.column_keys, constraint.elements[0].target_fullname),
            )
        elif isinstance(constraint, CheckConstraint) and _meant_for(constraint, dialect.name):
            yield f"constraint {constraint.name}", _check(books, str(constraint.sqltext))


def _found(books: Snapshot, inspector: Inspector, table: Table) -> Iterator[tuple[str, str]]:
    dialect, name = books.connection.dialect, table.name
    for column in inspector.get_columns(name):
        kind = column["type"].compile(dialect)
        yield (
            f"column {column['name']}",
            _column(kind, nullable=bool(column["nullable"]), computed="computed" in column),
        )
    yield "primary key", listed(inspector.get_pk_constraint(name)["constrained_columns"])
    uniques = inspector.get_unique_constraints(name)
    behind = {each["name"] for each in uniques}
    for index in inspector.get_indexes(name):
        if index["name"] not in behind:
            where = index.get("dialect_options", {}).get(f"{dialect.name}_where")
            columns = [str(column) for column in index["column_names"]]
            yield (
                f"index {index['name']}",
                _index(books, columns, where, unique=bool(index["unique"])),
            )
    for unique in uniques:
        yield f"constraint {unique['name']}", f"UNIQUE {listed(unique['column_names'])}"
    for key in inspector.get_foreign_keys(name):
        target = f"{key['referred_table']}.{listed(key['referred_columns'])}"
        yield f"constraint {key['name']}", _reference(key["constrained_columns"], target)
    for check in inspector.get_check_constraints(name):
        yield f"constraint {check['name']}", _check(books, check["sqltext"])


def _column(kind: str, *, nullable: bool, computed: bool) -> str:
    return kind + ("" if nullable else " NOT NULL") + (" GENERATED" if computed else "")


def _index(books: Snapshot, columns: list[str], where: Any, *, unique: bool) -> str:
    told = _plain(where) if books.is_sqlite and where is not None else where is not None
    return f"{'UNIQUE ' if unique else ''}{listed(columns)} WHERE {told}"


def _reference(columns: Any, target: str) -> str:
    return f"{listed(columns)} REFERENCES {target}"


def _check(books: Snapshot, text: str) -> str:
    return f"CHECK {_plain(text)}" if books.is_sqlite else "CHECK"


def _plain(text: Any) -> str:
    return " ".join(str(text).split())


def _meant_for(constraint: CheckConstraint, dialect: str) -> bool:
    condition = getattr(constraint, "_ddl_if", None)
    return condition is None or condition.dialect == dialect
