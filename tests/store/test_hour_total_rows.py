"""The rollup follows every change of the payments, on both databases."""

import importlib.util
import sys
from datetime import date
from pathlib import Path

import pytest

from kelly_cli.store import hour_total_rows, report_rows
from kelly_cli.store.checks import OF_THE_BOOKS, run_checks

I_38 = [check for check in OF_THE_BOOKS if check.invariant == "I-38"]


def story_of(database, seed):
    name = "checks_story"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name].Story(database, seed)


@pytest.mark.parametrize("seed", range(3))
def test_the_totals_are_those_of_the_payments_after_every_kind_of_event(database, seed):
    story = story_of(database, seed).every_kind().days(10).unsettled()
    with database.reading() as connection:
        assert run_checks(connection, story.now, I_38).violations == []
        totals = hour_total_rows.totals(connection, date(2025, 1, 1), date(2027, 1, 1))
        payments = connection.exec_driver_sql("SELECT status, amount_cents FROM payments").all()
    assert {each.status for each in totals} == {"COMPLETED", "UNMATCHED", "REVERSED"}
    for status in ("COMPLETED", "UNMATCHED", "REVERSED"):
        found = [each for each in totals if each.status == status]
        cents = [row[1] for row in payments if row[0] == status]
        assert sum(each.payments for each in found) == len(cents)
        assert sum(each.cents for each in found) == sum(cents)


def test_hours_add_up_to_days_and_say_what_the_payments_say(database):
    story_of(database, 1).every_kind().days(5)
    first, last = date(2025, 1, 1), date(2027, 1, 1)
    with database.reading() as connection:
        days = hour_total_rows.totals(connection, first, last)
        hours = hour_total_rows.totals(connection, first, last, by_hour=True)
        for day in {each.day for each in days}:
            told = report_rows.hours_of(connection, day)
            for hour, money in enumerate(told):
                for status, total in money.by_status.items():
                    found = [
                        each
                        for each in hours
                        if (each.day, each.hour, each.status) == (day, hour, status)
                    ]
                    assert sum(each.payments for each in found) == total.count
                    assert sum(each.cents for each in found) == total.cents
    assert sum(each.cents for each in days) == sum(each.cents for each in hours)


def test_only_the_codes_that_are_asked_for_are_counted(database):
    story_of(database, 2).every_kind().days(3)
    first, last = date(2025, 1, 1), date(2027, 1, 1)
    with database.reading() as connection:
        all_of_them = hour_total_rows.totals(connection, first, last)
        one = hour_total_rows.totals(connection, first, last, ["174379"])
        assert hour_total_rows.totals(connection, first, last, []) == []
        assert hour_total_rows.first_day(connection) == min(each.day for each in all_of_them)
    assert one == [each for each in all_of_them if each.short_code == "174379"]
    assert None in {each.short_code for each in all_of_them}


def test_empty_books_have_no_totals(database):
    with database.reading() as connection:
        assert hour_total_rows.totals(connection, date(2025, 1, 1), date(2027, 1, 1)) == []
        assert hour_total_rows.first_day(connection) is None


def test_a_payment_leaves_its_hour_and_status_for_another(database):
    story = story_of(database, 4)
    story.pay("NOBODY", 70)
    with database.writing() as connection, hour_total_rows.following(connection, [1]):
        connection.exec_driver_sql(
            "UPDATE payments SET reversed_at = created_at, transaction_date = "
            "'2026-02-04 23:59:59.000000' WHERE id = 1"
        )
    first, last = date(2026, 1, 1), date(2027, 1, 1)
    with database.reading() as connection:
        found = hour_total_rows.totals(connection, first, last, by_hour=True)
    assert [each[:2] + each[3:] for each in found] == [(date(2026, 2, 4), 23, "REVERSED", 1, 7000)]
