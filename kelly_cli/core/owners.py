"""Whose money was it then? Documents that changed hands, and when.

A payment knows its customer of today alone. What a person did stands in the audit; from that the
owner of every moment is told. What no audit row tells is taken to have been so from the beginning.
"""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

Key: TypeAlias = "tuple[datetime, int]"
"""A place in the journal: a moment, and the order within it."""

BEFORE_MOVES, MOVES, AFTER_MOVES = 1, 2, 3
"""In one action money gets its owner before it pays, and loses him after it came back."""


class Change(NamedTuple):
    """One change of hands by the audit; ``told`` False = it does not say to whom."""

    at: datetime
    before: str | None
    after: str | None
    told: bool = True


class Story(NamedTuple):
    """The first owner of a document, and each that followed."""

    first: str | None
    steps: tuple[tuple[Key, str | None], ...]

    def owner(self, key: Key) -> str | None:
        """Return who owned it at a place in the journal."""
        at = bisect_right(self.steps, key, key=itemgetter(0))
        return self.steps[at - 1][1] if at else self.first


def story(changes: Iterable[Change], now: str | None, earliest: datetime) -> Story:
    """Put the changes of one document in a row that ends with its owner of today.

    ``changes``: in the order of the audit; ``earliest``: nothing of it counts before.
    """
    told = list(changes)
    owner = first = told[0].before if told else now
    steps: list[tuple[Key, str | None]] = []
    for number, change in enumerate(told):
        if change.before != owner:
            continue  # it was somebody else's by then, and did not move
        after = change.after
        if not change.told:
            after = told[number + 1].before if number + 1 < len(told) else now
        if after == owner:
            continue
        place = AFTER_MOVES if after is None else BEFORE_MOVES
        key = max(change.at, earliest), place
        steps.append((max(key, steps[-1][0]) if steps else key, after))
        owner = after
    if owner != now and steps:
        steps[-1] = steps[-1][0], now
    elif owner != now:
        first = now
    return Story(first, tuple(steps))


class Owners:
    """Owners then; ``payments`` and ``invoices``: row → story, of those that changed hands."""

    def __init__(
        self,
        payments: Mapping[int, Story] | None = None,
        invoices: Mapping[int, Story] | None = None,
    ) -> None:
        self.payments = payments or {}
        self.invoices = invoices or {}

    def of_payment(self, row: int, key: Key, now: str | None) -> str | None:
        """Return whose money it was. ``now``: whose it is today."""
        known = self.payments.get(row)
        return now if known is None else known.owner(key)

    def of_invoice(self, row: int, key: Key, now: str | None) -> str | None:
        """Return who owed it. ``now``: who does today."""
        known = self.invoices.get(row)
        return now if known is None else known.owner(key)
