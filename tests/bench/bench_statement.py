"""A month of 20,000 lines: read, compared, applied, applied again, as CSV and as XLSX.

The bar is five seconds for reading and comparing; the ratio says what reading costs beside Python's
own csv reader on the CSV. Prints one JSON line.
"""

import csv
import io
import json
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kelly_cli.services import applying, customers, reconciling
from kelly_cli.services.inbox import Inbox, OurCode
from kelly_cli.store.audit_rows import Hand
from kelly_cli.store.database import Database
from kelly_cli.store.schema import open_for_writing

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
RUNS = 3
BAR_S = 5.0
MONTH = datetime(2026, 1, 1)
NOW = datetime(2026, 2, 3, 12, tzinfo=UTC)
WALL = datetime(2026, 2, 3, 15)
HEAD = [
    ["Short Code:", "174379"],
    ["Account:", "Utility Account"],
    ["Time Period:", "From", "01-01-2026 00:00:00", "To", "31-01-2026 23:59:59"],
    ["Receipt No.", "Completion Time", "Initiation Time", "Details", "Transaction Status",
     "Paid In", "Withdrawn", "Balance", "Balance Confirmed", "Reason Type", "Other Party Info",
     "Linked Transaction ID", "A/C No.", "Currency"],
]  # fmt: skip


def rows():
    step, party = timedelta(days=31) / (ROWS + 1), "2547****149 - JANE WANJIKU"
    for number in range(ROWS):
        at = f"{MONTH + step * number:%d-%m-%Y %H:%M:%S}"
        amount = 10 + number % 990
        yield [f"UA{number:08d}", at, at, f"Pay Bill from {party} Acc. CUST-001", "Completed",
               f"{amount:,}.00", "", "1.00", "true", "Pay Bill Online", party, "", "CUST-001",
               "KES"]  # fmt: skip


def as_csv(table):
    out = io.StringIO()
    csv.writer(out).writerows(table)
    return out.getvalue().encode()


def as_xlsx(table):
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        for place, cells in enumerate(table):
            sheet.write_row(place, 0, cells)
    return out.getvalue()


def timed(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def main():
    table = [*HEAD, *rows()]
    files = {"csv": as_csv(table), "xlsx": as_xlsx(table)}
    told = {"rows": ROWS, "bar_s": BAR_S}
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'books.db'}")
        open_for_writing(database)
        hand = Hand("bench", NOW)
        customers.create_customer(database, hand, name="Jane")
        inbox = Inbox(database, [OurCode("174379", "paybill", None, "local")], lambda: NOW)
        ratios = []
        for name, raw in files.items():
            reads = []
            for _ in range(RUNS):
                plain = timed(lambda: list(csv.reader(io.StringIO(files["csv"].decode()))))[0]
                seconds, file = timed(lambda raw=raw: reconciling.read_file(raw, "x", {"174379"}))
                reads.append(seconds)
                ratios.append(seconds / plain)
            told[f"read_{name}_s"] = round(statistics.median(reads), 2)
            compared, found = timed(lambda f=file: reconciling.compare(database, [f], now=WALL))
            told[f"compare_{name}_s"] = round(compared, 2)
            told[f"apply_{name}_s"] = round(
                timed(lambda f=found: applying.apply(database, inbox, hand, f, now=WALL))[0], 2
            )
        database.close()
    told["read_of_csv_reader"] = round(statistics.median(ratios), 1)
    told["ok"] = all(told[f"read_{name}_s"] + told[f"compare_{name}_s"] < BAR_S for name in files)
    sys.stdout.write(json.dumps(told) + "\n")
    return 0 if told["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
