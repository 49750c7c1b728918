"""Balances of a long book: python tests/bench/bench_ledger.py [PAYMENTS] [ROUNDS] [URL].

*sums*: ``list_balances`` as ``kelly ledger balances`` asks it; *opening*: the same from the middle
of the days on; *journal*: the same balances by reading every entry. They take turns in one process,
and must be equal to the cent; on SQLite the figures are processor time, so that others on the
machine do not count, on PostgreSQL time that passed. *command*: ``kelly ledger balances --json`` in
a process of its own. URL: an empty PostgreSQL database; without one it is SQLite.
Prints one JSON line.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent.parent))

from seed_books import seed  # noqa: E402

from kelly_cli.core import ledger as rules  # noqa: E402
from kelly_cli.core.refs import dated_id  # noqa: E402
from kelly_cli.services import ledger, products  # noqa: E402
from kelly_cli.store import hot  # noqa: E402
from kelly_cli.store.audit_rows import Hand  # noqa: E402
from kelly_cli.store.database import Database  # noqa: E402
from kelly_cli.store.ledger_rows import read_journal  # noqa: E402
from kelly_cli.store.tables import Base  # noqa: E402

FIRST, DAYS = date(2026, 1, 1), 180
INVOICES, CUSTOMERS, PRODUCTS = 5_000, 1_000, 200
AT_ONCE = 64 * 500
LEAST_RATIO = 4
"""How many times faster than the journal the sums must be."""

COLUMNS = {
    "payments": (
        "id", "mpesa_receipt_number", "channel", "amount_cents", "allocated_cents",
        "transaction_date", "customer_id", "verified_by", "created_at",
    ),
    "allocations": ("id", "payment_id", "invoice_id", "amount_cents", "reason", "created_at"),
    "pos_sales": ("id", "pos_id", "total_cents", "sold_on", "number", "created_at"),
    "pos_items": (
        "id", "sale_id", "line", "product_id", "product_name", "quantity", "unit_price_cents",
        "catalogue_id", "cost_cents",
    ),
    "stock_moves": ("product_id", "sale_id", "quantity", "kind", "actor", "created_at"),
}  # fmt: skip


def stock(database):
    """Fill a catalogue whose costs change every two months."""
    for number in range(PRODUCTS):
        name = f"PROD-{number + 1:03d}"
        for month in range(3):
            at = datetime(2026, 1 + 2 * month, 1, tzinfo=UTC)
            hand = Hand("bench", at, None)
            if month:
                products.edit_product(database, hand, name, {"cost_cents": 500 + 10 * month})
            else:
                new = products.NewProduct(name, name, 900, 500, 100_000)
                products.create_product(database, hand, new)


def fill(url, payments):
    """Payments of half a year: one in twenty nobody's, others pay invoices, one in four sells."""
    database = Database(url)
    stock(database)
    tables = Base.metadata.tables
    start = datetime.combine(FIRST, datetime.min.time())
    step = timedelta(days=DAYS) / payments
    with database.writing() as connection:
        wall = hot.ready(connection, tables["payments"], "transaction_date")
        made = hot.ready(connection, tables["payments"], "created_at")
        day = hot.ready(connection, tables["pos_sales"], "sold_on")
        rows = {name: [] for name in COLUMNS}
        for number in range(payments):
            at = (start + step * number).replace(microsecond=0)
            customer = None if number % 20 == 0 else number % CUSTOMERS + 1
            invoice = number % INVOICES + 1
            paid = (100 + number % 90_000) * (customer is not None)
            created_at = made((at - timedelta(hours=3)).replace(tzinfo=UTC))
            rows["payments"].append(
                (number + 1, f"R{number:09d}", "c2b", 100 + number % 90_000, paid,
                 wall(at), customer, "callback", created_at)
            )  # fmt: skip
            if paid:
                rows["allocations"].append(
                    (number + 1, number + 1, invoice, paid, "reference", created_at)
                )
            if number % 4 == 0:
                product, sale = number // 4 % PRODUCTS + 1, number + 1
                name, sold_on = f"PROD-{product:03d}", at.date()
                rows["pos_sales"].append(
                    (sale, dated_id("POS", sold_on, sale), 1800, day(sold_on), sale, created_at)
                )
                rows["pos_items"].append((sale, sale, 1, name, name, 2, 900, product, 500))
                rows["stock_moves"].append((product, sale, -2, "sold", "kelly", created_at))
            if len(rows["payments"]) == AT_ONCE:
                write(connection, rows)
        write(connection, rows)
        pieces = "SELECT sum(m.quantity) FROM stock_moves m WHERE m.product_id = products.id"
        connection.exec_driver_sql(f"UPDATE products SET stock = ({pieces})")
        # What the seeded invoices hold is no part of what is measured, and must still be true.
        connection.exec_driver_sql(
            "UPDATE invoices SET amount_paid_cents = coalesce((SELECT sum(a.amount_cents) "
            "FROM allocations a WHERE a.invoice_id = invoices.id), 0)"
        )
    database.close()


def write(connection, rows):
    tables = Base.metadata.tables
    for name, columns in COLUMNS.items():
        hot.insert_rows(connection, tables[name], columns, rows[name])
        rows[name].clear()


def timed(work, clock=time.perf_counter):
    start = clock()
    done = work()
    return clock() - start, done


def by_journal(database):
    with database.reading() as connection, closing(read_journal(connection)) as entries:
        return rules.balances(entries)


def command(url):
    subprocess.run(
        [sys.executable, "-m", "kelly_cli", "ledger", "balances", "--json"],
        check=True,
        capture_output=True,
        cwd=HERE.parent.parent,
        env={**os.environ, "KELLY_DATABASE_URL": url},
    )


def main(payments, rounds, url=None):
    with tempfile.TemporaryDirectory(dir=os.environ.get("KELLY_BENCH_DIR")) as name:
        clock = time.perf_counter if url else time.process_time
        url = url or f"sqlite:///{Path(name) / 'books.db'}"
        seed(url)
        fill(url, payments)
        database = Database(url)
        half = ledger.Days(FIRST + timedelta(days=DAYS // 2))
        taken = {"sums": [], "opening": [], "journal": [], "command": []}
        for _ in range(rounds):
            seconds, summed = timed(lambda: ledger.list_balances(database, ledger.Days()), clock)
            taken["sums"].append(seconds)
            seconds, split = timed(lambda: ledger.list_balances(database, half), clock)
            taken["opening"].append(seconds)
            seconds, read = timed(lambda: by_journal(database), clock)
            taken["journal"].append(seconds)
            taken["command"].append(timed(lambda: command(url))[0])
            equal = {each.account: each.closing_cents for each in summed} == read
            equal &= {each.account: each.closing_cents for each in split} == read
        database.close()
    figures = {what: statistics.median(seconds) for what, seconds in taken.items()}
    ratio = figures["journal"] / figures["sums"]
    told = {what: round(seconds, 2) for what, seconds in figures.items()}
    print(json.dumps({"payments": payments, **told, "ratio": round(ratio, 1), "equal": equal}))
    return 0 if equal and ratio >= LEAST_RATIO else 1


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(
        main(
            int(given[0]) if given else 1_000_000,
            int(given[1]) if len(given) > 1 else 3,
            *given[2:],
        )
    )
