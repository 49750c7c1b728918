"""How a reference can be read: as it stands with a slip, without its prefix, with a short date.

Gives folded keys and phones to look up by index, so that what is meant is found without walking
through the books. Only ever for suggestions.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core import slips
from kelly_cli.core.refs import phone_of
from kelly_cli.core.slips import SAME, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a short way to write a reference costs, from SAME.
PUT_RIGHT = 2
NO_PREFIX = 3
NO_ZEROS = 4
SHORT_YEAR = 5
DAY_FIRST = 9
NO_YEAR = 12
ONLY_NUMBER = 25
ONLY_THREE = 15
EACH_WEEK = 1
"""What each week between the day of issue and the payment costs where no date is given."""
SALE_UNSAID = 3
"""Without a prefix an invoice is likelier than a sale."""

LOOK_BACK_DAYS = 120
"""How far back a running number without a date is looked for."""

_INVOICE = ("INVOICE", "INVOIC", "INV", "IN", "NV", "IV", "I")
_SALE = ("POS", "SALE", "RECEIPT", "P")
_CUSTOMER = ("CUSTOMER", "CUST", "CUS", "CST", "C")
_ANY = ("ACCOUNT", "ACC", "AC", "NUMBER", "NO", "BILL", "REF")
_LETTERS = str.maketrans("015", "OIS")
_LONGEST_NUMBER = 5
_ZEROS = "too few or too many zeros"
_ALMOST = "the reference is almost this customer's phone"
_ANOTHER_WAY = "the same, written another way"


class Readings(NamedTuple):
    """What to look up: key → its best reading, and phone → its best reading."""

    keys: dict[str, Reading]
    phones: dict[str, Reading]


class _Tail(NamedTuple):
    """The digits behind the prefix: what was put right, and what a kind costs (None = not it)."""

    digits: str
    told: str
    invoice: int | None
    sale: int | None
    customer: int | None


def read(typed: str | None, paid_on: date) -> Readings:
    """Return all that a typed reference can have meant, the best reading of each."""
    found = Readings({}, {})
    folded = slips.loosely_folded(typed or "")
    if not folded or len(folded) > slips.LONGEST:
        return found
    _keep(found.keys, Reading(folded, slips.EXACT, "the reference is its name"))
    for reading in (*slips.lookalikes(folded), *slips.one_slip(folded)):
        _keep(found.keys, reading)
    for tail in _tails(folded):
        for reading in _shortened(tail, paid_on):
            if reading.key != folded:
                _keep(found.keys, reading)
    _read_phones(found.phones, folded)
    return found


def _keep(found: dict[str, Reading], reading: Reading) -> None:
    known = found.get(reading.key)
    if known is None or known.points < reading.points:
        found[reading.key] = reading


def _tails(folded: str) -> Iterator[_Tail]:
    """Give the ways to split a reference into a prefix and digits, look-alikes put right."""
    spelled = folded.translate(_LETTERS)
    ways: tuple[tuple[tuple[str, ...], tuple[int | None, int | None, int | None]], ...] = (
        (_INVOICE, (0, None, None)),
        (_SALE, (None, 0, None)),
        (_CUSTOMER, (None, None, 0)),
        (_ANY, (0, SALE_UNSAID, 0)),
        (("",), (NO_PREFIX, NO_PREFIX + SALE_UNSAID, NO_PREFIX)),
    )
    for prefixes, costs in ways:
        for prefix in prefixes:
            digits = folded[len(prefix) :].translate(slips.TO_DIGITS)
            # One letter by itself is no look-alike of a digit: 130 is a number.
            said = spelled if len(prefix) > 1 else folded
            if said.startswith(prefix) and digits.isdigit():
                wrong = _put_right(folded, prefix + digits)
                told = f"look-alike signs: {', '.join(dict.fromkeys(wrong))}" if wrong else ""
                cost = PUT_RIGHT if wrong else 0
                yield _Tail(digits, told, *(c if c is None else c + cost for c in costs))
                break


def _put_right(folded: str, meant: str) -> list[str]:
    return [f"{a} for {b}" for a, b in zip(folded, meant, strict=True) if a != b]


def _shortened(tail: _Tail, paid_on: date) -> Iterator[Reading]:
    for kind, cost in (("INV", tail.invoice), ("POS", tail.sale)):
        if cost is None:
            continue
        said = _told(f"{kind} left out" * (cost >= NO_PREFIX), tail.told)
        # Longer ones are met as whole references too; without a prefix a slip is met only here.
        for day, number, short, told in _dates(tail.digits, paid_on):
            key = f"{kind}{day:%Y%m%d}{number:04d}"
            yield Reading(key, SAME - cost - short, _told(said, told) or _ANOTHER_WAY)
        if cost >= NO_PREFIX:
            yield from _slipped_whole(kind, tail.digits, cost, said)
    if tail.customer is not None and len(tail.digits) <= _LONGEST_NUMBER:
        bare = tail.customer >= NO_PREFIX
        said = _told("CUST left out" * bare, tail.told)
        number = int(tail.digits)
        zeros = NO_ZEROS if len(tail.digits) != len(f"{number:03d}") else 0
        # Three digits are how customers are numbered, four how invoices are.
        only = ONLY_NUMBER if len(tail.digits) != len("001") else ONLY_THREE
        cost = tail.customer + zeros + (only - NO_PREFIX if bare else 0)
        told = _told(said, _ZEROS * bool(zeros)) or _ANOTHER_WAY
        yield Reading(f"CUST{number:03d}", SAME - cost, told)


def _slipped_whole(kind: str, digits: str, cost: int, said: str) -> Iterator[Reading]:
    """Give whole dates and numbers in which one digit is wrong."""
    if not len("20260203000") <= len(digits) <= len("2026020300011"):
        return
    for slip in slips.one_slip(digits, "0123456789"):
        if slip.key[:2] == "20":
            told = f"{said}; {slip.told}"
            yield Reading(kind + slip.key, slip.points - cost, told, slip.wrong, slip.meant)


def _told(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _dates(digits: str, paid_on: date) -> Iterator[tuple[date, int, int, str]]:
    """Give (day, number, cost, what is short) for each way in which digits hold a day."""
    for pattern, cost, told in (
        (r"(?P<y>20\d\d)(?P<m>\d\d)(?P<d>\d\d)(?P<n>\d{1,5})", 0, ""),
        (r"(?P<y>\d\d)(?P<m>\d\d)(?P<d>\d\d)(?P<n>\d{1,5})", SHORT_YEAR, "the year is shortened"),
        (r"(?P<d>\d\d)(?P<m>\d\d)(?P<y>20\d\d)(?P<n>\d{1,5})", DAY_FIRST, "the day comes first"),
        (r"(?P<m>\d\d)(?P<d>\d\d)(?P<n>\d{1,5})", NO_YEAR, "the year is left out"),
    ):
        found = re.fullmatch(pattern, digits, re.ASCII)
        if found is None:
            continue
        number = found["n"]
        zeros = NO_ZEROS if len(number) != len(f"{int(number):04d}") else 0
        parts = found.groupdict()
        day = _day(parts.get("y"), int(parts["m"]), int(parts["d"]), paid_on)
        if day is not None and int(number):
            yield day, int(number), cost + zeros, _told(told, _ZEROS * bool(zeros))
    if len(digits) <= _LONGEST_NUMBER and int(digits):
        for back in range(-1, LOOK_BACK_DAYS):
            cost = ONLY_NUMBER + EACH_WEEK * (abs(back) // 7)
            yield paid_on - timedelta(days=back), int(digits), cost, "only the number is given"


def _day(year: str | None, month: int, day: int, paid_on: date) -> date | None:
    """Return the day; without a year the last such day before the payment or just after it."""
    try:
        if year is not None:
            return date(int(year) + (2000 if len(year) < len("2026") else 0), month, day)
        found = date(paid_on.year, month, day)
        return (
            found if found <= paid_on + timedelta(days=31) else found.replace(year=found.year - 1)
        )
    except ValueError:
        return None


def _read_phones(phones: dict[str, Reading], folded: str) -> None:
    digits = folded.translate(slips.TO_DIGITS)
    if not (digits.isdigit() and len("71234567") <= len(digits) <= len("2547123456789")):
        return
    whole = phone_of(digits)
    if whole:
        _keep(phones, Reading(whole, SAME, "the reference is this customer's phone"))
    for slip in slips.one_slip(digits, "0123456789"):
        phone = phone_of(slip.key)
        if phone and phone != whole:
            told = f"{_ALMOST}: {slip.told}"
            _keep(phones, Reading(phone, slip.points, told, slip.wrong, slip.meant))
