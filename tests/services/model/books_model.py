"""A small model of the books, written from the rules and from none of kelly's code.

Plain dictionaries; every rule in the words of the contract. It answers two questions: where does
everything stand, and what is refused (with which code).
"""

from dataclasses import dataclass, field

from books_model_hand import ByHand, RefusedError
from books_model_people import People


@dataclass
class Bill:
    name: str
    customer: str | None
    amount: int
    day: object
    number: int
    sale: str | None = None
    void: bool = False
    held: bool = False
    given_up: dict = field(default_factory=lambda: {"writeoff": 0, "credit_note": 0})

    @property
    def adjusted(self):
        return sum(self.given_up.values())


@dataclass
class Money:
    receipt: str
    amount: int
    at: object
    order: int
    reference: str | None
    code: str | None
    channel: str
    customer: str | None = None
    pinned: bool = False
    reversed: bool = False
    by_hand: bool = False
    waits: bool = False
    """Its log is on the failed list."""
    on: dict = field(default_factory=dict)

    @property
    def free(self):
        return 0 if self.reversed else self.amount - sum(self.on.values())

    @property
    def unmatched(self):
        return self.customer is None and not self.on and not self.reversed


@dataclass
class Sale:
    name: str
    customer: str | None
    total: int
    day: object
    bill: str | None = None
    void: bool = False


