"""A shop's year by chance, through the real services: every kind of document that a ledger posts.

The clock runs on before each act. ``truth`` is what Safaricom's own account says, line by line; at
the end it becomes the statement that is applied.
"""

import json
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from kelly_cli.core.goods import AskedItem
from kelly_cli.core.times import nairobi_day, nairobi_wall_clock
from kelly_cli.errors import DomainError
from kelly_cli.services import (
    adjusting,
    allocating,
    applying,
    customers,
    importing,
    invoices,
    merging,
    products,
    reconciling,
    recording,
    reversing,
    reviving,
    sales,
    suspense,
)
from kelly_cli.services.inbox import Delivery, Inbox, OurCode
from kelly_cli.services.products import NewProduct
from kelly_cli.store.audit_rows import Hand
from kelly_cli.store.sale_rows import SaleItem

START = datetime(2025, 1, 5, 6, tzinfo=UTC)
CODE = "174379"
HOSTILE = [
    'JANE "; evil',
    "=1+1",
    "a | b ; c : d",
    "\x1b[31mred\u202e",
    'back\\slash \\"',
    "2026-01-01 open Assets:X",
    "(paren) [x] {y} @ 5 KES = 0",
    "  two  spaces\tand a tab",
    "WANJIKŨ ĩ 🙂",
    "\ud800",
]
HEAD = (
    "Receipt No.,Completion Time,Transaction Status,Paid In,Withdrawn,Balance,"
    "Reason Type,Linked Transaction ID,A/C No."
)


