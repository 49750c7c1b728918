"""Where commands of kelly's are killed: forked command lines, the killer, and books to copy.

A command runs in a child of the proof that waits until strace holds it, so that a point costs no
start of an interpreter. Each point gets a fresh copy of the same books. The books of a place are
compared by their rows, never by their bytes; rows about a restore itself do not count.
"""

import contextlib
import hashlib
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from family import wait_until_held
from harness import ROOT

CALLS = (
    "pwrite64,write,writev,fdatasync,fsync,ftruncate,fallocate,sendto,sendmsg,"
    "unlink,unlinkat,rename,renameat2,msync,sendfile,copy_file_range,truncate"
)
CALL = re.compile(r"^(\d+) +(\w+)\(")
KILLED = -9
READ_IN = (
    "kelly_cli.main",
    "kelly_cli.commands.customer",
    "kelly_cli.commands.db",
    "kelly_cli.commands.ingest",
    "kelly_cli.commands.invoice",
    "kelly_cli.commands.reprocess",
    "kelly_cli.commands.serve",
    "kelly_cli.commands.serve_books",
    "kelly_cli.commands.webhook",
    "kelly_cli.listener.server",
    "kelly_cli.services.backups",
    "kelly_cli.services.checking",
    "kelly_cli.services.inbox",
    "kelly_cli.services.serving",
    "kelly_cli.store.upgrading",
    "uvloop",
)
"""What a command imports: read in once, before the first child."""


class Killer:
    """strace that kills a process at the Nth call of one kind by a thread, or by any (``follow``).

    strace counts each kind of call by itself: so a point is a kind and a number.
    """

    def __init__(self, thread, point, *, follow):
        kind, number = point
        inject = f"inject={kind}:signal=SIGKILL:when={number}"
        more = ["-f"] if follow else []
        self.process = subprocess.Popen(
            ["strace", *more, "-qq", "-o", "/dev/null", "-e", f"trace={kind}", "-e", inject]
            + ["-p", str(thread)],
            stderr=subprocess.DEVNULL,
        )
        wait_until_held([thread])

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()


class Trace:
    """strace that tells the calls of processes that run or wait, and of all that they start."""

    def __init__(self, pids, file):
        self.file = file
        attached = [word for pid in pids for word in ("-p", str(pid))]
        self.process = subprocess.Popen(
            ["strace", "-f", "-qq", "-y", "-s", "300", "-e", "signal=none", "-o", str(file)]
            + ["-e", f"trace={CALLS}", *attached],
            stderr=subprocess.DEVNULL,
        )
        wait_until_held(pids)

    def stop(self):
        """End it, if its processes have not ended; return its lines."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        return self.file.read_text(errors="replace").splitlines()


def points_of(lines):
    """Return, thread by thread, the points of a trace in their order: (kind of call, number)."""
    counts, points = Counter(), defaultdict(list)
    for line in lines:
        call = CALL.match(line)
        if call:
            thread, kind = int(call[1]), call[2]
            counts[thread, kind] += 1
            points[thread].append((kind, counts[thread, kind]))
    return points


def read_in():
    """Import what commands need, so that no child has to; the rest leaves no compiled files.

    A child that writes them makes calls that the next one does not.
    """
    from importlib import import_module

    sys.dont_write_bytecode = True
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    for name in READ_IN:
        import_module(name)


class Command:
    """A command line of kelly's in a child of this process; it begins with ``go()``."""

    def __init__(self, words, url, folder, *, prepare=None, environ=None):
        self.folder = folder
        waits, self._go = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._go)
            self._be(words, url, waits, prepare, environ or {})
        os.close(waits)

    def _be(self, words, url, waits, prepare, environ):
        code = 70
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            for number, name in ((1, "said.out"), (2, "said.err")):
                os.dup2(os.open(self.folder / name, flags, 0o600), number)
            for name in list(os.environ):
                if name.startswith(("KELLY_", "MPESA_")):
                    del os.environ[name]
            home = str(self.folder)
            os.environ |= {"HOME": home, "XDG_CONFIG_HOME": home, "KELLY_DATABASE_URL": url}
            os.environ |= environ
            os.chdir(self.folder)
            if prepare is not None:
                prepare()
            os.read(waits, 1)
            if callable(words):
                words()
                code = 0
            else:
                from kelly_cli.main import main

                code = main([str(each) for each in words])
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException:  # noqa: BLE001 - the child's last words
            import traceback

            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)

    def go(self):
        """Let it begin, and return how it ended: its exit code, or KILLED."""
        os.write(self._go, b"x")
        os.close(self._go)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)


