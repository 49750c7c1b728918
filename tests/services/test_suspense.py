import json
import random
from datetime import date

import pytest

from kelly_cli.errors import DomainError, NotFoundError
from kelly_cli.services import logs, suspense

TODAY = date(2026, 2, 3)


@pytest.fixture
def desk(books):
    return Desk(books)


class Desk:
    """The person who clears suspense."""

    def __init__(self, books):
        self.books = books

    def assign(self, receipt, target, **options):
        return suspense.assign(self.books.database, self.books.hand, receipt, target, **options)

    def refused(self, receipt, target):
        with pytest.raises(DomainError) as error:
            self.assign(receipt, target)
        return error.value

    def waiting(self, today=TODAY):
        found = suspense.list_suspense(self.books.database, today=today)
        return [
            (each.payment.mpesa_receipt_number, each.payment.unallocated_cents) for each in found
        ]

    def reasons(self):
        found = suspense.list_suspense(self.books.database, today=TODAY)
        return [each.reason for each in found]

    def everything(self):
        tables = ("payments", "allocations", "webhook_logs", "invoices", "pos_sales", "audit")
        return {table: self.books.rows(f"SELECT * FROM {table} ORDER BY id") for table in tables}


def test_money_without_an_owner_waits_oldest_first_with_reason_and_age(books, desk, database):
    books.pay("QGK12XYZ92", 20, "", TransTime="20260203000000")
    books.pay("QGK12XYZ91", 10, "NOBODY", TransTime="20260201235959")
    found = suspense.list_suspense(database, today=TODAY)
    assert [each.payment.mpesa_receipt_number for each in found] == ["QGK12XYZ91", "QGK12XYZ92"]
    assert [each.reason.split(":")[0] for each in found] == ["unknown_account", "no_reference"]
    assert [each.age_days for each in found] == [2, 0]


def test_money_of_a_clock_that_runs_ahead_is_not_younger_than_today(books, database):
    books.pay("QGK12XYZ91", 10, "NOBODY", TransTime="20260204010000")
    assert [each.age_days for each in suspense.list_suspense(database, today=TODAY)] == [0]


def test_a_customer_gets_the_money_as_if_the_reference_had_been_right(books, desk):
    books.customer()
    late, early = books.invoice(50), books.invoice(60, day=date(2026, 1, 3))
    books.pay("QGK12XYZ91", 100, "CUST-01")
    assert books.log_words() == ["failed"]

    paid = desk.assign(" qgk12xyz91", "cust 001")

    assert paid.allocations == ((early, 6000), (late, 4000))
    assert (paid.status, paid.customer_id) == ("COMPLETED", "CUST-001")
    assert (paid.matched_by, paid.unmatched_reason) == ("hand", None)
    assert books.one("SELECT processed, is_duplicate, error FROM webhook_logs") == (1, 0, None)
    assert desk.waiting() == []
    assert books.balance() == 10


def test_an_invoice_is_paid_first_then_its_customers_oldest_then_credit(books, desk):
    books.customer()
    older, named = books.invoice(10, day=date(2026, 1, 3)), books.invoice(60)
    books.pay("QGK12XYZ91", 100, "wrong")
    paid = desk.assign("QGK12XYZ91", named.lower())
    assert paid.allocations == ((named, 6000), (older, 1000))
    assert paid.unallocated_cents == 3000
    assert books.balance() == -30


def test_a_paid_invoice_of_a_customer_gives_credit(books, desk):
    books.customer()
    invoice = books.invoice(10)
    books.pay("QGK12XYZ90", 10, invoice)
    books.pay("QGK12XYZ91", 100, "wrong")
    paid = desk.assign("QGK12XYZ91", invoice)
    assert (paid.customer_id, paid.unallocated_cents) == ("CUST-001", 10000)


def test_a_sale_gets_its_invoice_and_older_credit_is_used_too(books, desk):
    books.customer()
    books.pay("QGK12XYZ90", 30, "CUST-001")
    sale = books.sale(100, "CUST-001", day=date(2026, 1, 31))
    books.pay("QGK12XYZ91", 50, "wrong")
    desk.assign("QGK12XYZ91", sale)
    assert books.invoice_state("INV-20260131-0001") == ("PARTIALLY_PAID", 80)
    assert books.balance() == 20


