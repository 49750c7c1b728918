"""A batch: what is left out of its gathering changes nothing of what becomes of the money."""

import random
import uuid
from datetime import date

import pytest

from kelly_cli.services.inbox import Delivery
from kelly_cli.store import book_rows


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
