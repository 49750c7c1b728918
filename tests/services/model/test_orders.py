"""The same events in any order, told once or many times, alone or in batches: the same balances."""

import json
import random
from datetime import UTC, date, datetime, timedelta

import pytest

from kelly_cli.services import checking, customers, invoices, sales
from kelly_cli.services.inbox import Delivery, Inbox, OurCode
from kelly_cli.store.audit_rows import Hand
from kelly_cli.store.checks import run_checks
from kelly_cli.store.sale_rows import SaleItem

NOW = datetime(2026, 2, 3, 12, tzinfo=UTC)
HAND = Hand("tester", NOW, "a test")
ORDERS = 50


@pytest.fixture
def events():
    """Forty callbacks for three customers, their invoices and sales, and for nobody."""
    chance = random.Random(5)
    names = ["CUST-001", "CUST-002", "CUST-003", "0712345678", "NOBODY", ""]
    names += [f"INV-20260203-{n:04d}" for n in range(1, 9)]
    names += [f"POS-20260203-{n:04d}" for n in range(1, 5)]
    found = []
    for number in range(40):
        at = NOW - timedelta(seconds=chance.randrange(50_000))
        body = {
            "TransID": f"QGK{number:07d}",
            "TransTime": f"{at:%Y%m%d%H%M%S}",
            "TransAmount": f"{chance.randint(1, 400)}.{chance.choice(['00', '50'])}",
            "BusinessShortCode": "174379",
            "BillRefNumber": chance.choice(names),
        }
        found.append(json.dumps(body).encode())
    return found


def prepare(books):
    """Three customers, eight invoices, four sales: two of them nobody's."""
    for phone in ("0712345678", None, None):
        customers.create_customer(books, HAND, name="Ann", phone=phone)
    for number in range(8):
        owner = f"CUST-{number % 3 + 1:03d}"
        wanted = invoices.NewInvoice(owner, 10_000 + 3_350 * number, date(2026, 2, 3))
        invoices.create_invoice(books, HAND, wanted)
    for number in range(4):
        items = [SaleItem("P-1", "Soda", 1, 15_000)]
        owner = None if number % 2 else "CUST-001"
        sales.create_sale(books, HAND, items=items, sold_on=date(2026, 2, 3), customer_id=owner)


def told(books, events, chance):
    """Tell the events in an order of chance, some more than once, in batches of any size."""
    inbox = Inbox(books, [OurCode("174379", "paybill", None, "local")], lambda: NOW)
    order = [*events, *chance.choices(events, k=chance.randrange(20))]
    chance.shuffle(order)
    number = 0
    while order:
        size = chance.choice([1, 1, 2, 7, 40])
        batch, order = order[:size], order[size:]
        deliveries = [
            Delivery(raw, "confirmation", "file", f"d{number + n}") for n, raw in enumerate(batch)
        ]
        number += len(batch)
        inbox.take(deliveries)


def standing(connection):
    """Balances of customers, what invoices and sales hold, and all money without an owner."""

    def rows(sql):
        return [tuple(row) for row in connection.exec_driver_sql(sql)]

    return {
        "balances": rows(
            "SELECT c.customer_id, "
            "(SELECT coalesce(sum(amount_cents - amount_paid_cents), 0) FROM invoices "
            "WHERE customer_id = c.id) - (SELECT coalesce(sum(amount_cents - allocated_cents), 0) "
            "FROM payments WHERE customer_id = c.id) FROM customers c ORDER BY 1"
        ),
        "sales": rows(
            "SELECT s.pos_id, i.amount_paid_cents FROM pos_sales s "
            "LEFT JOIN invoices i ON i.id = s.invoice_id ORDER BY 1"
        ),
        "money": rows("SELECT count(*), sum(amount_cents), sum(allocated_cents) FROM payments"),
        "nobodys": rows(
            "SELECT sum(amount_cents - allocated_cents) FROM payments WHERE customer_id IS NULL"
        ),
    }


def test_the_same_events_in_fifty_orders_give_the_same_balances(trial_books, events):
    seen = []
    for number in range(ORDERS):
        with trial_books.trial() as connection:
            prepare(trial_books)
            told(trial_books, events, random.Random(number))
            seen.append(standing(connection))
            assert run_checks(connection, NOW, checking.ALL_OF_THE_BOOKS).violations == []
    assert seen == [seen[0]] * ORDERS
    assert seen[0]["money"][0][0] == len(events)
