"""Late money, possible doubles and large amounts: said, and nothing moved."""

from datetime import date, datetime, timedelta

import pytest

from kelly_cli.core.books import Books, Invoice, Sale, Target
from kelly_cli.core.flags import Told, doubles, why_late, why_over

NOON = datetime(2026, 2, 3, 12, 0)
MASK = "2547 ***** 149"


def told(row, minutes=0, amount=100, bill="INV-20260203-0001", msisdn=MASK, payer="JANE"):
    return Told(row, f"R{row}", amount, NOON + timedelta(minutes=minutes), bill, msisdn, payer)


def found(*payments):
    return [(each.payment.row, each.first.row) for each in doubles(payments)]


def test_the_same_payer_amount_and_account_again_is_a_possible_double():
    assert found(told(1), told(2, 60)) == [(2, 1)]
    assert found(told(2, 5), told(1)) == [(2, 1)]
    assert "5 minutes later" in doubles([told(1), told(2, 5)])[0].detail


@pytest.mark.parametrize(
    "other",
    [
        told(2, 61),
        told(2, amount=101),
        told(2, bill="INV-20260203-0002"),
        told(2, payer="JOHN"),
        told(2, msisdn="2547 ***** 150"),
    ],
)
def test_one_of_them_different_is_none(other):
    assert found(told(1), other) == []


@pytest.mark.parametrize("bill", ["", None, "é"])
def test_money_without_an_account_repeats_nothing(bill):
    assert found(told(1, bill=bill), told(2, bill=bill)) == []


def test_money_without_a_payer_repeats_nothing():
    unknown = {"msisdn": None, "payer": None}
    assert found(told(1, **unknown), told(2, **unknown)) == []


@pytest.mark.parametrize("bill", ["inv 20260203 0001", "I2602030001"])
def test_the_account_may_be_written_in_any_way(bill):
    assert found(told(1), told(2, bill=bill)) == [(2, 1)]


def test_the_payer_may_be_told_in_any_form():
    plain = told(1, msisdn="254712345149")
    assert found(plain, told(2)) == [(2, 1)]
    assert found(told(1), told(2, payer=None)) == [(2, 1)]
    assert found(told(1), told(2, msisdn=None)) == [(2, 1)]


def test_each_is_held_against_the_nearest_before_it():
    assert found(told(1), told(2, 30), told(3, 60), told(4, 200)) == [(2, 1), (3, 2)]


def late(target, **changes):
    books = Books()
    invoice = Invoice(
        1, "INV-1", None, 1000, changes.pop("paid", 0), date(2026, 2, 3), 1, **changes
    )
    books.invoices[1] = invoice
    books.sales = {
        1: Sale(1, "POS-1", None, 1000, date(2026, 2, 3), invoice, invoice.void),
        2: Sale(2, "POS-2", None, 1000, date(2026, 2, 3)),
    }
    return why_late(books, target)


def test_money_for_what_is_closed_is_late():
    invoice, sale = Target(invoice=1), Target(sale=1)
    assert late(invoice) is late(sale) is late(Target(sale=2)) is late(Target(customer=1)) is None
    assert late(invoice, paid=999) is None
    assert "INV-1" in late(invoice, paid=1000)
    assert "POS-1" in late(sale, paid=1000)
    assert late(invoice, void=True) == "invoice INV-1 is void"
    assert late(sale, void=True) == "sale POS-1 is void"
    assert late(invoice, adjusted_cents=1000)


def test_more_than_m_pesa_carries_is_over_the_limit():
    assert why_over(250_000_01).startswith("KES 250,000.01 at once")
