"""Invoices by hand: numbers, credit, and what a void gives back."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from kelly_cli.errors import ConflictError, DomainError, NotFoundError
from kelly_cli.services import invoices
from kelly_cli.services.invoices import NewInvoice
from kelly_cli.store.invoice_rows import InvoiceSearch

DAY = date(2026, 2, 3)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shop(books):
    """The books with one customer."""
    books.customer()
    return books


def issue(books, shillings, *, day=DAY, customer="CUST-001", **more):
    wanted = NewInvoice(customer, round(shillings * 100), day, **more)
    return invoices.create_invoice(books.database, books.hand, wanted)


def shown(books, invoice_id):
    return invoices.show_invoice(books.database, invoice_id)[0]


def void(books, invoice_id, *, dry_run=False):
    return invoices.void_invoice(books.database, books.hand, invoice_id, dry_run=dry_run)


def audits(books, subject):
    rows = books.rows(
        f"SELECT action, reason, before, after FROM audit WHERE subject = '{subject}' ORDER BY id"
    )
    return [
        (action, reason, before and json.loads(before), after and json.loads(after))
        for action, reason, before, after in rows
    ]


def pinned(books):
    return books.rows(
        "SELECT mpesa_receipt_number, pinned, allocated_cents FROM payments ORDER BY id"
    )


# Create


def test_a_new_invoice_is_unpaid_and_carries_its_day_of_issue(shop):
    made = issue(shop, 5000, description="  Test \t Invoice ", due_on=date(2026, 3, 1)).invoice
    assert (made.invoice_id, made.customer_id, made.status) == (
        "INV-20260203-0001",
        "CUST-001",
        "UNPAID",
    )
    assert (made.amount_cents, made.paid_cents, made.balance_cents) == (500000, 0, 500000)
    assert (made.description, made.issued_on, made.due_on) == (
        "Test Invoice",
        DAY,
        date(2026, 3, 1),
    )
    assert shop.balance() == 5000


def test_numbers_restart_each_day_and_grow_past_9999(shop):
    with shop.database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO counters (name, value) VALUES ('INV-20260203', 9998)"
        )
    ids = [issue(shop, 1).invoice.invoice_id for _ in range(3)]
    assert ids == ["INV-20260203-9999", "INV-20260203-10000", "INV-20260203-10001"]
    assert issue(shop, 1, day=date(2026, 2, 4)).invoice.invoice_id == "INV-20260204-0001"
    newest = invoices.list_invoices(shop.database, InvoiceSearch())
    assert [each.invoice_id for each in newest] == ["INV-20260204-0001", *reversed(ids)]
    assert shop.pay("QGK12XYZ91", 1, "inv 20260203 10001") == "processed"
    assert shown(shop, "INV-20260203-10001").status == "PAID"


def test_paying_in_full_in_part_and_too_much(shop):
    """The three scenarios of an invoice: cleared, rest owed, surplus as credit."""
    full, part, over = (issue(shop, n).invoice.invoice_id for n in (5000, 10000, 5000))
    shop.pay("QGK12XYZ91", 5000, full)
    shop.pay("QGK12XYZ92", 3000, part)
    assert shown(shop, full).status == "PAID"
    found = shown(shop, part)
    assert (found.status, found.paid_cents, found.balance_cents) == (
        "PARTIALLY_PAID",
        300000,
        700000,
    )
    shop.pay("QGK12XYZ93", 7000, part)
    shop.pay("QGK12XYZ94", 7000, over)
    assert shown(shop, over).status == "PAID"
    assert shop.balance() == -2000


def test_credit_pays_a_new_invoice_at_once_oldest_money_first(shop):
    shop.pay("NEWMONEY01", 40, "CUST-001", TransTime="20260203100000")
    shop.pay("OLDMONEY01", 30, "CUST-001", TransTime="20260102100000")
    issued = issue(shop, 50)
    assert issued.credit_used_cents == 5000
    assert issued.invoice.status == "PAID"
    _, moves = invoices.show_invoice(shop.database, issued.invoice.invoice_id)
    assert [(each.receipt, each.amount_cents, each.reason) for each in moves] == [
        ("OLDMONEY01", 3000, "credit"),
        ("NEWMONEY01", 2000, "credit"),
    ]
    assert shop.balance() == -20
    assert issue(shop, 30).credit_used_cents == 2000
    assert shop.balance() == 10


def test_another_customers_credit_pays_nothing(shop):
    shop.customer("CUST-002")
    shop.pay("QGK12XYZ91", 40, "CUST-002")
    assert issue(shop, 50).credit_used_cents == 0


def test_what_is_made_is_in_the_audit(shop):
    shop.pay("QGK12XYZ91", 40, "CUST-001")
    made = issue(shop, 50, description="Rent").invoice
    assert audits(shop, made.invoice_id) == [
        (
            "invoice.create",
            "a test",
            None,
            {
                "customer_id": "CUST-001",
                "amount": "50.00",
                "description": "Rent",
                "issued_on": "2026-02-03",
                "due_on": None,
                "credit_used": "40.00",
            },
        )
    ]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"due_on": date(2026, 2, 2)}, "due_before_issue"),
        ({"description": "x" * 201}, "bad_description"),
        ({"description": "a\x1b[31mb"}, "bad_description"),
        ({"description": "\udcff"}, "bad_description"),
        ({"day": date(26, 2, 3)}, "bad_day"),
        ({"customer": "NOBODY"}, "customer_not_found"),
        ({"customer": "é"}, "customer_not_found"),
    ],
)
def test_what_the_books_cannot_hold_is_refused_and_uses_no_number(shop, more, code):
    with pytest.raises(DomainError) as caught:
        issue(shop, 5, **more)
    assert caught.value.code == code
    assert shop.one("SELECT count(*) FROM invoices") == (0,)
    assert issue(shop, 5).invoice.invoice_id == "INV-20260203-0001"


def test_an_invoice_may_be_due_on_its_day_of_issue(shop):
    assert issue(shop, 5, due_on=DAY).invoice.due_on == DAY


MAKE_25 = """
import sys
from datetime import UTC, date, datetime
from kelly_cli.services.invoices import NewInvoice, create_invoice
from kelly_cli.store.audit_rows import Hand
from kelly_cli.store.database import Database
database = Database(sys.argv[1])
hand = Hand("tester", datetime(2026, 2, 3, tzinfo=UTC))
for _ in range(25):
    made = create_invoice(database, hand, NewInvoice("CUST-001", 100, date(2026, 2, 3)))
    print(made.invoice.invoice_id)
