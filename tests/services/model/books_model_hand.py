"""The model's rules for what people do with a payment; the rest is in ``books_model``."""


class RefusedError(Exception):
    """The model refuses; the real books must refuse with the same code."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class ByHand:
    """Assign, allocate, take back, reverse."""

    # Money by hand

    def assign(self, receipt, target, keep=False):
        money = self.money[receipt]
        if money.customer or not money.free:
            raise RefusedError("not_in_suspense")
        target = self.keys[target.replace("-", "")]
        if self.closed(target):
            raise RefusedError("late_or_double")
        money.pinned = money.waits = False
        self.settle(money, target, keep)

    def allocate(self, receipt, shares, keep=False):
        money = self.money[receipt]
        if not money.free:
            raise RefusedError("nothing_free")
        if not shares:
            if money.customer is None:
                raise RefusedError("no_customer")
            money.pinned = False
            self.use_credit(money.customer)
            return
        was_unmatched = money.unmatched
        gifts, customer, left, promised = [], money.customer, money.free, {}
        for name, wanted in shares:
            made = None
            try:
                bill, made = self._bill_to_pay(name)
                customer = self._owner(money, bill, customer)
                still = self.open(bill) - promised.get(bill.name, 0)
                cents = self._fitting(still, wanted, left)
            except RefusedError:
                self._unmake([*(each[2] for each in gifts), made])
                raise
            promised[bill.name] = promised.get(bill.name, 0) + cents
            left -= cents
            gifts.append((bill, cents, made))
        money.customer = customer
        for bill, cents, _ in gifts:
            self.give(money, bill, cents)
        money.pinned = money.free > 0 and (money.pinned or keep)
        if was_unmatched:
            money.waits = False
        if customer is not None:
            # The rest of this payment pays before older credit does, as that of a callback.
            while not money.pinned and money.free and (queue := self.queue(customer)):
                self.give(money, queue[0])
            self.use_credit(customer)

    def _bill_to_pay(self, name):
        kind, found = self.keys[name.replace("-", "")]
        if kind == "bill":
            return self.bills[found], None
        sale = self.sales[found]
        made = None if sale.bill or sale.void else sale
        bill = self.bill_of(sale)
        if bill is None:
            raise RefusedError("nothing_open")
        return bill, made

    def _unmake(self, made):
        for sale in reversed([each for each in made if each]):
            bill = self.bills.pop(sale.bill)
            del self.keys[bill.name.replace("-", "")]
            self.numbers[bill.day] -= 1
            sale.bill = None

    @staticmethod
    def _owner(money, bill, customer):
        if bill.customer is None or bill.customer == customer:
            return customer
        if customer is None:
            return bill.customer
        raise RefusedError("other_customer")

    @staticmethod
    def _fitting(still, wanted, left):
        if still <= 0:
            raise RefusedError("nothing_open")
        if wanted is not None and wanted > still:
            raise RefusedError("more_than_open")
        if left <= 0 or (wanted is not None and wanted > left):
            raise RefusedError("more_than_free")
        return min(still, left) if wanted is None else wanted

    def unallocate(self, receipt, shares, disown=False):
        money = self.money[receipt]
        if not money.on and not (disown and money.customer and not money.reversed):
            raise RefusedError("nothing_allocated")
        takings = dict(money.on) if not shares else {}
        for name, wanted in shares:
            kind, found = self.keys[name.replace("-", "")]
            bill = found if kind == "bill" else self.sales[found].bill
            there = money.on.get(bill, 0) - takings.get(bill, 0)
            if there <= 0:
                raise RefusedError("not_on_invoice")
            cents = there if wanted is None else wanted
            if cents > there:
                raise RefusedError("more_than_allocated")
            takings[bill] = takings.get(bill, 0) + cents
        for name, cents in takings.items():
            self.take(money, self.bills[name], cents)
        money.pinned = True
        if disown:
            money.customer = None
        self.freed(money)
        for customer in sorted({self.bills[name].customer or "" for name in takings}):
            self.use_credit(customer)

    def restore(self, receipt):
        money = self.money[receipt]
        if not money.reversed:
            raise RefusedError("not_reversed")
        if not money.by_hand:
            raise RefusedError("reversed_elsewhere")
        self.refuse_gone(money)
        money.reversed, money.pinned = False, True
        self.freed(money)

    def reverse(self, receipt, *, by_hand=True):
        money = self.money[receipt]
        if money.reversed:
            raise RefusedError("already_reversed")
        opened = list(money.on)
        money.on, money.reversed, money.pinned = {}, True, False
        money.by_hand = by_hand
        for customer in sorted({self.bills[name].customer or "" for name in opened}):
            self.use_credit(customer)
