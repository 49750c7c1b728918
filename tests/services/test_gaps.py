"""Gaps in real books: callbacks with balances, and everything else that is known."""

from datetime import date

import pytest

from kelly_cli.services import gaps, reversing


@pytest.fixture
def till(books):
    books.customer()
    return Till(books)


class Till:
    def __init__(self, books):
        self.books = books

    def pay(self, number, shillings, balance, **more):
        at = {"TransTime": f"2026020310{number:02d}00"}
        told = {"OrgAccountBalance": f"{balance:.2f}"} if balance is not None else {}
        return self.books.pay(f"QGK12XYZ{number:02d}", shillings, "CUST-001", **at, **told, **more)

    def gaps(self, first=None, last=None):
        found = gaps.chains(self.books.database, None, first, last)
        return [
            (chain.short_code, gap.after, gap.before, gap.missing_cents)
            for chain in found
            for gap in chain.gaps
        ]


def test_a_lost_callback_is_a_gap_and_its_late_arrival_closes_it(till):
    till.pay(1, 100, 100)
    till.pay(3, 50, 170)
    assert till.gaps() == [("174379", "QGK12XYZ01", "QGK12XYZ03", 2000)]
    till.pay(2, 20, 120)
    assert till.gaps() == []


def test_callbacks_may_come_in_any_order(till):
    for number, shillings, balance in ((3, 50, 170), (1, 100, 100), (2, 20, 120)):
        till.pay(number, shillings, balance)
    assert till.gaps() == []


def test_a_payment_without_a_balance_closes_a_gap(till):
    till.pay(1, 100, 100)
    till.pay(2, 20, None)
    till.pay(3, 50, 170)
    assert till.gaps() == []


def test_a_reversal_in_the_portal_is_no_gap(till):
    till.pay(1, 100, 100)
    till.pay(2, 20, 120)
    reversing.reverse_by_hand(till.books.database, till.books.hand, "QGK12XYZ01")
    till.pay(3, 50, 70)
    assert till.gaps() == []


def test_a_settlement_is_a_question_until_a_statement_tells(till, portal_file):
    till.pay(1, 100, 100)
    till.pay(3, 50, 50)
    assert till.gaps() == [("174379", "QGK12XYZ01", "QGK12XYZ03", -10000)]
    portal_file(
        "QGK12XYZ99,03-02-2026 10:02:00,Completed,,100,0,Organization Settlement",
        "QGK12XYZ98,03-02-2026 10:02:00,Completed,,1,5,Pay Bill Charge",
        account="Charges Paid Account",
    )
    assert len(till.gaps()) == 1
    portal_file("QGK12XYZ97,03-02-2026 10:02:00,Completed,,100,0,Organization Settlement")
    assert till.gaps() == []


def test_days_pick_gaps(till):
    till.pay(1, 100, 100)
    till.pay(3, 50, 170)
    assert till.gaps(date(2026, 2, 4)) == till.gaps(None, date(2026, 2, 2)) == []
    assert len(till.gaps(date(2026, 2, 3), date(2026, 2, 3))) == 1


def test_without_balances_nothing_can_be_said(till):
    till.pay(1, 100, None)
    assert [(chain.links, chain.gaps) for chain in gaps.chains(till.books.database, None)] == [
        (0, [])
    ]


@pytest.fixture
def portal_file(books):
    def apply(*lines, account="Utility Account"):
        from datetime import datetime

        from kelly_cli.services import applying, reconciling

        head = (
            "Receipt No.,Completion Time,Transaction Status,Paid In,Withdrawn,Balance,Reason Type"
        )
        text = "\n".join([f"Short Code:,174379\nAccount:,{account}", head, *lines])
        now = datetime(2026, 2, 3, 15)
        file = reconciling.read_file(text.encode(), "x.csv", {"174379"})
        found = reconciling.compare(books.database, [file], now=now)
        applying.apply(books.database, books.inbox, books.hand, found, now=now)

    return apply
