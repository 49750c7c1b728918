"""Where the shillings go: stories with their ends, and the laws of every story.

A story is told in steps: ``invoice A1 ann 500 @2`` (of day 2; ``-`` = to nobody in particular),
``sale``, ``pay 700 ann @5`` (at 5 o'clock; to a customer, an invoice or a sale), ``hold``,
``release``, ``void``. Its end reads ``A1 500/500 ann +200``: paid of owed, and what is free;
``!`` = pinned, ``nobody`` = without an owner.
"""

from collections import Counter, deque
from copy import deepcopy
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kelly_cli.core import posting
from kelly_cli.core.books import Books, Invoice, Money, Sale, Target
from kelly_cli.errors import BrokenInvariantError

CUSTOMERS = {"ann": 1, "bob": 2, "-": None}
NAMES = {row: name for name, row in CUSTOMERS.items()}


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
        made = self._new_invoice(name, CUSTOMERS[owner], int(amount), day(at))
        with_books = self._books()
        posting.enqueue(with_books, made)
        if made.customer is not None:
            posting.use_credit(with_books, made.customer)
        self._keep(with_books)

    def sale(self, name, owner, amount, at=1):
        row = len(self.sales) + 1
        self.sales[name] = Sale(row, name, CUSTOMERS[owner], int(amount), day(at))

    def pay(self, amount, name, at=1):
        row = len(self.money) + 1
        paid_at = datetime(2026, 2, 3) + timedelta(hours=at)
        money = Money(row, f"P{row}", int(amount), 0, None, paid_at)
        self.money.append(money)
        with_books = self._batch or self._books()
        self.reasons.append(posting.refusal(with_books, self.target(name)))
        if self.reasons[-1] is None:
            posting.settle(with_books, money, self.target(name), self._make_invoice)
        self._keep(with_books)
        self._batch = with_books if self.batched else None

    def hold(self, name, at=1):
        self._batch = None
        self.invoices[name].on_hold = True

    def release(self, name, at=1):
        invoice = self.invoices[name]
        with_books = self._books()
        if invoice.on_hold:
            invoice.on_hold = False
            posting.enqueue(with_books, invoice)
            if invoice.customer is not None:
                posting.use_credit(with_books, invoice.customer)
        self._keep(with_books)

    def void(self, name, at=1):
        """As the verb does it: all its money is freed and waits for a person."""
        with_books = self._books()
        if name in self.sales:
            self.sales[name].void = True
        invoice = self.invoices.get(name)
        if invoice is not None:
            for row, amount in self.standing(invoice).items():
                money = self.money[row - 1]
                posting.free(with_books, money, invoice, amount, "void")
                money.pinned = True
            invoice.void = True
        self._keep(with_books)

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

    def _books(self):
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

    def _make_invoice(self, sale):
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


