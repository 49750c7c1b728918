"""How long no callback is too long, learned from the gaps between earlier ones.

Only hours of business count: 07 to 21 in Nairobi, on weekdays on which callbacks come. A business
that gets a few callbacks a day waits longer for the next than one that gets hundreds.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.times import NAIROBI, nairobi_day

if TYPE_CHECKING:
    from collections.abc import Sequence

OPENS, CLOSES = time(7), time(21)
LEARNED_DAYS = 14
TIMES_USUAL = 6
"""A gap of six usual ones: one in 400, when callbacks come at random."""
SHORTEST_S = 30 * 60
"""Nothing shorter is called silence."""
FEWEST = 20
"""Callbacks; from fewer nothing is learned."""

_ALL_WEEK = frozenset(range(7))


class Usual(NamedTuple):
    """What was learned. ``longest_s``: seconds of business without a callback; more is silence."""

    longest_s: int
    weekdays: frozenset[int]
    """Those on which callbacks come; Monday is 0."""


def learn(came_at: Sequence[datetime]) -> Usual | None:
    """Learn from when callbacks came: aware instants, oldest first. None = from too few.

    A weekday without any counts as a day off once more than a week is known.
    """
    if len(came_at) < FEWEST:
        return None
    weekdays = _ALL_WEEK
    if came_at[-1] - came_at[0] > timedelta(days=8):
        weekdays = frozenset(nairobi_day(each).weekday() for each in came_at)
    spent_s = business_s(came_at[0], came_at[-1], weekdays)
    usual_s = spent_s // (len(came_at) - 1)
    return Usual(max(TIMES_USUAL * usual_s, SHORTEST_S), weekdays)


def silent_s(usual: Usual, last: datetime, now: datetime) -> int | None:
    """Return how long it has been silent, in seconds of business; None = no longer than usual."""
    if not is_business(now, usual.weekdays):
        return None
    quiet_s = business_s(last, now, usual.weekdays)
    return quiet_s if quiet_s > usual.longest_s else None


def is_business(instant: datetime, weekdays: frozenset[int] = _ALL_WEEK) -> bool:
    """Tell whether an aware instant lies in hours of business."""
    there = instant.astimezone(NAIROBI)
    return there.weekday() in weekdays and OPENS <= there.time() < CLOSES


def business_s(start: datetime, end: datetime, weekdays: frozenset[int] = _ALL_WEEK) -> int:
    """Return the seconds of business between two aware instants."""
    whole = timedelta()
    day, last = nairobi_day(start), nairobi_day(end)
    while day <= last:
        if day.weekday() in weekdays:
            opens = max(datetime.combine(day, OPENS, NAIROBI), start)
            closes = min(datetime.combine(day, CLOSES, NAIROBI), end)
            whole += max(closes - opens, timedelta())
        day += timedelta(days=1)
    return whole // timedelta(seconds=1)
