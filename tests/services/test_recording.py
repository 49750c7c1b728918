"""Cash, bank and cheques take the one road, and their way is explained."""

import json
from datetime import datetime, timedelta

import pytest

from kelly_cli.errors import DomainError, NotFoundError
from kelly_cli.services import (
    allocating,
    auditing,
    checking,
    explaining,
    payments,
    purging,
    recording,
    reversing,
)
from kelly_cli.services.recording import NewMoney

WALL = datetime(2026, 2, 3, 15, 0)


@pytest.fixture
def record(books):
    def run(method="cash", shillings=50, *, paid_at=WALL, dry_run=False, **told):
        money = NewMoney(method, shillings * 100, paid_at, **told)
        return recording.record(books.database, books.inbox, books.hand, money, dry_run=dry_run)

    return run


def test_cash_pays_the_oldest_invoice_and_has_its_own_number(books, record):
    books.customer()
    old, new = books.invoice(30), books.invoice(40)
    booked = record(customer_id="cust 001", payer="Ann")
    assert booked.mpesa_receipt_number == "CSH202602030001"
    assert (booked.method, booked.verified_by, booked.short_code) == ("cash", "hand", None)
    assert dict(booked.allocations) == {old: 3000, new: 2000}
    assert record("bank", 1, customer_id="CUST-001").mpesa_receipt_number == "BNK202602030001"
    assert record("cheque", 1, customer_id="CUST-001", number="000123").status == "COMPLETED"
    assert record(shillings=1, customer_id="CUST-001").mpesa_receipt_number == "CSH202602030002"
    assert books.log_words() == ["processed"] * 4


def test_the_log_says_what_the_person_said(books, record):
    books.customer()
    record("cheque", customer_id="CUST-001", number="000123", payer="Änn", keep=True)
    kind, source, payload = books.one("SELECT kind, source, raw_payload FROM webhook_logs")
    assert (kind, source) == ("hand", "hand")
    assert json.loads(payload) == {
        "method": "cheque",
        "receipt": "CHQ202602030001",
        "amount": "50.00",
        "paid_at": "20260203150000",
        "reference": "CUST-001",
        "payer": "Änn",
        "number": "000123",
        "keep_credit": True,
    }
    assert checking.check(books.database, now=books.hand.at).violations == []


def test_an_invoice_and_a_sale_are_paid_by_name(books, record):
    books.customer()
    invoice, sale = books.invoice(30), books.sale(20)
    assert record(shillings=30, invoice_id=invoice).customer_id == "CUST-001"
    assert record(shillings=20, pos_id=sale).status == "COMPLETED"


def test_kept_money_pays_its_invoice_and_waits(books, record):
    books.customer()
    invoice, other = books.invoice(30), books.invoice(40)
    booked = record(invoice_id=invoice, keep=True)
    assert (booked.unallocated_cents, booked.pinned) == (2000, True)
    assert books.invoice_state(other) == ("UNPAID", 0)
    assert not record(shillings=40, invoice_id=other, keep=True).pinned


def test_money_of_nobody_waits_in_suspense(record):
    booked = record()
    assert (booked.status, booked.unmatched_reason.partition(":")[0]) == (
        "UNMATCHED",
        "no_reference",
    )


def test_what_cannot_be_is_refused(books, record):
    for paid_at in (WALL + timedelta(days=1), datetime(1999, 1, 1)):
        with pytest.raises(DomainError) as error:
            record(paid_at=paid_at)
        assert error.value.code == "bad_day"
    with pytest.raises(DomainError) as error:
        record(payer="x" * 201)
    assert error.value.code == "bad_text"
    for told in ({"customer_id": "X"}, {"invoice_id": "X"}, {"pos_id": "X"}):
        with pytest.raises(NotFoundError):
            record(**told)
    assert books.rows("SELECT count(*) FROM webhook_logs") == [(0,)]


def test_a_rehearsal_uses_up_no_number(books, record):
    books.customer()
    assert record(customer_id="CUST-001", dry_run=True).mpesa_receipt_number == "CSH202602030001"
    assert record(customer_id="CUST-001").mpesa_receipt_number == "CSH202602030001"


