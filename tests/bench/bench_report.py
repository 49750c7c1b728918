"""Reports over a long book: python tests/bench/bench_report.py [PAYMENTS] [ROUNDS].

*daily*: ``kelly report daily --days 30 --json`` in a process of its own, and the same on books that
hold no payment. They take turns; the figure is the median of differences. *scan*: the same sums
from the payments' own index, in this process, beside *rollup*, which reports read.
Prints one JSON line.
"""

import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent.parent))

from seed_books import seed  # noqa: E402

DAYS = 30
LAST = date(2026, 2, 3)
LIMIT_MS = 60
HOUR = "substr(transaction_date, 1, 10), CAST(substr(transaction_date, 12, 2) AS INTEGER)"


def fill(path, payments):
    """Payments of thirty days, all of them in the days that are asked for: the worst case."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute(
        "INSERT INTO short_codes (code, kind, environment, created_at) VALUES "
        "('174379', 'paybill', 'local', '2026-01-01 00:00:00.000000')"
    )
    start = datetime.combine(LAST - timedelta(days=DAYS - 1), datetime.min.time())
    step = timedelta(days=DAYS) / payments
    connection.executemany(
        "INSERT INTO payments (id, mpesa_receipt_number, channel, short_code, amount_cents, "
        "allocated_cents, transaction_date, customer_id, verified_by, created_at) VALUES "
        "(?, ?, 'c2b', '174379', ?, 0, ?, ?, 'callback', '2026-02-03 00:00:00.000000')",
        (
            (
                number + 1,
                f"R{number:09d}",
                100 + number % 100_000,
                (start + step * number).replace(microsecond=0).isoformat(" ") + ".000000",
                None if number % 20 == 0 else number % 1000 + 1,
            )
            for number in range(payments)
        ),
    )
    connection.execute(
        f"INSERT INTO hour_totals SELECT {HOUR}, short_code, status, count(*), "
        "sum(amount_cents) FROM payments GROUP BY 1, 2, 3, 4"
    )
    connection.commit()
    connection.close()


def command(path):
    """Return how long one report takes in a process of its own, in ms."""
    start = time.perf_counter()
    told = subprocess.run(
        [sys.executable, "-m", "kelly_cli", "report", "daily", "--days", str(DAYS), "--date"]
        + [LAST.isoformat(), "--json"],
        check=True,
        capture_output=True,
        cwd=HERE.parent.parent,
        env={**os.environ, "KELLY_DATABASE_URL": f"sqlite:///{path}"},
    )
    return (time.perf_counter() - start) * 1000, json.loads(told.stdout)


def reading(path, sql):
    connection = sqlite3.connect(path)
    start = time.perf_counter()
    connection.execute(sql).fetchall()
    taken = (time.perf_counter() - start) * 1000
    connection.close()
    return taken


def main(payments, rounds):
    with tempfile.TemporaryDirectory(dir=os.environ.get("KELLY_BENCH_DIR")) as name:
        empty, full = Path(name) / "empty.db", Path(name) / "full.db"
        for path in (empty, full):
            seed(f"sqlite:///{path}")
        fill(full, payments)
        for path in (empty, full):
            command(path)
        over, whole = [], []
        for _ in range(rounds):
            bare, _ = command(empty)
            long, told = command(full)
            over.append(long - bare)
            whole.append(long)
        days = told["days"]
        assert sum(day["count"] + day["unmatched"]["count"] for day in days) == payments
        first = LAST - timedelta(days=DAYS - 1)
        scan = reading(
            full,
            "SELECT substr(transaction_date, 1, 10), status, count(*), sum(amount_cents) FROM "
            f"payments WHERE transaction_date >= '{first}' GROUP BY 1, 2",
        )
        rollup = reading(
            full,
            "SELECT day, status, sum(payments), sum(amount_cents) FROM hour_totals "
            f"WHERE day >= '{first}' GROUP BY 1, 2",
        )
        print(
            json.dumps(
                {
                    "payments": payments,
                    "report_ms": round(statistics.median(whole)),
                    "over_start_ms": round(statistics.median(over), 1),
                    "of_limit": round(statistics.median(over) / LIMIT_MS, 2),
                    "scan_ms": round(scan),
                    "rollup_ms": round(rollup, 2),
                    "times_scan": round(scan / rollup),
                }
            )
        )


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000,
        int(sys.argv[2]) if len(sys.argv) > 2 else 9,
    )
