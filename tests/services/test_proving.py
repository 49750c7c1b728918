"""Which days a second source proves."""

from datetime import date, datetime, timedelta

import pytest

from kelly_cli.services import proving
from kelly_cli.store import pull_rows, statement_rows

DAY = date(2026, 2, 2)
MIDNIGHT = datetime(2026, 2, 2)


@pytest.fixture
def days(books):
    books.customer()
    books.pay("QGK12XYZ91", 50, "CUST-001", TransTime="20260202100000")
    return Days(books)


class Days:
    def __init__(self, books):
        self.books = books

    def statement(self, start, end, account="Utility Account"):
        values = {
            "short_code": "174379",
            "account": account,
            "file_name": "x",
            "sha256": str(start),
        }
        values |= {"from_at": start, "to_at": end, "lines": 1, "actor": "me"}
        with self.books.database.writing() as connection:
            statement_rows.add_statement(connection, values, self.books.hand.at)

    def pull(self, start, end, state="ok"):
        row = pull_rows.PullRow("local", "174379", start, end, state, 1, 0, None)
        with self.books.database.writing() as connection:
            pull_rows.add_pull(connection, row, self.books.hand.at)

    def state(self, day=DAY):
        found = proving.days(self.books.database, None, last=date(2026, 2, 3), count=3)
        [one] = [each for each in found if each.day == day]
        return one.state, one.by


def hour(number):
    return MIDNIGHT + timedelta(hours=number)


def test_a_day_is_not_proved_by_its_callbacks(days):
    assert days.state() == ("unproved", None)
    assert days.state(date(2026, 2, 3)) == ("open", None)


def test_a_statement_of_the_whole_day_proves_it(days):
    days.statement(MIDNIGHT, hour(24) - timedelta(seconds=1))
    assert days.state() == ("proved", "statement")
    assert days.state(date(2026, 2, 1)) == ("unproved", None)


def test_two_statements_that_meet_prove_it_and_a_third_does_no_harm(days):
    days.statement(hour(12), hour(30))
    days.statement(MIDNIGHT, hour(12) - timedelta(seconds=1))
    days.statement(hour(90), hour(100))
    assert days.state() == ("proved", "statement")


def test_a_hole_between_two_leaves_the_day_partly_proved(days):
    days.statement(MIDNIGHT, hour(11))
    days.statement(hour(12), hour(30))
    assert days.state() == ("partly", None)


def test_pulls_prove_a_day_and_a_failed_one_does_not(days):
    days.pull(hour(-3), hour(12))
    days.pull(hour(12), hour(25), "failed")
    assert days.state() == ("partly", None)
    days.pull(hour(12), hour(25), "nothing")
    assert days.state() == ("proved", "pull")


def test_a_pull_of_a_code_that_never_gave_anything_proves_nothing(days):
    days.pull(hour(-3), hour(30), "nothing")
    assert days.state() == ("unproved", None)


def test_both_sources_together_prove_a_day(days):
    days.pull(hour(-3), hour(12))
    days.statement(hour(11), hour(24))
    assert days.state() == ("proved", "both")


def test_another_account_proves_no_payments(days):
    days.statement(MIDNIGHT, hour(24), account="Charges Paid Account")
    assert days.state() == ("unproved", None)


def test_payments_of_a_day_are_counted_with_those_that_are_proved(days):
    found = proving.days(days.books.database, ["174379", "600000"], last=date(2026, 2, 3), count=2)
    assert [(each.day.day, each.short_code, each.payments, each.total_cents, each.proved)
            for each in found] == [
        (3, "174379", 0, 0, 0),
        (3, "600000", 0, 0, 0),
        (2, "174379", 1, 5000, 0),
        (2, "600000", 0, 0, 0),
    ]  # fmt: skip
