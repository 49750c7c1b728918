"""One machine, two sets of books: every action goes to kelly and to the model, and both must agree.

An action is a method named in ``ACTS`` with its weight; it draws what it needs from ``chance`` and
calls ``both``. To add one: a method here, a rule in ``books_model``, a line in ``ACTS``.
"""

import random
from datetime import UTC, date, datetime, timedelta

from machine_money import AMOUNTS, CODES, MoneyActs
from machine_office import OfficeActs
from machine_reading import READ, violations

from kelly_cli.errors import DomainError
from kelly_cli.services import adjusting, customers, invoices, merging, reviving, sales
from kelly_cli.services.inbox import Inbox
from kelly_cli.store.audit_rows import Hand
from kelly_cli.store.sale_rows import SaleItem

START = datetime(2026, 2, 3, 6, tzinfo=UTC)
DAYS = [date(2026, 2, day) for day in (1, 2, 3)]
PHONES = [f"2547{n:08d}" for n in (11, 22, 33)]

ACTS = {
    "customer": 2,
    "phone": 1,
    "merge": 1,
    "invoice": 6,
    "sale": 3,
    "callback": 12,
    "repeat": 4,
    "conflict": 1,
    "twin": 2,
    "second_source": 2,
    "garbage": 1,
    "reprocess": 3,
    "dismiss": 1,
    "record": 3,
    "assign": 4,
    "allocate": 4,
    "unallocate": 3,
    "reverse": 1,
    "restore": 1,
    "void_invoice": 2,
    "void_sale": 1,
    "revive_invoice": 1,
    "revive_sale": 1,
    "hold": 1,
    "release": 1,
    "write_off": 1,
    "credit_note": 2,
    "undo": 1,
    "dry_run": 1,
    "unmerge": 1,
    "match": 1,
    "statement": 2,
    "import_file": 1,
    "import_undo": 1,
}


