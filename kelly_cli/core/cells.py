"""What people write in the cells of a table: amounts that may be owed or credit, and days.

Nothing is guessed and nothing is rounded: what can be read in two ways is refused. Kenya writes the
day before the month.
"""

from __future__ import annotations

import re
from datetime import date

from kelly_cli.core.money import parse_kes

_CURRENCY = re.compile(r"^(?:kes|kshs?\.?|sh\.?)\s*|\s*(?:kes|kshs?)$", re.IGNORECASE)
_SHILLINGS = re.compile(r"/[=-]$")
_SIDE = re.compile(r"\s*\b(cr|dr)\.?$", re.IGNORECASE)
_NOISE = re.compile(r"(\d+)\.(\d\d)(0{5,}\d{1,3}|9{5,}\d{1,3})", re.ASCII)
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T]00:00(?::00)?)?", re.ASCII)
_DAY_FIRST = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})", re.ASCII)
_NAMED = re.compile(r"(\d{1,2})[-/. ]?([a-z]{3,9})[-/., ]*(\d{4}|\d{2})", re.IGNORECASE | re.ASCII)
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905 - one line
_FULL = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


def signed_kes(text: str) -> int:
    """Read an amount as accounts write it, in cents; credit is below zero.

    ``5,000.00``, ``KES 5000``, ``5,000/=``, ``-2,000``, ``(2,000)``, ``2,000 CR``; blank and ``-``
    are zero.

    Raises:
        ValueError: it is no amount, or has parts of a cent.
    """
    typed = " ".join(text.split()).replace("\u2212", "-")
    if typed in {"", "-", "--"}:
        return 0
    side = _SIDE.search(typed)
    bare = _SHILLINGS.sub("", _SIDE.sub("", typed))
    negative = bool(side and side[1].lower() == "cr")
    for opening, closing in (("(", ")"), ("-", ""), ("", "-")):
        inner = bare[len(opening) : len(bare) - len(closing) or None]
        if bare.startswith(opening) and bare.endswith(closing) and len(inner) < len(bare):
            if negative:
                raise ValueError(f"{text!r} says twice that it is credit")
            negative, bare = True, inner
            break
    bare = _CURRENCY.sub("", _CURRENCY.sub("", bare.strip())).strip()
    if bare.startswith("-") and not negative:
        negative, bare = True, bare[1:]
    try:
        cents = parse_kes(_without_noise(bare))
    except ValueError:
        raise ValueError(
            f"{text!r} is not an amount in KES: write 5000, 5,000.50 or -200"
        ) from None
    return -cents if negative else cents


def _without_noise(text: str) -> str:
    """Take off what a spreadsheet's binary numbers leave behind the fifteenth digit."""
    found = _NOISE.fullmatch(text)
    if found is None:
        return text
    cents = int(found[1] + found[2]) + (found[3][0] == "9")
    return f"{cents // 100}.{cents % 100:02d}"


def day_of(text: str) -> date:
    """Read a day: ``2026-02-03``, ``03/02/2026``, ``3 Feb 2026``.

    Raises:
        ValueError: it is none, or its month stands before its day.
    """
    typed = " ".join(text.split())
    parts: tuple[int, int, int] | None = None
    if found := _ISO.fullmatch(typed):
        parts = (int(found[1]), int(found[2]), int(found[3]))
    elif found := _DAY_FIRST.fullmatch(typed):
        parts = (int(found[3]), int(found[2]), int(found[1]))
    elif (found := _NAMED.fullmatch(typed)) and (month := _month(found[2])):
        year = int(found[3])
        parts = (year + 2000 if len(found[3]) == len("26") else year, month, int(found[1]))
    try:
        if parts is not None:
            return date(*parts)
    except ValueError:
        pass
    raise ValueError(f"{text!r} is not a day: write 2026-02-03 or 03/02/2026, the day first")


def _month(text: str) -> int | None:
    name = text.lower()
    if name in _FULL:
        return _FULL.index(name) + 1
    short = "sep" if name == "sept" else name
    return _MONTHS.index(short) + 1 if short in _MONTHS else None
