"""kelly db check: every invariant of the books, on one snapshot, while others write.

The database's own checks are in ``store.checks``. Here the bytes of each callback are read again
with the content rules (contract section 7) and held to what was booked from them.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from kelly_cli.core.money import kes
from kelly_cli.daraja.messages import PaymentMessage, parse_delivery
from kelly_cli.store.checks import logs, run_checks
from kelly_cli.store.checks.shape import CheckResult, Snapshot, Violation, moment_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kelly_cli.store.database import Database

_FOR_EVER = datetime.max  # noqa: DTZ901 - wall-clock: a TransTime is judged ahead of now on arrival only
_BLANKS = ("short_code", "bill_ref")


class Booked(NamedTuple):
    """A log and the payment it speaks of, in the columns of ``logs.told_money``."""

    log_row: int
    kind: Any
    payload: str
    encoding: str
    is_duplicate: bool
    payment_row: int | None
    is_origin: bool | None
    receipt: str
    amount_cents: int
    short_code: str | None
    bill_ref: str | None
    paid_at: Any


def check(database: Database, *, now: datetime) -> CheckResult:
    """Check the books and change nothing. ``now``: aware UTC.

    Raises:
        StorageError: the database cannot be read at all.
    """
    with database.reading() as connection:
        result = run_checks(connection, now)
        result.looked_at("I-09")
        result.add(_read_again(Snapshot(connection, now)))
    return result