@pytest.mark.parametrize(
    ("story", "end"),
    [
        ("invoice A1 ann 500; pay 500 A1", "A1 500/500"),
        ("invoice A1 ann 500; pay 200 A1; pay 100 A1", "A1 300/500"),
        ("invoice A1 ann 500; pay 700 A1", "A1 500/500 ann +200"),
        ("pay 700 ann", "ann +700"),
        ("pay 700 ann; invoice A1 ann 500", "A1 500/500 ann +200"),
        ("pay 200 ann; pay 200 ann; invoice A1 ann 300", "A1 300/300 ann +100"),
        ("invoice A1 ann 500 @2; invoice A2 ann 300 @1; pay 400 ann", "A1 100/500 A2 300/300"),
        ("invoice A1 ann 500; invoice A2 ann 300; pay 600 ann", "A1 500/500 A2 100/300"),
        ("invoice A1 ann 500; invoice A2 ann 300; pay 600 A2", "A1 300/500 A2 300/300"),
        ("invoice A1 ann 500; invoice B1 bob 300; pay 600 A1", "A1 500/500 B1 0/300 ann +100"),
        ("invoice A1 ann 500; hold A1; pay 600 ann", "A1 0/500 ann +600"),
        ("invoice A1 ann 500; hold A1; pay 600 A1", "A1 500/500 ann +100"),
        ("invoice A1 ann 500; hold A1; pay 600 ann; release A1", "A1 500/500 ann +100"),
        ("invoice A1 ann 500; pay 500 A1; void A1", "A1 0/void ann +500!"),
        ("invoice A1 ann 500; pay 500 A1; void A1; invoice A2 ann 9", "A1 0/void A2 0/9 ann +500!"),
        ("invoice A1 ann 5; void A1; pay 5 A1", "A1 0/void ann +5"),
        ("invoice N1 - 500; pay 700 N1", "N1 500/500 nobody +200"),
        ("invoice N1 - 500; pay 500 N1; void N1", "N1 0/void nobody +500!"),
        ("sale S1 ann 300; pay 100 S1", "S1 100/300"),
        ("sale S1 ann 300; pay 400 S1", "S1 300/300 ann +100"),
        ("sale S1 ann 300; invoice A1 ann 50; pay 400 S1", "A1 50/50 S1 300/300 ann +50"),
        ("sale S1 ann 300; pay 50 ann; pay 100 S1", "S1 150/300"),
        ("sale S1 ann 300 @1; invoice A1 ann 50 @2; pay 10 S1; pay 300 ann", "A1 10/50 S1 300/300"),
        ("sale S1 ann 9 @1; invoice A1 ann 9 @2; pay 1 S1; pay 9 ann", "A1 1/9 S1 9/9"),
        ("sale S1 ann 9 @3; invoice A1 ann 9 @2; pay 1 S1; pay 9 ann", "A1 9/9 S1 1/9"),
        ("sale S1 - 300; pay 400 S1", "S1 300/300 nobody +100"),
        ("sale S1 ann 300; void S1; pay 300 S1", "ann +300"),
        ("sale S1 ann 300; pay 300 S1; void S1", "S1 0/void ann +300!"),
    ],
)
@pytest.mark.parametrize("batched", [False, True])
def test_money_goes_where_the_design_says(story, end, batched):
    assert World(batched=batched).tell(story).end() == end


def test_each_row_says_by_which_rule_the_money_moved():
    world = World().tell("pay 3 ann", "invoice A1 ann 5; invoice A2 ann 5; pay 9 A2; void A2")
    assert [(each.invoice.public_id, each.amount_cents, each.reason) for each in world.rows] == [
        ("A1", 3, "credit"),
        ("A2", 5, "reference"),
        ("A1", 2, "fifo"),
        ("A2", -5, "void"),
    ]


def test_what_changed_is_told_for_writing_back():
    world = World().tell("sale S1 ann 5; invoice A1 bob 5")
    books = world._books()
    for row, name in enumerate(["ann", "S1", "A1"], start=1):
        money = Money(row, f"P{row}", 7, 0, None, datetime(2026, 2, 3))
        posting.settle(books, money, world.target(name), world._make_invoice)
        assert books.changed_money[row] is money
    assert [sale.public_id for sale in books.invoiced_sales] == ["S1"]
    assert {each.public_id for each in books.changed_invoices.values()} == {"S1", "A1"}
    assert books.invoices[2].public_id == "S1"


def test_the_oldest_credit_is_used_first_even_within_one_batch():
    world = World(batched=True).tell("sale S1 ann 100; pay 50 ann @9; pay 50 ann @8; pay 60 S1 @9")
    assert [(each.money.receipt, each.amount_cents, each.reason) for each in world.rows] == [
        ("P3", 60, "reference"),
        ("P2", 40, "credit"),
    ]