class Child:
    """kelly's command line in a child of this process, handled as a process of its own.

    For proofs that start a listener again and again. No thread of the proof may run at the start.
    """

    def __init__(self, words, environ, folder, out, err):
        self.returncode = None
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self._be(words, environ, folder, out, err)

    def _be(self, words, environ, folder, out, err):
        code = 70
        try:
            os.setpgid(0, 0)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for number, file in ((1, out), (2, err)):
                os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
            os.environ.clear()
            os.environ.update(environ)
            os.chdir(folder)
            # What starts its own children, where a proof wants to hold them from their first call.
            sys.executable = environ.get("PROOF_CHILD_PYTHON", sys.executable)
            from kelly_cli.main import main

            code = main(words)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)

    def poll(self):
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout=60):
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("a child", timeout)
            time.sleep(0.005)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


class SqlitePlace:
    """Books in a SQLite file, copied afresh for each point."""

    name = "sqlite"
    ending = ".db"

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="kelly-crash-"))
        self.kept = {}
        self.saved_as = {}
        """The state of books → the state of a backup of them."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def new(self, name):
        """Make an empty folder for books; return it and their URL."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder, f"sqlite:///{folder}/books.db"

    def keep(self, name, folder):
        """Remember the books and all beside them as ``name``."""
        self.kept[name] = {
            file.name: file.read_bytes()
            for file in folder.iterdir()
            if file.is_file() and not file.name.endswith(("-shm", ".out", ".err"))
        }

    def fresh(self, name):
        """Put a copy of what was kept into a new folder; return it and the URL."""
        folder, url = self.new("point")
        for file, data in self.kept[name].items():
            (folder / file).touch(0o600)
            (folder / file).write_bytes(data)
        return folder, url

    def state(self, folder):
        """Return a digest of all rows of the books, as a reader would find them now."""
        return self.state_of(folder / "books.db")

    def state_of(self, file):
        """Return a digest of all rows of one file, or what is wrong with it. Touches nothing."""
        if not file.exists():
            return "nothing"
        copy = self.folder / "look" / "copy.db"
        shutil.rmtree(copy.parent, ignore_errors=True)
        copy.parent.mkdir()
        for ending in ("", "-wal", "-journal"):
            beside = file.with_name(file.name + ending)
            if beside.exists():
                shutil.copyfile(beside, copy.with_name(copy.name + ending))
        try:
            with contextlib.closing(sqlite3.connect(copy)) as db:
                problem = db.execute("PRAGMA integrity_check").fetchone()[0]
                return digest(read_sqlite(db)) if problem == "ok" else f"damaged: {problem}"
        except sqlite3.Error as error:
            return f"damaged: {error}"

    def rows(self, folder, sql):
        """Return rows of the books of a folder."""
        with contextlib.closing(sqlite3.connect(folder / "books.db")) as db:
            return db.execute(sql).fetchall()

    def change(self, folder, statements):
        """Run statements on the books of a folder."""
        with contextlib.closing(sqlite3.connect(folder / "books.db", isolation_level=None)) as db:
            for statement in statements:
                db.execute(statement)

    def fill_from(self, name, folder):
        """Copy the rows of kept books into older ones, in the columns that both have."""
        newer, _ = self.fresh(name)
        copy_rows(newer / "books.db", folder / "books.db")

    def rest(self):
        """Wait until nothing works on the books any more."""

    def ways(self, _sweep):
        """Give the other ways to break into the work."""
        return ()


def copy_rows(newer, older):
    """Copy the rows of one SQLite file into another, in the columns that both have."""
    with contextlib.closing(sqlite3.connect(older, isolation_level=None)) as db:
        db.execute("ATTACH ? AS newer", (str(newer),))
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        db.execute("BEGIN")
        for table in set(tables) - {"alembic_version"}:
            columns = [
                {row[1] for row in db.execute(f'PRAGMA {where}.table_info("{table}")')}
                for where in ("main", "newer")
            ]
            both = ", ".join(sorted(columns[0] & columns[1]))
            if both:
                db.execute(f"INSERT INTO main.{table} ({both}) SELECT {both} FROM newer.{table}")
        db.execute("COMMIT")


def read_sqlite(db):
    """Give the schema and every row of a SQLite database."""
    names = db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
    tables = []
    for name, sql in names.fetchall():
        yield name, " ".join(sql.split())
        if sql.startswith("CREATE TABLE"):
            tables.append(name)
    for name in tables:
        rows = db.execute(f'SELECT * FROM "{name}"').fetchall()
        yield from sorted(map(repr, rows_that_count(name, rows)))


def rows_that_count(table, rows):
    """Leave out the audit's rows of restores: when they were made is no part of the books."""
    return [row for row in rows if table != "audit" or "db.restore" not in row]


def digest(parts):
    """Return a short name for what the parts say."""
    found = hashlib.sha256()
    for part in parts:
        found.update(repr(part).encode())
    return found.hexdigest()[:16]
