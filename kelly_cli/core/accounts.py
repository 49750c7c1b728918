"""A customer's account: dated changes of what is owed, summed in order into running balances.

An entry above zero is owed more, one below zero is owed less; a balance below zero is credit.
Every entry has the Nairobi day from which it counts, so what was owed on any day is the sum of the
entries up to it. Pure: knows no books and no clock.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

KINDS = ("invoice", "payment", "moved", "writeoff", "credit_note", "void", "reversal", "revival")
"""In the order in which they stand within one day."""

_BY_THE_RULES = frozenset({"reference", "fifo"})
"""Reasons of allocations that are made as money comes: they count from the day it was paid."""


class Entry(NamedTuple):
    """One change of what a customer owes. ``at``: Nairobi wall-clock, orders a day's entries."""

    day: date
    kind: str
    reference: str
    text: str
    change_cents: int
    at: datetime


class Line(NamedTuple):
    """One entry, and what was owed after it."""

    entry: Entry
    balance_cents: int


class Account(NamedTuple):
    """What was owed before the first day, the lines of the period, and what was owed after it."""

    opening_cents: int
    lines: tuple[Line, ...]
    closing_cents: int


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Return entries by day, within a day by kind, then as they happened."""
    rank = {kind: place for place, kind in enumerate(KINDS)}
    return sorted(entries, key=lambda each: (each.day, rank[each.kind], each.at, *each[2:5]))


def account(entries: Iterable[Entry], first: date | None, last: date | None) -> Account:
    """Sum entries from ``first`` to ``last``, both included; None = from the start, to the end."""
    opening = balance = 0
    lines = []
    for entry in in_order(entries):
        if last is not None and entry.day > last:
            break
        balance += entry.change_cents
        if first is not None and entry.day < first:
            opening = balance
        else:
            lines.append(Line(entry, balance))
    return Account(opening, tuple(lines), balance)


def allocated_on(reason: str, made_at: datetime, paid_at: datetime, issued_on: date) -> datetime:
    """Return the moment from which an allocation counts; all in Nairobi's wall-clock.

    What the rules allocate counts from when it was paid (not before the invoice was issued),
    however late its callback came; what a person does counts from when it was done.
    """
    if reason not in _BY_THE_RULES:
        return made_at
    return max(paid_at, datetime.combine(issued_on, datetime.min.time()))