@pytest.mark.parametrize(
    ("story", "reason"),
    [
        ("sale S1 - 300; void S1; pay 300 S1", "sale S1 is void and has no customer"),
        ("sale S1 - 300; pay 300 S1; pay 1 S1", "sale S1 is already paid and has no customer"),
        ("invoice N1 - 5; pay 5 N1; pay 1 N1", "invoice N1 is already paid and has no customer"),
        ("invoice N1 - 5; void N1; pay 5 N1", "invoice N1 is void and has no customer"),
        ("sale S1 ann 300; void S1; pay 300 S1", None),
        ("invoice A1 ann 5; pay 5 A1; pay 1 A1", None),
        ("sale S1 - 300; pay 100 S1; pay 100 S1", None),
        ("pay 1 ann", None),
    ],
)
def test_only_what_has_no_customer_refuses_late_or_double_money(story, reason):
    world = World().tell(story)
    assert world.reasons[-1] == (reason and f"late_or_double: {reason}")
    assert world.money[-1].unmatched == (reason is not None)


def test_a_void_sale_without_customer_or_invoice_places_nothing():
    world = World().tell("sale S1 - 5; void S1")
    money = Money(1, "P1", 5, 0, None, datetime(2026, 2, 3))
    books = world._books()
    posting.settle(books, money, world.target("S1"), world._make_invoice)
    assert money.unmatched
    assert (books.allocations, books.changed_money, books.invoiced_sales) == ([], {}, [])


def test_pinned_money_is_not_put_to_use_by_itself():
    world = World().tell("invoice A1 ann 5")
    money = Money(1, "P1", 9, 0, None, datetime(2026, 2, 3), pinned=True)
    books = world._books()
    posting.settle(books, money, world.target("A1"), world._make_invoice)
    assert (money.free_cents, money.customer, list(books.credits[1])) == (4, 1, [])


def test_reversed_money_is_free_for_nothing():
    money = Money(1, "P1", 9, 0, None, datetime(2026, 2, 3), reversed=True)
    assert (money.free_cents, money.unmatched) == (0, False)


@pytest.mark.parametrize(("most", "moved"), [(None, 7), (3, 3), (0, 0), (9, 7)])
def test_a_person_may_allocate_a_part(most, moved):
    world = World().tell("invoice N1 - 7; pay 9 ann")
    books, money, invoice = world._books(), world.money[0], world.invoices["N1"]
    assert posting.allocate(books, money, invoice, "hand", most_cents=most) == moved
    assert (invoice.paid_cents, money.free_cents) == (moved, 9 - moved)
    assert len(books.allocations) == len(books.changed_invoices) == (1 if moved else 0)


@pytest.mark.parametrize(
    ("story", "amount"),
    [
        ("invoice A1 ann 5; pay 9 ann", -1),
        ("invoice A1 ann 5; pay 9 ann", 0),
        ("invoice A1 ann 5; pay 9 ann", 6),
        ("invoice A1 ann 5; invoice A2 ann 3; pay 9 ann", 6),
        ("invoice A1 ann 9; pay 3 ann; pay 3 ann", 4),
    ],
)
def test_more_than_was_allocated_never_comes_back(story, amount):
    world = World().tell(story)
    end = world.end()
    with pytest.raises(BrokenInvariantError, match="P1 back from A1"):
        posting.free(world._books(), world.money[0], world.invoices["A1"], amount, "x")
    assert world.end() == end


@pytest.mark.parametrize("change", [{"on_hold": True}, {"paid_cents": 5}, {"customer": None}])
def test_an_invoice_that_nothing_may_pay_by_itself_is_not_queued(change):
    invoice = World().tell("invoice A1 ann 5").invoices["A1"]
    for name, value in change.items():
        setattr(invoice, name, value)
    books = Books()
    posting.enqueue(books, invoice)
    assert books.queues == {}


AMOUNTS = st.integers(1, 9)
OWNERS = st.sampled_from(list(CUSTOMERS))
INVOICES = ["I1", "I2", "I3"]
PLACES = st.sampled_from(["ann", "bob", *INVOICES, "S1", "S2"])
OPENING = st.builds(
    lambda *owners_and_amounts: "; ".join(
        f"{'sale' if name[0] == 'S' else 'invoice'} {name} {owner} {amount} @{number}"
        for name, (owner, amount, number) in zip(
            [*INVOICES, "S1", "S2"], owners_and_amounts, strict=True
        )
    ),
    *[st.tuples(OWNERS, AMOUNTS, st.integers(1, 3))] * 5,
)
PAY = st.builds("pay {} {} @{}".format, AMOUNTS, PLACES, st.integers(1, 5))
CHANGE = st.builds(
    "{} {}".format, st.sampled_from(["hold", "release", "void"]), st.sampled_from(INVOICES)
)
LATER = st.builds("invoice + {} {} @{}".format, OWNERS, AMOUNTS, st.integers(1, 5))
VOID_SALE = st.builds("void {}".format, st.sampled_from(["S1", "S2"]))
STEPS = st.lists(PAY | PAY | CHANGE | LATER | VOID_SALE, max_size=12)


