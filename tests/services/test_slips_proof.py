"""The proof of the suggestions: references that people corrupted, through the real inbox.

The slips are made here, apart from the code that reads them, from a seed. Every figure asked of
`KELLY_SLIPS` references (default 10,000).
"""

import json
import os
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from kelly_cli.core.refs import dated_id, fold, long_form, phone_of
from kelly_cli.services import suggesting
from kelly_cli.services.inbox import Delivery, Inbox, OurCode
from kelly_cli.store import payment_rows
from kelly_cli.store.database import Database
from kelly_cli.store.schema import open_for_writing

COUNT = int(os.environ.get("KELLY_SLIPS", "10000"))
SEED = 20260203
FIRST_DAY = date(2026, 1, 5)
DAYS, EACH_DAY, SALES_EACH_DAY, CUSTOMERS = 40, 40, 8, 400
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAMES = (
    "JANE",
    "PETER",
    "MARY",
    "JOHN",
    "GRACE",
    "DAVID",
    "FAITH",
    "SAMUEL",
    "ESTHER",
    "BRIAN",
    "ANN",
    "KEVIN",
    "LUCY",
    "PAUL",
)
FAMILIES = (
    "WANJIKU",
    "OTIENO",
    "KAMAU",
    "ACHIENG",
    "MUTUA",
    "NJERI",
    "KIPTOO",
    "WAFULA",
    "CHEBET",
    "MWANGI",
    "ODUYA",
)
SHEET = {"0": "O", "1": "I", "5": "S", "8": "B", "O": "0", "I": "1", "S": "5", "B": "8"}
PAD = {
    "1": "24", "2": "135", "3": "26", "4": "157", "5": "2468", "6": "359", "7": "48",
    "8": "5790", "9": "68", "0": "8",
}  # fmt: skip


class Slips:
    """Ways to get a reference wrong; each returns None where it does not apply."""

    def __init__(self, chance):
        self.chance = chance
        self.ways = [
            self.lookalike, self.lookalikes, self.swapped, self.missing, self.doubled, self.key,
            self.no_prefix, self.only_number, self.short_year, self.no_year,
        ]  # fmt: skip

    def lookalike(self, text, most=1):
        places = [at for at, sign in enumerate(text) if sign in SHEET]
        if not places:
            return None
        signs = list(text)
        for at in self.chance.sample(places, min(most, len(places))):
            signs[at] = SHEET[signs[at]]
        return "".join(signs)

    def lookalikes(self, text):
        return self.lookalike(text, most=self.chance.randint(2, 6))

    def swapped(self, text):
        at = self.chance.randrange(len(text) - 1)
        left, right = text[at : at + 2]
        return None if left == right else text[:at] + right + left + text[at + 2 :]

    def missing(self, text):
        at = self.chance.randrange(len(text))
        return text[:at] + text[at + 1 :]

    def doubled(self, text):
        at = self.chance.randrange(len(text))
        return text[: at + 1] + text[at:]

    def key(self, text):
        at = self.chance.randrange(len(text))
        near = PAD.get(text[at])
        return text[:at] + self.chance.choice(near) + text[at + 1 :] if near else None

    def no_prefix(self, text):
        return text.lstrip("INVPOSCUT")

    def only_number(self, text):
        if len(text) < 15:
            return None
        number = text[11:]
        return self.chance.choice([number, str(int(number)), text[:3] + number])

    def short_year(self, text):
        return text[:3] + text[5:] if len(text) >= 15 else None

    def no_year(self, text):
        return text[:3] + text[7:] if len(text) >= 15 else None

    def make(self, reference):
        """Return (name of the slip, what was typed)."""
        text = fold(reference)
        while True:
            way = self.chance.choice(self.ways)
            typed = way(text)
            if typed and typed != text:
                return way.__name__, self.dressed(typed)

    def dressed(self, typed):
        """Write it as people do: in lower case, with a dash or a blank somewhere."""
        if self.chance.random() < 0.3:
            typed = typed.lower()
        if self.chance.random() < 0.3:
            at = self.chance.randrange(1, len(typed) + 1)
            typed = typed[:at] + self.chance.choice([" ", "-"]) + typed[at:]
        return typed


