"""What the proofs share: listeners in processes of their own, clients that remember, four views.

A proof drives a listener from outside (HTTP, command line, files) and prints one JSON line of
figures; it ends with 1 when a promise was broken. A receipt counts as acknowledged when the whole
200 was read. Four views are held against each other: what the clients remember, the logs' bytes,
the payments, and the books' own check.
"""

import argparse
import base64
import contextlib
import json
import os
import platform
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from fractions import Fraction
from pathlib import Path

from broken_ledger import OURS, judge, latest
from running import Listener

HERE = Path(__file__).resolve().parent
ROOT = Path(os.environ.get("KELLY_PROOFS_ROOT", HERE.parent.parent))
BROKEN = HERE / "broken_listener.py"
SETTLED_S = 10.0
CONFIRMATION = "/c2b/confirmation"
LATEST = latest()


def options(about, *, short, long, are_steps=False, **numbers):
    """Read a proof's command line; ``count`` is how much it does; ``numbers`` are more options.

    ``are_steps``: a count is the step from point to point, so that a part of it is a longer step.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--long", action="store_true", help="the long form")
    parser.add_argument("--fraction", type=Fraction, default=1, help="of the long form: 1/30")
    parser.add_argument("--count", type=int, help="how much to do instead")
    parser.add_argument("--seed", type=int, default=20260203)
    parser.add_argument("--bug", help="the broken listener: a bug's name, none, or pair")
    parser.add_argument("--postgres", default="", help="the URL of a server to make schemas in")
    for name, what in numbers.items():
        parser.add_argument(f"--{name}", type=int, help=what)
    given = parser.parse_args()
    part = 1 / given.fraction if are_steps else given.fraction
    given.count = given.count or (max(round(long * part), 1) if given.long else short)
    return given


def confirmation(receipt, amount="10.00", reference="nobody", **changes):
    """Return the bytes of a confirmation."""
    body = {
        "TransactionType": "Pay Bill",
        "TransID": receipt,
        "TransTime": "20260203143022",
        "TransAmount": amount,
        "BusinessShortCode": "174379",
        "BillRefNumber": reference,
        "MSISDN": "2547 ***** 149",
        "FirstName": "JANE",
    }
    body.update(changes)
    return json.dumps({k: v for k, v in body.items() if v is not ...}).encode()


def read(raw):
    """Return what the oracle of contract section 7 says of a body."""
    return judge(raw, OURS, LATEST)


class Client:
    """One connection after another to one port."""

    def __init__(self, port, timeout_s=15.0):
        self.port, self.timeout_s, self._socket = port, timeout_s, None

    def post(self, body, path=CONFIRMATION, *, chunked=False, headers=()):
        """Return the status of a complete answer, or None when there was none."""
        if chunked:
            size = "Transfer-Encoding: chunked"
            body = b"".join(
                b"%x\r\n%b\r\n" % (len(part), part)
                for part in (body[at : at + 7000] for at in range(0, len(body), 7000))
            )
            body += b"0\r\n\r\n"
        else:
            size = f"Content-Length: {len(body)}"
        lines = [f"POST {path} HTTP/1.1", "Host: proof", size, *headers, "", ""]
        return self.exchange("\r\n".join(lines).encode() + body)

    def exchange(self, data):
        try:
            if self._socket is None:
                address = ("127.0.0.1", self.port)
                self._socket = socket.create_connection(address, timeout=self.timeout_s)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._file = self._socket.makefile("rb")
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._socket.sendall(data)
            return self._answer()
        except (OSError, ValueError, IndexError):
            self.close()
            return None

    def _answer(self):
        status = int(self._file.readline().split(b" ")[1])
        length, close = 0, False
        while (line := self._file.readline()) != b"\r\n":
            if not line:
                raise OSError("cut short")
            name, _, value = line.lower().partition(b":")
            if name == b"content-length":
                length = int(value)
            close |= name == b"connection" and b"close" in value
        if len(self._file.read(length)) != length:
            raise OSError("cut short")
        if close:
            self.close()
        return status

    def close(self):
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Books:
    """Books in a folder of their own, and the listeners and views of them.

    ``bug`` None = kelly's; otherwise the broken listener's, with ``none`` for no bug at all, and
    ``pair`` for none in the one of two processes.
    ``child``: how kelly's commands run in a child of this process (crash_stage.Child).
    """

    def __init__(self, bug=None, postgres="", child=None):
        self.bug, self.postgres = bug, postgres
        self.child = child if bug is None else None
        self.folder = Path(tempfile.mkdtemp(prefix="kelly-proof-"))
        self.path = self.folder / "books.db"
        self.url = f"sqlite:///{self.path}"
        self.started = []
        if postgres:
            self.schema = f"p{uuid.uuid4().hex[:16]}"
            self._on_server(f"CREATE SCHEMA {self.schema}")
            mark = "&" if "?" in postgres else "?"
            self.url = f"{postgres}{mark}options=-csearch_path%3D{self.schema}"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("KELLY_", "MPESA_"))}
        home = str(self.folder)
        self.environ = {**kept, "PYTHONPATH": str(ROOT), "HOME": home, "XDG_CONFIG_HOME": home}
        self.environ["XDG_DATA_HOME"] = home
        self.environ["KELLY_DATABASE_URL"] = self.url

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for listener in self.started:
            listener.kill()
        if self.postgres:
            self._on_server(f"DROP SCHEMA {self.schema} CASCADE")
        if kind is None and not os.environ.get("KELLY_PROOFS_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def _on_server(self, sql):
        import psycopg

        with psycopg.connect(self.postgres, autocommit=True) as connection:
            return connection.execute(sql)

    # What runs

    def command(self, *words):
        """Return the command line of the books' own program."""
        if self.bug is None:
            return [sys.executable, "-m", "kelly_cli", *words]
        bug = [] if self.bug in {"none", "pair"} else ["--bug", self.bug]
        pair = ["--pair"] if self.bug.startswith("pair") else []
        return [sys.executable, str(BROKEN), *words, "--db", str(self.path), *bug, *pair]

    def start(self, **environ):
        """Start a listener; ``wait()`` for it."""
        words = ("serve",) if self.bug else ("webhook", "serve", "--port", "0", "--json")
        command = list(words) if self.child else self.command(*words)
        whole = {**self.environ, **environ}
        self.started.append(Listener(command, whole, self.folder, self.child))
        return self.started[-1]

    def run(self, *words, stdin=None):
        """Run one command to its end; return its exit code and what it printed."""
        if self.child and stdin is None:
            out, err = self.folder / "run.out", self.folder / "run.err"
            code = self.child(list(words), self.environ, self.folder, out, err).wait()
            return code, out.read_text(), err.read_text()
        ran = subprocess.run(
            self.command(*words),
            env=self.environ,
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            text=True,
        )
        return ran.returncode, ran.stdout, ran.stderr

    def make_invoices(self, number, cents):
        """Make invoices of ``cents``, in kelly's books each with its own customer."""
        if self.bug:
            return json.loads(self.run("invoices", str(number), str(cents))[1])
        known = {row[0] for row in self.rows("SELECT invoice_id FROM invoices")}
        first = self.rows("SELECT count(*) FROM customers")[0][0] if known else 0
        names = [f"C{first + at}" for at in range(number)]
        amount = f"{cents // 100}.{cents % 100:02}"
        self.take_in("customers", ["Name,Account", *(f"{name},{name}" for name in names)])
        self.take_in("invoices", ["Account,Amount", *(f"{name},{amount}" for name in names)])
        rows = self.rows("SELECT invoice_id FROM invoices ORDER BY id")
        return [row[0] for row in rows if row[0] not in known]

    def take_in(self, what, lines):
        """Import what a file of kelly's form lists: a command for each costs many times as much."""
        file = self.folder / f"{what}.csv"
        file.write_text("\n".join([*lines, ""]))
        code, _, err = self.run("import", what, str(file))
        if code:
            raise RuntimeError(f"import: {err}")

    def reprocess(self):
        """Try failed callbacks again."""
        code, _, err = self.run("reprocess")
        if code not in {0, 3}:
            raise RuntimeError(f"reprocess: {err}")

    # The views

    def rows(self, sql):
        """Return rows of the books as they are now."""
        if self.postgres:
            import psycopg

            with psycopg.connect(self.postgres) as connection:
                connection.execute(f"SET search_path TO {self.schema}")
                try:
                    return connection.execute(sql).fetchall()
                except psycopg.errors.UndefinedTable:
                    return []
        if not self.path.exists():
            return []
        with contextlib.closing(sqlite3.connect(self.path, timeout=20)) as connection:
            connection.execute("PRAGMA query_only=ON")
            connection.execute("PRAGMA wal_autocheckpoint=0")
            return connection.execute(sql).fetchall()

    def stored(self):
        """Return the multiset of bodies in the logs."""
        rows = self.rows("SELECT raw_payload, raw_encoding FROM webhook_logs")
        return Counter(
            base64.b64decode(payload) if encoding == "base64" else payload.encode()
            for payload, encoding in rows
        )

    def payments(self):
        """Return (receipt, cents) of every payment."""
        sql = "SELECT mpesa_receipt_number, amount_cents FROM payments ORDER BY id"
        return [tuple(row) for row in self.rows(sql)]

    def money(self):
        """Return all payments and what every invoice and payment holds."""
        return [
            self.payments(),
            self.rows("SELECT id, allocated_cents FROM payments ORDER BY id"),
            self.rows("SELECT id, amount_paid_cents FROM invoices ORDER BY id"),
        ]

    def pending(self):
        """Return how many logs nothing has looked at."""
        found = self.rows(
            "SELECT count(*) FROM webhook_logs "
            "WHERE NOT processed AND NOT is_duplicate AND error IS NULL"
        )
        return found[0][0] if found else 0

    def check(self):
        """Return what the books' own check finds wrong."""
        words = ("check",) if self.bug else ("db", "check", "--json")
        _, out, err = self.run(*words)
        try:
            told = json.loads(out)
        except ValueError:
            return [f"no check: {err[-300:]}"]
        return told["violations"] if not told["ok"] else []

    def settle(self, acked=None):
        """Wait until no log is pending and nothing is spooled; return the seconds it took.

        ``acked``: bodies that must be in the logs then; what is cheap to see is looked at first.
        """
        start = time.monotonic()
        while time.monotonic() - start < SETTLED_S:
            done = not self.spooled() and self.pending() == 0
            if done and not (acked and acked - self.stored()):
                return time.monotonic() - start
            time.sleep(0.1)
        return None

    def spooled(self):
        """Tell whether bodies wait in a spool."""
        if self.bug:
            return any(self.folder.glob("books.db.spool/*.body"))
        return any(path.is_file() for path in self.folder.rglob("*.spool"))


