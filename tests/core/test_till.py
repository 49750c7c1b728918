"""Pairing: only what nothing else contests, held against the plainest possible oracle."""

import random
from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.core.till import Came, Sold, pair_up, same_payer

NOON = datetime(2026, 2, 3, 12, 0)
WITHIN = timedelta(minutes=15)


def at(minutes):
    return NOON + timedelta(minutes=minutes)


def sold(row, amount, minutes, **more):
    return Sold(row, amount, at(minutes), at(minutes), **more)


def came(row, amount, minutes, **more):
    return Came(row, amount, at(minutes), **more)


def pairs(sales, payments, within=WITHIN):
    found = pair_up(sales, payments, within)
    return [(each.sale.row, each.payment.row) for each in found.pairs]


def clashes(sales, payments):
    found = pair_up(sales, payments, WITHIN)
    return [
        (each.why, [s.row for s in each.sales], [p.row for p in each.payments])
        for each in found.clashes
    ]


def test_one_sale_and_one_payment_minutes_apart_are_a_pair():
    assert pairs([sold(1, 100, 0)], [came(7, 100, 15)]) == [(1, 7)]
    assert pairs([sold(1, 100, 0)], [came(7, 100, -15)]) == [(1, 7)]


def test_another_amount_or_a_longer_wait_fits_nothing():
    assert pair_up([sold(1, 100, 0)], [came(7, 101, 0), came(8, 100, 16)], WITHIN) == ([], [])


def test_two_sales_for_one_payment_are_a_clash():
    sales, payments = [sold(1, 100, 0), sold(2, 100, 5)], [came(7, 100, 6)]
    assert pairs(sales, payments) == []
    assert clashes(sales, payments) == [("unsure", [1, 2], [7])]


def test_two_payments_for_one_sale_are_a_clash():
    assert clashes([sold(1, 100, 0)], [came(7, 100, 1), came(8, 100, 2)]) == [
        ("unsure", [1], [7, 8])
    ]


def test_time_separates_what_the_amount_does_not():
    sales = [sold(1, 100, 0), sold(2, 100, 60)]
    assert pairs(sales, [came(7, 100, 2), came(8, 100, 61)]) == [(1, 7), (2, 8)]


def test_what_only_a_chain_of_reasoning_would_separate_is_a_clash():
    """The first sale may stay unpaid for ever, and its only payment may be the second's."""
    sales = [sold(1, 100, 0), sold(2, 100, 20)]
    payments = [came(7, 100, 10), came(8, 100, 25)]
    assert clashes(sales, payments) == [("unsure", [1, 2], [7, 8])]


def test_a_payer_who_is_not_the_customer_is_no_pair():
    assert clashes([sold(1, 100, 0, customer="Ann Wanjiru")], [came(7, 100, 1, payer="PETER")]) == [
        ("payer_differs", [1], [7])
    ]
    assert pairs(
        [sold(1, 100, 0, customer="Ann Wanjiru")], [came(7, 100, 1, payer="WANJIRU ****")]
    ) == [(1, 7)]


def test_a_payer_who_fits_makes_no_pair_of_a_clash():
    sales = [sold(1, 100, 0, customer="Ann"), sold(2, 100, 0, customer="Ben")]
    payments = [came(7, 100, 1, payer="ANN"), came(8, 100, 1, payer="BEN")]
    assert clashes(sales, payments) == [("unsure", [1, 2], [7, 8])]


def test_a_sale_of_another_day_contests_and_is_never_paired():
    whole_day = Sold(1, 100, NOON.replace(hour=0), NOON.replace(hour=0) + timedelta(1), exact=False)
    assert clashes([whole_day], [came(7, 100, 0)]) == [("no_time", [1], [7])]
    assert clashes([whole_day, sold(2, 100, 0)], [came(7, 100, 0)]) == [("unsure", [1, 2], [7])]


def test_money_that_a_person_freed_contests_and_is_never_paired():
    freed = came(7, 100, 0, pinned=True)
    assert clashes([sold(1, 100, 0)], [freed]) == [("freed", [1], [7])]
    assert clashes([sold(1, 100, 0)], [freed, came(8, 100, 0)]) == [("unsure", [1], [7, 8])]


