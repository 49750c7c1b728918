"""Write a JSON Lines file of callbacks: python tests/bench/make_callbacks.py LINES FILE.

60 % name an invoice, 30 % a customer, 10 % nothing that the books know; 2 % are repeats. Seeded.
"""

import json
import random
import sys
from datetime import datetime, timedelta

CUSTOMERS, INVOICES_EACH = 1000, 5
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def receipt(number):
    """Rising receipts, as M-Pesa gives them."""
    text = ""
    for _ in range(7):
        number, digit = divmod(number, 36)
        text = LETTERS[digit] + text
    return "UB3" + text


def lines(count, *, seed=1, first=0, days=1):
    chance = random.Random(seed)
    start = datetime(2026, 2, 3, 6, 0, 0)
    made = []
    for number in range(first, first + count):
        if made and chance.random() < 0.02:
            yield chance.choice(made)
            continue
        kind = chance.random()
        if kind < 0.6:
            reference = f"INV-20260101-{chance.randint(1, CUSTOMERS * INVOICES_EACH):04d}"
        elif kind < 0.9:
            reference = f"CUST-{chance.randint(1, CUSTOMERS):03d}"
        else:
            reference = f"NOBODY {chance.randint(1, 9999)}"
        when = start + timedelta(days=number % days, seconds=number % 60000)
        line = json.dumps(
            {
                "TransactionType": "Pay Bill",
                "TransID": receipt(number),
                "TransTime": f"{when:%Y%m%d%H%M%S}",
                "TransAmount": f"{chance.randint(10, 5000)}.00",
                "BusinessShortCode": "174379",
                "BillRefNumber": reference,
                "InvoiceNumber": "",
                "OrgAccountBalance": f"{number * 100}.00",
                "ThirdPartyTransID": "",
                "MSISDN": "2547 ***** 149",
                "FirstName": "JANE",
            }
        )
        if len(made) < 20000:
            made.append(line)
        yield line


if __name__ == "__main__":
    with open(sys.argv[2], "w") as out:
        out.writelines(line + "\n" for line in lines(int(sys.argv[1])))
