"""Amounts and days as accounts write them; what can be read in two ways is refused."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.core.cells import day_of, signed_kes
from kelly_cli.core.money import kes, kes_for_people


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("5,000.00", 500000),
        ("KES 5000", 500000),
        ("Kshs. 5,000/=", 500000),
        ("5000/-", 500000),
        ("-2,000", -200000),
        ("\u22122,000", -200000),
        ("(2,000.50)", -200050),
        ("KES -20", -2000),
        ("-KES 20", -2000),
        ("200-", -20000),
        ("2,000 CR", -200000),
        ("2,000.00 dr", 200000),
        ("", 0),
        (" - ", 0),
        ("0", 0),
        ("1234.5600000000001", 123456),
        ("1234.5599999999999", 123456),
    ],
)
def test_an_amount_is_read_as_accounts_write_it(text, cents):
    assert signed_kes(text) == cents


@pytest.mark.parametrize(
    "text", ["abc", "1.234,56", "5.001", "1e3", "--5", "(200) CR", "5 000 x", "=5", "\u0665", "NaN"]
)
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match=r"is not an amount|says twice"):
        signed_kes(text)


@given(st.integers(-(10**13), 10**13))
def test_whatever_kelly_writes_is_read_back(cents):
    assert signed_kes(kes(cents)) == signed_kes(kes_for_people(cents)) == cents


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-03",
        "2026-2-3",
        "2026/02/03",
        "2026-02-03 00:00:00",
        "03/02/2026",
        "3-2-2026",
        "03.02.2026",
        "3 Feb 2026",
        "03-Feb-26",
        "3 february, 2026",
    ],
)
def test_a_day_is_read_with_the_day_before_the_month(text):
    assert day_of(text) == date(2026, 2, 3)


@pytest.mark.parametrize(
    "text", ["02/13/2026", "2026-02-30", "Feb 3 2026", "3/2/26", "46056", "", "soon", "3 Foo 2026"]
)
def test_what_is_no_day_or_could_be_two_is_refused(text):
    with pytest.raises(ValueError, match="is not a day"):
        day_of(text)
