"""Time: days begin at midnight in Nairobi, and M-Pesa's own times have no zone."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.core.times import (
    EARLIEST_MPESA,
    iso_nairobi,
    nairobi_day,
    nairobi_wall_clock,
    parse_trans_time,
    utc_range,
)

MOMENTS = st.datetimes(EARLIEST_MPESA, datetime(2100, 1, 1))
INSTANTS = MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("instant", "day", "wall_clock"),
    [
        ("2026-02-03T12:00:00+00:00", "2026-02-03", "2026-02-03T15:00:00"),
        ("2026-02-03T20:59:59+00:00", "2026-02-03", "2026-02-03T23:59:59"),
        ("2026-02-03T21:00:00+00:00", "2026-02-04", "2026-02-04T00:00:00"),
        ("2025-12-31T21:00:00+00:00", "2026-01-01", "2026-01-01T00:00:00"),
        ("2026-02-03T01:00:00+09:00", "2026-02-02", "2026-02-02T19:00:00"),
    ],
)
def test_a_business_day_is_a_nairobi_day_trap_23(instant, day, wall_clock):
    moment = datetime.fromisoformat(instant)
    assert nairobi_day(moment) == date.fromisoformat(day)
    assert nairobi_wall_clock(moment) == datetime.fromisoformat(wall_clock)


@given(INSTANTS)
def test_an_instant_lies_in_the_range_of_its_own_day_alone(instant):
    day = nairobi_day(instant)
    start, end = utc_range(day, day)
    assert start <= instant < end
    assert end - start == timedelta(days=1)
    assert utc_range(day + timedelta(days=1), day + timedelta(days=1))[0] == end


def test_a_range_of_days_is_in_utc_and_ends_before_the_next():
    start, end = utc_range(date(2026, 2, 1), date(2026, 2, 28))
    assert (start.isoformat(), end.isoformat()) == (
        "2026-01-31T21:00:00+00:00",
        "2026-02-28T21:00:00+00:00",
    )


@given(MOMENTS)
def test_every_real_moment_reads_back(moment):
    whole = moment.replace(microsecond=0)
    assert parse_trans_time(f"{whole:%Y%m%d%H%M%S}") == whole


@given(st.text(alphabet="0123456789", min_size=14, max_size=14))
def test_fourteen_digits_agree_with_strptime(digits):
    try:
        expected = datetime.strptime(digits, "%Y%m%d%H%M%S")
    except ValueError:
        expected = None
    # A leap second is no moment of the books' clock: strptime takes 61 for 1.
    if digits[12:] in {"60", "61"}:
        expected = None
    try:
        found = parse_trans_time(digits)
    except ValueError:
        found = None
    assert found == expected


@pytest.mark.parametrize(
    ("digits", "wrong"),
    [
        ("", "14 digits"),
        ("2026020314302", "14 digits"),
        ("202602031430222", "14 digits"),
        ("2026-02-03T14:", "14 digits"),
        ("+2026020314302", "14 digits"),
        (" 2026020314302", "14 digits"),
        ("\uff12\uff10\uff12\uff160203143022", "14 digits"),
        ("\u00b2026020314302\u00b2", "14 digits"),
        ("20260229143022", "no real moment"),
        ("20261303143022", "no real moment"),
        ("20260200143022", "no real moment"),
        ("20260203240000", "no real moment"),
        ("20260203146022", "no real moment"),
        ("20260203143060", "no real moment"),
        ("00000203143022", "no real moment"),
    ],
)
def test_what_is_no_moment_is_refused(digits, wrong):
    with pytest.raises(ValueError, match=wrong):
        parse_trans_time(digits)


def test_the_last_second_before_midnight_is_a_moment():
    assert parse_trans_time("20240229235959") == datetime(2024, 2, 29, 23, 59, 59)


@given(INSTANTS)
def test_a_written_wall_clock_names_the_same_instant(instant):
    written = iso_nairobi(nairobi_wall_clock(instant))
    assert written.endswith("+03:00")
    assert datetime.fromisoformat(written) == instant
