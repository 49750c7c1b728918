"""Traps of callbacks, in the words of their list (DESIGN.md, the 45 traps), on real books."""

import json
from datetime import date
from hashlib import sha256

import pytest

from kelly_cli.errors import NotFoundError
from kelly_cli.services import payments, reports
from kelly_cli.services.inbox import Delivery, Inbox, OurCode

HASH = sha256(b"254705912645").hexdigest()
STRANGE = {
    "an empty type": {"TransactionType": ""},
    "the type of another product": {"TransactionType": "Customer Merchant Payment"},
    "a null where text is usual": {"InvoiceNumber": None},
    "a key that nobody knows": {"NewIn2027": {"deep": [1, 2]}},
    "no name at all": {"FirstName": ...},
}


def test_trap_08_a_payer_with_a_first_name_only_is_no_crash(books):
    assert books.pay("QGK12XYZ91", 10, "X", FirstName="JANE", MiddleName=..., LastName=...)
    assert books.one("SELECT payer_name FROM payments") == ("JANE",)


def test_trap_09_whatever_is_not_about_money_costs_no_payment(books):
    for number, changes in enumerate(STRANGE.values()):
        books.pay(f"QGK12XYZ{number:02}", 10, "nobody", **changes)
    assert books.one("SELECT count(*) FROM payments") == (len(STRANGE),)


def test_trap_11_ten_thousand_amounts_make_their_exact_sum(inbox, database, notation, hand):
    books = notation(database, inbox, hand)
    raw = [books.body(f"QG{n:08}", f"{n}.{n % 100:02}", "nobody") for n in range(1, 10_001)]
    inbox.take([Delivery(each, None, "file", f"many{n}") for n, each in enumerate(raw)])
    expected = sum(n * 100 + n % 100 for n in range(1, 10_001))
    assert books.one("SELECT sum(amount_cents) FROM payments") == (expected,)
    books.customer()
    for literal, receipt in ((1.0, "QGK12XYZ01"), (10, "QGK12XYZ02"), ("1.00", "QGK12XYZ03")):
        assert books.pay(receipt, 0, "CUST-001", TransAmount=literal) == "processed"
    assert books.pay("QGK12XYZ04", "1.005", "CUST-001") == "failed"
    assert books.balance() == -12


@pytest.mark.parametrize("payer", [HASH, f"{HASH[:60]}****", "2547 ***** 126", "254705912645"])
def test_trap_18_and_trap_19_a_payer_is_kept_as_he_came_and_decides_nothing(books, payer):
    books.customer(phone="254705912645")
    assert books.pay("QGK12XYZ91", 10, "nobody", MSISDN=payer) == "failed"
    assert books.one("SELECT msisdn, customer_id FROM payments") == (payer, None)


def test_trap_21_what_people_type_is_read_and_what_names_nothing_waits(books):
    books.customer()
    invoice = books.invoice(100)
    number = invoice.replace("-", "").lower()
    for typed in (f" {number} ", f"#{invoice}", invoice.lower().replace("-", " ")):
        assert books.pay(f"QGK{sha256(typed.encode()).hexdigest()[:7]}", 10, typed) == "processed"
    assert books.invoice_state(invoice) == ("PARTIALLY_PAID", 30)
    slipped = invoice.replace("0", "O")
    for n, typed in enumerate((slipped, "174379", "Jane Wanjiku", "", None)):
        assert books.pay(f"QGK12XYZ9{n}", 10, typed) == "failed"
    assert books.one("SELECT count(*) FROM payments WHERE status = 'UNMATCHED'") == (5,)


def test_trap_23_half_past_midnight_in_nairobi_belongs_to_the_new_day(books, database):
    books.customer()
    books.pay("QGK12XYZ91", 10, "CUST-001", TransTime="20260201003000")
    assert reports.daily(database, date(2026, 2, 1)).payments.count == 1
    assert reports.daily(database, date(2026, 1, 31)).payments.count == 0


def test_trap_42_each_way_to_pay_wrong_has_its_outcome_and_can_be_turned_back(books):
    books.customer()
    first, second = books.invoice(100), books.invoice(100)
    books.pay("QGK12XYZ91", 40, first)
    books.pay("QGK12XYZ92", 160, first)
    assert books.invoice_state(first) == ("PAID", 100)
    assert books.invoice_state(second) == ("PAID", 100)
    books.pay("QGK12XYZ93", 30, second)
    assert books.balance() == -30


def test_trap_43_till_store_and_head_office_are_one_account_and_others_are_parked(
    database, books, inbox
):
    codes = [OurCode(code, kind, None, "local") for code, kind in SHOP]
    shop = Inbox(database, codes, lambda: books.hand.at)
    books.customer()
    for n, (code, _) in enumerate(SHOP):
        raw = books.body(f"QGK12XYZ9{n}", 10, "CUST-001", BusinessShortCode=code)
        [entry] = shop.take([Delivery(raw, "confirmation", "http", f"s{n}")])
        assert entry.processed
    assert books.balance() == -30
    stranger = books.body("QGK12XYZ95", 10, "CUST-001", BusinessShortCode="999999")
    [entry] = shop.take([Delivery(stranger, "confirmation", "http", "s9")])
    assert (entry.processed, json.loads(stranger)["BusinessShortCode"] in entry.error) == (
        False,
        True,
    )


SHOP = (("600100", "till"), ("600101", "store"), ("600102", "paybill"))


def test_trap_45_a_receipt_with_a_slip_is_suggested_and_never_taken_for_the_other(books, database):
    books.pay("QGK12XYZ90", 10, "nobody")
    with pytest.raises(NotFoundError) as refused:
        payments.show_payment(database, "qgkl2xyz9o")
    assert "QGK12XYZ90" in refused.value.hint