class Machine(MoneyActs, OfficeActs):
    """Kelly and the model side by side. ``books``: a scratch in a trial, or a whole database."""

    def __init__(self, books, model_kit):
        self.books, self.refused = books, model_kit.RefusedError
        self.model = model_kit.Model()
        self.now = START
        self.inbox = Inbox(books, CODES, lambda: self.now)
        self.count = 0
        self.names, self.bodies, self.said, self.imports = [], {}, [], {}
        self.days = DAYS

    def step(self, act, seed):
        """Do one action; ``seed`` decides all that is drawn for it."""
        self.now += timedelta(minutes=2)
        self.count += 1
        self.said.append((act, seed))
        getattr(self, act)(random.Random(seed))

    def both(self, real, model):
        """Do the same to both; they refuse together, with one code, or not at all."""
        wanted = told = None
        try:
            model()
        except self.refused as refusal:
            wanted = refusal.code
        try:
            done = real()
        except DomainError as refusal:
            done, told = None, refusal.code
        assert told == wanted, f"{self.said[-1]}: kelly says {told}, the model {wanted}"
        return done

    @property
    def hand(self):
        return Hand("tester", self.now, "a reason")

    # What is drawn

    def person(self, chance):
        return chance.choice(self.names) if self.names else None

    def bill(self, chance):
        return chance.choice(list(self.model.bills)) if self.model.bills else None

    def sold(self, chance):
        return chance.choice(list(self.model.sales)) if self.model.sales else None

    def receipt(self, chance):
        return chance.choice(list(self.model.money)) if self.model.money else None

    def thing(self, chance):
        """Something to pay for: mostly an invoice, sometimes a sale."""
        drawn = [self.bill(chance), self.bill(chance), self.sold(chance)]
        return chance.choice([each for each in drawn if each] or [None])

    def shares(self, chance, most=2):
        drawn = [self.thing(chance) for _ in range(chance.randint(0, most))]
        amounts = [None, None, *AMOUNTS]
        return [(name, chance.choice(amounts)) for name in drawn if name]

    def reference(self, chance):
        """What a payer types, and how it is folded."""
        known = [self.person(chance), self.bill(chance), self.bill(chance), self.sold(chance)]
        name = chance.choice(
            [*(each for each in known if each), "NOBODY", "", chance.choice(PHONES)]
        )
        if name in PHONES:
            return f"0{name[3:]}", name
        typed = chance.choice([name, name.lower(), name.replace("-", " "), name.replace("-", "")])
        return typed, name.replace("-", "") or None

    # Customers

    def customer(self, chance):
        phone = chance.choice([None, *PHONES])
        made = customers.create_customer(self.books, self.hand, name="Ann", phone=phone)
        self.names.append(made.customer_id)
        self.model.add_customer(made.customer_id, phone)

    def phone(self, chance):
        name, phone = self.person(chance), chance.choice(["", *PHONES])
        if name and self.model.who(name) == name:
            customers.edit_customer(self.books, self.hand, name, phone=phone)
            self.model.edit_customer(name, phone or None)

    def merge(self, chance):
        gone, into = self.person(chance), self.person(chance)
        if gone:
            self.both(
                lambda: merging.merge_customers(self.books, self.hand, gone, into),
                lambda: self.model.merge(gone, into),
            )

    # Invoices and sales

    def invoice(self, chance):
        owner, cents = self.person(chance), chance.choice(AMOUNTS)
        day, keep = chance.choice(DAYS), chance.random() < 0.2
        if owner:
            wanted = invoices.NewInvoice(owner, cents, day)
            made = invoices.create_invoice(self.books, self.hand, wanted, keep_credit=keep)
            assert made.invoice.invoice_id == self.model.invoice(owner, cents, day, keep)

    def sale(self, chance):
        owner, cents, day = self.person(chance), chance.choice(AMOUNTS), chance.choice(DAYS)
        owner = chance.choice([None, owner])
        items = [SaleItem("P-1", "Soda", 1, cents)]
        made = sales.create_sale(self.books, self.hand, items=items, sold_on=day, customer_id=owner)
        self.model.sell(made.pos_id, owner, cents, day)

    def void_invoice(self, chance):
        if name := self.bill(chance):
            self.both(
                lambda: invoices.void_invoice(self.books, self.hand, name),
                lambda: self.model.void_invoice(name),
            )

    def void_sale(self, chance):
        if name := self.sold(chance):
            self.both(
                lambda: sales.void_sale(self.books, self.hand, name),
                lambda: self.model.void_sale(name),
            )

    def revive_invoice(self, chance):
        void = [bill.name for bill in self.model.bills.values() if bill.void]
        if name := chance.choice([*void, self.bill(chance)]):
            self.both(
                lambda: reviving.revive_invoice(self.books, self.hand, name),
                lambda: self.model.revive_invoice(name),
            )

    def revive_sale(self, chance):
        void = [sale.name for sale in self.model.sales.values() if sale.void]
        if name := chance.choice([*void, self.sold(chance)]):
            self.both(
                lambda: reviving.revive_sale(self.books, self.hand, name),
                lambda: self.model.revive_sale(name),
            )

    def hold(self, chance):
        if name := self.bill(chance):
            self.both(
                lambda: adjusting.hold(self.books, self.hand, name),
                lambda: self.model.hold(name),
            )

    def release(self, chance):
        held = [bill.name for bill in self.model.bills.values() if bill.held]
        if name := chance.choice([*held, self.bill(chance)]):
            self.both(
                lambda: adjusting.release(self.books, self.hand, name),
                lambda: self.model.release(name),
            )

    def write_off(self, chance):
        if name := self.bill(chance):
            most = chance.choice(AMOUNTS)
            self.both(
                lambda: adjusting.write_off(self.books, self.hand, name, most_cents=most),
                lambda: self.model.write_off(name, most),
            )

    def credit_note(self, chance):
        if name := self.bill(chance):
            cents = chance.choice(AMOUNTS)
            self.both(
                lambda: adjusting.credit(self.books, self.hand, name, amount_cents=cents),
                lambda: self.model.credit_note(name, cents),
            )

    def undo(self, chance):
        adjusted = [bill.name for bill in self.model.bills.values() if bill.adjusted]
        if name := chance.choice([*adjusted, *adjusted, self.bill(chance)]):
            kind, cents = (
                chance.choice(["writeoff", "credit_note"]),
                chance.choice([None, *AMOUNTS]),
            )
            self.both(
                lambda: adjusting.undo(self.books, self.hand, name, kind, amount_cents=cents),
                lambda: self.model.undo(name, kind, cents),
            )

    # What must agree

    def check(self):
        """Compare the two, and let the books check themselves."""
        wanted, found = self.model.standing(), self.standing()
        for kind, theirs in wanted.items():
            assert found[kind] == theirs, f"{kind} after {self.said}"
        with self.books.reading() as connection:
            broken = violations(connection, self.now)
        assert not broken, f"{broken} after {self.said}"

    def standing(self):
        """Where everything stands in kelly's books, as the model says it."""
        with self.books.reading() as connection:
            return {kind: read(connection) for kind, read in READ.items()}
