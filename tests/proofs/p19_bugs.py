"""What P19 plants to see itself bite, and how it judges flushes from a trace.

Each bug is planted in the child that runs the command, by putting a worse piece in the place of one
of kelly's.
"""

import contextlib
import re
import sqlite3
from pathlib import Path

CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)$")
FILE = re.compile(r"^(?:AT_FDCWD\S*, )?(?:\d+<([^>]*)>|\"([^\"]*)\")")
WRITES = {"write", "writev", "pwrite64", "ftruncate", "sendfile", "copy_file_range"}


def unflushed(lines, folder):
    """Return what took a name before it was on disk, or whose name never got there; "" = none."""
    dirty, named = set(), {}
    for line in lines:
        call = CALL.match(line)
        told = FILE.match(call[2]) if call else None
        if told is None:
            continue
        name, file = call[1], told[1] or told[2]
        if name in WRITES:
            dirty.add(file)
        elif name in {"fsync", "fdatasync"}:
            dirty.discard(file)
            named.pop(file, None)
        elif name == "rename":
            new = call[2].split('"')[3]
            if file in dirty:
                return f"{Path(new).name} takes its name before it is flushed"
            named[str(Path(new).parent)] = Path(new).name
    return f"the name of {named[str(folder)]} is never flushed" if str(folder) in named else ""


def use_revisions(folder):
    """Run upgrades by the revisions of a folder (None = kelly's own)."""
    if folder is not None:
        from kelly_cli.store import upgrading

        upgrading.REVISIONS = folder


def rename_before_flush():
    from kelly_cli.store import backups, sqlite_copies

    opened = sqlite_copies._opened

    def carelessly(file, mode, **options):
        connection = opened(file, mode, **options)
        if file.name.endswith(".partial"):
            connection.execute("PRAGMA synchronous=OFF")
        return connection

    @contextlib.contextmanager
    def written(file):
        partial = file.with_name(f".{file.name}.x.partial")
        partial.touch(0o600)
        yield partial
        partial.replace(file)
        backups._flush(file)
        backups._flush(file.parent)

    sqlite_copies._opened = carelessly
    backups._written = written


def folder_not_flushed():
    from kelly_cli.store import backups

    flush = backups._flush
    backups._flush = lambda path: None if path.is_dir() else flush(path)


def backup_in_place():
    from kelly_cli.store import backups

    @contextlib.contextmanager
    def written(file):
        file.unlink(missing_ok=True)
        file.touch(0o600)
        yield file
        backups._flush(file)

    backups._written = written


def restore_in_place():
    from kelly_cli.store import sqlite_copies

    def write_over(database, file):
        database.engine.dispose()
        live = Path(database.path)
        with contextlib.closing(sqlite3.connect(live)) as before:
            before.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        data = file.read_bytes()
        with live.open("r+b", buffering=0) as over:
            for at in range(0, len(data), 4096):
                over.write(data[at : at + 4096])
            over.truncate(len(data))

    sqlite_copies._write_over = write_over


def restore_keeps_nothing():
    from kelly_cli.store import backups

    backups.holds_books = lambda database: False


def upgrade_by_statement():
    """Each statement of an upgrade is kept by itself."""
    from sqlalchemy import event

    from kelly_cli.store.database import Database

    reshaping = Database.reshaping

    @contextlib.contextmanager
    def reshaping_by_statement(database):
        with reshaping(database) as connection:
            raw = connection.connection.driver_connection

            @event.listens_for(connection, "after_cursor_execute")
            def _keep(*_):
                with contextlib.suppress(Exception):
                    raw.commit() if not database.is_sqlite else raw.execute("COMMIT")

            yield connection

    Database.reshaping = reshaping_by_statement


def backup_after_upgrade():
    from kelly_cli.store import upgrading

    upgrade = upgrading.upgrade

    def late(database, *, first):
        done = upgrade(database, first=lambda revision: None)
        first(done.before)
        return done

    upgrading.upgrade = late


def load_by_statement():
    from kelly_cli.store import postgres_dumps

    run = postgres_dumps._run

    def each_alone(database, command, arguments):
        kept = [word for word in command if word != "--single-transaction"]
        run(database, kept, arguments)

    postgres_dumps._run = each_alone


BUGS = {
    "rename_before_flush": rename_before_flush,
    "folder_not_flushed": folder_not_flushed,
    "backup_in_place": backup_in_place,
    "restore_in_place": restore_in_place,
    "restore_keeps_nothing": restore_keeps_nothing,
    "upgrade_by_statement": upgrade_by_statement,
    "backup_after_upgrade": backup_after_upgrade,
    "load_by_statement": load_by_statement,
}
ON_POSTGRESQL = {"load_by_statement"}
