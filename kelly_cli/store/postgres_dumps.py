"""Dumps of a PostgreSQL database by its own means: pg_dump and pg_restore.

Only kelly's tables are dumped and put back, in the schema they live in. A password goes to the
programs through their environment, never through their arguments, which every user can see.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import inspect

from kelly_cli.errors import StorageError
from kelly_cli.store.schema import VERSION_TABLE, is_kelly, not_kelly, revision_of
from kelly_cli.store.tables import Base

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from kelly_cli.store.database import Database

_COPY = re.compile(rb"COPY (\S+)\.(\w+) \(.*\) FROM stdin;")
_COPY_END = b"\\."


class Found(NamedTuple):
    """What a dump holds, and in which schema of PostgreSQL (``namespace``)."""

    payments: int
    schema: str
    namespace: str


def dump(database: Database, partial: Path) -> Found:
    """Write one snapshot of the books into a file, in PostgreSQL's custom format, and verify it.

    Raises:
        StorageError: no pg_dump, or it failed.
    """
    with database.reading() as connection:
        snapshot = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
        namespace = _namespace(connection)
        tables = [
            f'--table="{namespace}"."{name}"' for name in (*Base.metadata.tables, VERSION_TABLE)
        ]
        _run(
            database,
            ["pg_dump", "--format=custom", "--no-owner", "--no-privileges"],
            [f"--snapshot={snapshot}", f"--file={partial}", *tables],
        )
    return verify(partial)


def verify(file: Path) -> Found:
    """Read the whole of a dump and tell what it holds.

    Raises:
        StorageError: damaged, no dump, or none of kelly's.
    """
    program = _program("pg_restore")
    with (
        subprocess.Popen(  # noqa: S603 - the program's full path, and no shell
            [program, "--data-only", "--file=-", str(file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as reader,
    ):
        rows, first, namespace = _counted(reader.stdout or _nothing())
        problem = _first_line((reader.stderr or _nothing()).read())
    if reader.returncode != 0:
        raise StorageError(
            f"{file} is damaged or no dump of PostgreSQL: {problem}",
            hint="Use another backup",
            code="database_damaged",
        )
    if not is_kelly(rows) or not first.get(VERSION_TABLE):
        raise not_kelly(file, rows)
    return Found(rows["payments"], first[VERSION_TABLE], namespace)


def load(database: Database, file: Path, *, wait_s: float) -> None:
    """Put a verified dump in the place of the live books, all of it or none.

    The turn to write must be held. ``wait_s``: seconds to wait for those who read.

    Raises:
        DatabaseBusyError: somebody went on reading.
        StorageError: the dump is of another schema of PostgreSQL, no pg_restore, or it failed.
    """
    found = verify(file)
    with database.reading() as connection:
        namespace = _namespace(connection)
        there = set(inspect(connection).get_table_names())
        replaced = revision_of(connection) if there else None
    if found.namespace != namespace:
        raise StorageError(
            f"{file} holds the schema {found.namespace!r} of PostgreSQL, "
            f"and the database keeps its books in {namespace!r}",
            hint=f"Restore it into a database that uses {found.namespace!r}",
        )
    _wait_for_readers(database, wait_s)
    restore = ["pg_restore", "--clean", "--if-exists", "--no-owner", "--no-privileges"]
    if replaced not in (None, found.schema):
        standing = sorted(there & {*Base.metadata.tables, VERSION_TABLE})
        _load_over_another_age(database, [*restore, "--file=-", str(file)], standing)
    else:
        _run(database, [*restore, "--single-transaction"], [str(file)])


def _load_over_another_age(
    database: Database, restore: Sequence[str], standing: Sequence[str]
) -> None:
    """Put a dump over books of another schema: all of their tables go first.

    pg_restore drops only what stands in the dump, and refuses when something else points at it.
    """
    with tempfile.TemporaryFile() as script:
        done = subprocess.run(  # noqa: S603 - the program's full path, and no shell
            [_program(restore[0]), *restore[1:]], stdout=script, stderr=subprocess.PIPE, check=False
        )
        if done.returncode != 0:
            raise StorageError(f"pg_restore cannot read the dump: {_first_line(done.stderr)}")
        script.seek(0)
        drop = f"DROP TABLE {', '.join(standing)}"
        _run(
            database,
            ["psql", "--no-psqlrc", "--quiet", "--output=/dev/null", "--single-transaction"],
            ["--set=ON_ERROR_STOP=1", f"--command={drop}", "--file=-"],
            stdin=script,
        )


def _wait_for_readers(database: Database, wait_s: float) -> None:
    """Return when nobody reads, or fail. pg_restore itself would wait for ever."""
    with database.engine.connect() as connection, connection.begin():
        there = inspect(connection).get_table_names()
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{int(wait_s * 1000)}ms'")
        for name in Base.metadata.tables.keys() & set(there):
            connection.exec_driver_sql(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")


def _namespace(connection: Connection) -> str:
    return str(connection.exec_driver_sql("SELECT current_schema()").scalar_one())


def _run(
    database: Database,
    command: Sequence[str],
    arguments: Sequence[str],
    *,
    stdin: IO[bytes] | None = None,
) -> None:
    program = _program(command[0])
    conninfo, environment = _connection_of(database)
    done = subprocess.run(  # noqa: S603 - the program's full path, and no shell
        [program, *command[1:], f"--dbname={conninfo}", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise StorageError(
            f"{command[0]} failed on {database.shown()}: {_first_line(done.stderr)}",
            hint=f"{command[0]} must be at least as new as the server",
        )


def _connection_of(database: Database) -> tuple[str, dict[str, str]]:
    """Return libpq's connection string without the password, and the environment with it."""
    from psycopg.conninfo import make_conninfo

    settings: dict[str, Any] = database.url.translate_connect_args(
        username="user", database="dbname"
    )
    for name, value in database.url.query.items():
        settings[name] = value if isinstance(value, str) else ",".join(value)
    environment = dict(os.environ)
    password = settings.pop("password", None)
    if password is not None:
        environment["PGPASSWORD"] = str(password)
    return make_conninfo(**settings), environment


def _counted(lines: IO[bytes]) -> tuple[dict[str, int], dict[str, str], str]:
    """Return each table's rows, each table's first row, and the schema, of a dump's text."""
    rows: dict[str, int] = {}
    first: dict[str, str] = {}
    table = namespace = ""
    for line in lines:
        if table:
            if line.rstrip(b"\r\n") == _COPY_END:
                table = ""
                continue
            if not rows[table]:
                first[table] = line.decode("utf-8", "replace").rstrip("\r\n")
            rows[table] += 1
        elif start := _COPY.match(line):
            namespace, table = start[1].decode().strip('"'), start[2].decode()
            rows[table] = 0
    return rows, first, namespace


def _nothing() -> IO[bytes]:
    import io

    return io.BytesIO()


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise StorageError(
            f"PostgreSQL's own {name} is needed for this, and it is not installed",
            hint="Install PostgreSQL's client programs (Debian: apt install postgresql-client)",
            code="no_pg_tools",
        )
    return found


def _first_line(text: bytes) -> str:
    lines = text.decode("utf-8", "replace").strip().splitlines()
    return lines[0] if lines else "no reason given"
