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
    if _DATED_ID.fullmatch(folded):
        raise ValueError(f"{text!r} is kept for invoices and sales: choose another customer id")
    return canonical


def dated_id(prefix: str, day: date, number: int) -> str:
    """Return the public id of an invoice or sale: ``INV-20260203-0001``.

    ``number`` counts from 1 each Nairobi day and grows past 9999 without truncation.
    """
    return f"{prefix}-{day:%Y%m%d}-{number:04d}"
