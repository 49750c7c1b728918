"""The books of the broken listener: its tables, its one road, and its own check of them."""

import base64
import contextlib
import importlib.util
import json
import sqlite3
import time
from pathlib import Path

OURS = frozenset({"174379"})
PENDING = "SELECT id FROM webhook_logs WHERE NOT processed AND NOT is_duplicate"
SCHEMA = """
CREATE TABLE IF NOT EXISTS webhook_logs (
    id INTEGER PRIMARY KEY, raw_payload TEXT, raw_encoding TEXT, trans_id TEXT,
    processed INT DEFAULT 0, is_duplicate INT DEFAULT 0, error TEXT, payment_id INT);
CREATE TABLE IF NOT EXISTS payments (
    id INTEGER PRIMARY KEY, mpesa_receipt_number TEXT {unique}, amount_cents INT,
    allocated_cents INT DEFAULT 0, log_id INT);
CREATE TABLE IF NOT EXISTS invoices (
    id INTEGER PRIMARY KEY, invoice_id TEXT UNIQUE, amount_cents INT,
    amount_paid_cents INT DEFAULT 0);
CREATE TABLE IF NOT EXISTS allocations (
    id INTEGER PRIMARY KEY, payment_id INT, invoice_id INT, amount_cents INT);
CREATE TABLE IF NOT EXISTS consumed (receipt TEXT);
CREATE TABLE IF NOT EXISTS spooled (segment INT PRIMARY KEY);
"""


def load_oracle():
    path = Path(__file__).parent.parent / "daraja" / "oracle.py"
    spec = importlib.util.spec_from_file_location("oracle", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


judge = load_oracle().judge


def latest():
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 27 * 3600))


def text_of(raw):
    try:
        if b"\0" not in raw:
            return raw.decode(), "utf-8"
    except UnicodeDecodeError:
        pass
    return base64.b64encode(raw).decode(), "base64"


def bytes_of(payload, encoding):
    return base64.b64decode(payload) if encoding == "base64" else payload.encode()


