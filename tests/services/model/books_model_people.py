"""The model's rules for customers: made, changed, merged and told apart, imported, taken back."""

from books_model_hand import RefusedError


class People:
    """Customers and what belongs to them."""

    # Customers

    def add_customer(self, name, phone):
        self.phones[name] = phone
        self.keys[name.replace("-", "")] = ("customer", name)

    def edit_customer(self, name, phone):
        self.phones[name] = phone

    def who(self, name):
        return self.keys[name.replace("-", "")][1]

    def merge(self, gone, into):
        key = gone.replace("-", "")
        if self.keys[key] != ("customer", gone):
            raise RefusedError("already_merged")
        into = self.who(into)
        if gone == into:
            raise RefusedError("same_customer")
        moved = [each for each in self.owned() if each.customer == gone]
        keys = [key for key, target in self.keys.items() if target == ("customer", gone)]
        for thing in moved:
            thing.customer = into
        for other in keys:
            self.keys[other] = ("customer", into)
        phone = self.phones[gone]
        taken = phone if phone and not self.phones[into] else None
        if taken:
            self.phones[into] = taken
        self.phones[gone] = None
        self.merges.append((gone, into, moved, keys, phone, taken))
        self.use_credit(into)

    def owned(self):
        return [*self.bills.values(), *self.sales.values(), *self.money.values()]

    def unmerge(self, gone):
        into = self.who(gone)
        last = next((each for each in reversed(self.merges) if each[0] == gone), None)
        if into == gone or last is None:
            raise RefusedError("not_merged")
        _, first, moved, keys, phone, taken = last
        if first != into:
            raise RefusedError("merged_further")
        bills = [self.bills[s.bill] for s in moved if getattr(s, "bill", None)]
        for thing in (*moved, *bills):
            if thing.customer == into:
                thing.customer = gone
        for key in keys:
            if self.keys[key] == ("customer", into):
                self.keys[key] = ("customer", gone)
        self.part({gone, into})
        self.phones[gone] = phone
        if taken and self.phones[into] == taken:
            self.phones[into] = None
        self.merges.remove(last)
        self.use_credit(gone)
        self.use_credit(into)

    def part(self, both):
        """Money of one leaves the invoices of the other."""
        for money in self.money.values():
            for name in list(money.on):
                if {money.customer, self.bills[name].customer} == both:
                    del money.on[name]

    def undo_import(self, name, opening):
        bill, money = self.bills.get(opening), self.money.get(opening)
        keys = [key for key, target in self.keys.items() if target == ("customer", name)]
        others = [
            each
            for each in self.owned()
            if each.customer == name and each not in (bill, money) and not self.over(each)
        ]
        merged = self.who(name) != name
        if (bill and (self.paid(bill) or bill.adjusted)) or (money and money.on):
            raise RefusedError("import_in_use")
        if merged or others or len(keys) > 1:
            raise RefusedError("import_in_use")
        if bill and not bill.void:
            self.void_bill(bill)
        if money and not money.reversed:
            self.reverse(opening, by_hand=False)
        del self.keys[name.replace("-", "")]
        self.phones[name] = None

    @staticmethod
    def over(thing):
        return thing.reversed if hasattr(thing, "reversed") else thing.void
