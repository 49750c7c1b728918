"""Is a receipt that somebody shows at the counter good for an amount? One word, and why.

What a person types is never turned into another receipt: look-alikes are named, and the person
types again. The letters of the date are a hint (``receipts.py``): without them nothing is refused
that the books hold.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.money import kes_for_people
from kelly_cli.core.receipts import receipt_day
from kelly_cli.core.refs import fold
from kelly_cli.core.slips import SWAPPED, lookalikes, one_slip

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

OLDEST = timedelta(days=366)
"""A receipt that nobody has seen and whose letters say an older day is no payment of now."""

LONGEST = 32
"""No receipt is longer (contract section 7)."""

MOST_NAMED = 3
"""Look-alikes that are named."""


class Word(StrEnum):
    """The verdicts (contract section 4)."""

    OK = "OK"
    USED = "USED"
    WRONG_AMOUNT = "WRONG_AMOUNT"
    NOT_SEEN = "NOT_SEEN"
    LOOKS_WRONG = "LOOKS_WRONG"


class Holding(NamedTuple):
    """What a payment holds on an invoice. ``pos_id`` None = of no sale; ``at``: Nairobi time."""

    invoice_id: str
    pos_id: str | None
    amount_cents: int
    at: datetime


class Spent(NamedTuple):
    """A claim that stands. ``pos_id`` None = for no sale here; ``at``: Nairobi time."""

    pos_id: str | None
    note: str | None
    actor: str
    at: datetime


class Seen(NamedTuple):
    """A payment as the counter needs it. Times are Nairobi wall-clock."""

    row: int
    receipt: str
    amount_cents: int
    allocated_cents: int
    paid_at: datetime
    short_code: str | None
    payer: str | None
    phone: str | None
    customer_id: str | None
    reversed_at: datetime | None
    holdings: tuple[Holding, ...] = ()
    claim: Spent | None = None


class Verdict(NamedTuple):
    """One word and why.

    ``seen`` None = the books hold no such receipt; ``alike``: those that they hold and that may be
    meant.
    """

    word: Word
    detail: str
    receipt: str
    seen: Seen | None = None
    alike: tuple[str, ...] = ()


def typed_receipt(text: str) -> str | None:
    """Return a receipt as typed by a person: no blanks or dashes, upper case. None = no receipt.

    >>> typed_receipt(" qgk1 2xyz-91 ")
    'QGK12XYZ91'
    """
    receipt = fold(text)
    return receipt if receipt and len(receipt) <= LONGEST else None


def alike_to(receipt: str) -> list[str]:
    """Return the receipts that look like this one (O and 0, I and 1, ...), likeliest first.

    Two neighbours may be swapped. One other sign is no slip here: it is another payer's receipt.
    """
    slips = [each for each in one_slip(receipt) if each.points >= SWAPPED]
    found = sorted([*slips, *lookalikes(receipt)], key=lambda reading: -reading.points)
    return list(dict.fromkeys(reading.key for reading in found))


def judge(
    receipt: str, amount_cents: int, seen: Seen | None, alike: Sequence[str], today: date
) -> Verdict:
    """Give the verdict on a typed receipt. ``alike``: look-alikes that the books hold."""
    if seen is None:
        return _unseen(receipt, tuple(alike[:MOST_NAMED]), today)
    spent = _spent(seen)
    if spent:
        return Verdict(Word.USED, spent, receipt, seen)
    if seen.amount_cents != amount_cents:
        came, asked = kes_for_people(seen.amount_cents), kes_for_people(amount_cents)
        return Verdict(Word.WRONG_AMOUNT, f"KES {came} came, not {asked}", receipt, seen)
    who = f" by {seen.payer}" if seen.payer else ""
    detail = f"KES {kes_for_people(seen.amount_cents)} came{who}, paid {_moment(seen.paid_at)}"
    return Verdict(Word.OK, detail, receipt, seen)


def _spent(seen: Seen) -> str:
    """Say where a payment's money is, "" = it is free and nobody's."""
    if seen.reversed_at is not None:
        return f"reversed, {_moment(seen.reversed_at)}"
    told = [
        f"KES {kes_for_people(each.amount_cents)} is on {each.pos_id or each.invoice_id}, "
        f"{_moment(each.at)}"
        for each in seen.holdings
    ]
    if seen.allocated_cents and not told:
        told.append(f"KES {kes_for_people(seen.allocated_cents)} is allocated")
    free_cents = seen.amount_cents - seen.allocated_cents
    if seen.customer_id is not None and free_cents:
        told.append(f"KES {kes_for_people(free_cents)} is credit of {seen.customer_id}")
    if seen.claim is not None:
        told.append(f"claimed {claimed(seen.claim)}")
    return "; ".join(told)


def claimed(claim: Spent) -> str:
    """Say for what a payment was claimed, by whom and when."""
    return f"for {claim.pos_id or repr(claim.note)} by {claim.actor}, {_moment(claim.at)}"


def _unseen(receipt: str, alike: tuple[str, ...], today: date) -> Verdict:
    hint = f"; did you mean {' or '.join(alike)}?" if alike else ""
    day = receipt_day(receipt)
    if day is None:
        detail = "no such payment came, and its first letters are no date of M-Pesa's"
    elif day > today + timedelta(days=1):
        detail = f"no such payment came, and its letters say {day:%d %b %Y}, a day to come"
    elif day < today - OLDEST:
        detail = f"no such payment came, and its letters say {day:%d %b %Y}, long ago"
    else:
        when = "today" if day == today else f"{day:%d %b %Y}"
        detail = f"no such payment came (its letters say {when})"
        return Verdict(Word.NOT_SEEN, detail + hint, receipt, None, alike)
    return Verdict(Word.LOOKS_WRONG, detail + hint, receipt, None, alike)


def _moment(at: datetime) -> str:
    return f"{at:%d %b %Y %H:%M}"
