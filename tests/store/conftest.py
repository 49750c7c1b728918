"""What the tests of the store share: other processes, and the tables as the database has them."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
_PARENTS = ["short_codes", "customers", "invoices", "pos_sales", "payments"]


@pytest.fixture
def python():
    """Start another Python process with kelly; whatever still runs at the end is killed."""
    started = []

    def start(code, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def opened():
    """Open a URL, or a database once more as another process would; closed at the end."""
    from kelly_cli.store.database import Database

    all_opened = []

    def again(what, **options):
        url = what if isinstance(what, str) else what.url.render_as_string(hide_password=False)
        all_opened.append(Database(url, **options))
        return all_opened[-1]

    yield again
    for each in all_opened:
        each.close()


@pytest.fixture
def done():
    """Wait for a process and return what it printed; it must have ended well."""

    def wait(process):
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        return out

    return wait


@pytest.fixture
def spelled():
    """Return the whole schema as the database itself spells it, name by name."""

    def schema_of(database):
        with database.reading() as connection:
            if database.is_sqlite:
                rows = connection.exec_driver_sql(
                    "SELECT type || ' ' || name, sql FROM sqlite_master WHERE sql IS NOT NULL"
                ).all()
                return {name: " ".join(sql.split()) for name, sql in rows}
            return {str(row[:-1]): row[-1] for sql in _POSTGRES for row in _rows(connection, sql)}

    return schema_of


def _rows(connection, sql):
    return connection.exec_driver_sql(sql).all()


_POSTGRES = (
    """SELECT 'column', table_name, column_name,
              row(data_type, is_nullable, column_default, is_generated, generation_expression,
                  numeric_precision, numeric_scale, character_maximum_length)::text
       FROM information_schema.columns WHERE table_schema = current_schema()""",
    """SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
       FROM pg_constraint WHERE connamespace = current_schema()::regnamespace""",
    """SELECT 'index', tablename, indexname, indexdef
       FROM pg_indexes WHERE schemaname = current_schema()""",
)


@pytest.fixture
def books_0001():
    """The rows of books that the released 0001 wrote, by table."""
    text = Path(__file__).with_name("books_0001.json").read_text(encoding="utf-8")
    return json.loads(text)


@pytest.fixture
def fresh(database, spelled, order):
    """How fresh books are spelled; then nothing is left of them."""
    found = spelled(database), order(database)
    with database.reshaping() as connection:
        from kelly_cli.store.tables import Base

        for table in reversed(Base.metadata.sorted_tables):
            connection.exec_driver_sql(f"DROP TABLE {table.name}")
        connection.exec_driver_sql("DROP TABLE alembic_version")
    return found


@pytest.fixture
def released(fresh, database, books_0001):
    """Books of 0001, as its own statements and its own program made them."""
    with database.reshaping() as connection:
        from kelly_cli.store import upgrading

        name = f"0001_books.{connection.dialect.name}.sql"
        text = (Path(upgrading.REVISIONS) / name).read_text(encoding="utf-8")
        for statement in filter(str.strip, text.split(";\n")):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(
            "CREATE TABLE alembic_version ( version_num VARCHAR(32) NOT NULL, "
            "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num) )"
        )
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('0001')")
        for table in [*_PARENTS, *(name for name in books_0001 if name not in _PARENTS)]:
            _fill(connection, table, **books_0001[table])
    return database


def _fill(connection, table, columns, rows):
    sqlite = connection.dialect.name == "sqlite"
    mark = "?" if sqlite else "%s"
    flags = set() if sqlite else _booleans(connection, table)
    names = ", ".join(f'"{name}"' for name in columns)
    for row in rows:
        values = tuple(
            bytes.fromhex(value["hex"])
            if isinstance(value, dict)
            else (bool(value) if name in flags and value is not None else value)
            for name, value in zip(columns, row, strict=True)
        )
        marks = ", ".join([mark] * len(values))
        connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)
    if not sqlite and "id" in columns:
        connection.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
        )


def _booleans(connection, table):
    return {
        row[0]
        for row in connection.exec_driver_sql(
            "SELECT column_name FROM information_schema.columns WHERE data_type = 'boolean' "
            "AND table_schema = current_schema() AND table_name = %s",
            (table,),
        )
    }


@pytest.fixture
def order():
    """The columns of each table, in the order of the database."""

    def columns_of(database):
        if database.is_sqlite:
            return {}
        with database.reading() as connection:
            return connection.exec_driver_sql(
                "SELECT table_name, column_name FROM information_schema.columns "
                "WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
            ).all()

    return columns_of
