"""A pull held against the books, both ways: the Pull API is a second source like a statement.

What Safaricom lists has come in already; here is told what the books hold of the same time and
Safaricom does not list. A short code that gave nothing proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from kelly_cli.daraja.fields import BrokenRuleError, amount_in
from kelly_cli.daraja.pulled import PAYMENTS, kind_of, receipt_of
from kelly_cli.services.reconciling import Differing, Known
from kelly_cli.store import inbox_rows, statement_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from kelly_cli.services.pulling import Harvest, Window
    from kelly_cli.store.database import Database

LISTED_WITHIN = timedelta(minutes=15)
"""A payment may be so young that Safaricom does not list it yet."""


@dataclass(slots=True)
class PullComparison:
    """Both sides of a pull; ``in_both`` counts what the pull brought just now too."""

    in_both: int = 0
    only_kelly: list[Known] = field(default_factory=list)
    amount_differs: list[Differing] = field(default_factory=list)


def compare(database: Database, harvest: Harvest) -> PullComparison:
    """Hold what was pulled against the books as they are after it."""
    found = PullComparison()
    with database.reading() as connection:
        for window in harvest.windows:
            if window.state == "ok":
                _compare(connection, window, found)
    return found


def _compare(connection: Connection, window: Window, found: PullComparison) -> None:
    listed = _amounts(window.records)
    known = inbox_rows.find_payments(connection, list(listed))
    for receipt, cents in listed.items():
        if receipt not in known:
            continue
        ours = known[receipt].money.amount_cents
        if ours == cents:
            found.in_both += 1
        else:
            found.amount_differs.append(Differing(receipt, cents, ours))
    start, end = window.span
    between = statement_rows.payments_between(
        connection, window.short_code, start, end - LISTED_WITHIN
    )
    found.only_kelly += [
        Known(payment.receipt, payment.amount_cents)
        for payment in between
        if payment.receipt not in listed
    ]


def _amounts(records: Sequence[dict[str, object]]) -> dict[str, int]:
    found = {}
    for record in records:
        receipt = receipt_of(record)
        if receipt is None or kind_of(record) not in PAYMENTS:
            continue
        try:
            found[receipt] = amount_in(record, "amount")
        except BrokenRuleError:
            # Such a record is a failed log; it must not make a forgery of the payment.
            found[receipt] = 0
    return found
