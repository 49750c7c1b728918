"""The times of a statement: ``DD-MM-YYYY HH:MM:SS`` from the portal, anything after a spreadsheet.

A spreadsheet may have turned day and month round in some lines and not in others. The first
letters of a line's receipt are its day, and decide; where they say nothing, the other lines of the
same spelling do, and else the portal's order. Times are Nairobi wall-clock.
Source: daraja-facts 9.5, 10.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.receipts import receipt_day

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLOCK = r"(?:(?:T|[ ,]+)(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?: ?([AP])\.?M\.?)?)?"
_DIGITS = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})" + _CLOCK, re.ASCII | re.IGNORECASE)
_WORDS = re.compile(
    r"(\d{1,2})[- ]([A-Z]{3})[A-Z]*\.?,?[- ](\d{2}|\d{4})" + _CLOCK, re.ASCII | re.IGNORECASE
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CENTURY = 2000
_FOUR, _TWO = 4, 2
_NOON = 12


class Reading(NamedTuple):
    """What a text can stand for: as such texts are usually read, and with day and month turned.

    None = no real moment that way. ``style`` is shared by texts that are spelled alike.
    """

    usual: datetime | None
    turned: datetime | None
    style: str
    has_clock: bool


def read(text: str) -> Reading | None:
    """Return what a text can stand for; None = it is no moment."""
    found = _DIGITS.fullmatch(text.strip())
    if found is None:
        return _read_words(text.strip())
    first, sign, second, third, *clock = found.groups()
    at = _clock(clock)
    if at is None:
        return None
    if len(first) == _FOUR:
        year, usual, style = int(first), (int(second), int(third)), "Y" + sign
        if len(third) > _TWO:
            return None
    else:
        if len(first) > _TWO or len(third) not in {_TWO, _FOUR}:
            return None
        year, usual, style = _year(third), (int(second), int(first)), sign
    turned = (usual[1], usual[0])
    return _reading(_moment(year, usual, at), _moment(year, turned, at), style, clock)


def _read_words(text: str) -> Reading | None:
    found = _WORDS.fullmatch(text)
    if found is None:
        return None
    day, word, year, *clock = found.groups()
    at = _clock(clock)
    if at is None or word.lower() not in _MONTHS:
        return None
    month = _MONTHS.index(word.lower()) + 1
    return _reading(_moment(_year(year), (month, int(day)), at), None, "words", clock)


def _reading(
    usual: datetime | None, turned: datetime | None, style: str, clock: Sequence[str | None]
) -> Reading | None:
    if usual is None and turned is None:
        return None
    return Reading(usual, turned, style, clock[0] is not None)


def _year(digits: str) -> int:
    return int(digits) + (_CENTURY if len(digits) == _TWO else 0)


def _clock(parts: Sequence[str | None]) -> tuple[int, int, int] | None:
    hour, minute, second, half = parts
    at = int(hour or 0)
    if half is not None:
        if not 1 <= at <= _NOON:
            return None
        at = at % _NOON + (_NOON if half in "pP" else 0)
    return at, int(minute or 0), int(second or 0)


def _moment(year: int, month_day: tuple[int, int], at: tuple[int, int, int]) -> datetime | None:
    try:
        return datetime(year, *month_day, *at)  # noqa: DTZ001 - Nairobi's wall-clock
    except ValueError:
        return None


class Order:
    """Which way round the texts of a file are: learnt from its lines, asked for each."""

    def __init__(self) -> None:
        self._votes: Counter[tuple[str, bool]] = Counter()

    def learn(self, reading: Reading, receipt: str) -> None:
        """Take in what one line shows: only one way is a moment, or only one is its receipt's."""
        usual, turned = reading.usual, reading.turned
        if usual is None or turned is None:
            self._votes[reading.style, usual is None] += 1
        elif usual != turned:
            day = receipt_day(receipt)
            if day in {usual.date(), turned.date()}:
                self._votes[reading.style, day == turned.date()] += 1

    def choose(self, reading: Reading, receipt: str = "") -> datetime:
        """Return the moment that a text most likely stands for."""
        usual, turned = reading.usual, reading.turned
        if usual is None or turned is None or usual == turned:
            moment = usual or turned
            assert moment is not None  # noqa: S101 - a reading stands for something
            return moment
        day = receipt_day(receipt)
        if day in {usual.date(), turned.date()}:
            return turned if day == turned.date() else usual
        style = reading.style
        return turned if self._votes[style, True] > self._votes[style, False] else usual