database.close()
"""


@pytest.mark.slow
def test_eight_processes_at_once_get_distinct_numbers_without_a_gap(shop, database_url):
    """And the credit they compete for is used exactly once."""
    shop.pay("QGK12XYZ91", 120, "CUST-001")
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", MAKE_25, database_url],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    ids = []
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        ids += out.split()
    assert sorted(ids) == [f"INV-20260203-{n:04d}" for n in range(1, 201)]
    assert shop.balance() == 200 - 120
    assert shop.money() == (12000, 12000, 0)
    paid = shop.one("SELECT count(*) FROM invoices WHERE status = 'PAID'")
    assert paid == (120,)


# List


def listed(books, customer_id=None, **wanted):
    found = invoices.list_invoices(books.database, InvoiceSearch(**wanted), customer_id=customer_id)
    return [int(each.invoice_id[-4:]) + 100 * each.issued_on.day for each in found]


@pytest.fixture
def listable(shop):
    """Day 1: one paid, one part paid; day 2: unpaid and overdue; day 3: Ben's, due later; void."""
    shop.customer("CUST-002")
    for n in (1, 2):
        shop.pay(f"QGK12XYZ9{n}", 5, issue(shop, 5 * n, day=date(2026, 2, 1)).invoice.invoice_id)
    issue(shop, 7, day=date(2026, 2, 2), due_on=date(2026, 2, 2), description="100% rent_a")
    issue(shop, 8, customer="CUST-002", due_on=DAY)
    void(shop, issue(shop, 9, customer="CUST-002", due_on=DAY).invoice.invoice_id)
    return shop


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [302, 301, 201, 102, 101]),
        ({"limit": 2}, [302, 301]),
        ({"customer_id": "cust 002"}, [302, 301]),
        ({"status": "PAID"}, [101]),
        ({"status": "PARTIALLY_PAID"}, [102]),
        ({"status": "UNPAID"}, [301, 201]),
        ({"status": "VOID"}, [302]),
        ({"overdue_on": date(2026, 2, 3)}, [201]),
        ({"overdue_on": date(2026, 2, 4)}, [301, 201]),
        ({"first": date(2026, 2, 2)}, [302, 301, 201]),
        ({"first": date(2026, 2, 1), "last": date(2026, 2, 1)}, [102, 101]),
        ({"search": "100%"}, [201]),
        ({"search": "RENT_A"}, [201]),
        ({"search": "0%r"}, []),
        ({"search": "name of cust-002"}, [302, 301]),
        ({"search": "inv-20260201"}, [102, 101]),
        ({"status": "UNPAID", "customer_id": "CUST-001"}, [201]),
    ],
)
def test_every_filter_narrows_and_the_newest_stands_first(listable, wanted, found):
    assert listed(listable, **wanted) == found


