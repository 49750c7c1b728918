"""Buckets: on the edge of each, and none is lost."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.core.aging import BUCKETS, Aged, aged

DUE = date(2026, 1, 31)


@pytest.mark.parametrize(
    ("days", "bucket"),
    [(-400, 0), (-1, 0), (0, 0), (1, 1), (30, 1), (31, 2), (60, 2), (61, 3), (90, 3), (91, 4)],
)
def test_a_debt_stands_in_the_bucket_of_its_days(days, bucket):
    found = aged(DUE, 500, DUE + timedelta(days=days))
    assert found._asdict() == {
        key: 500 if place == bucket else 0 for place, key in enumerate(BUCKETS)
    }
    assert found.owed_cents == 500
    assert found.overdue_cents == (0 if bucket == 0 else 500)


@given(st.lists(st.tuples(st.integers(-500, 500), st.integers(1, 10**14))))
def test_no_cent_is_lost(debts):
    total = Aged()
    for days, cents in debts:
        total = total.plus(aged(DUE, cents, DUE + timedelta(days=days)))
    assert total.owed_cents == sum(cents for _, cents in debts)