class Proof:
    """Violations and figures of one run."""

    def __init__(self, name, given):
        self.name, self.given, self.violations, self.figures = name, given, [], {}
        self.start = time.monotonic()
        self.chance = random.Random(given.seed)

    def require(self, holds, what):
        """Note a broken promise."""
        if not holds:
            self.violations.append(what)
        return holds

    def compare(self, books, sent, acked, amounts, *, check=True):
        """Hold the four views against each other.

        ``sent``, ``acked``: multisets of bodies; ``amounts``: receipt → cents of what was sent.
        """
        stored, payments = books.stored(), books.payments()
        lost, invented = sum((acked - stored).values()), sum((stored - sent).values())
        self.require(not lost, f"{lost} acknowledged bodies are not in the logs")
        self.require(not invented, f"{invented} bodies in the logs were never sent")
        counts = Counter(receipt.upper() for receipt, _ in payments)
        double = [receipt for receipt, count in counts.items() if count > 1]
        self.require(not double, f"{len(double)} receipts are more than one payment: {double[:3]}")
        wrong = [(r, cents) for r, cents in payments if amounts.get(r.upper()) != cents]
        self.require(not wrong, f"{len(wrong)} payments nobody sent so: {wrong[:3]}")
        named = {said[1] for said in map(read, stored) if said[0] == "ok"}
        bare = sorted(set(counts) - named)
        self.require(not bare, f"{len(bare)} payments without a log: {bare[:3]}")
        broken = books.check() if check else []
        self.require(not broken, f"check: {len(broken)} violations: {broken[:3]}")
        return counts

    def done(self):
        """Print the one line of figures, and end."""
        figures = {
            "proof": self.name,
            "ok": not self.violations,
            "seed": self.given.seed,
            "count": self.given.count,
            "target": self.given.bug or "kelly",
            **self.figures,
            "seconds": round(time.monotonic() - self.start, 1),
            "violations": self.violations[:10],
            "versions": {
                "python": platform.python_version(),
                "sqlite": sqlite3.sqlite_version,
                "kernel": platform.release(),
                "cores": os.cpu_count(),
            },
        }
        print(json.dumps(figures), flush=True)
        sys.exit(bool(self.violations))
