"""The morning screen: right on empty books, and right when there is much to do."""

from datetime import UTC, date, datetime, timedelta

import pytest

from kelly_cli.services import closing, customers, invoices
from kelly_cli.services.invoices import NewInvoice
from kelly_cli.services.morning import morning

NOW = datetime(2026, 2, 3, 12, tzinfo=UTC)


@pytest.fixture
def ann(books):
    customers.create_customer(books.database, books.hand, name="Ann", customer_id="A-1")
    return books


def test_on_empty_books_nothing_waits(books):
    found = morning(books.database, NOW)
    assert found.money == (0, 0)
    assert (found.usual, found.last_callback_at, found.last_closed) == (None, None, None)
    assert found.unplaced.payments == found.failed == found.pending == found.prompts == 0
    assert (found.unproved, found.overdue, found.unclosed) == ([], (0, 0), [])


def test_money_of_today_stands_beside_what_is_usual_by_this_hour(ann):
    for week, amount in enumerate((40, 10, 20, 30, 999)):
        day = date(2026, 2, 3) - timedelta(weeks=week)
        ann.pay(f"QGK12XYZ0{week}", amount, "A-1", TransTime=f"{day:%Y%m%d}090000")
        ann.pay(f"QGK12XYZ1{week}", 500, "A-1", TransTime=f"{day:%Y%m%d}200000")
    found = morning(ann.database, NOW)
    assert found.money == (1, 4000)
    assert found.usual == (1, 2000)


def test_weeks_before_the_first_money_are_not_usual(ann):
    ann.pay("QGK12XYZ01", 10, "A-1", TransTime="20260127090000")
    assert morning(ann.database, NOW).usual == (1, 1000)


def test_what_waits_is_counted(ann):
    ann.pay("QGK12XYZ91", 5, "nobody", TransTime="20260130090000")
    ann.pay("QGK12XYZ92", "1.001", "A-1")
    wanted = NewInvoice("A-1", 700, date(2026, 1, 1), due_on=date(2026, 1, 31))
    invoices.create_invoice(ann.database, ann.hand, wanted)
    found = morning(ann.database, NOW)
    assert (found.unplaced.payments, found.unplaced.cents, found.unplaced_days) == (1, 500, 4)
    assert found.failed == 2
    assert found.overdue == (1, 700)


def test_days_without_a_second_source_are_named_and_today_is_not(ann):
    ann.pay("QGK12XYZ91", 5, "A-1", TransTime="20260130090000")
    ann.pay("QGK12XYZ92", 5, "A-1", TransTime="20260203090000")
    assert morning(ann.database, NOW).unproved == [date(2026, 1, 30)]


def test_days_after_the_last_close_are_named(ann):
    count = closing.Count(date(2026, 1, 30), ["174379"], {}, {})
    closing.close_day(ann.database, ann.hand, count)
    ann.pay("QGK12XYZ91", 5, "A-1", TransTime="20260201090000")
    found = morning(ann.database, NOW)
    assert (found.last_closed, found.unclosed) == (date(2026, 1, 30), [date(2026, 2, 1)])


def test_one_short_code_is_picked(ann):
    ann.pay("QGK12XYZ91", 5, "nobody")
    assert morning(ann.database, NOW, ["600000"]).unplaced.payments == 0
    assert morning(ann.database, NOW, ["174379"]).unplaced.payments == 1


def test_the_last_callback_is_the_last_that_came_over_http(ann):
    from kelly_cli.services.inbox import Delivery

    ann.pay("QGK12XYZ91", 5, "A-1")
    assert morning(ann.database, NOW).last_callback_at is None
    ann.inbox.take([Delivery(ann.body("QGK12XYZ92", 5, "A-1"), None, "http", "h1")])
    assert morning(ann.database, NOW).last_callback_at is not None
