"""I-31 to I-33: what stands around the books, and what hints at money that nobody told of.

The spool must be empty soon (I-33). What a statement or the chain of balances makes one wonder
about is a warning, never a violation: kelly cannot know which side is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.core.money import kes_for_people
from kelly_cli.services import gaps
from kelly_cli.store import hint_rows
from kelly_cli.store.checks.shape import MOST_LISTED, CheckResult, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from kelly_cli.store.database import Database
    from kelly_cli.store.spool import Spool

SPOOLED_S = 60
"""The spool drains within seconds of the database's return."""

MANY_PAYMENTS = 100_000
"""The chain of more is followed with the rebuild only: it takes seconds."""


def spool(spooled: Spool, *, now: datetime) -> CheckResult:
    """Check that no callback waits in the spool for long, or is damaged. ``now``: aware UTC."""
    result = CheckResult()
    result.looked_at("I-33")
    result.add(_waiting(spooled, now))
    return result


def _waiting(spooled: Spool, now: datetime) -> Iterator[Violation]:
    waiting, oldest_at = spooled.waiting(), spooled.oldest_at()
    age_s = (now - oldest_at).total_seconds() if oldest_at else 0.0
    if waiting.records and age_s > SPOOLED_S:
        what = f"{waiting.records} callbacks wait since {age_s:.0f} s: run kelly reprocess"
        yield Violation("I-33", "spool", what)
    if waiting.damaged:
        what = f"{waiting.damaged} damaged pieces were kept aside: {spooled.aside}"
        yield Violation("I-33", "spool", what)


def hints(database: Database, *, whole: bool = False) -> CheckResult:
    """Return what a person should look at. ``whole``: follow the chain of many payments too."""
    result = CheckResult()
    with database.reading() as connection:
        days = hint_rows.days_that_differ(connection, limit=MOST_LISTED)
        is_long = hint_rows.payments(connection) > MANY_PAYMENTS
    for each in days:
        result.warnings.append(Violation("I-31", each.receipt, each.told))
    if whole or not is_long:
        for chain in gaps.chains(database, None):
            for gap in chain.gaps[:MOST_LISTED]:
                missing = kes_for_people(gap.missing_cents)
                what = f"from {gap.after} the balance of {chain.short_code} moved by {missing} more"
                result.warnings.append(Violation("I-32", gap.before, f"{what} than is known"))
    return result