class Model(ByHand, People):
    """Where everything stands. References are handed in folded, phones in one form."""

    def __init__(self):
        self.phones = {}
        self.keys = {}
        self.bills, self.money, self.sales = {}, {}, {}
        self.numbers, self.merges = {}, []

    # Questions

    def paid(self, bill):
        return sum(money.on.get(bill.name, 0) for money in self.money.values())

    def open(self, bill):
        return 0 if bill.void else bill.amount - bill.adjusted - self.paid(bill)

    def queue(self, customer):
        bills = [b for b in self.bills.values() if b.customer == customer and not b.held]
        return sorted((b for b in bills if self.open(b)), key=lambda b: (b.day, b.number))

    def credit(self, customer):
        found = [m for m in self.money.values() if m.customer == customer and m.free]
        return sorted((m for m in found if not m.pinned), key=lambda m: (m.at, m.order))

    def target(self, reference):
        """What a folded reference stands for: (kind, name) or None."""
        if reference is None:
            return None
        if reference in self.keys:
            return self.keys[reference]
        owners = [name for name, phone in self.phones.items() if phone and phone == reference]
        return ("customer", owners[0]) if len(owners) == 1 else None

    # The rules

    def give(self, money, bill, most=None):
        cents = min(money.free, self.open(bill), money.free if most is None else most)
        if cents > 0:
            money.on[bill.name] = money.on.get(bill.name, 0) + cents

    def take(self, money, bill, cents):
        money.on[bill.name] -= cents
        if not money.on[bill.name]:
            del money.on[bill.name]

    def use_credit(self, customer):
        while customer and (queue := self.queue(customer)) and (credit := self.credit(customer)):
            self.give(credit[0], queue[0])

    def bill_of(self, sale):
        if sale.bill is None and not sale.void:
            sale.bill = self.add_bill(sale.customer, sale.total, sale.day, sale=sale.name).name
        return self.bills[sale.bill] if sale.bill else None

    def add_bill(self, customer, amount, day, sale=None):
        number = self.numbers[day] = self.numbers.get(day, 0) + 1
        name = f"INV-{day:%Y%m%d}-{number:04d}"
        bill = self.bills[name] = Bill(name, customer, amount, day, number, sale)
        self.keys[name.replace("-", "")] = ("bill", name)
        return bill

    def closed(self, target):
        """Money without a customer of its own finds no place on what is paid or void."""
        kind, name = target
        if kind == "sale":
            sale = self.sales[name]
            bill = self.bills[sale.bill] if sale.bill else None
            return sale.customer is None and (
                sale.void or (bill is not None and not self.open(bill))
            )
        if kind == "bill":
            return self.bills[name].customer is None and not self.open(self.bills[name])
        return False

    def settle(self, money, target, keep=False):
        kind, name = target
        bill = customer = None
        if kind == "customer":
            customer = name
        elif kind == "bill":
            bill = self.bills[name]
            customer = bill.customer or money.customer
        else:
            bill = self.bill_of(self.sales[name])
            customer = self.sales[name].customer or money.customer
        money.customer = customer or money.customer
        if bill is not None:
            self.give(money, bill)
        if customer is None:
            return
        if keep:
            money.pinned = money.free > 0
        self.use_credit(customer)

    def place(self, money, keep=False):
        target = self.target(money.reference)
        if target is None or self.closed(target):
            money.waits = True
            return
        self.settle(money, target, keep)
        money.waits = False

    # Callbacks

    def pay(self, receipt, amount, at, reference, code, channel, keep=False):
        """Take a callback; return processed, failed, duplicate or conflict."""
        known = self.money.get(receipt)
        if known is None:
            money = Money(receipt, amount, at, len(self.money), reference, code, channel)
            self.money[receipt] = money
            self.place(money, keep)
            return "failed" if money.waits else "processed"
        both = known.channel == channel == "c2b"
        if (
            known.amount != amount
            or (known.code and code and known.code != code)
            or (both and (known.at, known.reference) != (at, reference))
        ):
            return "conflict"
        if known.channel != channel:
            known.reference = known.reference or reference
            known.code = known.code or code
        if known.unmatched and not known.pinned:
            was_waiting = known.waits
            self.place(known)
            # A dismissed log stays dismissed where the money still finds no place.
            known.waits = known.waits and was_waiting
        return "duplicate"

    def reprocess(self):
        for money in list(self.money.values()):
            if money.waits and not money.unmatched:
                money.waits = False
            elif money.waits and not money.pinned:
                self.place(money)

    def dismiss(self, receipt):
        self.money[receipt].waits = False

    # Invoices and sales

    def invoice(self, customer, amount, day, keep=False):
        customer = self.who(customer)
        bill = self.add_bill(customer, amount, day)
        if keep:
            for money in self.credit(customer):
                money.pinned = True
        self.use_credit(customer)
        return bill.name

    def sell(self, name, customer, total, day):
        customer = self.who(customer) if customer else None
        self.sales[name] = Sale(name, customer, total, day)
        self.keys[name.replace("-", "")] = ("sale", name)

    def void_bill(self, bill):
        for money in self.money.values():
            if money.on.pop(bill.name, None):
                money.pinned = True
                self.freed(money)
        bill.void, bill.given_up = True, {"writeoff": 0, "credit_note": 0}

    def freed(self, money):
        """Nobody's money again: its log is back on the failed list."""
        money.waits = money.waits or (money.unmatched and money.pinned)

    def void_invoice(self, name):
        bill = self.bills[name]
        if bill.void:
            raise RefusedError("already_void")
        if bill.sale:
            raise RefusedError("invoice_of_sale")
        self.void_bill(bill)

    def void_sale(self, name):
        sale = self.sales[name]
        if sale.void:
            raise RefusedError("already_void")
        if sale.bill and not self.bills[sale.bill].void:
            self.void_bill(self.bills[sale.bill])
        sale.void = True

    def revive_bill(self, bill):
        bill.void = False
        self.use_credit(bill.customer)

    def refuse_gone(self, thing):
        if thing.customer and thing.customer.replace("-", "") not in self.keys:
            raise RefusedError("customer_not_found")

    def revive_invoice(self, name):
        bill = self.bills[name]
        if bill.sale:
            raise RefusedError("invoice_of_sale")
        if not bill.void:
            raise RefusedError("not_void")
        self.refuse_gone(bill)
        self.revive_bill(bill)

    def revive_sale(self, name):
        sale = self.sales[name]
        if not sale.void:
            raise RefusedError("not_void")
        self.refuse_gone(sale)
        sale.void = False
        if sale.bill:
            self.revive_bill(self.bills[sale.bill])

    def hold(self, name):
        bill = self.bills[name]
        if bill.held:
            raise RefusedError("already_held")
        if not self.open(bill):
            raise RefusedError("nothing_open")
        bill.held = True

    def release(self, name):
        bill = self.bills[name]
        if not bill.held:
            raise RefusedError("not_held")
        bill.held = False
        self.use_credit(bill.customer)

    def write_off(self, name, most):
        bill = self.bills[name]
        cents = self.open(bill)
        if not cents:
            raise RefusedError("nothing_open")
        if cents > most:
            raise RefusedError("more_than_max")
        bill.given_up["writeoff"] += cents

    def credit_note(self, name, cents):
        bill = self.bills[name]
        if bill.void:
            raise RefusedError("nothing_open")
        if cents > bill.amount - bill.adjusted:
            raise RefusedError("more_than_owed")
        short = cents - self.open(bill)
        for money in sorted(self.money.values(), key=lambda m: -m.order):
            back = min(short, money.on.get(name, 0))
            if back > 0:
                self.take(money, bill, back)
                money.pinned = True
                self.freed(money)
                short -= back
        bill.given_up["credit_note"] += cents

    def undo(self, name, kind, cents):
        bill = self.bills[name]
        stands = bill.given_up[kind]
        cents = stands if cents is None else cents
        if not 0 < cents <= stands:
            raise RefusedError("nothing_to_undo")
        bill.given_up[kind] -= cents
        self.use_credit(bill.customer)

    # Where everything stands

    def standing(self):
        def status(bill):
            if bill.void:
                return "VOID"
            return (
                "PAID" if not self.open(bill) else "PARTIALLY_PAID" if self.paid(bill) else "UNPAID"
            )

        def state(money):
            if money.reversed:
                return "REVERSED"
            return "UNMATCHED" if money.unmatched else "COMPLETED"

        balances = dict.fromkeys(self.phones, 0)
        for bill in self.bills.values():
            if bill.customer:
                balances[bill.customer] += self.open(bill)
        for money in self.money.values():
            if money.customer:
                balances[money.customer] -= money.free
        return {
            "invoice": {
                b.name: (b.amount, self.paid(b), b.adjusted, b.customer, status(b), b.held, b.sale)
                for b in self.bills.values()
            },
            "payment": {
                m.receipt: (m.amount, m.customer, state(m), m.pinned, dict(m.on))
                for m in self.money.values()
            },
            "sale": {s.name: (s.total, s.customer, s.bill, s.void) for s in self.sales.values()},
            "balance": balances,
            "waits": {m.receipt for m in self.money.values() if m.waits},
        }
