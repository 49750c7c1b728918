"""The day's close: what should be there, what was counted, and what the balances prove.

Cash, bank and cheque should hold what was recorded for the day. An M-Pesa account should hold its
last known balance and all that moved it since; the chain of balances says whether the day is whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kelly_cli.core.chain import Gap, Link, Loose, find_gaps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

HAND_METHODS = ("cash", "bank", "cheque")


class Taken(NamedTuple):
    """What came by one method or to one account on the day."""

    payments: int
    cents: int


class Line(NamedTuple):
    """One line of a close: a method, or M-Pesa to one short code.

    ``expected_cents`` None = no balance is known yet; ``counted_cents`` None = nobody counted.
    """

    method: str
    short_code: str | None
    taken: Taken
    expected_cents: int | None
    counted_cents: int | None

    @property
    def difference_cents(self) -> int | None:
        """Counted less expected: above zero, there is more than the books know."""
        if self.expected_cents is None or self.counted_cents is None:
            return None
        return self.counted_cents - self.expected_cents


class Account(NamedTuple):
    """What is known of one M-Pesa account at the end of the day.

    ``last`` None = no balance ever came; ``since_cents``: what moved it after that.
    """

    short_code: str
    last: Link | None
    since_cents: int
    gaps: tuple[Gap, ...]

    @property
    def expected_cents(self) -> int | None:
        """What the account should hold."""
        return None if self.last is None else self.last.balance_cents + self.since_cents


def account(
    short_code: str, links: Sequence[Link], loose: Sequence[Loose], day_start: datetime
) -> Account:
    """Return what is known of an account; gaps that end before the day began are left out."""
    last = _last(links)
    since_cents = 0
    if last is not None:
        known = {link.receipt for link in links}
        since_cents = sum(
            each.amount_cents
            for each in loose
            if each.last_at > last.at and each.receipt not in known
        )
    gaps = tuple(gap for gap in find_gaps(links, loose) if gap.to_at >= day_start)
    return Account(short_code, last, since_cents, gaps)


def _last(links: Sequence[Link]) -> Link | None:
    """Return the last link: of several in one second, the one that no other follows."""
    if not links:
        return None
    latest = max(link.at for link in links)
    ties = [link for link in links if link.at == latest]
    followed = {link.before_cents for link in ties}
    ends = [link for link in ties if link.balance_cents not in followed]
    return max(ends or ties, key=lambda link: link.balance_cents)
