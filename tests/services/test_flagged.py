"""Flags in real books: late money, doubles and large amounts are booked, and listed."""

from datetime import date

import pytest

from kelly_cli.services import invoices, reports, reversing
from kelly_cli.services.payments import PaymentQuery, list_payments, show_payment

DAY = date(2026, 2, 3)


@pytest.fixture
def shop(books):
    books.customer()
    return books


def flags(books, receipt):
    return [flag for flag, _ in show_payment(books.database, receipt).flags]


def listed(books, flag, **more):
    found = list_payments(books.database, PaymentQuery(flag=flag, **more))
    return [each.mpesa_receipt_number for each in found]


def at(clock):
    return f"20260203{clock}00"


def test_money_for_what_is_paid_or_void_is_credit_and_late(shop):
    paid, void = shop.invoice(100), shop.invoice(50)
    invoices.void_invoice(shop.database, shop.hand, void)
    shop.pay("R0001", 100, paid)
    shop.pay("R0002", 30, paid)
    shop.pay("R0003", 50, void)
    assert [flags(shop, f"R000{n}") for n in (1, 2, 3)] == [[], ["late"], ["late"]]
    assert sorted(listed(shop, "late")) == ["R0002", "R0003"]
    assert shop.balance() == -80
    day = reports.daily(shop.database, DAY).flags
    assert [(each.receipt, each.detail) for each in day.late] == [
        ("R0002", f"nothing is owed on invoice {paid} any more"),
        ("R0003", f"invoice {void} is void"),
    ]


def test_late_money_without_an_owner_is_flagged_once_however_often_it_is_tried(shop):
    sale = shop.sale(100)
    shop.pay("R0001", 100, sale)
    assert shop.pay("R0002", 100, sale) == "failed"
    assert shop.retry() == ["failed"]
    assert shop.rows("SELECT flag FROM payment_flags") == [("late",)]


def test_late_money_of_one_batch_is_flagged_too(shop):
    invoice = shop.invoice(100)
    shop.take(*(shop.body(f"R000{n}", 100, invoice, TransTime=at("1000")) for n in (1, 2)))
    assert [flags(shop, "R0001"), flags(shop, "R0002")] == [[], ["late", "possible_double"]]


def test_a_repeat_of_a_receipt_is_no_double(shop):
    shop.pay("R0001", 100, "CUST-001")
    shop.pay("R0001", 100, "CUST-001")
    assert flags(shop, "R0001") == []


def test_doubles_are_found_in_whatever_order_they_came(shop):
    shop.pay("R0002", 100, "CUST-001", TransTime=at("1030"))
    shop.pay("R0001", 100, "cust 001", TransTime=at("1000"))
    shop.pay("R0003", 100, "CUST-001", TransTime=at("1131"))
    shop.pay("R0004", 100, "CUST-001", TransTime=at("1010"), FirstName="PETER")
    assert listed(shop, "possible_double") == ["R0002"]
    (double,) = reports.daily(shop.database, DAY).flags.doubles
    assert (double.payment.receipt, double.first.receipt) == ("R0002", "R0001")


def test_a_double_over_midnight_belongs_to_the_second_day(shop):
    shop.pay("R0001", 100, "CUST-001", TransTime="20260202235500")
    shop.pay("R0002", 100, "CUST-001", TransTime="20260203000500")
    assert len(reports.daily(shop.database, DAY).flags.doubles) == 1
    assert reports.daily(shop.database, date(2026, 2, 2)).flags.doubles == []
    assert listed(shop, "possible_double", first=DAY, last=DAY) == ["R0002"]
    assert listed(shop, "possible_double", last=date(2026, 2, 2)) == []


def test_money_without_an_owner_can_be_a_double(shop):
    shop.pay("R0001", 100, "NOBODY", TransTime=at("1000"))
    shop.pay("R0002", 100, "nobody", TransTime=at("1001"))
    shop.pay("R0003", 100, "", TransTime=at("1002"))
    shop.pay("R0004", 100, "", TransTime=at("1003"))
    assert listed(shop, "possible_double") == ["R0002"]


def test_a_double_that_was_given_back_is_none_any_more(shop):
    shop.pay("R0001", 100, "CUST-001", TransTime=at("1000"))
    shop.pay("R0002", 100, "CUST-001", TransTime=at("1001"))
    reversing.reverse_by_hand(shop.database, shop.hand, "R0002")
    assert listed(shop, "possible_double") == []


def test_large_amounts_are_booked_and_flagged(shop):
    assert shop.pay("R0001", 250_000, "CUST-001", TransTime=at("1000")) == "processed"
    assert shop.pay("R0002", "250000.01", "CUST-001", TransTime=at("1200")) == "processed"
    assert listed(shop, "over_limit") == ["R0002", "R0001"]
    assert flags(shop, "R0001") == ["over_limit"]
    assert flags(shop, "R0002") == ["over_limit", "over_limit"]
    assert shop.balance() == -500_000.01
    day = reports.daily(shop.database, DAY).flags
    assert [each.receipt for each in day.over] == ["R0002"]
    assert day.large_days == [("CUST-001", 2, 500_000_01)]


def test_the_payments_of_a_large_day_are_listed_as_they_are_flagged(shop):
    for number, amount in enumerate((200_000, 200_100, 100_000), 1):
        shop.pay(f"R000{number}", amount, "CUST-001", TransTime=at(f"1{number}00"))
    shop.customer("CUST-002")
    shop.pay("R0009", 200_000, "CUST-002", TransTime=at("1200"))
    large = ["R0003", "R0002", "R0001"]
    assert listed(shop, "over_limit") == large
    assert listed(shop, "over_limit", first=DAY, last=DAY) == large
    assert listed(shop, "over_limit", last=date(2026, 2, 2)) == []
    assert [flags(shop, receipt) for receipt in large] == [["over_limit"]] * 3
    reversing.reverse_by_hand(shop.database, shop.hand, "R0003")
    assert listed(shop, "over_limit") == []


def test_a_day_without_anything_to_look_at_says_so(shop):
    shop.pay("R0001", 100, "CUST-001")
    assert reports.daily(shop.database, DAY).flags == ([], [], [], [])
    assert [listed(shop, flag) for flag in ("late", "possible_double", "over_limit")] == [[]] * 3