@pytest.mark.parametrize(
    ("customer", "phone", "payer", "msisdn", "expected"),
    [
        (None, None, "JANE", "2547 ***** 149", None),
        ("Jane", None, None, None, None),
        ("Jane Doe", None, "JANE", None, True),
        ("Jane Doe", None, "JOHN", None, False),
        ("Acme", "254712345149", "JOHN", "2547 ***** 149", True),
        ("Acme", "254712345678", None, "2547 ***** 149", False),
        ("Jane", "254712345678", "JANE", "2547 ***** 149", True),
    ],
)
def test_a_payer_is_known_by_phone_or_name(customer, phone, payer, msisdn, expected):
    sale = sold(1, 100, 0, customer=customer, phone=phone)
    assert same_payer(sale, came(7, 100, 0, payer=payer, msisdn=msisdn)) is expected


# The oracle: every sale against every payment.


def by_hand(sales, payments, within):
    fits = [
        (sale, payment)
        for sale in sales
        for payment in payments
        if sale.amount_cents == payment.amount_cents
        and sale.first - within <= payment.at <= sale.last + within
    ]
    of_sale = Counter(sale.row for sale, _ in fits)
    of_payment = Counter(payment.row for _, payment in fits)
    alone = [
        (sale.row, payment.row)
        for sale, payment in fits
        if of_sale[sale.row] == of_payment[payment.row] == 1
        and sale.exact
        and not payment.pinned
        and same_payer(sale, payment) is not False
    ]
    return sorted(alone), of_sale.keys(), of_payment.keys()


minutes = st.integers(0, 90)
amounts = st.sampled_from([100, 200])
names = st.sampled_from([None, "ANN", "BEN"])


@st.composite
def a_day(draw):
    sales = []
    for row in range(draw(st.integers(0, 8))):
        first = at(draw(minutes))
        exact = draw(st.booleans())
        last = first if exact else first + timedelta(minutes=draw(st.integers(1, 60)))
        sales.append(Sold(row, draw(amounts), first, last, exact, draw(names)))
    payments = [
        came(row, draw(amounts), draw(minutes), payer=draw(names), pinned=draw(st.booleans()))
        for row in range(draw(st.integers(0, 8)))
    ]
    return sales, payments


@given(a_day(), st.integers(0, 30))
def test_pairs_and_clashes_are_what_the_oracle_says(day, most):
    sales, payments = day
    within = timedelta(minutes=most)
    found = pair_up(sales, payments, within)
    expected, contested_sales, contested_payments = by_hand(sales, payments, within)
    assert sorted((each.sale.row, each.payment.row) for each in found.pairs) == expected
    listed = [s.row for p in found.pairs for s in [p.sale]]
    listed += [s.row for c in found.clashes for s in c.sales]
    assert sorted(listed) == sorted(contested_sales)
    paid = [p.payment.row for p in found.pairs]
    paid += [p.row for c in found.clashes for p in c.payments]
    assert sorted(paid) == sorted(contested_payments)


# The proof: days at a counter, where it is known which payment is whose.


def a_counter(chance, count):
    """Sales of few prices; some wait, some are never paid. Return them, the money, and the truth.

    Every payment is for one of the sales, at most the window away from it.
    """
    sales, payments, truth = [], [], {}
    busy = chance.choice([30, 300, 3000])
    for row in range(count):
        amount, minute = chance.choice([50, 50, 100, 150, 200, 1000]), chance.uniform(0, busy)
        sales.append(sold(row, amount, minute))
        if chance.random() < 0.8:
            number = 10_000 + row
            payments.append(came(number, amount, minute + chance.uniform(-15, 15)))
            truth[number] = row
    chance.shuffle(sales)
    chance.shuffle(payments)
    return sales, payments, truth


def test_no_pair_of_forty_thousand_sales_is_wrong():
    chance = random.Random(20260203)
    seen = paired = clashed = 0
    for _ in range(1000):
        sales, payments, truth = a_counter(chance, chance.choice([2, 10, 40, 108]))
        found = pair_up(sales, payments, WITHIN)
        for pair in found.pairs:
            assert truth[pair.payment.row] == pair.sale.row
        seen, paired = seen + len(sales), paired + len(found.pairs)
        clashed += len(found.clashes)
    assert seen > 35_000
    assert paired > 2_000
    assert clashed > 2_000


def test_a_large_day_of_one_price_takes_no_time():
    sales = [sold(row, 100, row / 100) for row in range(20_000)]
    payments = [came(row, 100, row / 100) for row in range(20_000)]
    (only,) = pair_up(sales, payments, WITHIN).clashes
    assert (len(only.sales), len(only.payments)) == (20_000, 20_000)