class Shop:
    """Books with open invoices and sales numbered without a gap, as they are."""

    def __init__(self, folder):
        self.chance = random.Random(SEED)
        self.database = Database(f"sqlite:///{folder}/books.db")
        open_for_writing(self.database)
        self.open = {}
        self.people = {}
        self.keys = set()
        with self.database.writing() as connection:
            self._fill(connection)
        self.inbox = Inbox(
            self.database, [OurCode("174379", "paybill", None, "local")], lambda: NOW
        )

    def _fill(self, connection):
        def add(table, rows):
            marks = ", ".join("?" for _ in rows[0])
            connection.exec_driver_sql(
                f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES ({marks})",
                [tuple(row.values()) for row in rows],
            )

        at = "2026-01-01 00:00:00.000000"
        customers = [
            {
                "id": n,
                "customer_id": f"CUST-{n:03d}",
                "name": f"{self.chance.choice(NAMES)} {self.chance.choice(FAMILIES)}".title(),
                "phone": f"2547{self.chance.randrange(10**8):08d}",
                "created_at": at,
            }
            for n in range(1, CUSTOMERS + 1)
        ]
        invoices, sales = [], []
        for day in (FIRST_DAY + timedelta(days=n) for n in range(DAYS)):
            for number in range(1, EACH_DAY + 1):
                invoices.append(
                    {
                        "id": len(invoices) + 1,
                        "invoice_id": dated_id("INV", day, number),
                        "customer_id": self.chance.randint(1, CUSTOMERS),
                        "amount_cents": self.amount(),
                        "issued_on": day.isoformat(),
                        "number": number,
                        "created_at": at,
                    }
                )
            for number in range(1, SALES_EACH_DAY + 1):
                sales.append(
                    {
                        "id": len(sales) + 1,
                        "pos_id": dated_id("POS", day, number),
                        "total_cents": self.amount(),
                        "sold_on": day.isoformat(),
                        "number": number,
                        "created_at": at,
                    }
                )
        days = {row["issued_on"].replace("-", "") for row in invoices}
        add("counters", [{"name": f"INV-{day}", "value": EACH_DAY} for day in sorted(days)])
        add("customers", customers)
        add("invoices", invoices)
        add("pos_sales", sales)
        for column, name, rows in (
            ("customer_id", "customer_id", customers),
            ("invoice_id", "invoice_id", invoices),
            ("sale_id", "pos_id", sales),
        ):
            keys = [{"key": fold(row[name]), column: row["id"]} for row in rows]
            add("reference_keys", keys)
            self.keys |= {each["key"] for each in keys}
        people = {each["id"]: each for each in customers}
        for row in invoices:
            self.open[row["invoice_id"]] = (row["amount_cents"], people[row["customer_id"]])
        for row in sales:
            self.open[row["pos_id"]] = (row["total_cents"], None)
        for row in customers:
            self.open[row["customer_id"]] = (None, row)
        self.phones = {row["phone"] for row in customers}

    def amount(self):
        """Rents and round prices as often as any other: many invoices are of one amount."""
        if self.chance.random() < 0.5:
            return self.chance.randrange(10, 200) * 50_000 // 10
        return self.chance.randrange(100, 20_000) * 100

    def exact(self, typed):
        """Tell whether it is the very name of something here."""
        folded = fold(typed) or ""
        return (
            folded in self.keys or long_form(folded) in self.keys or phone_of(folded) in self.phones
        )

    def body(self, number, target, typed):
        owed, person = self.open[target]
        if owed is None or self.chance.random() < 0.1:
            owed = self.amount()
        own = person is not None and self.chance.random() < 0.5
        phone = person["phone"] if own else f"2547{self.chance.randrange(10**8):08d}"
        name = person["name"].split()[0].upper() if own else self.chance.choice(NAMES)
        return {
            "TransactionType": "Pay Bill",
            "TransID": receipt(number),
            "TransTime": f"{FIRST_DAY + timedelta(days=DAYS):%Y%m%d}143022",
            "TransAmount": f"{owed // 100}.{owed % 100:02d}",
            "BusinessShortCode": "174379",
            "BillRefNumber": typed,
            "MSISDN": f"{phone[:4]} ***** {phone[-3:]}",
            "FirstName": name,
        }

    def take(self, bodies):
        for start in range(0, len(bodies), 1000):
            self.inbox.take(
                [
                    Delivery(json.dumps(body).encode(), None, "file", body["TransID"])
                    for body in bodies[start : start + 1000]
                ]
            )

    def rows(self, sql):
        with self.database.reading() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]


def receipt(number):
    return f"UB3{number:07d}"


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path)
    yield made
    made.database.close()


@pytest.mark.slow
def test_of_10000_slips_the_right_one_stands_first_in_95_percent_and_none_is_matched(shop):
    slips = Slips(shop.chance)
    targets = list(shop.open)
    meant, bodies, made_anew = {}, [], 0
    while len(bodies) < COUNT:
        target = shop.chance.choice(targets)
        way, typed = slips.make(target)
        if shop.exact(typed):
            made_anew += 1
            continue
        bodies.append(shop.body(len(bodies), target, typed))
        meant[bodies[-1]["TransID"]] = (target, way, typed)
    shop.take(bodies)
    assert shop.rows("SELECT count(*) FROM payments WHERE status <> 'UNMATCHED'") == [(0,)]
    assert shop.rows("SELECT count(*) FROM allocations") == [(0,)]

    first, all_of, missed = Counter(), Counter(), []
    with shop.database.reading() as connection:
        for name, (target, way, typed) in meant.items():
            payment = payment_rows.find_payment(connection, name)
            found = suggesting.suggest_for(connection, payment)
            all_of[way] += 1
            if found and found[0].target == target:
                first[way] += 1
            else:
                missed.append((way, target, typed, found[:2]))
    share = sum(first.values()) / COUNT
    told = {way: round(first[way] / all_of[way], 3) for way in sorted(all_of)}
    print(json.dumps({"first": share, "of_each": told, "made_anew": made_anew}))
    if os.environ.get("KELLY_SLIPS_MISSED"):
        print(*missed[: int(os.environ["KELLY_SLIPS_MISSED"])], sep="\n")
    assert share >= 0.95, told


@pytest.mark.slow
def test_what_is_matched_by_itself_is_exact_even_among_slips(shop):
    slips = Slips(shop.chance)
    targets = list(shop.open)
    bodies = []
    for number in range(COUNT):
        target = shop.chance.choice(targets)
        bodies.append(shop.body(number, target, slips.make(target)[1]))
    shop.take(bodies)
    matched = shop.rows("SELECT bill_ref_number FROM payments WHERE matched_by IS NOT NULL")
    waiting = shop.rows("SELECT bill_ref_number FROM payments WHERE status = 'UNMATCHED'")
    assert len(matched) + len(waiting) == COUNT
    assert [typed for (typed,) in matched if not shop.exact(typed)] == []
    assert matched
