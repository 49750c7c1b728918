"""Statements: running balances that end where the customer's balance is, on any day."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from kelly_cli.core.times import nairobi_wall_clock
from kelly_cli.errors import DomainError, NotFoundError
from kelly_cli.services import (
    adjusting,
    allocating,
    invoices,
    merging,
    reversing,
    reviving,
    statements,
)
from kelly_cli.services.aging import make_aging
from kelly_cli.services.inbox import Inbox, OurCode
from kelly_cli.store.audit_rows import Hand

START = datetime(2026, 2, 3, 6, 0, tzinfo=UTC)


@pytest.fixture
def at(database, notation):
    """The books on a day of one's own: ``at(3)`` is the fourth day, at nine in Nairobi."""
    clock = [START]
    books = notation(database, None, None)
    books.inbox = Inbox(database, [OurCode("174379", "paybill", None, "local")], lambda: clock[0])

    def on(day, hours=0):
        clock[0] = START + timedelta(days=day, hours=hours)
        books.hand = Hand("tester", clock[0], "a test")
        books.now = nairobi_wall_clock(clock[0])
        return books

    return on


def pay(books, receipt, amount, reference):
    return books.pay(receipt, amount, reference, TransTime=books.now.strftime("%Y%m%d%H%M%S"))


def day_of(number):
    return (START + timedelta(days=number)).date()


def told(books, customer="CUST-001", **asked):
    return statements.make_statement(books.database, customer, **asked)


def lines(found):
    return [
        (str(entry.day), entry.kind, entry.reference, entry.change_cents // 100, cents // 100)
        for entry, cents in found.account.lines
    ]


def test_invoices_and_payments_make_a_running_balance(at):
    books = at(0)
    books.customer()
    first = books.invoice(5000, day=day_of(0))
    pay(at(1), "QGK12XYZ91", 3000, first)
    second = at(2).invoice(1000, day=day_of(2))
    pay(at(3), "QGK12XYZ92", 4000, "CUST-001")
    found = told(books)
    assert lines(found) == [
        ("2026-02-03", "invoice", first, 5000, 5000),
        ("2026-02-04", "payment", "QGK12XYZ91", -3000, 2000),
        ("2026-02-05", "invoice", second, 1000, 3000),
        ("2026-02-06", "payment", "QGK12XYZ92", -4000, -1000),
    ]
    assert (found.account.opening_cents, found.account.closing_cents) == (0, -100000)
    assert (found.to_pay_cents, found.open_invoices) == (-100000, ())


def test_a_period_starts_with_what_was_owed_before_and_still_says_what_is_owed_now(at):
    books = at(0)
    books.customer()
    invoice = books.invoice(5000, day=day_of(0))
    pay(at(1), "QGK12XYZ91", 3000, invoice)
    pay(at(5), "QGK12XYZ92", 500, invoice)
    found = told(books, first=day_of(1), last=day_of(3))
    assert (found.account.opening_cents, found.account.closing_cents) == (500000, 200000)
    assert [line.entry.reference for line in found.account.lines] == ["QGK12XYZ91"]
    assert found.to_pay_cents == 150000
    as_at = told(books, as_at=day_of(3))
    assert (as_at.account.closing_cents, as_at.to_pay_cents) == (200000, 200000)
    assert [each.owed_cents for each in as_at.open_invoices] == [200000]


def test_what_was_undone_later_still_stood_on_the_day(at):
    books = at(0)
    books.customer()
    void = books.invoice(100, day=day_of(0))
    noted = books.invoice(200, day=day_of(0))
    kept = books.invoice(400, day=day_of(0))
    pay(at(1), "QGK12XYZ91", 400, kept)
    invoices.void_invoice(books.database, at(3).hand, void)
    adjusting.credit(books.database, at(4).hand, noted, amount_cents=5000)
    reversing.reverse_by_hand(books.database, at(5).hand, "QGK12XYZ91")

    def stood(day):
        found = told(books, as_at=day_of(day))
        return found.to_pay_cents // 100, {
            each.invoice_id: each.owed_cents // 100 for each in found.open_invoices
        }

    assert stood(-1) == (0, {})
    assert stood(0) == (700, {void: 100, noted: 200, kept: 400})
    assert stood(1) == stood(2) == (300, {void: 100, noted: 200})
    assert stood(3) == (200, {noted: 200})
    assert stood(4) == (150, {noted: 150})
    assert stood(5) == (550, {noted: 150, kept: 400})


