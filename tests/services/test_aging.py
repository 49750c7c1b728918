"""Aging says of each customer what his statement says, now and on every day."""

import importlib.util
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from kelly_cli.core.times import nairobi_day
from kelly_cli.services.aging import make_aging
from kelly_cli.services.customers import list_customers
from kelly_cli.services.statements import make_statement

HERE = Path(__file__).resolve().parent


def story_of(database, seed):
    path = HERE.parent / "store" / "checks_story.py"
    spec = importlib.util.spec_from_file_location("checks_story", path)
    module = sys.modules.setdefault("checks_story", importlib.util.module_from_spec(spec))
    if not hasattr(module, "Story"):
        spec.loader.exec_module(module)
    return module.Story(database, seed)


def by_customer(aging):
    return {each.person.customer_id: each for each in aging.debtors if each.person.customer_id}


@pytest.mark.parametrize("seed", [0, 5])
def test_on_every_day_it_says_what_the_statements_say(database, seed):
    story = story_of(database, seed).every_kind().days(25).unsettled()
    people = list_customers(database, limit=1000)
    assert people
    last = nairobi_day(story.now)
    for back in (-1, 0, 1, 2, 7, 20, 400):
        as_at = last - timedelta(days=back)
        aging = by_customer(make_aging(database, today=last, as_at=as_at))
        for person in people:
            told = make_statement(database, person.customer_id, as_at=as_at)
            owed = sum(each.owed_cents for each in told.open_invoices)
            found = aging.get(person.customer_id)
            assert (found.aged.owed_cents if found else 0) == owed
            assert (found.balance_cents if found else 0) == told.to_pay_cents


def test_now_it_says_the_balances(database):
    story = story_of(database, 3).every_kind().days(25)
    aging = make_aging(database, today=nairobi_day(story.now))
    found = by_customer(aging)
    for person in list_customers(database, limit=1000):
        each = found.get(person.customer_id)
        assert (each.balance_cents if each else 0) == person.balance_cents
    assert aging.total.owed_cents == sum(each.aged.owed_cents for each in aging.debtors)


def test_only_who_paid_to_a_code_is_told_of(database):
    story = story_of(database, 3).every_kind().days(5)
    today = nairobi_day(story.now)
    whole, some = (make_aging(database, today=today, codes=c) for c in (None, ["174379"]))
    assert make_aging(database, today=today, codes=["000000"]).debtors == []
    assert 0 < len(some.debtors) <= len(whole.debtors)


def test_empty_books_owe_nothing(database):
    for as_at in (None, date(2026, 1, 1), date.max - timedelta(days=2)):
        found = make_aging(database, today=date(2026, 2, 3), as_at=as_at)
        assert (found.debtors, found.total.owed_cents, found.credit_cents) == ([], 0, 0)
