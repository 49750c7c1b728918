"""Sales at the counter: totals, the invoice of the first payment, and what a void gives back."""

import json
from datetime import date

import pytest

from kelly_cli.errors import ConflictError, DomainError, NotFoundError
from kelly_cli.services import invoices, sales
from kelly_cli.services.invoices import NewInvoice
from kelly_cli.store.sale_rows import SaleItem, SaleSearch

DAY = date(2026, 2, 3)
COLA = SaleItem("PROD-001", "Coca Cola", 2, 5000)


def sell(books, *items, customer=None, day=DAY):
    return sales.create_sale(
        books.database, books.hand, items=items or [COLA], sold_on=day, customer_id=customer
    )


def shown(books, pos_id):
    return sales.show_sale(books.database, pos_id)


def void(books, pos_id, *, dry_run=False):
    return sales.void_sale(books.database, books.hand, pos_id, dry_run=dry_run)


def audits(books, subject):
    rows = books.rows(f"SELECT action, after FROM audit WHERE subject = '{subject}' ORDER BY id")
    return [(action, json.loads(after)) for action, after in rows]


# Create


def test_a_new_sale_is_pending_without_an_invoice(books):
    made = sell(books, COLA, SaleItem("P2", "Bag", 1, 0))
    assert (made.pos_id, made.status, made.invoice_id) == ("POS-20260203-0001", "PENDING", None)
    assert (made.customer_id, made.total_cents, made.balance_cents) == (None, 10000, 10000)
    assert made.items == (COLA, SaleItem("P2", "Bag", 1, 0))


def test_paying_a_sale_makes_its_invoice_and_clears_it(books):
    made = sell(books)
    assert books.pay("QGK12XYZ91", 100, made.pos_id) == "processed"
    found = shown(books, made.pos_id)
    assert (found.status, found.invoice_id) == ("PAID", "INV-20260203-0001")
    invoice, moves = invoices.show_invoice(books.database, "INV-20260203-0001")
    assert (invoice.pos_id, invoice.customer_id, invoice.status) == (made.pos_id, None, "PAID")
    assert [(each.receipt, each.amount_cents) for each in moves] == [("QGK12XYZ91", 10000)]


def test_part_of_a_sale_leaves_the_rest(books):
    made = sell(books)
    books.pay("QGK12XYZ91", 30, made.pos_id)
    found = shown(books, made.pos_id)
    assert (found.status, found.paid_cents, found.balance_cents) == ("PARTIALLY_PAID", 3000, 7000)


def test_numbers_restart_each_day_and_grow_past_9999(books):
    with books.database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO counters (name, value) VALUES ('POS-20260203', 9998)"
        )
    ids = [sell(books).pos_id for _ in range(2)]
    assert ids == ["POS-20260203-9999", "POS-20260203-10000"]
    assert sell(books, day=date(2026, 2, 4)).pos_id == "POS-20260204-0001"
    newest = sales.list_sales(books.database, SaleSearch())
    assert [each.pos_id for each in newest] == ["POS-20260204-0001", *reversed(ids)]


def test_a_sale_of_nothing_or_of_too_much_is_no_sale(books):
    for items in ([SaleItem("P", "Bag", 3, 0)], [SaleItem("P", "Gold", 2, 10**14)], []):
        with pytest.raises(ValueError, match="together"):
            sales.create_sale(books.database, books.hand, items=items, sold_on=DAY)
    assert sell(books, SaleItem("P", "Gold", 1, 10**14)).pos_id == "POS-20260203-0001"


def test_a_sale_on_no_day_or_to_nobody_is_refused(books):
    with pytest.raises(DomainError) as caught:
        sell(books, day=date(26, 2, 3))
    assert caught.value.code == "bad_day"
    with pytest.raises(NotFoundError) as caught:
        sell(books, customer="NOBODY")
    assert caught.value.code == "customer_not_found"


def test_what_is_made_is_in_the_audit(books):
    books.customer()
    made = sell(books, customer="cust001")
    assert audits(books, made.pos_id) == [
        (
            "pos.create",
            {
                "customer_id": "CUST-001",
                "total": "100.00",
                "sold_on": "2026-02-03",
                "items": [["PROD-001", "Coca Cola", 2, "50.00"]],
            },
        )
    ]


# List


def listed(books, customer_id=None, **wanted):
    found = sales.list_sales(books.database, SaleSearch(**wanted), customer_id=customer_id)
    return [int(each.pos_id[-4:]) + 100 * each.sold_on.day for each in found]


@pytest.fixture
def listable(books):
    """Day 1: paid, part paid; day 2: pending with an unpaid invoice; day 3: pending, void."""
    books.customer()
    for n, shillings in enumerate((100, 40), 1):
        books.pay(f"QGK12XYZ9{n}", shillings, sell(books, day=date(2026, 2, 1)).pos_id)
    sell(books, SaleItem("X-1", "Tea 100%", 1, 500), day=date(2026, 2, 2))
    sell(books, customer="CUST-001")
    void(books, sell(books).pos_id)
    return books


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [302, 301, 201, 102, 101]),
        ({"limit": 2}, [302, 301]),
        ({"customer_id": "cust 001"}, [301]),
        ({"status": "PENDING"}, [301, 201]),
        ({"status": "PARTIALLY_PAID"}, [102]),
        ({"status": "PAID"}, [101]),
        ({"status": "VOID"}, [302]),
        ({"first": date(2026, 2, 2), "last": date(2026, 2, 2)}, [201]),
        ({"search": "tea 100%"}, [201]),
        ({"search": "x-1"}, [201]),
        ({"search": "NAME OF"}, [301]),
        ({"search": "pos-20260201"}, [102, 101]),
        ({"search": "%"}, [201]),
    ],
)
def test_every_filter_narrows_and_the_newest_stands_first(listable, wanted, found):
    assert listed(listable, **wanted) == found


