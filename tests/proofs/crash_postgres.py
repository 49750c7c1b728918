"""Books on a PostgreSQL server of the proof's own, and the ways to break into work on them.

The books are a database of the server, copied by ``CREATE DATABASE ... TEMPLATE`` for each point.
Its rows say what state they are in; a dump is told by the lines that pg_restore prints of it.
"""

import contextlib
import os
import re
import shutil
import subprocess
import time
from functools import partial
from pathlib import Path

from crash_stage import SqlitePlace, digest, rows_that_count
from p8_database_away import Cluster

REST_S = 20.0
NO_ROW = re.compile(r"^--|^\\(un)?restrict |setval\(|\tdb\.restore\t")
"""Lines of a dump that differ from dump to dump of the same books."""
WRAPPER = """#!/bin/sh
exec strace -qq -o /dev/null -e trace=$P19_KIND \\
    -e inject=$P19_KIND:signal=SIGKILL:when=$P19_AT {real} "$@"
"""


def programs():
    """Return the folder of the newest server's programs, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


def is_installed():
    """Tell whether a server of our own can be made."""
    return programs() is not None


class PostgresPlace(SqlitePlace):
    """Books in a server of our own."""

    name = "postgresql"
    ending = ".dump"

    def __init__(self):
        super().__init__()
        self.cluster = Cluster()
        self.wrappers = self.folder / "wrappers"
        self.wrappers.mkdir()
        for program in ("pg_dump", "pg_restore"):
            wrapper = self.wrappers / program
            wrapper.write_text(WRAPPER.format(real=programs() / program))
            wrapper.chmod(0o755)

    def __enter__(self):
        self.cluster.__enter__()
        return self

    def __exit__(self, *about):
        self.cluster.__exit__(*about)
        super().__exit__(*about)

    def _url(self, name):
        return self.cluster.url.rpartition("/")[0] + f"/{name}"

    def _do(self, *statements, database="postgres"):
        import psycopg

        with psycopg.connect(self._url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def new(self, name):
        folder, _ = super().new(name)
        self._do(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"CREATE DATABASE {name}")
        return folder, self._url(name)

    def keep(self, name, folder):
        super().keep(name, folder)
        self.rest()
        self._do(
            f"DROP DATABASE IF EXISTS kept_{name}",
            f"CREATE DATABASE kept_{name} TEMPLATE {folder.name}",
        )

    def fresh(self, name):
        folder, _ = SqlitePlace.new(self, "point")
        for file, data in self.kept[name].items():
            (folder / file).touch(0o600)
            (folder / file).write_bytes(data)
        self._do(
            "DROP DATABASE IF EXISTS point WITH (FORCE)",
            f"CREATE DATABASE point TEMPLATE kept_{name}",
        )
        return folder, self._url("point")

    def state(self, folder):
        import psycopg

        try:
            with psycopg.connect(self._url(folder.name)) as connection:
                return digest(read_postgres(connection))
        except psycopg.Error as error:
            return f"damaged: {error}"

    def state_of(self, file):
        """Return a digest of the lines of a dump, or what is wrong with it."""
        if not file.exists():
            return "nothing"
        told = subprocess.run(
            [programs() / "pg_restore", "--file=-", file], capture_output=True, text=True
        )
        if told.returncode != 0:
            return f"damaged: {told.stderr[:200]}"
        lines = told.stdout.splitlines()
        return digest(sorted(line for line in lines if not NO_ROW.search(line)))

    def change(self, folder, statements):
        """Run statements on the books of a folder."""
        self._do(*statements, database=folder.name)

    def fill_from(self, name, folder):
        """Copy the rows of kept books into older ones, in the columns that both have."""
        import psycopg

        with (
            psycopg.connect(self._url(f"kept_{name}")) as newer,
            psycopg.connect(self._url(folder.name)) as older,
        ):
            older.execute("SET session_replication_role = replica")
            for table in set(tables_of(older)) - {"alembic_version"}:
                columns = [set(columns_of(each, table)) for each in (older, newer)]
                both = ", ".join(sorted(columns[0] & columns[1]))
                if not both:
                    continue
                out, into = newer.cursor(), older.cursor()
                with (
                    out.copy(f"COPY (SELECT {both} FROM {table}) TO STDOUT") as rows,
                    into.copy(f"COPY {table} ({both}) FROM STDIN") as taken,
                ):
                    for row in rows:
                        taken.write(row)

    def rest(self):
        """Wait until no connection of a killed program works on."""
        import psycopg

        end = time.monotonic() + REST_S
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            while time.monotonic() < end:
                busy = connection.execute(
                    "SELECT count(*) FROM pg_stat_activity "
                    "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                ).fetchone()[0]
                if not busy:
                    return
                time.sleep(0.02)
        raise RuntimeError("somebody still works on the books")

    def ways(self, sweep):
        """Give the other ways to break in: a program of PostgreSQL killed, a connection ended."""
        for kind in ("sendto", "write"):
            yield f"program_killed_at_{kind}", partial(self.program_killed, sweep, kind)
        yield "connection_ended", partial(self.connection_ended, sweep)

    def program_killed(self, sweep, kind, scene, number):
        """Kill the first pg_dump or pg_restore that gets to its Nth call of a kind."""
        path = f"{self.wrappers}:{os.environ['PATH']}"
        environ = {"PATH": path, "P19_KIND": kind, "P19_AT": str(number)}
        folder, url, command = sweep.start(scene, environ=environ)
        code = command.go()
        return folder, url, code if code != 0 else None

    def connection_ended(self, sweep, scene, number):
        """Let the server end kelly's connection at its Nth statement."""
        reached = self.folder / "reached"
        reached.unlink(missing_ok=True)
        prepare = sweep.prepare

        def ending():
            prepare()
            end_at(number, self._url("postgres"), reached)

        sweep_start, sweep.prepare = sweep.prepare, ending
        try:
            folder, url, command = sweep.start(scene)
        finally:
            sweep.prepare = sweep_start
        code = command.go()
        return folder, url, code if reached.exists() else None


def end_at(number, url, reached):
    """End the connection that runs the Nth statement of this process, before it runs."""
    import psycopg
    from sqlalchemy import Engine, event

    count = 0

    @event.listens_for(Engine, "before_cursor_execute")
    def _count(connection, *_):
        nonlocal count
        count += 1
        if count == number:
            reached.touch()
            pid = connection.connection.driver_connection.info.backend_pid
            with psycopg.connect(url, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


def tables_of(connection):
    """Return the names of all tables."""
    found = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
    )
    return [row[0] for row in found]


def columns_of(connection, table):
    """Return the columns of a table that can be given."""
    found = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' "
        "AND table_name = %s AND is_generated = 'NEVER' ORDER BY column_name",
        (table,),
    )
    return [row[0] for row in found]


def read_postgres(connection):
    """Give the schema and every row of a PostgreSQL database."""
    for sql in (
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname",
        """SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
           WHERE connamespace = 'public'::regnamespace ORDER BY conname""",
    ):
        yield from map(repr, connection.execute(sql).fetchall())
    for table in tables_of(connection):
        names = ", ".join(columns_of(connection, table))
        yield f"{table} ({names})"
        rows = connection.execute(f"SELECT {names} FROM {table}").fetchall()
        yield from sorted(map(repr, rows_that_count(table, rows)))


with contextlib.suppress(ImportError):
    import psycopg  # noqa: F401 - read in before the first child
