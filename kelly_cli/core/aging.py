"""How old a debt is: the five buckets of an aging report. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import date

BUCKETS = ("current", "days_1_30", "days_31_60", "days_61_90", "over_90")
"""By days after the day it was due (its day of issue, when no day was given)."""

_ENDS = (0, 30, 60, 90)


class Aged(NamedTuple):
    """What is owed, in cents, by age."""

    current: int = 0
    days_1_30: int = 0
    days_31_60: int = 0
    days_61_90: int = 0
    over_90: int = 0

    @property
    def owed_cents(self) -> int:
        """All of it."""
        return sum(self)

    @property
    def overdue_cents(self) -> int:
        """What should have been paid before."""
        return self.owed_cents - self.current

    def plus(self, other: Aged) -> Aged:
        """Return the sum of two."""
        return Aged(*(one + more for one, more in zip(self, other, strict=True)))


def aged(due_on: date, cents: int, on: date) -> Aged:
    """Put what was due on a day into its bucket, as it stands ``on`` another."""
    days = (on - due_on).days
    place = sum(days > end for end in _ENDS)
    return Aged()._replace(**{BUCKETS[place]: cents})