def test_a_list_for_nobody_says_so(shop):
    with pytest.raises(NotFoundError, match="NOBODY"):
        listed(shop, customer_id="NOBODY")


@pytest.mark.parametrize("written", ["inv-20260203-0001", "INV 20260203 0001", "inv202602030001"])
def test_an_invoice_is_found_in_any_written_form(shop, written):
    issue(shop, 5)
    assert shown(shop, written).invoice_id == "INV-20260203-0001"


@pytest.mark.parametrize("wrong", ["INV-20260203-0002", "CUST-001", "", "é", "\udcff"])
def test_what_is_no_invoice_is_not_found(shop, wrong):
    issue(shop, 5)
    for verb in (shown, void):
        with pytest.raises(NotFoundError) as caught:
            verb(shop, wrong)
        assert caught.value.code == "invoice_not_found"


# Void


def test_a_void_of_an_unpaid_invoice_takes_it_off_the_balance(shop):
    made = issue(shop, 5000).invoice
    done = void(shop, made.invoice_id)
    assert (done.invoice.status, done.invoice.balance_cents, done.freed) == ("VOID", 0, [])
    assert done.invoice.voided_at == shop.hand.at
    assert shop.balance() == 0


def test_a_void_frees_each_payment_by_an_opposite_row_and_pins_it(shop):
    made = issue(shop, 100).invoice
    shop.pay("QGK12XYZ91", 30, made.invoice_id)
    shop.pay("QGK12XYZ92", 20, "CUST-001")
    done = void(shop, made.invoice_id)
    assert [tuple(each) for each in done.freed] == [
        ("QGK12XYZ91", 3000, True),
        ("QGK12XYZ92", 2000, True),
    ]
    assert pinned(shop) == [("QGK12XYZ91", True, 0), ("QGK12XYZ92", True, 0)]
    _, moves = invoices.show_invoice(shop.database, made.invoice_id)
    assert [(each.amount_cents, each.reason) for each in moves] == [
        (3000, "reference"),
        (2000, "fifo"),
        (-3000, "void"),
        (-2000, "void"),
    ]
    assert shop.balance() == -50
    assert shop.rows("SELECT status, unmatched_reason FROM payments") == [("COMPLETED", None)] * 2
    assert shop.log_words() == ["processed", "processed"]


