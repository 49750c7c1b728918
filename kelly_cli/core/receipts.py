"""M-Pesa's receipt numbers: the first three letters are the day in Nairobi.

Year letter (A = 2006), month letter (A = January), day (1 to 9, then A = 10). Safaricom does not
document it: a hint and never a reason to refuse. Source: daraja-facts 9.5.
"""

from __future__ import annotations

from datetime import date

_FIRST_YEAR = 2006
_LENGTH = 10
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DAYS = "123456789ABCDEFGHIJKLMNOPQRSTUV"


def receipt_day(receipt: str) -> date | None:
    """Return the day that a canonical receipt says, None when it says none.

    >>> receipt_day("UI56X1Y2Z3")
    datetime.date(2026, 9, 5)
    """
    if len(receipt) != _LENGTH:
        return None
    year = _LETTERS.find(receipt[0])
    month = _LETTERS.find(receipt[1]) + 1
    day = _DAYS.find(receipt[2]) + 1
    if year < 0 or day < 1:
        return None
    try:
        return date(_FIRST_YEAR + year, month, day)
    except ValueError:
        return None
