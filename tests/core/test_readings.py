from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from kelly_cli.core import slips
from kelly_cli.core.readings import read
from kelly_cli.core.slips import Reading, loosely_folded, one_slip

DAY = date(2026, 2, 5)
INVOICE, SALE = "INV202602030001", "POS202602030001"
folded = st.text("ABCINV0123456789", min_size=1, max_size=8)


def points(typed, key=INVOICE):
    found = read(typed, DAY).keys.get(key)
    return found.points if found else None


def why(typed, key=INVOICE):
    return read(typed, DAY).keys[key].reason


@given(folded, st.data())
def test_one_slip_gives_all_that_is_one_step_away(typed, data):
    near = {reading.key for reading in one_slip(typed)}
    other = data.draw(folded)
    assert (other in near) == (OSA.distance(typed, other) == 1)


@given(folded)
def test_every_slip_is_one_step_away(typed):
    for reading in one_slip(typed):
        assert OSA.distance(typed, reading.key) <= 1 or reading.key == typed


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("INV-20260203-O001", "look-alike signs: O for 0"),
        ("INV-2026O2O3-OOO1", "look-alike signs: O for 0"),
        ("1NV-20260203-0001", "look-alike signs: 1 for I"),
        ("INV-20260203-000I", "look-alike signs: I for 1"),
        ("INV-20260203-0010", "two neighbours swapped: 10 for 01"),
        ("INV-20260203-00001", "too few or too many zeros"),
        ("INV-220260203-0001", "one sign is typed twice: 2"),
        ("INV-2026203-0001", "one sign is missing: 0"),
        ("INV-20260203-0004", "neighbours on the keys: 4 for 1"),
        ("INV-20260203-0007", "one other sign: 7 for 1"),
        ("INV-20260203-00071", "one sign too many: 7"),
        ("20260203-0001", "INV left out"),
        ("2026O203-0001", "INV left out; look-alike signs: O for 0"),
        ("20260203-0004", "INV left out; neighbours on the keys: 4 for 1"),
        ("INV-260203-0001", "the year is shortened"),
        ("INV-0203-0001", "the year is left out"),
        ("INV-03022026-0001", "the day comes first"),
        ("INV-20260203-1", "too few or too many zeros"),
        ("INV1", "only the number is given"),
        ("1", "INV left out; only the number is given"),
        ("invoice 20260203 0001", "the same, written another way"),
        ("acc 20260203 0001", "the same, written another way"),
        ("INV-20260203-0001\u00e9", "one sign too many: E"),
    ],
)
def test_each_usual_slip_is_read_and_told_in_plain_words(typed, told):
    assert why(typed) == told


def test_the_better_slip_has_more_points():
    order = [
        "INV-20260203-0001",
        "INV-20260203-O001",
        "20260203-0001",
        "INV-260203-0001",
        "INV-20260203-0010",
        "INV-220260203-0001",
        "INV-0203-0001",
        "INV-20260203-0004",
        "INV-20260203-00071",
        "INV-20260203-0007",
        "INV1",
        "1",
    ]
    found = [points(typed) for typed in order]
    assert found == sorted(found, reverse=True)
    assert found[0] == slips.EXACT


def test_a_sale_is_read_too_and_less_likely_without_its_prefix():
    assert points("P0S-20260203-0001", SALE) == slips.LOOKALIKE
    assert points("POS-260203-0001", SALE) == points("INV-260203-0001")
    assert points("20260203-0001", SALE) < points("20260203-0001")
    assert points("20260203-0004", SALE) < points("20260203-0004")
    assert points("INV-260203-0001", SALE) is None


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("CUST-1", "CUST001"),
        ("CU5T-001", "CUST001"),
        ("001", "CUST001"),
        ("1", "CUST001"),
        ("customer 12", "CUST012"),
        ("CUST-O12", "CUST012"),
        ("ACMEI", "ACME1"),
    ],
)
def test_a_customer_is_read_too(typed, key):
    assert points(typed, key)


def test_a_number_of_three_digits_is_likelier_a_customer():
    assert points("037", "CUST037") > points("037", "INV202602050037")
    assert points("0037", "CUST037") < points("0037", "INV202602050037")


def test_a_number_without_a_date_is_likelier_of_late():
    assert points("1", "INV202602050001") > points("1", "INV202601050001")
    assert points("1", "INV202501050001") is None


def test_a_day_without_a_year_is_the_last_one_or_soon():
    assert why("INV-1224-0001", "INV202512240001") == "the year is left out"
    assert points("INV-1224-0001", "INV202612240001") is None
    assert points("INV-0301-0001", "INV202603010001")


@pytest.mark.parametrize("typed", ["INV-20260231-0001", "INV-0229-0001", "INV-0000", "0"])
def test_no_day_and_no_number_give_no_short_reading(typed):
    assert all(reading.points <= slips.EXACT for reading in read(typed, DAY).keys.values())


def test_a_phone_with_a_slip_is_read():
    found = read("0712345687", DAY).phones
    assert found["254712345678"] == Reading(
        "254712345678",
        slips.SWAPPED,
        "the reference is almost this customer's phone: two neighbours swapped: {wrong} for "
        "{meant}",
        "87",
        "78",
    )
    assert found["254712345687"].points == slips.SAME
    assert read("O712345678", DAY).phones["254712345678"].points == slips.SAME


@pytest.mark.parametrize("typed", [None, "", "  ", "\u2026", "x" * 25])
def test_what_is_no_reference_has_no_readings(typed):
    assert read(typed, DAY) == ({}, {})


def test_many_unsure_signs_are_not_tried_one_by_one():
    assert list(slips.lookalikes("O0I1S5B80")) == []
    assert len(list(slips.lookalikes("O0"))) == 3


def test_loose_folding_leaves_out_what_matches_nothing():
    assert loosely_folded("INV\u2013202602030001\u00e9") == "INV202602030001E"
    assert loosely_folded("inv-1") == "INV1"


@given(st.text(max_size=30), st.dates(date(2007, 1, 1), date(2100, 1, 1)))
def test_anything_can_be_read_and_nothing_is_read_better_than_what_it_is(typed, day):
    found = read(typed, day)
    assert len(found.keys) < 5000
    for key, reading in found.keys.items():
        assert reading.key == key
        assert 0 < reading.points <= slips.EXACT
        assert reading.reason
