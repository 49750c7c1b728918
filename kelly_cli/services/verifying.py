"""A receipt shown at the counter: good, used, of another amount, or never seen.

Only reads. It loads nothing of the toolkit, so that the answer is there while the customer waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.core import verdicts
from kelly_cli.core.verdicts import Verdict, Word
from kelly_cli.store import counter_rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from kelly_cli.store.counter_rows import Ask
    from kelly_cli.store.database import Database


def quick(url: str, typed: str, amount_cents: int, today: date) -> Verdict | None:
    """Give the verdict through the plain driver; None = ask ``verify``, which says what is wrong.

    ``today``: in Nairobi.
    """
    found: Verdict | None = counter_rows.peek(url, judging(typed, amount_cents, today))
    return found


def verify(database: Database, typed: str, amount_cents: int, today: date) -> Verdict:
    """Give the verdict on a receipt as a person typed it."""
    with database.reading() as connection:
        return judging(typed, amount_cents, today)(counter_rows.asking(connection))


def judging(typed: str, amount_cents: int, today: date) -> Callable[[Ask], Verdict]:
    """Return what asks for one receipt and gives its verdict."""

    def judged(ask: Ask) -> Verdict:
        receipt = verdicts.typed_receipt(typed)
        if receipt is None:
            return Verdict(Word.LOOKS_WRONG, f"{typed!r} holds signs that no receipt has", typed)
        seen = counter_rows.find_seen(ask, receipt)
        alike = [] if seen else counter_rows.known_among(ask, verdicts.alike_to(receipt))
        return verdicts.judge(receipt, amount_cents, seen, alike, today)

    return judged