class Ledger:
    """The books. A connection is made for each piece of work: slow, and nothing to go wrong."""

    def __init__(self, path, bug):
        self.path, self.bug = path, bug
        unique = "" if bug == "check_then_insert" else "UNIQUE"
        with self.open(30) as db:
            db.executescript(SCHEMA.format(unique=unique))

    @contextlib.contextmanager
    def open(self, busy_s=30.0):
        db = sqlite3.connect(self.path, timeout=busy_s, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            mode = "NORMAL" if self.bug == "synchronous_normal" else "FULL"
            db.execute(f"PRAGMA synchronous={mode}")
            yield db
        finally:
            db.close()

    @contextlib.contextmanager
    def writing(self, busy_s=30.0):
        with self.open(busy_s) as db:
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")

    def log(self, raw, busy_s=30.0):
        with self.writing(busy_s) as db:
            return self.log_in(db, raw)

    def log_in(self, db, raw):
        sql = "INSERT INTO webhook_logs (raw_payload, raw_encoding) VALUES (?, ?)"
        return db.execute(sql, text_of(raw)).lastrowid

    def process(self, log, *, again=False):
        """Book a log that is not booked yet; ``again``: do not look whether it is."""
        if self.bug in {"check_then_insert", "balance_without_lock"}:
            with self.open() as db:
                self._process_in(db, log, again)
            return
        with self.writing() as db:
            self._process_in(db, log, again)

    def _process_in(self, db, log, again):
        payload, encoding, processed, duplicate, error = db.execute(
            "SELECT raw_payload, raw_encoding, processed, is_duplicate, error "
            "FROM webhook_logs WHERE id = ?",
            (log,),
        ).fetchone()
        if (processed or duplicate or error) and not again:
            return
        raw = bytes_of(payload, encoding)
        self._book(db, log, raw, again=again)

    def _book(self, db, log, raw, *, again=False):
        said = judge(raw, OURS, latest())
        if said[0] == "refused":
            self._fail(db, log, raw, said[1])
            return
        receipt, cents = said[1], said[2]
        body = json.loads(raw.decode("utf-8-sig"), parse_float=str, parse_int=str)
        if self.bug == "case_sensitive_receipt":
            receipt = body["TransID"].strip()
        if self.bug == "float_cents":
            cents = int(float(body["TransAmount"]) * 100)
        find = "SELECT id FROM payments WHERE mpesa_receipt_number = ?"
        known = db.execute(find, (receipt,)).fetchone()
        consumed = db.execute("SELECT 1 FROM consumed WHERE receipt = ?", (receipt,)).fetchone()
        if (known or consumed) and not again:
            row = known and known[0]
            sql = "UPDATE webhook_logs SET is_duplicate=1, trans_id=?, payment_id=? WHERE id=?"
            db.execute(sql, (receipt, row, log))
            return
        row = known[0] if known else None
        if row is None:
            sql = (
                "INSERT INTO payments (mpesa_receipt_number, amount_cents, log_id) VALUES (?, ?, ?)"
            )
            row = db.execute(sql, (receipt, cents, log)).lastrowid
        self._allocate(db, row, cents, body.get("BillRefNumber"))
        sql = "UPDATE webhook_logs SET processed=1, trans_id=?, payment_id=? WHERE id=?"
        db.execute(sql, (receipt, row, log))

    def _fail(self, db, log, raw, field):
        db.execute("UPDATE webhook_logs SET error = ? WHERE id = ?", (f"{field} is bad", log))
        if self.bug == "failed_consumes_receipt":
            with contextlib.suppress(Exception):
                receipt = json.loads(raw)["TransID"].strip().upper()
                db.execute("INSERT INTO consumed VALUES (?)", (receipt,))

    def _allocate(self, db, payment, cents, reference):
        name = reference.strip() if isinstance(reference, str) else ""
        name = name.encode("utf-8", "replace").decode()
        sql = "SELECT id, amount_cents - amount_paid_cents, amount_paid_cents FROM invoices "
        found = db.execute(sql + "WHERE invoice_id = ?", (name,)).fetchone()
        if not found:
            return
        invoice, open_cents, paid = found
        part = min(cents, open_cents)
        if self.bug == "balance_without_lock":
            time.sleep(0.001)  # as long as an ORM takes
        sql = "INSERT INTO allocations (payment_id, invoice_id, amount_cents) VALUES (?, ?, ?)"
        db.execute(sql, (payment, invoice, part))
        sql = "UPDATE payments SET allocated_cents = allocated_cents + ? WHERE id = ?"
        db.execute(sql, (part, payment))
        sql = "UPDATE invoices SET amount_paid_cents = ? WHERE id = ?"
        db.execute(sql, (paid + part, invoice))

    def sweep(self):
        with self.open() as db:
            pending = [row[0] for row in db.execute(f"{PENDING} AND error IS NULL")]
        twice = self.bug == "sweep_twice"
        for log in pending * (2 if twice else 1):
            self.process(log, again=twice)

    def reprocess(self):
        again = self.bug == "reprocess_again"
        with self.open() as db:
            sql = "SELECT id FROM webhook_logs WHERE processed" if again else PENDING
            logs = [row[0] for row in db.execute(sql)]
        for log in logs:
            self.process(log, again=again)

    def violations(self):
        with self.open() as db:
            for name, sql in CHECKS.items():
                for row in db.execute(sql):
                    yield f"{name}: {tuple(row)}"


CHECKS = {
    "receipt twice": (
        "SELECT upper(mpesa_receipt_number), count(*) FROM payments GROUP BY 1 HAVING count(*) > 1"
    ),
    "paid is not what was allocated": (
        "SELECT i.invoice_id, i.amount_paid_cents, sum(a.amount_cents) FROM invoices i "
        "JOIN allocations a ON a.invoice_id = i.id GROUP BY i.id "
        "HAVING sum(a.amount_cents) <> i.amount_paid_cents"
    ),
    "paid too much": (
        "SELECT invoice_id, amount_paid_cents FROM invoices WHERE amount_paid_cents > amount_cents"
    ),
    "allocated too much": (
        "SELECT mpesa_receipt_number FROM payments WHERE allocated_cents > amount_cents"
    ),
    "payment without its log": (
        "SELECT mpesa_receipt_number FROM payments p WHERE NOT EXISTS "
        "(SELECT 1 FROM webhook_logs l WHERE l.id = p.log_id)"
    ),
    "two outcomes": "SELECT id FROM webhook_logs WHERE processed AND is_duplicate",
}
