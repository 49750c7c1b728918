"""What the tests of the store share: other processes, and the tables as the database has them."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


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
