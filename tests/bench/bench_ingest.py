"""Bulk ingest against its limits, in one run: python tests/bench/bench_ingest.py [LINES] [ROUNDS].

*limit*: a bare sqlite3 program that only parses each line and writes the same log, payment and
allocation rows into the same tables, in batches of 1,000. *orm*: SQLModel objects, one commit a
callback. All sides take turns; the figures are medians of ratios. Prints one JSON line.
"""

import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent.parent))

from make_callbacks import lines  # noqa: E402
from seed_books import seed  # noqa: E402

ORM_LINES = 2000


def limit(database, source):
    """Parse and write; no lookups, no rules."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA cache_size=-16384")
    connection.execute("PRAGMA foreign_keys=OFF")
    at = "2026-02-03 12:00:00.000000"
    number = 0
    logs, payments, allocations = [], [], []
    connection.execute("BEGIN IMMEDIATE")

    def flush():
        connection.executemany(
            "INSERT INTO webhook_logs (id, delivery_id, kind, source, raw_payload, raw_encoding, "
            "raw_sha256, trans_id, processed, is_duplicate, error, attempts, payment_id, "
            "created_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            logs,
        )
        connection.executemany(
            "INSERT OR IGNORE INTO payments (id, mpesa_receipt_number, channel, short_code, "
            "amount_cents, allocated_cents, transaction_date, bill_ref_number, msisdn, payer_name, "
            "transaction_type, org_balance_cents, checkout_request_id, customer_id, matched_by, "
            "unmatched_reason, verified_by, log_id, created_at) "
            "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            payments,
        )
        connection.executemany(
            "INSERT INTO allocations (payment_id, invoice_id, amount_cents, reason, created_at) "
            "VALUES (?,?,?,?,?)",
            allocations,
        )
        connection.execute("COMMIT")
        logs.clear()
        payments.clear()
        allocations.clear()

    digest = bytes(32)
    with open(source, "rb") as stream:
        for raw in stream:
            body = json.loads(raw)
            number += 1
            receipt, when = body["TransID"], body["TransTime"]
            cents = int(body["TransAmount"].replace(".", ""))
            delivery = f"{number:032x}"
            text = raw.decode()
            logs.append(
                (number, delivery, "confirmation", "file", text, "utf-8", digest, receipt, 1, 0)
                + (None, 1, number, at)
            )
            day = f"{when[:4]}-{when[4:6]}-{when[6:8]} "
            day += f"{when[8:10]}:{when[10:12]}:{when[12:]}.000000"
            payments.append(
                (number, receipt, "c2b", "174379", cents, cents, day, body["BillRefNumber"])
                + (body["MSISDN"], body["FirstName"], body["TransactionType"], 0, None)
                + (number % 1000 + 1, "invoice", None, "callback", number, at)
            )
            allocations.append((number, number % 5000 + 1, cents, "reference", at))
            if len(logs) == 1000:
                flush()
                connection.execute("BEGIN IMMEDIATE")
        flush()
    connection.close()


def orm(database, source, count=ORM_LINES):
    """The way of a web application: a session, objects, a commit for each callback."""
    from orm_way import book
    from sqlmodel import Session, create_engine

    engine = create_engine(f"sqlite:///{database}")
    now = datetime.now(UTC)
    with Session(engine) as session, open(source, "rb") as stream:
        for number, raw in enumerate(stream):
            if number == count:
                break
            book(session, raw, f"o{number}", now)
    engine.dispose()


def ours(database, source):
    from kelly_cli.services.inbox import Inbox, OurCode
    from kelly_cli.services.ingesting import Ingest
    from kelly_cli.store.database import Database

    opened = Database(f"sqlite:///{database}")
    inbox = Inbox(opened, [OurCode("174379", "paybill", None, "local")], lambda: datetime.now(UTC))
    with open(source, "rb") as stream:
        Ingest(inbox).run(stream, "file", lambda _: None)
    opened.close()


def timed(what, template, source, folder):
    """Run one side in a process of its own on a fresh copy; return (seconds, peak MB)."""
    copy = folder / "run.db"
    for old in folder.glob("run.db*"):
        old.unlink()
    shutil.copy(template, copy)
    done = subprocess.run(
        [sys.executable, __file__, "--side", what, str(copy), str(source)],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


def side(what, database, source):
    import resource

    sides = {"limit": limit, "orm": orm, "ours": ours}
    if what == "ours":
        import kelly_cli.services.ingesting
        import kelly_cli.store.database  # noqa: F401
    if what == "orm":
        import orm_way  # noqa: F401
    start = time.perf_counter()
    sides[what](database, source)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak}))


def main(count, rounds):
    with tempfile.TemporaryDirectory(dir=os.environ.get("KELLY_BENCH_DIR")) as name:
        folder = Path(name)
        source = folder / "callbacks.jsonl"
        with source.open("w") as out:
            out.writelines(f"{line}\n" for line in lines(count))
        template = folder / "template.db"
        seed(f"sqlite:///{template}")
        rates = {"limit": [], "ours": [], "orm": []}
        peaks = []
        for _ in range(rounds):
            for what in ("limit", "ours", "limit", "ours", "orm"):
                result = timed(what, template, source, folder)
                rows = ORM_LINES if what == "orm" else count
                rates[what].append(rows / result["seconds"])
                if what == "ours":
                    peaks.append(result["peak_mb"])
        of_limit = [us / bare for us, bare in zip(rates["ours"], rates["limit"], strict=True)]
        orm_rate = statistics.median(rates["orm"])
        print(
            json.dumps(
                {
                    "lines": count,
                    "rounds": rounds,
                    "ours_per_s": round(statistics.median(rates["ours"])),
                    "limit_per_s": round(statistics.median(rates["limit"])),
                    "orm_per_s": round(orm_rate),
                    "of_limit": round(statistics.median(of_limit), 3),
                    "of_limit_min_max": [round(min(of_limit), 3), round(max(of_limit), 3)],
                    "times_orm": round(statistics.median(rates["ours"]) / orm_rate, 1),
                    "peak_mb": round(max(peaks)),
                }
            )
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--side"]:
        side(*sys.argv[2:5])
    else:
        main(
            int(sys.argv[1]) if len(sys.argv) > 1 else 100_000,
            int(sys.argv[2]) if len(sys.argv) > 2 else 3,
        )