def test_recorded_money_is_given_back(books, record):
    books.customer()
    invoice = books.invoice(30)
    record(invoice_id=invoice)
    done = reversing.reverse_by_hand(books.database, books.hand, "csh-20260203-0001")
    assert (done.payment.status, books.invoice_state(invoice)) == ("REVERSED", ("UNPAID", 0))
    assert record(invoice_id=invoice).mpesa_receipt_number == "CSH202602030002"


def test_every_step_is_explained_with_its_rule(books, record):
    books.customer()
    invoice, other = books.invoice(30), books.invoice(40)
    receipt = record(invoice_id=invoice).mpesa_receipt_number
    allocating.unallocate(books.database, books.hand, receipt, [allocating.Share(other, 500)])
    found = explaining.explain(books.database, receipt)
    assert [(each.step, each.rule, each.invoice_id, each.amount_cents) for each in found.steps] == [
        ("log", "hand", None, None),
        ("match", "invoice", None, None),
        ("allocation", "reference", invoice, 3000),
        ("allocation", "fifo", other, 2000),
        ("allocation", "hand", other, -500),
        ("hand", "payment.record", None, None),
        ("hand", "payment.unallocate", None, None),
    ]
    assert found.now == (
        f"Of 50.00: 30.00 on {invoice}; 15.00 on {other}; "
        "5.00 credit of CUST-001, pinned: it waits for a person"
    )


def test_money_of_nobody_is_explained_too(books):
    books.pay("QGK12XYZ91", 50, "NOBODY")
    found = explaining.explain(books.database, "QGK12XYZ91")
    assert "unknown_account" in found.steps[1].text
    assert found.now == "Of 50.00: 50.00 in suspense"


def test_credit_is_listed_in_the_order_of_its_use(books, record):
    books.customer(), books.customer("CUST-002")
    record(shillings=5, customer_id="CUST-001", paid_at=WALL)
    record(shillings=6, customer_id="CUST-001", paid_at=WALL - timedelta(days=1), keep=True)
    record(shillings=7, customer_id="CUST-002")

    def listed(**which):
        found = payments.list_credit(books.database, limit=10, **which)
        return [each.unallocated_cents // 100 for each in found]

    assert (listed(customer_id="CUST-001"), listed(pinned=True), listed()) == (
        [6, 5],
        [6],
        [6, 5, 7],
    )


def test_a_broken_link_of_the_audit_is_found(books, record):
    books.customer()
    record(customer_id="CUST-001")
    whole = auditing.verify(books.database)
    assert (whole.ok, whole.rows) == (True, 2)
    assert auditing.verify(books.database, known_hash=whole.last_hash[:12]).ok
    assert not auditing.verify(books.database, known_hash="f" * 64).ok
    with books.database.writing() as connection:
        connection.exec_driver_sql("UPDATE audit SET actor = 'somebody' WHERE id = 1")
    broken = auditing.verify(books.database)
    assert (broken.ok, broken.rows, broken.broken.id) == (False, 0, 1)
    assert broken.broken.why == "it was changed after it was written"
    with books.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM audit WHERE id = 1")
    assert auditing.verify(books.database).broken.id == 2


def test_the_audit_is_searched_by_subject_action_and_day(books, record):
    books.customer()
    record(customer_id="CUST-001")

    def listed(**which):
        query = auditing.AuditQuery(**which)
        return [each.action for each in auditing.list_actions(books.database, query, limit=10)]

    assert listed() == ["payment.record", "customer.create"]
    assert listed(subject="csh202602030001") == ["payment.record"]
    assert listed(action="customer.") == ["customer.create"]
    assert listed(actor="nobody") == []
    assert listed(first=WALL.date(), last=WALL.date()) == listed()
    assert listed(first=WALL.date() + timedelta(days=1)) == []


def test_a_purge_takes_the_payer_and_leaves_the_money(books, record):
    books.customer()
    record("cheque", customer_id="CUST-001", payer="Ann Other", number="000123")
    later = books.hand._replace(at=books.hand.at + timedelta(days=400))
    purging.purge(books.database, later, before=later.at, age="1d")
    payload, payer = books.one(
        "SELECT l.raw_payload, p.payer_name FROM webhook_logs l JOIN payments p ON p.log_id = l.id"
    )
    assert ("Other" in payload, payer) == (False, None)
    assert checking.check(books.database, now=later.at).violations == []
