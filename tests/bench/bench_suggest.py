"""What a suggestion costs in large books: python tests/bench/bench_suggest.py [INVOICES] [ROUNDS].

`suspense suggest` on books with INVOICES open invoices of as many customers, and as many payments,
against books with 1,000; whole processes and within one, taking turns. Five questions: a slip, a
number alone, a masked payer, a hashed payer, and a name. Prints one JSON line of medians.
"""

import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from kelly_cli.core.refs import dated_id, fold  # noqa: E402
from kelly_cli.services import suggesting  # noqa: E402
from kelly_cli.services.inbox import Delivery, Inbox, OurCode  # noqa: E402
from kelly_cli.store import payment_rows  # noqa: E402
from kelly_cli.store.database import Database  # noqa: E402
from kelly_cli.store.schema import open_for_writing  # noqa: E402

FIRST = date(2026, 1, 1)
NOW = datetime(2026, 2, 10, 12, tzinfo=UTC)
FIRST_NAMES = (
    "Jane",
    "Peter",
    "Mary",
    "John",
    "Grace",
    "David",
    "Faith",
    "Samuel",
    "Esther",
    "Brian",
)
FAMILIES = (
    "Wanjiku",
    "Otieno",
    "Kamau",
    "Achieng",
    "Mutua",
    "Njeri",
    "Kiptoo",
    "Wafula",
    "Chebet",
    "Mwangi",
)
PHONE = "254712345678"
QUESTIONS = {
    "slip": ("INV-20260101-O0O3", "2547 ***** 111", "ANN"),
    "number": ("3", "2547 ***** 111", "ANN"),
    "masked": ("", "2547 ***** 678", "JANE"),
    "hashed": ("", hashlib.sha256(PHONE.encode()).hexdigest(), "JANE"),
    "name": ("jane kamau", "2547 ***** 111", "JANE KAMAU"),
}


def insert(connection, table, columns, rows):
    marks = ", ".join("?" for _ in columns.split(","))
    connection.exec_driver_sql(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)


def books(path, count):
    """Make books with as many customers, open invoices and payments."""
    chance = random.Random(count)
    database = Database(f"sqlite:///{path}")
    open_for_writing(database)
    at = "2026-01-01 00:00:00.000000"
    people, invoices, payments, keys = [], [], [], []
    for n in range(1, count + 1):
        name = f"{chance.choice(FIRST_NAMES)} {chance.choice(FAMILIES)}"
        phone = PHONE if n == count // 2 else f"2547{chance.randrange(10**8):08d}"
        people.append((n, f"CUST-{n:03d}", name, phone, at))
        day = FIRST + timedelta(days=n % 30)
        public_id = dated_id("INV", day, n // 30 + 1)
        cents = chance.randrange(100, 20_000) * 100
        invoices.append((n, public_id, n, cents, day.isoformat(), n // 30 + 1, at))
        keys += [(fold(f"CUST-{n:03d}"), n, None), (fold(public_id), None, n)]
        msisdn = f"{phone[:4]} ***** {phone[-3:]}"
        paid = "2026-01-15 10:00:00.000000"
        payments.append((n, f"TB1{n:07d}", "c2b", cents, cents, paid, msisdn, name, n, at))
    with database.writing() as connection:
        insert(connection, "customers", "id, customer_id, name, phone, created_at", people)
        columns = "id, invoice_id, customer_id, amount_cents, issued_on, number, created_at"
        insert(connection, "invoices", columns, invoices)
        insert(connection, "reference_keys", "key, customer_id, invoice_id", keys)
        columns = "id, mpesa_receipt_number, channel, amount_cents, allocated_cents, "
        columns += "transaction_date, msisdn, payer_name, customer_id, created_at"
        insert(connection, "payments", columns, payments)
    inbox = Inbox(database, [OurCode("174379", "paybill", None, "local")], lambda: NOW)
    inbox.take([question(number, *asked) for number, asked in enumerate(QUESTIONS.values())])
    return database


def question(number, reference, msisdn, name):
    body = {
        "TransID": receipt(number),
        "TransTime": "20260205100000",
        "TransAmount": "1234.00",
        "BusinessShortCode": "174379",
        "BillRefNumber": reference,
        "MSISDN": msisdn,
        "FirstName": name,
    }
    return Delivery(json.dumps(body).encode(), None, "file", f"q{number}")


def receipt(number):
    return f"UB5AAAAAA{number}"


def process_s(path, number):
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("KELLY_", "MPESA_"))}
    environ.update(PYTHONPATH=str(HERE.parent.parent))
    command = ["-m", "kelly_cli", "--db", str(path), "suspense", "suggest", receipt(number)]
    start = time.perf_counter()
    ran = subprocess.run([sys.executable, *command, "--json"], env=environ, capture_output=True)
    assert ran.returncode == 0, ran.stderr
    return time.perf_counter() - start


def within_s(database, number):
    with database.reading() as connection:
        payment = payment_rows.find_payment(connection, receipt(number))
        start = time.perf_counter()
        suggesting.suggest_for(connection, payment)
        return time.perf_counter() - start


def main(count, rounds):
    with tempfile.TemporaryDirectory(dir=os.environ.get("KELLY_BENCH_DIR")) as name:
        paths = {size: Path(name) / f"{size}.db" for size in (1000, count)}
        opened = {size: books(path, size) for size, path in paths.items()}
        told = {"invoices": count, "rounds": rounds}
        for number, kind in enumerate(QUESTIONS):
            whole, inner = [], []
            times = {size: [] for size in paths}
            for _ in range(rounds):
                small, large = (process_s(path, number) for path in paths.values())
                whole.append(large / small)
                for size, database in opened.items():
                    times[size].append(within_s(database, number))
            small, large = (statistics.median(each) for each in times.values())
            inner = large / small
            told[kind] = {
                "process_ratio": round(statistics.median(whole), 2),
                "within_ratio": round(inner, 2),
                "within_ms": [round(small * 1000, 1), round(large * 1000, 1)],
            }
        told["worst_process_ratio"] = max(told[kind]["process_ratio"] for kind in QUESTIONS)
        for database in opened.values():
            database.close()
        print(json.dumps(told))


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 100_000,
        int(sys.argv[2]) if len(sys.argv) > 2 else 5,
    )