@given(OPENING, STEPS)
@settings(max_examples=300, deadline=None)
def test_after_every_step_the_books_hold_together(opening, steps):
    world = World().tell(opening)
    for step in steps:
        seen = len(world.rows)
        world.tell(step)
        check_nothing_made_or_lost(world)
        check_credit_does_not_wait_beside_an_open_invoice(world)
        check_oldest_first(world, world.rows[seen:])


def check_nothing_made_or_lost(world):
    by_money, by_invoice = Counter(), Counter()
    for money, invoice, amount_cents, _ in world.rows:
        assert amount_cents != 0
        by_money[money.row] += amount_cents
        by_invoice[invoice.row] += amount_cents
    for money in world.money:
        assert money.allocated_cents == by_money[money.row]
        assert money.allocated_cents + money.free_cents == money.amount_cents
        assert money.free_cents >= 0 <= money.allocated_cents
    for invoice in world.invoices.values():
        assert invoice.paid_cents == by_invoice[invoice.row]
        assert 0 <= invoice.paid_cents <= (0 if invoice.void else invoice.amount_cents)


def check_credit_does_not_wait_beside_an_open_invoice(world):
    for customer in (1, 2):
        assert not (world.credit(customer) and world.open_queue(customer))


def check_oldest_first(world, rows):
    for money, invoice, amount_cents, reason in rows:
        if reason in {"fifo", "credit"}:
            assert amount_cents > 0
            age = (invoice.issued_on, invoice.number)
            assert all(
                (other.issued_on, other.number) >= age
                for other in world.open_queue(invoice.customer)
            )
        if reason == "credit":
            age = (money.paid_at, money.row)
            assert all((m.paid_at, m.row) >= age for m in world.credit(money.customer))


@given(OPENING, STEPS)
@settings(deadline=None)
def test_how_payments_are_cut_into_batches_changes_nothing(opening, steps):
    alone, batched = World().tell(opening, *steps), World(batched=True).tell(opening, *steps)
    assert batched.end() == alone.end()
    assert [_plain(each) for each in batched.rows] == [_plain(each) for each in alone.rows]


def _plain(row):
    return row.money.receipt, row.invoice.public_id, row.amount_cents, row.reason


@given(OPENING, st.lists(PAY, max_size=8), st.data())
@settings(deadline=None)
def test_balances_do_not_depend_on_the_order_of_the_payments(opening, pays, data):
    shuffled = data.draw(st.permutations(pays))
    assert World().tell(opening, *pays).balances() == World().tell(opening, *shuffled).balances()


@given(OPENING, STEPS, AMOUNTS, AMOUNTS, PLACES)
@settings(deadline=None)
def test_two_payments_do_what_their_sum_does(opening, steps, first, second, place):
    apart = World().tell(opening, *steps)
    together = deepcopy(apart).tell(f"pay {first + second} {place} @9")
    apart.tell(f"pay {first} {place} @9; pay {second} {place} @9")
    assert apart.balances() == together.balances()


@given(OPENING, STEPS)
@settings(deadline=None)
def test_settled_books_are_at_rest(opening, steps):
    world = World().tell(opening, *steps)
    end = world.end()
    books = world._books()
    for customer in (1, 2):
        posting.use_credit(books, customer)
    for money in world.money:
        if money.customer is not None and not money.pinned:
            posting.settle(books, money, Target(customer=money.customer), world._make_invoice)
    assert (books.allocations, world.end()) == ([], end)
