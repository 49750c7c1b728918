"""Connections to the books: one snapshot to read, one exclusive turn to write.

All that names a dialect lives here. On both databases there is one writer at a time (the turnstile
on SQLite, an advisory lock on PostgreSQL), so a verb that reads, decides and writes inside one
``writing()`` block can lose no update (DESIGN.md, decision 4).
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from kelly_cli.errors import (
    BrokenInvariantError,
    DatabaseNotFoundError,
    StorageError,
)
from kelly_cli.store import hot
from kelly_cli.store.faults import translated, translated_text
from kelly_cli.store.turnstile import Turnstile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Engine

BUSY_S = 30.0
"""How long a command waits for other writers before it gives up."""

_OLDEST_SQLITE = (3, 38, 0)
_CHECKPOINT_BYTES = 64 << 20  # seldom: a page that every batch changes is copied once for many
_TRUNCATE_BYTES = 512 << 20
# Two keys: "kell", and the schema, so that two books in one database do not wait for each other.
ADVISORY_KEYS = "1801809004, hashtext(current_schema())"
_PRAGMAS = (
    "PRAGMA foreign_keys=ON",
    "PRAGMA synchronous=FULL",
    # Checkpoints only under the turnstile: see Turnstile.
    "PRAGMA wal_autocheckpoint=0",
    # A log that was copied back is cut to less than asks for a checkpoint, and so is none for long.
    f"PRAGMA journal_size_limit={_CHECKPOINT_BYTES - 1}",
    "PRAGMA cache_size=-16384",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA trusted_schema=OFF",
)


class _RehearsalOverError(Exception):
    """Ends a rehearsal, so that its unit of work is rolled back."""


class Database:
    """One database of books, SQLite or PostgreSQL.

    ``busy_s``: seconds that a writer waits for its turn.
    """

    def __init__(self, url: str, *, busy_s: float = BUSY_S) -> None:
        self.busy_s = busy_s
        self.url = _parsed(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.path = self.url.database if self.is_sqlite else None
        # SQLite keeps its log beside the file itself, not beside a link to it.
        self._wal = f"{os.path.realpath(self.path)}-wal" if self.path else ""
        self._turnstile = Turnstile(self.path) if self.path else None
        self._engine = (
            _sqlite_engine(self.url, busy_s) if self.is_sqlite else _postgres_engine(self.url)
        )

    @property
    def engine(self) -> Engine:
        """The engine, for migrations."""
        return self._engine

    def shown(self) -> str:
        """Return the URL or path as people may see it: without a password."""
        return self.path or str(self.url.render_as_string(hide_password=True))

    def exists(self) -> bool:
        """Tell whether there is something to open (an empty file is not)."""
        if self.path is None:
            return True
        return os.path.isfile(self.path) and os.path.getsize(self.path) > 0

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give one snapshot to read; nothing can be written through it.

        Raises:
            StorageError: the database cannot be read.
        """
        if not self.exists():
            raise DatabaseNotFoundError(
                f"no database at {self.shown()}",
                hint="A writing command makes it: kelly customer create NAME",
            )
        with self._plainly(), self._engine.connect() as connection:
            if self.is_sqlite:
                snapshot = connection
            else:
                snapshot = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with snapshot.begin():
                yield snapshot

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give the exclusive turn to write; all of it is on disk at the end, or none.

        Raises:
            DatabaseBusyError: other writers held the database for ``busy_s`` seconds.
            StorageError: the database cannot be written.
        """
        with self._plainly():
            if self._turnstile is None:
                with self._engine.connect() as connection, connection.begin():
                    connection.exec_driver_sql(
                        f"SET LOCAL lock_timeout = '{int(self.busy_s * 1000)}ms'"
                    )
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_KEYS})")
                    yield connection
                return
            with self._sqlite_turn(self._turnstile) as connection:
                yield connection

    @contextmanager
    def reshaping(self) -> Iterator[Connection]:
        """Give the exclusive turn to change tables; foreign keys are checked at its end.

        Raises:
            BrokenInvariantError: a row points at nothing now; nothing is kept.
        """
        if self._turnstile is None:
            with self.writing() as connection:
                yield connection
            return
        with (
            self._plainly(),
            self._sqlite_turn(self._turnstile, foreign_keys=False) as connection,
        ):
            yield connection
            lost = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            if lost is not None:
                raise BrokenInvariantError(f"a row of {lost[0]} points at no row of {lost[2]}")

    @contextmanager
    def _sqlite_turn(
        self, turnstile: Turnstile, *, foreign_keys: bool = True
    ) -> Iterator[Connection]:
        make_folder(self.path)
        with turnstile.passed(timeout_s=self.busy_s), self._engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            if not foreign_keys:
                # SQLite ignores this inside a unit of work.
                raw.execute("PRAGMA foreign_keys=OFF")
            try:
                writer = connection.execution_options(kelly_writes=True)
                with writer.begin():
                    yield writer
            finally:
                if not foreign_keys:
                    raw.execute("PRAGMA foreign_keys=ON")
            self._checkpoint(raw)

    @contextmanager
    def rehearsing(self) -> Iterator[Connection]:
        """Give the exclusive turn to try something out: nothing of it is kept."""
        try:
            with self.writing() as connection:
                yield connection
                raise _RehearsalOverError  # noqa: TRY301 - it ends the unit of work
        except _RehearsalOverError:
            return

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Give the exclusive turn to write, and no connection: for copies of the whole file.

        Raises:
            DatabaseBusyError: other writers held the database for ``busy_s`` seconds.
        """
        if self._turnstile is None:
            raise StorageError("this needs a SQLite database")
        make_folder(self.path)
        with self._turnstile.passed(timeout_s=self.busy_s):
            yield

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """Give the raw SQLite connection under the write lock, outside any unit of work."""
        with self._plainly(), self.turn():
            pooled = self._engine.raw_connection()
            raw: Any = pooled.driver_connection
            try:
                raw.execute("PRAGMA query_only=OFF")
                pooled.info["writes"] = True
                yield raw
                self._checkpoint(raw)
            finally:
                pooled.close()

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()
        if self._turnstile is not None:
            self._turnstile.close()

    def drop_connections(self) -> None:
        """Close the connections that nobody uses: after a fault of the disk, none is trusted."""
        self._engine.dispose()

    def _checkpoint(self, raw: sqlite3.Connection) -> None:
        """Copy the WAL back when it has grown, still under the write lock."""
        try:
            size = os.path.getsize(self._wal)
        except OSError:
            return
        if size < _CHECKPOINT_BYTES:
            return
        mode = "TRUNCATE" if size >= _TRUNCATE_BYTES else "PASSIVE"
        # A long reader puts it off to a later commit: to wait would hold up every writer. So does
        # an error: what was written is safe already.
        raw.execute("PRAGMA busy_timeout=0")
        with suppress(sqlite3.Error):
            raw.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        raw.execute(_busy_timeout(self.busy_s))

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        """Turn the driver's errors into kelly's."""
        try:
            yield
        except DBAPIError as error:
            raise translated(error, self.shown()) from error
        except sqlite3.Error as error:
            raise translated_text(str(error), self.shown()) from error


