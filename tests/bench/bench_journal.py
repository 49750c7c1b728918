"""What one writer at a time costs, and what it buys: python tests/bench/bench_journal.py [ROUNDS].

Sides: *plain* (WAL as SQLite has it: its own checkpoints, its own busy handler), *ours* (the
turnstile, checkpoints under it), *rollback* (no WAL) and, where the package pysqlite3 can be
imported, *newer* (plain, with its SQLite). All write the same logs into the same tables, with
synchronous=FULL. All take turns; figures are medians of the rounds. Prints one JSON line.

*rows_s*: batches of 5,000. *commit_ms*: one row a commit, alone. *beside_ms*: the same beside a
process that commits batches of 5,000 without a pause; *bulk_rows_s*: what that process gets done.
"""

import importlib.util
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

BATCH = 5000
BATCHES = 12
COMMITS = 200
BESIDE_S = 5.0
PAUSE_S = 0.005
INSERT = (
    "INSERT INTO webhook_logs (delivery_id, kind, source, raw_payload, raw_encoding, raw_sha256, "
    "trans_id, processed, is_duplicate, attempts, created_at) "
    "VALUES (?, 'confirmation', 'file', ?, 'utf-8', ?, ?, 1, 0, 1, '2026-02-03 12:00:00.000000')"
)
PAYLOAD = '{"TransactionType": "Pay Bill", "TransID": "RKTQDM7W6S"}'.ljust(420)


def batch(name, count):
    return [
        (f"{name}-{n}", PAYLOAD, b"x" * 32, f"{name}{n}".replace("-", "")) for n in range(count)
    ]


def committer(side, path):
    """Return a function that commits rows the way of one side."""
    if side == "ours":
        from kelly_cli.store.database import Database

        database = Database(f"sqlite:///{path}")

        def write(rows):
            with database.writing() as connection:
                connection.exec_driver_sql(INSERT, rows)

        return write
    module = sqlite3
    if side == "newer":
        from pysqlite3 import dbapi2 as module
    connection = module.connect(path, isolation_level=None, timeout=60)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA cache_size=-16384")
    connection.execute("PRAGMA temp_store=MEMORY")

    def write(rows):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(INSERT, rows)
        connection.execute("COMMIT")

    return write


def bulk(side, path, seconds):
    """Commit batches without a pause; print how many."""
    write = committer(side, path)
    batches = [batch(f"{seconds}-{n}", BATCH) for n in range(3)]
    print("ready", flush=True)
    started = time.monotonic()
    number = 0
    while time.monotonic() - started < seconds:
        number += 1
        rows = [(f"{number}/{d}", p, s, f"{number}/{t}") for d, p, s, t in batches[number % 3]]
        write(rows)
    print(number / (time.monotonic() - started))


def fresh(folder, side):
    from kelly_cli.store.database import Database
    from kelly_cli.store.schema import open_for_writing

    path = Path(tempfile.mkdtemp(dir=folder)) / "books.db"
    database = Database(f"sqlite:///{path}")
    open_for_writing(database)
    database.close()
    if side == "rollback":
        plain = sqlite3.connect(path)
        plain.execute("PRAGMA journal_mode=DELETE")
        plain.close()
    return str(path)


def quantiles(times):
    times = sorted(times)
    return {
        "p50": round(statistics.median(times) * 1000, 2),
        "p99": round(times[int((len(times) - 1) * 0.99)] * 1000, 2),
        "max": round(times[-1] * 1000, 2),
    }


def measure(folder, side):
    """One round of one side."""
    path = fresh(folder, side)
    write = committer(side, path)
    batches = [batch(f"B{n}-", BATCH) for n in range(BATCHES)]
    started = time.perf_counter()
    for rows in batches:
        write(rows)
    found = {"rows_s": round(BATCH * BATCHES / (time.perf_counter() - started))}

    def timed(name):
        rows = batch(name, 1)
        began = time.perf_counter()
        write(rows)
        return time.perf_counter() - began

    found["commit_ms"] = quantiles([timed(f"S{n}-") for n in range(COMMITS)])
    beside = subprocess.Popen(
        [sys.executable, __file__, "bulk", side, path, str(BESIDE_S)],
        stdout=subprocess.PIPE,
        text=True,
    )
    beside.stdout.readline()
    waits = []
    while beside.poll() is None:
        waits.append(timed(f"W{len(waits)}-"))
        time.sleep(PAUSE_S)
    found["beside_ms"] = quantiles(waits)
    found["bulk_rows_s"] = round(float(beside.stdout.read()) * BATCH)
    return found


def median(rounds):
    """Return the median of each figure over the rounds."""
    first = rounds[0]
    if isinstance(first, dict):
        return {key: median([each[key] for each in rounds]) for key in first}
    return round(statistics.median(rounds), 2)


def main(rounds):
    sides = ["plain", "ours", "rollback"]
    versions = {"sqlite": sqlite3.sqlite_version}
    if importlib.util.find_spec("pysqlite3"):
        from pysqlite3 import dbapi2

        sides.append("newer")
        versions["newer"] = dbapi2.sqlite_version
    found = {side: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            with tempfile.TemporaryDirectory() as folder:
                found[side].append(measure(folder, side))
    print(json.dumps({**versions, **{side: median(each) for side, each in found.items()}}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["bulk"]:
        bulk(sys.argv[2], sys.argv[3], float(sys.argv[4]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