def test_the_rest_on_a_sale_to_nobody_waits_on_until_it_has_an_owner(books, desk):
    books.customer()
    sale = books.sale(60)
    books.pay("QGK12XYZ91", 100, "wrong")

    paid = desk.assign("QGK12XYZ91", sale)
    assert (paid.status, paid.customer_id, paid.unallocated_cents) == ("COMPLETED", None, 4000)
    assert books.log_words() == ["processed"]
    assert desk.waiting() == [("QGK12XYZ91", 4000)]
    assert desk.reasons() == ["rest: 60.00 of 100.00 is on INV-20260203-0001; no customer is known"]

    paid = desk.assign("QGK12XYZ91", "CUST-001")
    assert (paid.customer_id, paid.unallocated_cents) == ("CUST-001", 4000)
    assert desk.waiting() == []
    assert books.balance() == -40


def test_surplus_of_a_callback_on_a_sale_to_nobody_is_in_suspense_too(books, desk):
    books.pay("QGK12XYZ91", 100, books.sale(60))
    assert books.log_words() == ["processed"]
    assert desk.waiting() == [("QGK12XYZ91", 4000)]


def test_freed_money_waits_for_a_person_and_is_free_to_use_after(books, desk, database):
    books.pay("QGK12XYZ91", 100, "wrong")
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE payments SET pinned = true, unmatched_reason = NULL")
    assert desk.reasons() == ["freed: a person took it back, and it waits for one"]
    books.customer()
    assert desk.assign("QGK12XYZ91", "CUST-001").pinned is False
    assert books.invoice_state(books.invoice(70)) == ("PAID", 70)


def test_repeats_stay_duplicates_conflicts_stay_conflicts_and_broken_ones_are_settled(books, desk):
    books.customer()
    books.take(books.body("QGK12XYZ91", "-5", "wrong"))
    books.pay("QGK12XYZ91", 100, "wrong")
    books.pay("QGK12XYZ91", 100, "wrong")
    books.pay("QGK12XYZ91", 70, "wrong")
    books.pay("QGK12XYZ92", 70, "wrong")
    errors = books.rows("SELECT error FROM webhook_logs ORDER BY id")
    assert books.log_words() == ["failed", "failed", "duplicate", "conflict", "failed"]

    desk.assign("QGK12XYZ91", "CUST-001")

    # The first is off the list by another log of its receipt, and keeps its error.
    assert books.log_words() == ["conflict", "processed", "duplicate", "conflict", "failed"]
    after = books.rows("SELECT error FROM webhook_logs ORDER BY id")
    assert after == [errors[0], (None,), *errors[2:]]
    assert [log.outcome for log in logs.list_logs(books.database, logs.log_rows.LogFilter())] == [
        "failed",
        "conflict",
        "duplicate",
        "processed",
        "duplicate",
    ]


def test_a_dismissed_log_stays_dismissed(books, desk):
    books.customer()
    books.pay("QGK12XYZ91", 100, "wrong")
    logs.dismiss_log(books.database, books.hand, 1, "seen")
    assert desk.waiting() == [("QGK12XYZ91", 10000)]
    desk.assign("QGK12XYZ91", "CUST-001")
    with books.database.reading() as connection:
        assert logs.get_log(connection, 1).outcome == "dismissed"


def test_a_repeat_after_the_assignment_moves_nothing(books, desk):
    books.customer()
    books.pay("QGK12XYZ91", 100, "wrong")
    desk.assign("QGK12XYZ91", "CUST-001")
    assert books.pay("QGK12XYZ91", 100, "wrong") == "duplicate"
    assert books.money() == (10000, 0, 10000)
    assert books.balance() == -100


def test_money_that_is_placed_is_refused_and_told_where_it_is(books, desk):
    books.customer()
    invoice = books.invoice(60)
    books.pay("QGK12XYZ91", 100, invoice)
    books.pay("QGK12XYZ92", 60, books.sale(60))
    placed = desk.refused("QGK12XYZ91", "CUST-001")
    assert placed.code == "not_in_suspense"
    assert "CUST-001's; 60.00 is on INV-20260203-0001, 40.00 is credit" in placed.message
    used = desk.refused("QGK12XYZ92", "CUST-001")
    assert (used.code, used.message.split(": ")[1]) == (
        "not_in_suspense",
        "60.00 is on INV-20260203-0002",
    )


def test_reversed_money_is_refused(books, desk, database):
    books.customer()
    books.pay("QGK12XYZ91", 100, "wrong")
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE payments SET reversed_at = '2026-02-03 12:00:00'")
    assert desk.waiting() == []
    assert "reversed" in desk.refused("QGK12XYZ91", "CUST-001").message


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("CUST-404", "customer_not_found"),
        ("INV-20260203-0001", "invoice_not_found"),
        ("pos202602030001", "sale_not_found"),
        ("INVESTOR", "customer_not_found"),
        ("", "customer_not_found"),
        ("CUST-é", "customer_not_found"),
        ("254712345678", "customer_not_found"),
    ],
)
def test_an_unknown_owner_is_not_found(books, desk, target, code):
    books.pay("QGK12XYZ91", 100, "wrong")
    error = desk.refused("QGK12XYZ91", target)
    assert isinstance(error, NotFoundError)
    assert error.code == code


