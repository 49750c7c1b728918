"""A closed day is numbered, frozen and chained; what comes later is named by the next close."""

import json
from datetime import date, datetime, timedelta

import pytest

from kelly_cli.errors import BrokenInvariantError, ConflictError, DomainError, NotFoundError
from kelly_cli.services import checking, closing, recording, reversing
from kelly_cli.services.closing import Count

TODAY = date(2026, 2, 3)


class Desk:
    def __init__(self, books):
        self.books = books

    def close(self, day=TODAY, *, again=False, dry_run=False, codes=("174379",), **counted):
        mpesa = counted.pop("mpesa", {})
        count = Count(day, list(codes), counted, mpesa, again)
        made = closing.close_day(self.books.database, self.books.hand, count, dry_run=dry_run)
        return made, json.loads(made.frozen)

    def cash(self, shillings, method="cash", day=TODAY):
        money = recording.NewMoney(
            method, shillings * 100, datetime(day.year, day.month, day.day, 9), customer_id="A-1"
        )
        return recording.record(self.books.database, self.books.inbox, self.books.hand, money)

    def pay(self, receipt, amount, balance="", at="20260203080000", **more):
        return self.books.pay(
            receipt, amount, "A-1", TransTime=at, OrgAccountBalance=balance, **more
        )

    def check(self):
        found = checking.check(self.books.database, now=self.books.hand.at + timedelta(days=1))
        assert [str(each) for each in found.violations] == []


@pytest.fixture
def desk(books):
    from kelly_cli.services import customers

    customers.create_customer(books.database, books.hand, name="Ann", customer_id="A-1")
    return Desk(books)


def line(frozen, method):
    found = [each for each in frozen["methods"] if each["method"] == method]
    return [(each["expected"], each["counted"], each["difference"]) for each in found]


def test_each_method_is_expected_counted_and_compared(desk):
    desk.cash(100)
    desk.cash(50)
    desk.cash(30, "bank")
    desk.cash(9, day=TODAY - timedelta(days=1))
    desk.pay("QGK12XYZ91", 70, "1070.00")
    _, frozen = desk.close(cash=14000, bank=3000, mpesa={"174379": 107000})
    assert line(frozen, "cash") == [("150.00", "140.00", "-10.00")]
    assert line(frozen, "bank") == [("30.00", "30.00", "0.00")]
    assert line(frozen, "cheque") == []
    assert line(frozen, "mpesa") == [("1070.00", "1070.00", "0.00")]
    desk.check()


def test_what_nobody_counted_and_what_nobody_knows_has_no_difference(desk):
    desk.cash(100)
    _, frozen = desk.close(mpesa={"174379": 5})
    assert line(frozen, "cash") == [("100.00", None, None)]
    assert line(frozen, "mpesa") == [(None, "0.05", None)]


def test_mpesa_is_expected_as_its_last_balance_and_all_that_moved_it_since(desk):
    desk.pay("QGK12XYZ91", 70, "1070.00")
    desk.pay("QGK12XYZ92", 30, at="20260203090000")
    desk.pay("QGK12XYZ93", 5, "", at="20260204000000")
    _, frozen = desk.close()
    assert frozen["accounts"][0]["last_balance"]["receipt"] == "QGK12XYZ91"
    assert frozen["accounts"][0]["moved_since"] == "30.00"
    assert line(frozen, "mpesa") == [("1100.00", None, None)]


def test_a_hole_in_the_chain_of_balances_is_named(desk):
    desk.pay("QGK12XYZ91", 70, "1070.00")
    desk.pay("QGK12XYZ92", 30, "1200.00", at="20260203090000")
    _, frozen = desk.close()
    (gap,) = frozen["accounts"][0]["gaps"]
    assert (gap["after"], gap["before"], gap["missing"]) == ("QGK12XYZ91", "QGK12XYZ92", "100.00")


def test_a_reversed_payment_is_not_expected(desk):
    desk.cash(100)
    gone = desk.cash(40)
    reversing.reverse_by_hand(desk.books.database, desk.books.hand, gone.mpesa_receipt_number)
    _, frozen = desk.close(cash=10000)
    assert line(frozen, "cash") == [("100.00", "100.00", "0.00")]


def test_a_day_is_closed_once_and_corrected_by_another_close(desk):
    first, _ = desk.close(cash=500)
    with pytest.raises(ConflictError, match="2026-02-03 is closed already: close 1"):
        desk.close(cash=0)
    second, frozen = desk.close(cash=0, again=True)
    assert (second.number, frozen["corrects"], second.previous_hash) == (2, 1, first.hash)
    shown = closing.show_close(desk.books.database, day=TODAY)
    assert shown.number == 2
    assert closing.show_close(desk.books.database, number=1).frozen == first.frozen
    desk.check()


def test_there_is_nothing_to_correct_before_a_close(desk):
    with pytest.raises(NotFoundError, match="nothing to correct"):
        desk.close(again=True)


def test_a_day_to_come_is_refused(desk):
    with pytest.raises(DomainError, match="still to come"):
        desk.close(TODAY + timedelta(days=1))


def test_numbers_have_no_gap_after_a_rehearsal_or_a_refusal(desk):
    tried, _ = desk.close(dry_run=True)
    assert tried.number == 1
    assert closing.list_closes(desk.books.database) == []
    desk.close()
    with pytest.raises(ConflictError):
        desk.close()
    assert desk.close(TODAY - timedelta(days=1))[0].number == 2
    desk.check()


def test_money_that_comes_after_closing_is_named_once_by_the_next_close(desk):
    yesterday = TODAY - timedelta(days=1)
    desk.cash(10, day=yesterday)
    desk.close(yesterday)
    late = desk.cash(20, day=yesterday)
    desk.pay("QGK12XYZ91", 5)
    _, frozen = desk.close()
    assert [each["receipt"] for each in frozen["came_after_closing"]] == [late.mpesa_receipt_number]
    _, again = desk.close(again=True)
    assert again["came_after_closing"] == []


def test_days_that_were_left_out_are_named(desk):
    desk.close(TODAY - timedelta(days=3))
    desk.cash(10, day=TODAY - timedelta(days=2))
    _, frozen = desk.close()
    assert frozen["not_closed_before"] == ["2026-02-01"]


def test_a_close_says_the_same_for_ever(desk):
    _, frozen = desk.close(cash=0)
    desk.cash(100)
    assert json.loads(closing.show_close(desk.books.database, number=1).frozen) == frozen


def test_a_changed_close_is_not_shown(desk):
    desk.close(cash=0)
    with desk.books.database.writing() as connection:
        connection.exec_driver_sql("UPDATE day_closes SET frozen = replace(frozen, '0', '1')")
    with pytest.raises(BrokenInvariantError, match="close 1 was changed"):
        closing.show_close(desk.books.database, number=1)


def test_each_of_several_accounts_has_its_line(desk):
    desk.pay("QGK12XYZ91", 70, "1070.00")
    _, frozen = desk.close(codes=("174379", "600000"), mpesa={"600000": 500})
    assert line(frozen, "mpesa") == [("1070.00", None, None), (None, "5.00", None)]
