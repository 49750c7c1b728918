"""A batch: what is left out of its gathering changes nothing of what becomes of the money."""

import random
import uuid
from datetime import date

import pytest

from kelly_cli.services.inbox import Delivery
from kelly_cli.services.invoices import NewInvoice, create_invoice
from kelly_cli.store import book_rows, by_age


def take(books, bodies, size):
    """Take bodies in batches of a size."""
    deliveries = [Delivery(body, "confirmation", "http", uuid.uuid4().hex) for body in bodies]
    for start in range(0, len(bodies), size):
        books.inbox.take(deliveries[start : start + size])


def test_two_payments_that_fit_alone_spill_over_together(books):
    books.customer()
    older, invoice = books.invoice(100, day=date(2026, 1, 3)), books.invoice(100)
    bodies = [books.body(f"QGK12XYZ9{n}", 60, invoice) for n in range(2)]
    take(books, bodies, 2)
    assert books.invoice_state(invoice) == ("PAID", 100)
    assert books.invoice_state(older) == ("PARTIALLY_PAID", 20)


def test_a_payment_on_account_beside_it_leaves_less_room_in_an_invoice(books):
    books.customer()
    invoice, newer = books.invoice(100), books.invoice(100)
    bodies = [books.body("QGK12XYZ91", 90, "CUST-001"), books.body("QGK12XYZ92", 60, invoice)]
    take(books, bodies, 2)
    assert books.invoice_state(invoice) == ("PAID", 100)
    assert books.invoice_state(newer) == ("PARTIALLY_PAID", 50)


def test_a_sale_and_its_invoice_can_be_paid_in_one_batch(books):
    books.customer()
    sale = books.sale(100, "CUST-001")
    books.pay("QGK12XYZ91", 10, sale)
    other = books.invoice(50, day=date(2026, 1, 3))
    made = books.one("SELECT invoice_id FROM invoices WHERE amount_cents = 10000")[0]
    bodies = [books.body("QGK12XYZ92", 60, sale), books.body("QGK12XYZ93", 60, made)]
    take(books, bodies, 2)
    assert books.invoice_state(made) == ("PAID", 100)
    assert books.invoice_state(other) == ("PARTIALLY_PAID", 30)


def test_credit_that_waits_beside_an_open_invoice_is_used_by_the_next_payment(books):
    row = books.customer().row
    books.pay("QGK12XYZ91", 30, "CUST-001")
    with books.database.writing() as connection:
        first, second = (
            book_rows.add_invoice(
                connection,
                customer=row,
                amount_cents=10000,
                issued_on=date(2026, 2, 3),
                created_at=books.hand.at,
            ).public_id
            for _ in range(2)
        )
    books.pay("QGK12XYZ92", 60, second)
    assert books.invoice_state(second) == ("PARTIALLY_PAID", 60)
    assert books.invoice_state(first) == ("PARTIALLY_PAID", 30)


def test_the_queue_of_a_customer_whose_invoice_has_room_is_not_asked_for(books, monkeypatch):
    books.customer()
    books.invoice(100, day=date(2026, 1, 3))
    invoice = books.invoice(100)
    gathered = []
    load = book_rows.load
    monkeypatch.setattr(
        book_rows, "load", lambda *a, **named: gathered.append(load(*a, **named)) or gathered[-1]
    )
    books.pay("QGK12XYZ91", 100, invoice)
    assert [len(each.queues) for each in gathered] == [0]
    assert books.invoice_state(invoice) == ("PAID", 100)


@pytest.mark.parametrize("seed", range(4))
def test_batches_of_any_size_place_money_as_one_by_one(books, seed):
    """Two sets of customers get the same payments, one in batches and one by one."""
    chance = random.Random(seed)
    names = [f"C{n}" for n in range(3)]
    pairs = []
    for name in names:
        for side in "AB":
            books.customer(f"{side}{name}")
        for _ in range(4):
            shillings, day = chance.randint(1, 9) * 10, date(2026, 1, chance.randint(1, 28))
            pairs.append([books.invoice(shillings, f"{side}{name}", day) for side in "AB"])
    bodies = {"A": [], "B": []}
    for n in range(40):
        shillings, pair, name = (
            chance.randint(1, 12) * 5,
            chance.choice(pairs),
            chance.choice(names),
        )
        on_account = chance.random() < 0.3
        for place, side in enumerate("AB"):
            reference = f"{side}{name}" if on_account else pair[place]
            bodies[side].append(books.body(f"QG{side}12XY{n:03}", shillings, reference))
    take(books, bodies["A"], chance.choice((3, 8, 40)))
    take(books, bodies["B"], 1)
    for first, second in pairs:
        assert books.invoice_state(first) == books.invoice_state(second)
    for name in names:
        assert books.balance(f"A{name}") == books.balance(f"B{name}")


def gathered_by(monkeypatch):
    """Return a list that fills with the books that each batch gathers, before it works on them."""
    gathered = []
    load = book_rows.load

    def watched(*given, **named):
        books = load(*given, **named)
        gathered.append(
            (sum(map(len, books.queues.values())), sum(map(len, books.credits.values())))
        )
        return books

    monkeypatch.setattr(book_rows, "load", watched)
    return gathered


