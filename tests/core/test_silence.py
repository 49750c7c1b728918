"""Silence: only hours of business count, and what is long is learned."""

from datetime import UTC, datetime, timedelta

from kelly_cli.core.silence import Usual, business_s, is_business, learn, silent_s

HOUR = 3600
MONDAY = datetime(2026, 2, 2, 4, tzinfo=UTC)
"""07:00 in Nairobi."""


def at(days, hours=0.0):
    return MONDAY + timedelta(days=days, hours=hours)


def every(minutes, days, *, off=()):
    """Callbacks at a steady pace, from 07 to 21, on days that are not off."""
    return [
        at(day) + timedelta(minutes=minute)
        for day in range(days)
        if at(day).weekday() not in off
        for minute in range(0, 14 * 60, minutes)
    ]


def test_nights_do_not_count():
    assert business_s(at(0), at(1)) == 14 * HOUR
    assert business_s(at(0, 13), at(1, 1)) == 2 * HOUR
    assert business_s(at(0, 15), at(0, 20)) == 0
    assert business_s(at(0, -3), at(0, 1)) == HOUR
    assert business_s(at(1), at(0)) == 0
    assert is_business(at(0))
    assert not is_business(at(0, 14))
    assert not is_business(at(0, -0.1))


def test_what_is_usual_decides_what_is_long():
    assert learn(every(60, 14)).longest_s in range(6 * HOUR, int(6.7 * HOUR))
    assert learn(every(1, 2)).longest_s == HOUR // 2


def test_from_too_few_nothing_is_learned():
    assert learn(every(60, 14)[:19]) is None
    assert learn([]) is None


def test_a_weekday_without_callbacks_is_a_day_off_once_more_than_a_week_is_known():
    assert learn(every(30, 14, off={6})).weekdays == frozenset(range(6))
    assert learn(every(30, 5)).weekdays == frozenset(range(7))


def test_silence_is_told_in_hours_of_business_only():
    usual = learn(every(5, 14, off={6}))
    assert usual.longest_s == HOUR // 2
    last = at(14, 5)
    assert silent_s(usual, last, at(14, 5.5)) is None
    assert silent_s(usual, last, at(14, 5.6)) == round(0.6 * HOUR)
    evening = at(14, 13.9)
    assert silent_s(usual, evening, at(14, 20)) is None
    assert silent_s(usual, evening, at(15, 0.2)) is None
    assert silent_s(usual, evening, at(15, 0.5)) == round(0.6 * HOUR)


def test_a_day_off_is_never_silent():
    usual = Usual(HOUR // 2, frozenset(range(6)))
    saturday, sunday, monday = at(5, 13.9), at(6, 5), at(7, 0.2)
    assert silent_s(usual, saturday, sunday) is None
    assert silent_s(usual, saturday, monday) is None
    assert silent_s(usual, saturday, at(7, 1)) is not None