def test_freed_money_is_never_used_by_itself(shop):
    made = issue(shop, 100).invoice
    shop.pay("QGK12XYZ91", 100, made.invoice_id)
    void(shop, made.invoice_id)
    assert issue(shop, 60).credit_used_cents == 0
    shop.pay("QGK12XYZ92", 10, "CUST-001")
    assert shop.retry() == []
    assert pinned(shop) == [("QGK12XYZ91", True, 0), ("QGK12XYZ92", False, 1000)]
    assert shop.balance() == 50 - 100


def test_a_payment_that_also_paid_another_invoice_keeps_that_part(shop):
    first, second = issue(shop, 40).invoice, issue(shop, 100).invoice
    shop.pay("QGK12XYZ91", 90, "CUST-001")
    done = void(shop, second.invoice_id)
    assert [(each.receipt, each.amount_cents) for each in done.freed] == [("QGK12XYZ91", 5000)]
    assert shown(shop, first.invoice_id).status == "PAID"
    assert pinned(shop) == [("QGK12XYZ91", True, 4000)]


def test_a_payment_to_a_void_invoice_is_the_customers_credit_trap_42(shop):
    made = issue(shop, 100).invoice
    void(shop, made.invoice_id)
    assert shop.pay("QGK12XYZ91", 70, made.invoice_id) == "processed"
    assert shop.balance() == -70
    assert issue(shop, 50).credit_used_cents == 5000


def test_the_id_of_a_void_invoice_is_never_used_again(shop):
    void(shop, issue(shop, 5).invoice.invoice_id)
    assert issue(shop, 5).invoice.invoice_id == "INV-20260203-0002"
    assert shown(shop, "INV-20260203-0001").status == "VOID"


def test_a_second_void_is_refused_and_moves_nothing(shop):
    made = issue(shop, 5).invoice
    shop.pay("QGK12XYZ91", 5, made.invoice_id)
    void(shop, made.invoice_id)
    with pytest.raises(ConflictError) as caught:
        void(shop, made.invoice_id)
    assert caught.value.code == "already_void"
    assert shop.one("SELECT count(*) FROM allocations") == (2,)
    assert len(audits(shop, made.invoice_id)) == 2


def test_a_sales_invoice_is_voided_by_its_sale_alone(shop):
    shop.pay("QGK12XYZ91", 60, shop.sale(100))
    with pytest.raises(ConflictError, match="POS-20260203-0001") as caught:
        void(shop, "INV-20260203-0001")
    assert caught.value.code == "invoice_of_sale"
    assert "kelly pos void POS-20260203-0001" in caught.value.hint
    assert shop.invoice_state("INV-20260203-0001") == ("PARTIALLY_PAID", 60)


def test_a_dry_run_shows_the_void_and_keeps_nothing(shop):
    made = issue(shop, 100).invoice
    shop.pay("QGK12XYZ91", 30, made.invoice_id)
    done = void(shop, made.invoice_id, dry_run=True)
    assert (done.invoice.status, done.freed[0].amount_cents) == ("VOID", 3000)
    assert shown(shop, made.invoice_id).status == "PARTIALLY_PAID"
    assert pinned(shop) == [("QGK12XYZ91", False, 3000)]
    assert len(audits(shop, made.invoice_id)) == 1


def test_a_void_is_in_the_audit_with_what_it_freed(shop):
    made = issue(shop, 100).invoice
    shop.pay("QGK12XYZ91", 30, made.invoice_id)
    void(shop, made.invoice_id)
    assert audits(shop, made.invoice_id)[-1] == (
        "invoice.void",
        "a test",
        {"status": "PARTIALLY_PAID", "amount_paid": "30.00"},
        {
            "status": "VOID",
            "amount_paid": "0.00",
            "freed": [{"receipt": "QGK12XYZ91", "amount": "30.00"}],
        },
    )
