"""Which pending sale does money without a reference belong to? Only when nothing else is possible.

A sale and a payment *fit* when the amounts are equal and they are minutes apart. They are a pair
when each fits nothing but the other; whatever fits more than one is a clash, shown and never
guessed. So wherever each payment's own sale is among those that it fits, no pair is wrong.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core import payers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

UNSURE = "unsure"
"""More than one of them fits."""

NO_TIME = "no_time"
"""The sale was written for another day: when it was made is not known."""

FREED = "freed"
"""A person took this money back or kept it: only a person places it."""

PAYER_DIFFERS = "payer_differs"
"""The payment names somebody else than the sale."""


class Sold(NamedTuple):
    """A sale that waits for money. ``first`` to ``last``: when it was made (Nairobi wall-clock).

    ``exact`` False = somewhere in between; ``customer`` and ``phone``: None = not known.
    """

    row: int
    amount_cents: int
    first: datetime
    last: datetime
    exact: bool = True
    customer: str | None = None
    phone: str | None = None


class Came(NamedTuple):
    """A payment without a reference that is free. ``pinned``: it waits for a person."""

    row: int
    amount_cents: int
    at: datetime
    payer: str | None = None
    msisdn: str | None = None
    pinned: bool = False


class Pair(NamedTuple):
    """A sale and the one payment that can be its own."""

    sale: Sold
    payment: Came

    @property
    def apart(self) -> timedelta:
        """How far they are apart."""
        return abs(self.payment.at - self.sale.first)


class Clash(NamedTuple):
    """Sales and payments that fit, but not one to one without a doubt, and why."""

    why: str
    sales: tuple[Sold, ...]
    payments: tuple[Came, ...]


class Matched(NamedTuple):
    """What was found, each in the order of its first sale."""

    pairs: list[Pair]
    clashes: list[Clash]


def pair_up(sales: Iterable[Sold], payments: Iterable[Came], within: timedelta) -> Matched:
    """Pair sales and payments that fit nothing but each other; all others that fit are clashes."""
    came: defaultdict[int, list[Came]] = defaultdict(list)
    for payment in sorted(payments, key=lambda each: (each.at, each.row)):
        came[payment.amount_cents].append(payment)
    sold: defaultdict[int, list[Sold]] = defaultdict(list)
    for sale in sorted(sales, key=lambda each: (each.first, each.row)):
        if sale.amount_cents in came:
            sold[sale.amount_cents].append(sale)
    found = Matched([], [])
    for amount_cents, alike in sold.items():
        for group in _groups(alike, came[amount_cents], within):
            why = _doubt(group)
            if why is None:
                found.pairs.append(Pair(group[0][0], group[1][0]))
            else:
                found.clashes.append(Clash(why, tuple(group[0]), tuple(group[1])))
    found.pairs.sort(key=lambda each: (each.sale.first, each.sale.row))
    found.clashes.sort(key=lambda each: (each.sales[0].first, each.sales[0].row))
    return found


def same_payer(sale: Sold, payment: Came) -> bool | None:
    """Tell whether a payment's payer is the sale's customer; None = nobody can tell.

    A phone of ours that fits, or one name in common, says yes; else a name or phone says no.
    """
    told = []
    payer = payers.payer_of(payment.msisdn)
    if payer is not None and sale.phone is not None:
        told.append(payers.fits(payer, sale.phone))
    ours, theirs = _names(sale.customer), _names(payment.payer)
    if ours and theirs:
        told.append(bool(ours & theirs))
    return any(told) if told else None


def _groups(
    sales: Sequence[Sold], payments: Sequence[Came], within: timedelta
) -> list[tuple[list[Sold], list[Came]]]:
    """Return what hangs together, of one amount: sales and payments linked by fitting.

    Both are in the order of time. A group reaches from its first to its last payment.
    """
    moments = [each.at for each in payments]
    spans = [
        (bisect_left(moments, each.first - within), bisect_right(moments, each.last + within), each)
        for each in sales
    ]
    groups: list[tuple[list[Sold], list[Came]]] = []
    end = -1
    for start, stop, sale in sorted(spans, key=lambda span: span[:2]):
        if start == stop:
            continue
        if start >= end:
            groups.append(([sale], list(payments[start:stop])))
        else:
            groups[-1][0].append(sale)
            groups[-1][1].extend(payments[end:stop])
        end = max(end, stop)
    return groups


def _doubt(group: tuple[list[Sold], list[Came]]) -> str | None:
    """Say why a group is no pair, None = it is one."""
    sales, payments = group
    if len(sales) > 1 or len(payments) > 1:
        return UNSURE
    sale, payment = sales[0], payments[0]
    if not sale.exact:
        return NO_TIME
    if payment.pinned:
        return FREED
    return PAYER_DIFFERS if same_payer(sale, payment) is False else None


def _names(text: str | None) -> set[str]:
    return {word for word in (text or "").casefold().split() if word.isalpha()}
