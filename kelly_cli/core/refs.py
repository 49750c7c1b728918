"""References: what a payer types, folded so that it meets what stands in the books.

Folding is exact, never clever: ASCII letters to upper case, ASCII punctuation, spaces and Unicode
dashes away. Any other character that is not ASCII means that the text matches nothing.
"""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

MAX_KEY = 20
"""The longest folded reference: a BillRefNumber holds 20 characters (daraja-facts 9.2)."""

MAX_PROMPTED = 12
"""The longest reference that a payment prompt carries (daraja-facts 5)."""

_PLAIN_KEY = re.compile(r"[A-Z0-9]*", re.ASCII)
_DASHES = (
    "\u058a\u05be\u1400\u1806\u2010\u2011\u2012\u2013\u2014\u2015\u2e17\u2e1a\u2e3a\u2e3b\u2e40"
    "\u2e5d\u301c\u3030\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d\u2212\U00010ead"
)
_FOLD = str.maketrans(
    string.ascii_lowercase, string.ascii_uppercase, string.punctuation + " \t\n\r\v\f" + _DASHES
)
_PHONE = re.compile(r"(?:254|0)?([17]\d{8})", re.ASCII)
_PHONE_TYPED = re.compile(r"\+?[\d ()./-]+", re.ASCII)
_DATED_ID = re.compile(r"(INV|POS)\d{8}\d{4,}", re.ASCII)
_SHORT_ID = re.compile(r"([IP])(\d{2})(\d{2})(\d{2})(\d{4,5})", re.ASCII)
_NAME = re.compile(r"[A-Z0-9][A-Z0-9 ._/-]*", re.ASCII)


def fold(text: str) -> str | None:
    """Return the folded form of a reference, or None when it can match nothing.

    >>> fold(" inv-20260203 0001")
    'INV202602030001'
    """
    folded = text.translate(_FOLD)
    if folded and _PLAIN_KEY.fullmatch(folded):
        return folded
    return None


def phone_of(folded: str) -> str | None:
    """Return the phone (``2547XXXXXXXX`` or ``2541XXXXXXXX``) that a folded reference spells."""
    found = _PHONE.fullmatch(folded)
    return f"254{found[1]}" if found else None


def parse_phone(text: str) -> str:
    """Read a Kenyan mobile number in any written form and return it as ``254XXXXXXXXX``.

    Letters, stars and other signs are refused before digits are looked at, so that a masked number
    (``25470****149``) never becomes a phone.

    Raises:
        ValueError: not a mobile number of Kenya.
    """
    typed = text.strip().translate(_UNDASH)
    found = _PHONE_TYPED.fullmatch(typed) and phone_of(re.sub(r"\D", "", typed))
    if not found:
        raise ValueError(
            f"{text!r} is not a Kenyan mobile number: write 0712345678 or +254712345678"
        )
    return found


_DAYS = dict(zip(range(1, 13), (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), strict=True))
_UNDASH = str.maketrans(dict.fromkeys(_DASHES, "-"))


def parse_customer_id(text: str) -> str:
    """Return the canonical form of a customer id that an operator gives (``cust-001``).

    Raises:
        ValueError: not letters, digits and simple punctuation, too long, or shaped like the
            number of an invoice or sale.
    """
    # Folded as typed: upper case makes ASCII letters of some that are not (\u0131, \u017f, \u00df).
    folded = fold(text)
    canonical = " ".join(text.translate(_UNDASH).upper().split())
    if folded is None or not _NAME.fullmatch(canonical):
        raise ValueError(f"{text!r} is not a customer id: use letters, digits and dashes")
    if len(canonical) > MAX_KEY:
        raise ValueError(f"{text!r} is longer than the {MAX_KEY} characters that M-Pesa carries")
    if _DATED_ID.fullmatch(folded) or long_form(folded):
        raise ValueError(f"{text!r} is kept for invoices and sales: choose another customer id")
    return canonical


def dated_id(prefix: str, day: date, number: int) -> str:
    """Return the public id of an invoice or sale: ``INV-20260203-0001``.

    ``number`` counts from 1 each Nairobi day and grows past 9999 without truncation.
    """
    return f"{prefix}-{day:%Y%m%d}-{number:04d}"


def short_form(public_id: str) -> str | None:
    """Return the short name of an invoice or sale, at most 12 characters; None = it has none.

    A payment prompt carries no longer one. Source: DESIGN.md, short references.

    >>> short_form("INV-20260203-0001")
    'I2602030001'
    """
    folded = fold(public_id) or ""
    short = folded[0] + folded[5:] if _DATED_ID.fullmatch(folded) else ""
    return short if len(short) <= MAX_PROMPTED and long_form(short) == folded else None


def long_form(folded: str) -> str | None:
    """Return the folded id that a folded short name stands for, or None.

    >>> long_form("P2602030001")
    'POS202602030001'
    """
    found = _SHORT_ID.fullmatch(folded)
    if found is None:
        return None
    kind, year, month, day, number = found.groups()
    # Without a real day it is some other word, such as a P before a phone.
    if int(month) not in _DAYS or not 1 <= int(day) <= _DAYS[int(month)]:
        return None
    return f"{'INV' if kind == 'I' else 'POS'}20{year}{month}{day}{number}"