class Shop:
    """Books with a clock of their own."""

    def __init__(self, database, seed, *, callbacks=60):
        self.database, self.chance, self.now = database, random.Random(seed), START
        self.inbox = Inbox(database, [OurCode(CODE, "paybill", None, "local")], lambda: self.now)
        self.customers, self.invoices, self.sales, self.receipts = [], [], [], []
        self.gone, self.bodies, self.failed = [], [], []
        self.products, self.void, self.mistaken = [], [], []
        self.truth, self.callbacks, self.events = [], callbacks, 0
        self.by_hand = [
            *(["record"] * 3), *(["assign"] * 4), *(["allocate"] * 3), *(["unallocate"] * 3),
            *(["reverse"] * 2), *(["void_invoice"] * 3), "void_sale", *(["write_off"] * 2),
            *(["credit"] * 2), "undo", "merge", "unmerge", "reprocess", "sale", "sale", "customer",
            *(["catalogue_sale"] * 5), *(["sale_paid"] * 4), "void_sale", *(["revive"] * 3),
            "mistaken_reversal", "restore", *(["receive"] * 2), *(["count"] * 2),
            *(["another_cost"] * 3), "product",
        ]  # fmt: skip

    def run(self, events):
        """Let so many events happen, opening balances first."""
        self.opened()
        for number in range(8 if events < 5_000 else 80):
            self.customer()
            if number % 4 == 0:
                self.product()
        while self.events < events:
            roll = self.chance.random()
            with suppress(DomainError, IndexError):  # refused, or nothing there to choose from
                if roll < 0.25:
                    self.many_callbacks()
                elif roll < 0.45:
                    self.many_invoices()
                else:
                    self.events += 1
                    getattr(self, self.chance.choice(self.by_hand))()
        return self

    def hand(self):
        self.now += timedelta(minutes=self.chance.randint(1, 40))
        return Hand("tester", self.now, "a reason")

    def words(self):
        return self.chance.choice(HOSTILE) if self.chance.random() < 0.05 else "JANE"

    # Documents

    def opened(self):
        text = b"Name,Balance\nOld Debt,1500\nOld Credit,-700\nNothing,0\n"
        day = nairobi_day(self.now)
        wanted = importing.WantedImport("customers", "old.csv", text, {}, day)
        importing.import_file(self.database, self.inbox, self.hand(), wanted)
        self.customers += ["CUST-001", "CUST-002", "CUST-003"]

    def customer(self):
        made = customers.create_customer(self.database, self.hand(), name="Ann")
        self.customers.append(made.customer_id)

    def many_invoices(self):
        hand = self.hand()
        with self.database.writing() as connection:
            for _ in range(max(self.callbacks // 15, 2)):
                self.events += 1
                away = self.chance.choice([0, 0, 0, 0, -3, 5])
                day = nairobi_day(hand.at) + timedelta(days=away)
                wanted = invoices.NewInvoice(
                    self.chance.choice(self.customers),
                    self.chance.randint(1, self.chance.choice([90_000, 900_000, 3_500_000])),
                    day,
                    self.chance.choice(["rent", None, 'a "quoted"; | one']),
                )
                made = invoices.issue(connection, hand, wanted)
                self.invoices.append(made.invoice.invoice_id)

    def sale(self):
        items = [SaleItem("P-1", "Soda", 2, self.chance.randint(1, 9_000))]
        buyer = self.chance.choice([None, None, self.chance.choice(self.customers)])
        made = sales.create_sale(
            self.database,
            self.hand(),
            items=items,
            sold_on=nairobi_day(self.now),
            customer_id=buyer,
        )
        self.sales.append(made.pos_id)

    def many_callbacks(self):
        self.now += timedelta(minutes=self.chance.randint(1, 60))
        deliveries = []
        for _ in range(self.callbacks):
            self.events += 1
            if self.bodies and self.chance.random() < 0.03:
                raw = self.chance.choice(self.bodies)
            else:
                raw = self.body()
            name = f"d{self.events}"
            deliveries.append(Delivery(raw, None, "file", name))
        for entry in self.inbox.take(deliveries):
            if not entry.processed and not entry.is_duplicate:
                self.failed.append(entry.log_row)

    def body(self):
        receipt = f"QGK{len(self.receipts):07d}"
        late = timedelta(seconds=self.chance.randint(0, 400_000 if self.late() else 300))
        paid_at = nairobi_wall_clock(self.now) - late
        cents = self.chance.randint(1, 400_000)
        raw = json.dumps(
            {
                "TransID": receipt,
                "TransTime": f"{paid_at:%Y%m%d%H%M%S}",
                "TransAmount": f"{cents // 100}.{cents % 100:02d}",
                "BusinessShortCode": CODE,
                "BillRefNumber": self.reference(),
                "FirstName": self.words(),
            }
        ).encode()
        self.receipts.append(receipt)
        self.bodies = [*self.bodies[-20:], raw]
        self.truth.append((paid_at.replace(microsecond=0), receipt, cents, "Pay Bill Online", ""))
        if self.chance.random() < 0.2:
            fee = -self.chance.randint(1, 5_000)
            self.truth.append((paid_at.replace(microsecond=0), receipt, fee, "Pay Bill Charge", ""))
        return raw

    def late(self):
        return self.chance.random() < 0.02

    def reference(self):
        pools = [
            self.customers,
            self.invoices[-40:],
            self.sales[-10:],
            ["NOBODY", f"CUST-{len(self.customers) + len(self.gone) + 1:03d}"],
            self.gone,
        ]
        (pool,) = self.chance.choices(pools, [12, 6, 3, 2, 1])
        return self.chance.choice(pool) if pool else ""

    # Goods

    def product(self):
        name = f"P-{len(self.products) + 1:03d}"
        cost = self.chance.choice([None, self.chance.randint(0, 6_000), 4_000])
        stock = self.chance.choice([None, 0, self.chance.randint(1, 60), 25])
        wanted = NewProduct(name, "Tea", self.chance.randint(1, 9_000), cost, stock)
        products.create_product(self.database, self.hand(), wanted)
        self.products.append(name)

    def catalogue_sale(self):
        lines = self.chance.sample(
            self.products, min(self.chance.randint(1, 3), len(self.products))
        )
        lines.append(self.chance.choice(lines))
        items = [AskedItem(each, self.chance.randint(1, 4), 1_100) for each in lines]
        made = sales.create_sale(
            self.database,
            self.hand(),
            items=items,
            sold_on=nairobi_day(self.now),
            customer_id=self.chance.choice([None, None, *self.customers[:2]]),
        )
        self.sales.append(made.pos_id)

    def sale_paid(self):
        found = sales.show_sale(self.database, self.chance.choice(self.sales[-20:]))
        sales.refuse_closed(found)
        hand = self.hand()
        money = recording.NewMoney(
            "cash", found.balance_cents, nairobi_wall_clock(self.now), pos_id=found.pos_id
        )
        made = recording.record(self.database, self.inbox, hand, money)
        self.receipts.append(made.mpesa_receipt_number)

    def receive(self):
        pieces = self.chance.choice([-3, 5, 20])
        products.receive(self.database, self.hand(), self.chance.choice(self.products), pieces)

    def count(self):
        wanted = {"stock": self.chance.choice([None, 0, self.chance.randint(1, 40)])}
        self.edit(wanted)

    def another_cost(self):
        self.edit({"cost_cents": self.chance.choice([None, self.chance.randint(0, 7_000), 4_000])})

    def edit(self, wanted):
        products.edit_product(self.database, self.hand(), self.chance.choice(self.products), wanted)

    # What people do

    def any_receipt(self):
        return self.chance.choice(self.receipts[-120:])

    def any_invoice(self):
        return self.chance.choice(self.invoices[-120:])

    def record(self):
        hand = self.hand()
        money = recording.NewMoney(
            self.chance.choice(["cash", "bank", "cheque"]),
            self.chance.randint(1, 90_000),
            nairobi_wall_clock(self.now),
            self.chance.choice([None, *self.customers]),
        )
        recording.record(self.database, self.inbox, hand, money)

    def assign(self):
        waiting = suspense.list_suspense(self.database, today=nairobi_day(self.now), limit=20)
        receipt = self.chance.choice(waiting).payment.mpesa_receipt_number
        target = self.chance.choice([*self.customers, *self.sales[-5:], *self.invoices[-5:]])
        suspense.assign(self.database, self.hand(), receipt, target)

    def allocate(self):
        share = allocating.Share(self.any_invoice())
        shares = [share] if self.chance.random() < 0.7 else []
        allocating.allocate(self.database, self.hand(), self.any_receipt(), shares)

    def unallocate(self):
        away = self.chance.random() < 0.4
        receipt = self.any_receipt()
        allocating.unallocate(self.database, self.hand(), receipt, to_suspense=away)

    def reverse(self):
        receipt = self.any_receipt()
        hand = self.hand()
        done = reversing.reverse_by_hand(self.database, hand, receipt)
        if done.payment.method != "mpesa":
            return
        at = nairobi_wall_clock(hand.at).replace(microsecond=0)
        self.truth.append(
            (at, f"REV{self.events:07d}", -done.payment.amount_cents, "Pay Bill Reversal", receipt)
        )

    def mistaken_reversal(self):
        receipt = self.any_receipt()
        reversing.reverse_by_hand(self.database, self.hand(), receipt)
        self.mistaken.append(receipt)

    def restore(self):
        receipt = self.chance.choice(self.mistaken)
        reversing.restore_by_hand(self.database, self.hand(), receipt)
        self.mistaken.remove(receipt)

    def void_invoice(self):
        invoice = self.any_invoice()
        invoices.void_invoice(self.database, self.hand(), invoice)
        self.void.append(invoice)

    def void_sale(self):
        sale = self.chance.choice(self.sales[-30:])
        sales.void_sale(self.database, self.hand(), sale)
        self.void.append(sale)

    def revive(self):
        void = self.chance.choice(self.void)
        kind = reviving.revive_sale if void in self.sales else reviving.revive_invoice
        kind(self.database, self.hand(), void)
        self.void.remove(void)

    def write_off(self):
        adjusting.write_off(self.database, self.hand(), self.any_invoice(), most_cents=90_000)

    def credit(self):
        cents = self.chance.randint(1, 50_000)
        adjusting.credit(self.database, self.hand(), self.any_invoice(), amount_cents=cents)

    def undo(self):
        kind = self.chance.choice([adjusting.WRITEOFF, adjusting.CREDIT_NOTE])
        for invoice in self.invoices[-120:]:
            with suppress(DomainError):
                adjusting.undo(self.database, self.hand(), invoice, kind)
                return

    def merge(self):
        gone, into = self.chance.sample(self.customers[3:], 2)
        merging.merge_customers(self.database, self.hand(), gone, into)
        self.gone.append(gone)
        self.customers.remove(gone)
        self.customer()

    def unmerge(self):
        if self.gone:
            gone = self.gone.pop()
            merging.unmerge_customer(self.database, self.hand(), gone)
            self.customers.append(gone)

    def reprocess(self):
        self.now += timedelta(minutes=5)
        for log in self.chance.sample(self.failed, min(5, len(self.failed))):
            with suppress(DomainError):
                list(self.inbox.retry([log]))

    # What Safaricom says

    def statement(self, opening_cents=0):
        """Add charges, settlements and the rest to the truth, apply it, return its last balance."""
        while self.mistaken:
            self.restore()
        end = nairobi_wall_clock(self.now).replace(microsecond=0)
        for number, (cents, reason) in enumerate(
            [
                (-500_000, "Funds Transfer Settlement to bank"),
                (-120_000, "Business Payment to a supplier"),
                (7_700, "Float adjustment"),
                (-3_300, "Pay Bill Charge"),
            ]
        ):
            self.truth.append((end, f"MVT{number:07d}", cents, reason, ""))
        balance, lines = opening_cents, []
        for at, receipt, cents, reason, linked in sorted(self.truth, key=lambda each: each[0]):
            balance += cents
            paid, gone = (kes_of(cents), "") if cents > 0 else ("", kes_of(-cents))
            lines.append(
                f"{receipt},{at:%d-%m-%Y %H:%M:%S},Completed,{paid},{gone},{kes_of(balance)},"
                f"{reason},{linked},X"
            )
        above = [
            f"Short Code:,{CODE}",
            "Account:,Utility Account",
            f"Opening Balance:,{kes_of(opening_cents)}",
        ]
        raw = "\n".join([*above, HEAD, *lines]).encode()
        self.now += timedelta(hours=1)
        hand, wall = self.hand(), nairobi_wall_clock(self.now)
        file = reconciling.read_file(raw, "year.csv", {CODE})
        found = reconciling.compare(self.database, [file], now=wall)
        applying.apply(self.database, self.inbox, hand, found, now=wall)
        return balance


def kes_of(cents):
    return f"{cents // 100}.{cents % 100:02d}"
