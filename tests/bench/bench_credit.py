"""A payment where years of credit stand: python tests/bench/bench_credit.py [PAYMENTS] [ROUNDS].

Two customers, one with so many payments that nothing was ever owed for, one with none. Payments on
their accounts take turns, each alone with its commit; then one that a new invoice waits for.
Prints one JSON line: milliseconds, and the ratio of the medians.
"""

import json
import statistics
import sys
import tempfile
import time
import uuid
from datetime import UTC, date, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent.parent))

from kelly_cli.services.customers import create_customer  # noqa: E402
from kelly_cli.services.inbox import Delivery, Inbox, OurCode  # noqa: E402
from kelly_cli.services.invoices import NewInvoice, create_invoice  # noqa: E402
from kelly_cli.store.audit_rows import Hand  # noqa: E402
from kelly_cli.store.database import Database  # noqa: E402
from kelly_cli.store.schema import open_for_writing  # noqa: E402

UNIT = 5_000


def body(number, account):
    return json.dumps(
        {
            "TransactionType": "Pay Bill",
            "TransID": f"UB3C{number:06}",
            "TransTime": "20260203143022",
            "TransAmount": "10.00",
            "BusinessShortCode": "174379",
            "BillRefNumber": account,
            "MSISDN": "254708374149",
        }
    ).encode()


def main(payments, rounds):
    at = datetime(2026, 2, 4, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/books.db")
        open_for_writing(database)
        hand = Hand("bench", at)
        inbox = Inbox(database, [OurCode("174379", "paybill", None, "sandbox")], lambda: at)
        for name in ("RICH", "POOR"):
            create_customer(database, hand, name=name, customer_id=name)

        def take(first, count, account):
            start = time.perf_counter()
            inbox.take(
                [
                    Delivery(body(n, account), "confirmation", "http", uuid.uuid4().hex)
                    for n in range(first, first + count)
                ]
            )
            return (time.perf_counter() - start) * 1000

        for first in range(0, payments, UNIT):
            take(first, min(UNIT, payments - first), "RICH")
        spent = {"RICH": [], "POOR": [], "invoice": []}
        number = payments
        for _ in range(rounds):
            for name in ("RICH", "POOR"):
                spent[name].append(take(number, 1, name))
                number += 1
            start = time.perf_counter()
            create_invoice(database, hand, NewInvoice("RICH", 2_000, date(2026, 2, 3)))
            spent["invoice"].append((time.perf_counter() - start) * 1000)
        database.close()
    middle = {name: round(statistics.median(each), 2) for name, each in spent.items()}
    print(
        json.dumps(
            {
                "credit_payments": payments,
                "rounds": rounds,
                "with_credit_ms": middle["RICH"],
                "without_ms": middle["POOR"],
                "times": round(middle["RICH"] / middle["POOR"], 2),
                "invoice_ms": middle["invoice"],
            }
        )
    )


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    main(*(given + [50_000, 30][len(given) :]))