def test_years_of_credit_are_not_gathered_for_one_payment(books, monkeypatch):
    books.customer()
    take(books, [books.body(f"QGK12X{n:04}", 1, "CUST-001") for n in range(450)], 450)
    sale = books.sale(300, "CUST-001")
    gathered = gathered_by(monkeypatch)
    books.pay("QGK12XYZ91", 1, "CUST-001")
    # Its sale has no invoice yet: that becomes open, and the oldest credit pays what is left of it.
    books.pay("QGK12XYZ92", 10, sale)
    made = books.one("SELECT invoice_id FROM invoices")[0]
    assert books.invoice_state(made) == ("PAID", 300)
    used = "SELECT count(*), max(mpesa_receipt_number) FROM payments WHERE allocated_cents > 0 "
    assert tuple(books.one(f"{used} AND amount_cents = 100")) == (290, "QGK12X0289")
    assert gathered == [(0, 0), (0, 451)]


def test_hundreds_of_open_invoices_are_not_gathered_for_one_payment(books, monkeypatch):
    books.customer()
    made = [books.invoice(1, day=date(2026, 1, 1 + n % 28)) for n in range(450)]
    gathered = gathered_by(monkeypatch)
    books.pay("QGK12XYZ91", 150, "CUST-001")
    assert gathered == [(200, 0)]
    oldest = sorted(made, key=lambda each: (each[4:12], each))[:150]
    assert [each for each in made if books.invoice_state(each) == ("PAID", 1)] == [
        each for each in made if each in oldest
    ]


@pytest.mark.parametrize("seed", range(10))
def test_what_is_left_out_would_not_have_been_reached(books, monkeypatch, seed):
    """Two customers get the same work, one with all that is his gathered each time."""
    chance = random.Random(seed)
    monkeypatch.setattr(by_age, "_FEW", 1)
    own = {side: PairedWork(books, side) for side in "AB"}
    for each in own.values():
        books.customer(each.side)
    for _ in range(12):
        kind, day = (
            chance.choice(["sale", "invoice", "unseen", None]),
            date(2026, 1, chance.randint(1, 28)),
        )
        shillings, size = chance.randint(1, 30) * 10, chance.choice((1, 3, 8))
        paid = [(chance.randint(1, 12) * 5, chance.random()) for _ in range(chance.randint(0, 9))]
        own["A"].work(kind, shillings, day, paid, size)
        with monkeypatch.context() as all_of_it:
            for name in ("load", "load_customers"):
                all_of_it.setattr(book_rows, name, without_reach(getattr(book_rows, name)))
            own["B"].work(kind, shillings, day, paid, size)
    assert own["A"].seen() == own["B"].seen()
    assert books.balance("A") == books.balance("B")


@pytest.mark.parametrize("by", ["payment", "invoice"])
def test_credit_beside_open_invoices_reaches_all_of_them(books, monkeypatch, by):
    """No verb leaves the two beside each other; if they stand so, what comes next ends it."""
    monkeypatch.setattr(by_age, "_FEW", 1)
    books.customer()
    take(books, [books.body(f"QGK12XYZ9{n}", 30, "CUST-001") for n in range(3)], 3)
    left = [unseen(books, "CUST-001", 40, date(2026, 1, n)) for n in (3, 2, 4)]
    if by == "payment":
        books.pay("QGK12XYZ80", 1, "CUST-001")
    else:
        create_invoice(books.database, books.hand, NewInvoice("CUST-001", 10_000, date(2026, 2, 3)))
    more = 1 if by == "payment" else 0
    assert [books.invoice_state(each)[1] for each in left] == [40, 40, 10 + more]


def unseen(books, customer_id, shillings, day):
    """Write an invoice without letting credit pay it; return its public id."""
    row = books.balance_row(customer_id)
    with books.database.writing() as connection:
        return book_rows.add_invoice(
            connection,
            customer=row,
            amount_cents=shillings * 100,
            issued_on=day,
            created_at=books.hand.at,
        ).public_id


def without_reach(gather):
    return lambda *given, **named: gather(
        *given, **{k: v for k, v in named.items() if k not in {"reach", "aimed_cents"}}
    )


class PairedWork:
    """What one of two customers lives through."""

    def __init__(self, books, side):
        self.books, self.side, self.places, self.number = books, side, [side], 0

    def work(self, kind, shillings, day, paid, size):
        """Owe something new, or nothing, and pay what was owed lately, or on account."""
        if kind == "sale":
            self.places.append(self.books.sale(shillings, self.side, day))
        elif kind == "invoice":
            wanted = NewInvoice(self.side, shillings * 100, day)
            issued = create_invoice(self.books.database, self.books.hand, wanted)
            self.places.append(issued.invoice.invoice_id)
        elif kind == "unseen":
            self.places.append(unseen(self.books, self.side, shillings, day))
        bodies = []
        for amount, chance in paid:
            self.number += 1
            places = [self.side, self.side, *self.places[-3:]]
            receipt = f"QG{self.side}12X{self.number:04}"
            bodies.append(self.books.body(receipt, amount, places[int(chance * len(places))]))
        take(self.books, bodies, size)

    def seen(self):
        """Return what each of its payments holds, and what is paid of each of its invoices."""
        return self.books.rows(
            "SELECT substr(mpesa_receipt_number, 4), allocated_cents FROM payments "
            f"WHERE substr(mpesa_receipt_number, 1, 3) = 'QG{self.side}' ORDER BY 1"
        ), self.books.rows(
            "SELECT issued_on, amount_cents, amount_paid_cents FROM invoices WHERE customer_id = "
            f"(SELECT id FROM customers WHERE customer_id = '{self.side}') ORDER BY id"
        )
