"""Domain notation for the rules of allocation: a story, and how it ends.

A story is told in steps: ``invoice A1 ann 500 @2`` (of day 2; ``-`` = to nobody in particular),
``sale``, ``pay 700 ann @5`` (at 5 o'clock; to a customer, an invoice or a sale), ``hold``,
``release``, ``void``, ``reverse P3`` (the third payment). Its end reads ``A1 500/500 ann +200``:
paid of owed, and what is free; ``!`` = pinned, ``nobody`` = without an owner.
"""

from collections import Counter, deque
from datetime import date, datetime, timedelta

import pytest

from kelly_cli.core import posting
from kelly_cli.core.books import Books, Invoice, Money, Sale, Target

CUSTOMERS = {"ann": 1, "bob": 2, "-": None}
NAMES = {row: name for name, row in CUSTOMERS.items()}


@pytest.fixture(scope="session")
def world():
    """The class of books that stories are told to."""
    return World


class World:
    """Books that live on between units of work, as the database keeps them.

    ``batched``: payments that follow each other are one unit of work.
    """

    def __init__(self, *, batched=False):
        self.invoices, self.sales, self.money = {}, {}, []
        self.rows, self.reasons, self.numbers = [], [], Counter()
        self.batched, self._batch = batched, None

    def tell(self, *story):
        for text in story:
            for step in text.split(";"):
                verb, *words = step.split()
                at = int(words.pop()[1:]) if words[-1].startswith("@") else 1
                getattr(self, verb)(*words, at=at)
        return self

    def invoice(self, name, owner, amount, at=1):
        name = f"L{len(self.invoices)}" if name == "+" else name
        books = self.gathered()
        made = self._new_invoice(name, CUSTOMERS[owner], int(amount), day(at))
        posting.enqueue(books, made)
        if made.customer is not None:
            posting.use_credit(books, made.customer)
        self._keep(books)

    def sale(self, name, owner, amount, at=1):
        row = len(self.sales) + 1
        self.sales[name] = Sale(row, name, CUSTOMERS[owner], int(amount), day(at))

    def pay(self, amount, name, at=1):
        row = len(self.money) + 1
        paid_at = datetime(2026, 2, 3) + timedelta(hours=at)
        money = Money(row, f"P{row}", int(amount), 0, None, paid_at)
        self.money.append(money)
        books = self._batch or self.gathered()
        self.reasons.append(posting.refusal(books, self.target(name)))
        if self.reasons[-1] is None:
            posting.settle(books, money, self.target(name), self.make_invoice)
        self._keep(books)
        self._batch = books if self.batched else None

    def hold(self, name, at=1):
        self._batch = None
        self.invoices[name].on_hold = True

    def release(self, name, at=1):
        invoice = self.invoices[name]
        books = self.gathered()
        if invoice.on_hold:
            invoice.on_hold = False
            posting.enqueue(books, invoice)
            if invoice.customer is not None:
                posting.use_credit(books, invoice.customer)
        self._keep(books)

    def void(self, name, at=1):
        """As the verb does it: all its money is freed and waits for a person."""
        books = self.gathered()
        if name in self.sales:
            self.sales[name].void = True
        invoice = self.invoices.get(name)
        if invoice is not None:
            for row, amount in self.standing(invoice).items():
                money = self.money[row - 1]
                posting.free(books, money, invoice, amount, "void")
                money.pinned = True
            invoice.void = True
        self._keep(books)

    def reverse(self, name, at=1):
        """Safaricom took the money of a payment (``P3``) back."""
        money = next((each for each in self.money if each.receipt == name), None)
        if money is None or money.reversed:
            return
        books = self.gathered()
        held = Counter()
        for each in self.rows:
            if each.money is money:
                held[each.invoice.row] += each.amount_cents
        posting.reverse(books, money, {row: amount for row, amount in held.items() if amount})
        self._keep(books)

    def standing(self, invoice):
        total = Counter()
        for each in self.rows:
            if each.invoice is invoice:
                total[each.money.row] += each.amount_cents
        return {row: amount for row, amount in total.items() if amount}

    def target(self, name):
        if name in self.sales:
            return Target(sale=self.sales[name].row)
        if name in self.invoices:
            return Target(invoice=self.invoices[name].row)
        return Target(customer=CUSTOMERS[name])

    def open_queue(self, customer):
        found = (i for i in self.invoices.values() if i.customer == customer and i.open_cents)
        return sorted((i for i in found if not i.on_hold), key=lambda i: (i.issued_on, i.number))

    def credit(self, customer):
        found = (m for m in self.money if m.customer == customer and m.free_cents)
        return sorted((m for m in found if not m.pinned), key=lambda m: (m.paid_at, m.row))

    def balances(self):
        """What each customer owes less what is free, and what each ownerless invoice got."""
        found = Counter({row: 0 for row in NAMES if row})
        for invoice in self.invoices.values():
            found[invoice.customer or invoice.public_id] += (
                invoice.open_cents if invoice.customer else invoice.paid_cents
            )
        for money in self.money:
            found[money.customer or "nobody"] -= money.free_cents
        return dict(found)

    def end(self):
        words = [
            f"{name} {each.paid_cents}/{'void' if each.void else each.amount_cents}"
            for name, each in self.invoices.items()
        ]
        free = Counter()
        for money in self.money:
            owner = NAMES[money.customer] if money.customer else "nobody"
            free[f"{owner} ", "!" if money.pinned else ""] += money.free_cents
        words += [f"{owner}+{cents}{pin}" for (owner, pin), cents in free.items() if cents]
        return " ".join(words)

    def gathered(self):
        """Gather everything, as the store does at the start of a unit of work."""
        self._batch = None
        customers = [row for row in NAMES if row]
        return Books(
            invoices={each.row: each for each in self.invoices.values()},
            sales={each.row: each for each in self.sales.values()},
            queues={row: deque(self.open_queue(row)) for row in customers},
            credits={row: deque(self.credit(row)) for row in customers},
        )

    def _keep(self, books):
        self.rows += books.allocations
        books.allocations.clear()

    def make_invoice(self, sale):
        return self._new_invoice(sale.public_id, sale.customer, sale.total_cents, sale.sold_on)

    def _new_invoice(self, name, customer, amount, issued_on):
        self.numbers[issued_on] += 1
        made = Invoice(
            len(self.invoices) + 1, name, customer, amount, 0, issued_on, self.numbers[issued_on]
        )
        self.invoices[name] = made
        return made


def day(number):
    return date(2026, 2, number)
