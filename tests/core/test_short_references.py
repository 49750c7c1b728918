"""Short names of invoices and sales: as long as a payment prompt can carry, and never a guess."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.core.refs import (
    MAX_PROMPTED,
    dated_id,
    fold,
    long_form,
    parse_customer_id,
    short_form,
)

DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))


@given(st.sampled_from(["INV", "POS"]), DAYS, st.integers(1, 99_999))
def test_a_short_name_is_short_and_gives_back_the_id(prefix, day, number):
    public_id = dated_id(prefix, day, number)
    short = short_form(public_id)
    assert len(short) <= MAX_PROMPTED
    assert fold(short) == short
    assert long_form(short) == fold(public_id)


@given(st.text(alphabet="IP0123456789", max_size=14))
def test_what_is_no_short_name_stands_for_nothing(text):
    long = long_form(text)
    assert long is None or short_form(f"{long[:3]}-{long[3:11]}-{long[11:]}") == text


@pytest.mark.parametrize(
    "public_id", ["INV-20260203-123456", "INV-21000101-0001", "CUST-001", "", "INV-19991231-0001"]
)
def test_what_has_no_short_name(public_id):
    assert short_form(public_id) is None


@pytest.mark.parametrize("text", ["P0722123456", "I2613010001", "I2602300001", "I260203001", "X"])
def test_other_words_are_no_short_names(text):
    assert long_form(text) is None


def test_no_new_customer_takes_a_short_name():
    with pytest.raises(ValueError, match="invoices and sales"):
        parse_customer_id("I-260203-0001")
    assert parse_customer_id("P0722123456") == "P0722123456"