def test_a_list_gives_each_sale_its_own_items(listable):
    found = sales.list_sales(listable.database, SaleSearch())
    assert [each.items[0].product_id for each in found] == ["PROD-001"] * 2 + ["X-1"] + [
        "PROD-001"
    ] * 2


@pytest.mark.parametrize("wrong", ["POS-20260203-0002", "INV-20260203-0001", "", "é"])
def test_what_is_no_sale_is_not_found(books, wrong):
    books.pay("QGK12XYZ91", 100, sell(books).pos_id)
    for verb in (shown, void):
        with pytest.raises(NotFoundError) as caught:
            verb(books, wrong)
        assert caught.value.code == "sale_not_found"


# Void


def test_a_void_of_a_pending_sale_marks_it(books):
    made = sell(books)
    done = void(books, made.pos_id)
    assert (done.sale.status, done.sale.balance_cents, done.freed) == ("VOID", 0, [])
    assert audits(books, made.pos_id)[-1] == (
        "pos.void",
        {"status": "VOID", "invoice_id": None, "freed": []},
    )


def test_a_void_of_a_paid_sale_voids_its_invoice_and_the_money_waits_in_suspense(books):
    made = sell(books)
    books.pay("QGK12XYZ91", 130, made.pos_id)
    done = void(books, made.pos_id)
    assert (done.sale.status, done.sale.paid_cents) == ("VOID", 0)
    assert [tuple(each) for each in done.freed] == [("QGK12XYZ91", 10000, False)]
    assert books.invoice_state("INV-20260203-0001") == ("VOID", 0)
    status, reason, is_pinned = books.one("SELECT status, unmatched_reason, pinned FROM payments")
    assert (status, bool(is_pinned)) == ("UNMATCHED", True)
    assert made.pos_id in reason
    for subject, action in ((made.pos_id, "pos.void"), ("INV-20260203-0001", "invoice.void")):
        last, after = audits(books, subject)[-1]
        assert last == action
        assert after["freed"] == [{"receipt": "QGK12XYZ91", "amount": "100.00"}]


def test_the_log_of_money_that_is_nobodys_again_is_failed_with_the_reason(books):
    made = sell(books)
    body = books.body("QGK12XYZ91", 100, made.pos_id)
    books.take(body)
    void(books, made.pos_id)
    assert books.log_words() == ["failed"]
    assert books.one("SELECT error FROM webhook_logs") == books.one(
        "SELECT unmatched_reason FROM payments"
    )
    assert books.retry() == ["failed"], "it waits for a person, not for a retry"
    assert books.take(body) == ["duplicate"]
    assert books.money() == (10000, 0, 10000)


def test_nobodys_money_that_paid_another_sale_too_stays_completed(books):
    """Only fully freed money is unmatched; here a person moved part of it to another sale."""
    first, second = sell(books), sell(books, SaleItem("P", "Tea", 1, 2000))
    books.pay("QGK12XYZ91", 130, first.pos_id)
    books.pay("QGK12XYZ92", 5, second.pos_id)
    with books.database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO allocations (payment_id, invoice_id, amount_cents, reason, created_at) "
            "SELECT p.id, i.id, 1000, 'hand', p.created_at FROM payments p, invoices i "
            "WHERE p.mpesa_receipt_number = 'QGK12XYZ91' AND i.invoice_id = 'INV-20260203-0002'"
        )
        connection.exec_driver_sql(
            "UPDATE payments SET allocated_cents = 11000 WHERE mpesa_receipt_number = 'QGK12XYZ91'"
        )
        connection.exec_driver_sql(
            "UPDATE invoices SET amount_paid_cents = 1500 WHERE invoice_id = 'INV-20260203-0002'"
        )
    void(books, first.pos_id)
    rows = books.rows("SELECT status, allocated_cents, unmatched_reason FROM payments ORDER BY id")
    assert rows == [("COMPLETED", 1000, None), ("COMPLETED", 500, None)]
    assert books.log_words() == ["processed", "processed"]


def test_a_void_of_a_customers_sale_gives_credit_that_waits_for_a_person(books):
    books.customer()
    made = sell(books, customer="CUST-001")
    books.pay("QGK12XYZ91", 100, made.pos_id)
    void(books, made.pos_id)
    assert books.balance() == -100
    issued = invoices.create_invoice(books.database, books.hand, NewInvoice("CUST-001", 5000, DAY))
    assert issued.credit_used_cents == 0
    assert books.log_words() == ["processed"]


def test_money_to_a_void_sale_is_credit_or_waits_with_a_reason(books):
    books.customer()
    named, nobody = sell(books, customer="CUST-001"), sell(books)
    void(books, named.pos_id)
    void(books, nobody.pos_id)
    assert books.pay("QGK12XYZ91", 100, named.pos_id) == "processed"
    assert books.balance() == -100
    assert books.pay("QGK12XYZ92", 100, nobody.pos_id) == "failed"
    assert (
        "late_or_double" in books.one("SELECT error FROM webhook_logs WHERE error IS NOT NULL")[0]
    )


def test_a_second_void_is_refused(books):
    made = sell(books)
    void(books, made.pos_id)
    with pytest.raises(ConflictError) as caught:
        void(books, made.pos_id)
    assert caught.value.code == "already_void"


def test_a_dry_run_shows_the_void_and_keeps_nothing(books):
    made = sell(books)
    books.pay("QGK12XYZ91", 100, made.pos_id)
    assert void(books, made.pos_id, dry_run=True).sale.status == "VOID"
    assert shown(books, made.pos_id).status == "PAID"
    assert books.log_words() == ["processed"]
    assert len(audits(books, made.pos_id)) == 1
