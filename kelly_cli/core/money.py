"""Money: integer cents of KES inside, text at the edges.

Parsed once here, shown once here. A binary floating-point number never touches it, and nothing is
ever rounded: what does not fit whole cents is refused.
"""

from __future__ import annotations

import re

MAX_CENTS = 10**14
"""No amount in the books is larger (KES 1,000,000,000,000)."""

_PLAIN = re.compile(r"(\d{1,15})(?:\.(\d{1,2}))?", re.ASCII)
_GROUPED = re.compile(r"([1-9]\d{0,2}(?:,\d{3}){1,4})(?:\.(\d{1,2}))?", re.ASCII)
_LITERAL = re.compile(r"(\d{1,12})(?:\.(\d+))?", re.ASCII)


def parse_kes(text: str) -> int:
    """Read an amount as people type it: ``5000``, ``5000.50`` or ``5,000``, in cents.

    Zero is allowed; the caller refuses it where it means nothing.

    Raises:
        ValueError: signs, exponents, more than two decimals, anything that is not an amount, or
            more than 12 integer digits.
    """
    found = _PLAIN.fullmatch(text.strip()) or _GROUPED.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not an amount in KES: write 5000, 5000.50 or 5,000")
    cents = _cents(found[1].replace(",", ""), found[2] or "")
    if cents >= MAX_CENTS:
        raise ValueError(f"{text!r} is more than kelly books at once")
    return cents


def parse_literal(text: str) -> int:
    """Read the literal text of a TransAmount, in cents (contract section 7).

    Raises:
        ValueError: not ASCII ``digits`` or ``digits.digits`` with up to 12 integer digits, not
            whole cents, or zero. The message says what is wrong and does not repeat ``text``.
    """
    found = _LITERAL.fullmatch(text)
    if found is None:
        raise ValueError("is not written as digits or digits.digits (up to 12 integer digits)")
    fraction = (found[2] or "").rstrip("0")
    if fraction[2:]:
        raise ValueError("is not whole cents")
    cents = _cents(found[1], fraction)
    if cents == 0:
        raise ValueError("is zero")
    return cents


def _cents(whole: str, fraction: str) -> int:
    return int(whole) * 100 + int(fraction.ljust(2, "0"))


def kes(cents: int) -> str:
    """Write cents for machines: ``"5000.00"``, ``"-2000.00"``."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def kes_for_people(cents: int) -> str:
    """Write cents for people: ``"5,000.00"``, ``"-2,000.00"``."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02d}"
