"""A business's days, told through the real services: healthy books of every kind of event."""

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
    claiming,
    closing,
    customers,
    importing,
    invoices,
    logs,
    merging,
    products,
    reconciling,
    recording,
    sales,
    suspense,
    undoing_imports,
)
from kelly_cli.services.inbox import Delivery, Inbox, OurCode
from kelly_cli.store import payment_rows, prompt_rows, request_rows
from kelly_cli.store.audit_rows import Hand
from kelly_cli.store.prompt_rows import NewPrompt
from kelly_cli.store.sale_rows import SaleItem

START = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
CODES = [OurCode("174379", "paybill", None, "local"), OurCode("600000", "till", None, "local")]


class Story:
    """Books with a clock of their own: five minutes pass before each event."""

    def __init__(self, database, seed=0):
        self.database, self.chance, self.now = database, random.Random(seed), START
        self.inbox = Inbox(database, CODES, lambda: self.now)
        self.customers, self.invoices, self.sales, self.bodies = [], [], [], []
        self.receipts = self.deliveries = self.prompts = 0

    # What people do

    def hand(self):
        self.now += timedelta(minutes=5)
        return Hand("tester", self.now, "a reason")

    def today(self):
        return nairobi_day(self.now)

    def customer(self, phone=None):
        made = customers.create_customer(self.database, self.hand(), name="Ann", phone=phone)
        self.customers.append(made.customer_id)
        return made.customer_id

    def invoice(self, customer, shillings, text=None, *, days_ago=0):
        hand = self.hand()
        day = self.today() - timedelta(days=days_ago)
        wanted = invoices.NewInvoice(customer, shillings * 100, day, text)
        made = invoices.create_invoice(self.database, hand, wanted).invoice.invoice_id
        self.invoices.append((made, shillings))
        return made

    def sale(self, shillings, customer=None):
        items = [
            SaleItem("P-1", "Soda", 2, shillings * 25),
            SaleItem("P-2", "Bread", 1, shillings * 50),
        ]
        made = sales.create_sale(
            self.database, self.hand(), items=items, sold_on=self.today(), customer_id=customer
        ).pos_id
        self.sales.append((made, shillings))
        return made

    def void_invoice(self, invoice):
        return invoices.void_invoice(self.database, self.hand(), invoice)

    def void_sale(self, sale):
        return sales.void_sale(self.database, self.hand(), sale)

    def assign(self, receipt, target):
        return suspense.assign(self.database, self.hand(), receipt, target)

    def dismiss(self, log):
        return logs.dismiss_log(self.database, self.hand(), log, "known to the bank")

    def reprocess(self):
        self.now += timedelta(minutes=5)
        return sum(len(entries) for _, entries in self.inbox.retry())

    # What Safaricom sends

    def receipt(self):
        self.receipts += 1
        return f"QGK{self.receipts:07d}"

    def body(self, reference, amount, receipt=None, **changes):
        fields = {
            "TransID": receipt or self.receipt(),
            "TransTime": f"{nairobi_wall_clock(self.now):%Y%m%d%H%M%S}",
            "TransAmount": amount if isinstance(amount, str) else f"{amount:.2f}",
            "BusinessShortCode": "174379",
            "BillRefNumber": reference,
            "MSISDN": "2547 ***** 149",
            "FirstName": "JANE",
        }
        fields.update(changes)
        return json.dumps({k: v for k, v in fields.items() if v is not ...}).encode()

    def stk(self, amount, receipt=None, *, code=0, checkout=None):
        said = {
            "CheckoutRequestID": checkout or f"ws_CO_{self.deliveries}",
            "ResultCode": code,
            "ResultDesc": "x",
        }
        if code == 0:
            moment = int(f"{nairobi_wall_clock(self.now):%Y%m%d%H%M%S}")
            said["CallbackMetadata"] = {
                "Item": [
                    {"Name": "Amount", "Value": amount},
                    {"Name": "MpesaReceiptNumber", "Value": receipt or self.receipt()},
                    {"Name": "TransactionDate", "Value": moment},
                    {"Name": "PhoneNumber", "Value": 254708374149},
                ]
            }
        return json.dumps({"Body": {"stkCallback": said}}).encode()

    def take(self, *bodies):
        self.now += timedelta(minutes=5)
        deliveries = []
        for raw in bodies:
            self.deliveries += 1
            deliveries.append(Delivery(raw, None, "file", f"d{self.deliveries}"))
        self.bodies += bodies
        return self.inbox.take(deliveries)

    def pay(self, reference, amount, receipt=None, **changes):
        return self.take(self.body(reference, amount, receipt, **changes))[0]

    # Days

    def every_kind(self):
        """One of each kind of event, so that every check has something to look at."""
        ann, ben = self.customer("0712345678"), self.customer()
        for part in (1, 0.4, 1.5):  # exact, partial, too much
            self.pay(self.invoice(ann, 1000), 1000 * part)
        late = self.invoice(ben, 300)
        early = self.invoice(ben, 200, days_ago=3)
        third = self.invoice(ben, 250, days_ago=1)
        self.pay(ben, 350)  # on account: early, then part of third
        self.pay("0712 345 678", 2000)  # by phone: pays the rest, leaves credit
        self.invoice(ann, 500)  # paid by credit
        self.void_invoice(third)
        self.void_invoice(self.invoice(ben, 40))
        nobody, anns = self.sale(100), self.sale(60, ann)
        self.pay(nobody, 40)
        self.pay(nobody, 90)  # thirty too much: nobody's
        self.pay(anns, 60)
        self.pay(self.sale(80), 80)
        self.sale(10)
        half, unpaid = self.sale(50), self.sale(20, ben)
        self.pay(half, 25)
        self.void_sale(half)
        self.void_sale(unpaid)
        self.in_order(self.customer())
        self.unfinished(ann, ben)
        self.repeated(ann, ben)
        self.reprocess()
        self.pay(late, 100)
        self.pay(early, 1)  # paid already: goes on account
        self.by_hand()
        self.statement(ann)
        self.tidied()
        self.shelf()
        return self

    def shelf(self):
        """Sell of the catalogue: paid, half paid, paid and void, more than there is; count again."""
        for new in (("TEA", "Tea", 5000, 3000, 10), ("CUT", "Cut", 5000)):
            products.create_product(self.database, self.hand(), products.NewProduct(*new))
        sold = [self.sold("TEA", pieces) for pieces in (2, 3, 4, 9)]
        for sale, paid in zip([*sold, self.sold("CUT", 1)], (100, 149, 200, 450, 50), strict=True):
            self.pay(sale, paid)
        self.void_sale(sold[2])
        products.receive(self.database, self.hand(), "tea", 24)
        products.edit_product(self.database, self.hand(), "tea", {"stock": 20})

    def sold(self, product, pieces):
        items, day = [AskedItem(product, pieces, None)], self.today()
        return sales.create_sale(self.database, self.hand(), items=items, sold_on=day).pos_id

    def by_hand(self):
        """Write off, credit, take both back, hold, record, and move money about."""
        books, customer = self.database, self.customer()
        short, charged = self.invoice(customer, 100), self.invoice(customer, 100)
        self.pay(short, 95)
        adjusting.write_off(books, self.hand(), short, most_cents=500)
        paid = self.receipt()
        self.pay(charged, 100, paid)
        adjusting.credit(books, self.hand(), charged, amount_cents=4000)
        adjusting.undo(books, self.hand(), charged, adjusting.CREDIT_NOTE, amount_cents=1000)
        allocating.allocate(books, self.hand(), paid, [allocating.Share(charged)])
        allocating.unallocate(books, self.hand(), paid, [allocating.Share(charged, 500)])
        adjusting.hold(books, self.hand(), self.invoice(customer, 70))
        hand = self.hand()
        self.counter()
        cash = recording.NewMoney("cash", 2500, nairobi_wall_clock(self.now), customer)
        recording.record(books, self.inbox, hand, cash)

    def tidied(self):
        """Import twice and take one back, merge two customers, close a day and correct it."""
        books, day = self.database, nairobi_wall_clock(self.now).date()
        for text in (b"Name,Balance\nImported,50\n", b"Name,Balance\nMistaken,-5\n"):
            wanted = importing.WantedImport("customers", "kept.csv", text, {}, day)
            number = importing.import_file(books, self.inbox, self.hand(), wanted).number
        undoing_imports.undo_import(books, self.hand(), number)
        gone, into = self.customer(), self.customer()
        self.invoice(into, 100)
        self.pay(gone, 70)
        merging.merge_customers(books, self.hand(), gone, into)
        self.pay(gone, 5)
        for again in (False, True):
            count = closing.Count(day, ["174379"], {"cash": 0}, {}, again)
            closing.close_day(books, self.hand(), count)

    def counter(self):
        """Show a receipt at the counter, claim it, take that back, and claim it for a sale."""
        shown, sale = self.receipt(), self.sale(55)
        self.pay("", 55, shown)
        claiming.claim(self.database, self.hand(), shown, 5500, "a walk-in")
        claiming.unclaim(self.database, self.hand(), shown)
        claiming.claim(self.database, self.hand(), shown, 5500, sale)

    def in_order(self, customer):
        """An older invoice stays open while a younger one is paid by its name; then the account."""
        self.invoice(customer, 100, "the older", days_ago=2)
        self.pay(self.invoice(customer, 100, "the younger"), 100)
        self.pay(customer, 100)
        self.invoice(customer, 100, "first due", days_ago=1)
        self.invoice(customer, 100, "then due")
        self.pay(customer, 100)
        self.pay(customer, 60)

    def unsettled(self):
        """What stays open at the end: part of an invoice, freed money, a sale, a stranger's money."""
        self.asked()
        customer = self.customer()
        void = self.invoice(customer, 50)
        self.pay(void, 50)
        self.invoice(customer, 100)
        self.pay(customer, 60)
        self.void_invoice(void)
        self.sale(10)
        self.pay("A STRANGER", 70)
        return self

    def unfinished(self, ann, ben):
        first = self.receipt()
        self.pay("NOBODY", 70, first)
        self.assign(first, ann)
        second = self.receipt()
        self.pay("", 80, second)
        self.assign(second, self.sale(30))
        self.pay("STILL NOBODY", 90)
        self.dismiss(self.take(b"{not json")[0].log_row)
        self.dismiss(self.pay("NOBODY AT ALL", 15).log_row)
        self.take(b"\xff\xfe")
        self.pay(ben, "1.005")
        self.take(self.stk(0, code=1032))

    def repeated(self, ann, ben):
        body = self.body(ben, 20)
        self.take(body, body)
        self.take(body.replace(b"QGK", b" qgk"), body.replace(b"20.00", b"21.00"))
        bad = self.receipt()
        self.pay(ann, "-1", bad)
        self.pay(ann, "1.00", bad)
        self.pay(ann, "0", bad)
        self.take(self.stk(12, bad := self.receipt()))
        self.pay(ann, 12, bad)  # the twin of a prompt fills its blanks
        self.take(self.body(ben, 13, bad := self.receipt()), self.stk(13, bad))
        self.take(self.stk(14))
        self.pay("CUST-00X", 33, bad := self.receipt())
        self.pay("CUST-00X", 33, bad)

    def statement(self, customer):
        """Apply a statement: one line is known, one is missing, one is taken back, one a charge."""
        known, missing, back = self.receipt(), self.receipt(), self.receipt()
        self.pay(customer, 45, known)
        day = f"{nairobi_wall_clock(self.now):%d-%m-%Y}"
        lines = [
            f"{known},{day} 09:00:00,Completed,45,,45,Pay Bill Online,,{customer}",
            f"{known},{day} 09:00:00,Completed,,1,44,Pay Bill Charge,,",
            f"{missing},{day} 10:00:00,Completed,20,,64,Pay Bill Online,,{customer}",
            f"{back},{day} 11:00:00,Completed,30,,94,Pay Bill Online,,{customer}",
            f"{self.receipt()},{day} 11:30:00,Completed,,30,64,Pay Bill Reversal,{back},",
        ]
        head = (
            "Receipt No.,Completion Time,Transaction Status,Paid In,Withdrawn,Balance,"
            "Reason Type,Linked Transaction ID,A/C No."
        )
        raw = "\n".join(["Short Code:,174379", head, *lines]).encode()
        hand = self.hand()
        wall = nairobi_wall_clock(self.now)
        file = reconciling.read_file(raw, "day.csv", {"174379"})
        found = reconciling.compare(self.database, [file], now=wall)
        applying.apply(self.database, self.inbox, hand, found, now=wall)

    def asked(self):
        """A prompt that is paid, one that is refused, and a payment that Safaricom gave back."""
        paid, refused = self.prompt(), self.prompt()
        self.take(self.stk(70, checkout=paid), self.stk(0, code=1032, checkout=refused))
        self.pay("NOBODY YET", 30, receipt := self.receipt())
        with self.database.writing() as connection:
            payment = payment_rows.find_payment(connection, receipt)
            values = {
                "kind": "reversal",
                "environment": "local",
                "short_code": "174379",
                "receipt": receipt,
                "payment_id": payment.row,
                "amount_cents": payment.amount_cents,
                "reason": "paid twice",
                "actor": "tester",
            }
            row = request_rows.add_request(connection, values, self.now)
            accepted = {"state": "accepted", "conversation_id": "AG_1"}
            request_rows.change_request(connection, row, accepted, self.now)
        said = {"ResultType": 0, "ResultCode": 0, "ResultDesc": "Done", "ConversationID": "AG_1"}
        self.take(json.dumps({"Result": said}).encode())

    def prompt(self):
        self.now += timedelta(minutes=5)
        self.prompts += 1
        asked = NewPrompt("174379", "local", "254708374149", 7000, "NOBODY", "tester")
        name = f"ws_CO_asked_{self.prompts}"
        with self.database.writing() as connection:
            row = prompt_rows.add(connection, asked, self.now)
            names = {"checkout_request_id": name, "merchant_request_id": None}
            prompt_rows.set_sent(connection, row, **names, at=self.now)
        return name

    def days(self, events):
        """So many events by chance."""
        for _ in range(events):
            weights = (2, 12, 6, 40, 8, 3, 3, 3, 2, 3)
            act = self.chance.choices(self._acts(), weights)[0]
            with suppress(DomainError):
                act()
        return self

    def _acts(self):
        chance = self.chance
        return (
            lambda: self.customer(chance.choice([None, f"07{chance.randrange(10**8):08d}"])),
            lambda: self.invoice(
                chance.choice(self.customers),
                chance.randint(1, 900),
                days_ago=chance.randint(-2, 9),
            ),
            lambda: self.sale(chance.randint(1, 90), chance.choice([None, *self.customers])),
            lambda: self.take(*(self._chance_body() for _ in range(chance.randint(1, 6)))),
            lambda: self.take(chance.choice(self.bodies), chance.choice(self.bodies)),
            lambda: self.void_invoice(chance.choice(self.invoices)[0]),
            lambda: self.void_sale(chance.choice(self.sales)[0]),
            lambda: self.assign(
                f"QGK{chance.randint(1, self.receipts):07d}", self._chance_reference()
            ),
            lambda: self.dismiss(chance.randint(1, self.deliveries)),
            self.reprocess,
        )

    def _chance_reference(self):
        pool = self.chance.choice([self.customers, self.invoices, self.invoices, self.sales])
        chosen = self.chance.choice(pool)
        return chosen if isinstance(chosen, str) else chosen[0]

    def _chance_body(self):
        chance = self.chance
        kind = chance.randrange(12)
        if kind == 0:
            return self.stk(chance.randint(1, 500), code=chance.choice([0, 0, 1032]))
        if kind == 1:
            return self.body(self._chance_reference(), chance.choice(["0", "1.005", "x"]))
        if kind == 2:
            receipt = f"QGK{chance.randint(1, self.receipts + 3):07d}"
            return self.body(self._chance_reference(), chance.randint(1, 500), receipt)
        reference = chance.choice(
            ["NOBODY", "", self._chance_reference(), self._chance_reference()]
        )
        code = chance.choice(["174379", "174379", "600000"])
        return self.body(reference, chance.randint(1, 900), BusinessShortCode=code)