def _parsed(url: str) -> Any:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        # The words themselves are not shown: a password may stand in them.
        raise StorageError(
            "the database's URL cannot be read",
            hint="Write sqlite:///kelly.db or postgresql://user@host:5432/name",
        ) from None
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise StorageError(
            f"kelly keeps books in a SQLite file or in PostgreSQL, not in {backend}",
            hint="Write sqlite:///kelly.db or postgresql://host/name",
        )
    return parsed


def make_folder(path: str | None) -> None:
    """Make the folder of the database, for its owner only."""
    folder = os.path.dirname(os.path.abspath(path or ""))
    if path and os.path.isdir(path):
        raise StorageError(f"{path} is a folder", hint=f"Name a file: --db {path}/kelly.db")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if path and not os.path.exists(path):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError as error:
        raise StorageError(
            f"cannot make the database {path}: {error.strerror}",
            hint="Choose another place with --db, or give this user the right to write there",
        ) from error


def _busy_timeout(busy_s: float) -> str:
    return f"PRAGMA busy_timeout={int(busy_s * 1000)}"


def _sqlite_engine(url: Any, busy_s: float) -> Engine:
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StorageError(f"SQLite {sqlite3.sqlite_version} is too old: kelly needs 3.38 or newer")
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute(_busy_timeout(busy_s))
        try:
            for pragma in _PRAGMAS:
                connection.execute(pragma)
        except UnicodeDecodeError as error:
            # What SQLite says of a damaged schema quotes it.
            raise sqlite3.DatabaseError("database disk image is malformed") from error
        if sys.platform == "darwin":
            # Otherwise a flush stops in the drive's cache.
            connection.execute("PRAGMA fullfsync=ON")
            connection.execute("PRAGMA checkpoint_fullfsync=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("kelly_writes", False)
        # Only when it changes: after this, SQLite prepares every statement anew.
        if connection.info.get("writes") is not writes:
            hot.run(connection, f"PRAGMA query_only={'OFF' if writes else 'ON'}")
            connection.info["writes"] = writes
        hot.run(connection, "BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


_GONE = {"tcp_user_timeout": "15000", "keepalives_idle": "10", "keepalives_interval": "5"}
"""When a server's host that says nothing is given up (milliseconds; seconds); a URL may differ."""


def _postgres_engine(url: Any) -> Engine:
    try:
        # Plain %s placeholders: the hot statements run with tuples on both databases.
        # READ COMMITTED: what a writer reads after it got its turn is what stands then.
        engine = create_engine(
            url.set(query={**_GONE, **url.query}),
            paramstyle="format",
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
        )
    except ModuleNotFoundError as error:
        raise StorageError(
            "PostgreSQL needs the package psycopg", hint="pip install 'kelly-cli[postgres]'"
        ) from error

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION timezone = 'UTC'")
            cursor.execute("SET SESSION synchronous_commit = 'on'")
        connection.commit()

    return engine


# The corner of the dialects: each function answers for both databases.


def fetch_in(
    connection: Connection, select: str, column: str, values: Sequence[Any], tail: str = ""
) -> Sequence[Any]:
    """Run ``select WHERE column IN values tail`` as driver text and return all rows."""
    if not values:
        return []
    # One parameter holds the whole list.
    if connection.dialect.name == "sqlite":
        among = "IN (SELECT value FROM json_each(?))"
        parameter: Any = json.dumps(list(values))
    else:
        among, parameter = "= ANY(%s)", list(values)
    return hot.fetch(connection, f"{select} WHERE {column} {among} {tail}", (parameter,))


def holding(connection: Connection, values: Sequence[int], exists: str) -> set[int]:
    """Return those of the values for which the query ``exists`` finds a row; it names ``value``."""
    if not values:
        return set()
    parameter: Any
    if connection.dialect.name == "sqlite":
        each, parameter = "json_each(?)", json.dumps(list(values))
    else:
        each, parameter = "unnest(%s::bigint[]) AS value", list(values)
    sql = f"SELECT value FROM {each} WHERE EXISTS ({exists})"
    return {row[0] for row in hot.fetch(connection, sql, (parameter,))}


def reserve_ids(connection: Connection, table: str, count: int) -> list[int]:
    """Return ``count`` fresh row ids of ``table``, for rows inserted in this unit of work."""
    if count == 0:
        return []
    if connection.dialect.name == "sqlite":
        last = hot.fetch(connection, f"SELECT coalesce(max(id), 0) FROM {table}")[0][0]
        return list(range(last + 1, last + 1 + count))
    rows = connection.exec_driver_sql(
        f"SELECT nextval(pg_get_serial_sequence('{table}', 'id')) FROM generate_series(1, %s)",
        (count,),
    )
    return sorted(row[0] for row in rows)