def test_what_was_void_or_reversed_for_a_while_was_so_on_the_days_between(at):
    books = at(0)
    books.customer()
    void = books.invoice(100, day=day_of(0))
    pay(at(1), "QGK12XYZ91", 40, "CUST-001")
    invoices.void_invoice(books.database, at(2).hand, void)
    reversing.reverse_by_hand(books.database, at(3).hand, "QGK12XYZ91")
    reversing.restore_by_hand(books.database, at(5).hand, "QGK12XYZ91")
    reviving.revive_invoice(books.database, at(6).hand, void)
    invoices.void_invoice(books.database, at(8).hand, void)
    days = range(1, 9)
    found = [told(books, as_at=day_of(day)) for day in days]
    assert [each.to_pay_cents // 100 for each in found] == [60, -40, 0, 0, -40, 60, 60, -40]
    assert [bool(each.open_invoices) for each in found] == [day in {1, 6, 7} for day in days]
    aged = [make_aging(books.database, today=day_of(9), as_at=day_of(day)) for day in days]
    assert [each.total.owed_cents // 100 for each in aged] == [60, 0, 0, 0, 0, 100, 100, 0]
    assert [each.credit_cents // 100 for each in aged] == [0, 40, 0, 0, 40, 40, 40, 40]
    kinds = [line.entry.kind for line in told(books).account.lines]
    assert kinds == ["invoice", "payment", "void", "reversal", "revival", "revival", "void"]


def test_money_counts_from_the_day_it_was_paid_however_late_its_callback_came(at):
    books = at(9)
    books.customer()
    invoice = books.invoice(100, day=day_of(0))
    books.pay("QGK12XYZ91", 60, invoice, TransTime="20260204100000")
    assert [told(books, as_at=day_of(day)).to_pay_cents // 100 for day in (0, 1, 9)] == [
        100,
        40,
        40,
    ]
    (open_then,) = told(books, as_at=day_of(1)).open_invoices
    assert open_then.owed_cents == 4000


def test_a_customers_money_on_an_invoice_of_nobody_is_told(at):
    books = at(0)
    books.customer()
    pay(books, "QGK12XYZ91", 100, "CUST-001")
    sale = books.sale(30, day=day_of(0))
    allocating.allocate(books.database, at(2).hand, "QGK12XYZ91", [allocating.Share(sale)])
    found = told(books)
    assert [(line[1], line[3], line[4]) for line in lines(found)] == [
        ("payment", -100, -100),
        ("moved", 30, -70),
    ]
    assert found.to_pay_cents == -7000 == books.balance() * 100


def test_after_a_merge_one_account_holds_both(at):
    books = at(0)
    books.customer("CUST-001")
    books.customer("CUST-002")
    books.invoice(50, "CUST-001", day=day_of(0))
    pay(at(1), "QGK12XYZ91", 80, "CUST-002")
    merging.merge_customers(books.database, at(2).hand, "CUST-001", "CUST-002")
    found = told(books, "CUST-002")
    assert found.to_pay_cents == found.customer.balance_cents == -3000


def test_an_unknown_customer_is_refused(at):
    with pytest.raises(NotFoundError) as refused:
        told(at(0), "CUST-999")
    assert refused.value.code == "customer_not_found"


@pytest.mark.parametrize("seed", range(4))
def test_on_every_day_it_says_what_was_owed_on_that_day(at, seed):
    chance = random.Random(seed)
    books, known, owed = at(0), [], {}
    for customer in ("CUST-001", "CUST-002"):
        books.customer(customer)
    made, paid = [], []
    for day in range(14):
        for hour in range(5):
            books = at(day, hour)
            try:
                _something(chance, books, made, paid, f"Q{seed}K{day:02}{hour}XYZ")
            except DomainError as refused:
                known.append(refused.code)
        owed[day] = {each: round(books.balance(each) * 100) for each in ("CUST-001", "CUST-002")}
    for customer in ("CUST-001", "CUST-002"):
        for day, balances in owed.items():
            found = told(books, customer, as_at=day_of(day))
            assert found.to_pay_cents == balances[customer], (seed, customer, day, known)
        whole = told(books, customer)
        assert whole.account.closing_cents == whole.customer.balance_cents
        assert sum(each.owed_cents for each in whole.open_invoices) == whole.customer.owed_cents
        for day in (3, 9):
            before = told(books, customer, last=day_of(day)).account
            after = told(books, customer, first=day_of(day + 1)).account
            assert before.closing_cents == after.opening_cents
            assert len(before.lines) + len(after.lines) == len(whole.account.lines)


def _something(chance, books, made, paid, receipt):
    customer = chance.choice(("CUST-001", "CUST-002"))
    what = chance.randrange(10)
    if what < 3 or not made:
        made.append(books.invoice(chance.randint(1, 90), customer, day=books.now.date()))
    elif what < 7:
        reference = chance.choice((customer, chance.choice(made)))
        if pay(books, receipt, chance.randint(1, 120), reference) == "processed":
            paid.append(receipt)
        paid.append(receipt)
    elif what == 7:
        act = chance.choice((reviving.revive_invoice, invoices.void_invoice))
        act(books.database, books.hand, chance.choice(made))
    elif what == 8:
        cents = chance.randint(1, 3000)
        adjusting.credit(books.database, books.hand, chance.choice(made), amount_cents=cents)
    elif paid and chance.random() < 0.3:
        reversing.restore_by_hand(books.database, books.hand, chance.choice(paid))
    elif paid and chance.random() < 0.5:
        reversing.reverse_by_hand(books.database, books.hand, chance.choice(paid))
    elif paid:
        allocating.unallocate(books.database, books.hand, chance.choice(paid))


def test_a_day_is_a_day_in_nairobi(at):
    books = at(0)
    books.customer()
    invoice = books.invoice(100, day=day_of(0))
    late = at(0, 15.5)  # half past midnight in Nairobi, the next day
    adjusting.credit(books.database, late.hand, invoice, amount_cents=1000)
    assert told(books, as_at=date(2026, 2, 3)).to_pay_cents == 10000
    assert told(books, as_at=date(2026, 2, 4)).to_pay_cents == 9000