def test_refusals_come_in_their_order_payment_place_owner(books, desk):
    books.customer()
    books.pay("QGK12XYZ91", 100, "CUST-001")
    assert desk.refused("QGK12XYZ99", "CUST-404").code == "payment_not_found"
    assert desk.refused("QGK12XYZ91", "CUST-404").code == "not_in_suspense"


@pytest.mark.parametrize("void", [False, True])
def test_a_closed_sale_to_nobody_takes_no_more(books, desk, database, void):
    sale = books.sale(60)
    if void:
        with database.writing() as connection:
            connection.exec_driver_sql("UPDATE pos_sales SET voided_at = '2026-02-03 12:00:00'")
    else:
        books.pay("QGK12XYZ90", 60, sale)
    books.pay("QGK12XYZ91", 100, "wrong")
    before = desk.everything()
    assert desk.refused("QGK12XYZ91", sale).code == "late_or_double"
    if not void:
        assert desk.refused("QGK12XYZ91", "INV-20260203-0001").code == "late_or_double"
    assert desk.everything() == before


def test_a_dry_run_shows_the_payment_and_keeps_nothing(books, desk):
    sale = books.sale(60)
    books.pay("QGK12XYZ91", 100, "wrong")
    before = desk.everything()
    shown = desk.assign("QGK12XYZ91", sale, dry_run=True)
    assert shown.allocations == (("INV-20260203-0001", 6000),)
    assert desk.everything() == before
    assert desk.assign("QGK12XYZ91", sale).allocations == shown.allocations


def test_the_audit_tells_who_moved_what_from_where_to_where(books, desk):
    books.customer()
    invoice = books.invoice(60)
    books.pay("QGK12XYZ91", 100, "wrong")
    desk.assign("qgk12xyz91", "cust 001")
    actor, subject, reason, before, after = books.one(
        "SELECT actor, subject, reason, before, after FROM audit WHERE action = 'suspense.assign'"
    )
    assert (actor, subject, reason) == ("tester", "QGK12XYZ91", "a test")
    before, after = json.loads(before), json.loads(after)
    assert (before["allocations"], before["unallocated"]) == ([], "100.00")
    assert before["unmatched_reason"].startswith("unknown_account")
    assert after["to"] == after["customer_id"] == "CUST-001"
    assert after["allocations"] == [{"invoice_id": invoice, "amount": "60.00"}]
    assert after["unallocated"] == "40.00"
    assert after["moved"] == [
        {
            "mpesa_receipt_number": "QGK12XYZ91",
            "invoice_id": invoice,
            "amount": "60.00",
            "reason": "fifo",
        }
    ]


@pytest.mark.parametrize("seed", range(3))
def test_no_cent_is_made_or_lost_and_nobody_has_credit_beside_debt(books, desk, seed):
    chance = random.Random(seed)
    books.customer("CUST-001")
    books.customer("CUST-002")
    targets = ["CUST-001", "CUST-002"]
    for n in range(12):
        customer = chance.choice(["CUST-001", "CUST-002", None])
        cents = chance.randint(1, 20000) / 100
        targets.append(
            books.sale(cents, customer) if n % 2 or not customer else books.invoice(cents, customer)
        )
        books.pay(f"QGK12XYZ{n:02}", chance.randint(1, 20000) / 100, "wrong")
    total = books.money()[0]
    refused = []
    for n in range(12):
        try:
            desk.assign(f"QGK12XYZ{n:02}", chance.choice(targets))
        except DomainError as error:
            refused.append(error.code)
    assert set(refused) <= {"late_or_double"}
    whole, allocated, _ = books.money()
    credit = books.one(
        "SELECT coalesce(sum(amount_cents - allocated_cents), 0) FROM payments "
        "WHERE customer_id IS NOT NULL"
    )[0]
    assert whole == total == allocated + int(credit) + sum(cents for _, cents in desk.waiting())
    paid = books.one("SELECT coalesce(sum(amount_paid_cents), 0) FROM invoices")[0]
    rows = books.one("SELECT coalesce(sum(amount_cents), 0) FROM allocations")[0]
    assert int(paid) == int(rows) == allocated
    both = books.one(
        "SELECT count(*) FROM payments p JOIN invoices i ON i.customer_id = p.customer_id "
        "WHERE p.allocated_cents < p.amount_cents AND i.amount_paid_cents < i.amount_cents"
    )
    assert both == (0,)
