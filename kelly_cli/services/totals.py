"""The rollup that reports read, made again from the payments when something damaged it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.store import audit_rows, hour_total_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kelly_cli.store.audit_rows import Hand
    from kelly_cli.store.database import Database
    from kelly_cli.store.hour_total_rows import Difference

ACTION = "db.rebuild-totals"


def differing(database: Database) -> Sequence[Difference]:
    """Return the totals that say otherwise than the payments."""
    with database.reading() as connection:
        return hour_total_rows.differences(connection)


def rebuild(database: Database, hand: Hand) -> Sequence[Difference]:
    """Make the totals anew in one unit of work; return what was wrong with them.

    Where nothing is wrong nothing is written. Callbacks that come meanwhile wait, or are spooled.
    """
    with database.writing() as connection:
        found = hour_total_rows.differences(connection)
        if found:
            hour_total_rows.make_anew(connection)
            audit_rows.record_audit(
                connection,
                hand,
                ACTION,
                "hour_totals",
                before=_sums((each.kept, each.kept_cents) for each in found),
                after=_sums((each.payments, each.cents) for each in found),
            )
        return found


def _sums(pairs: Iterable[tuple[int, int]]) -> dict[str, int]:
    """Say of the totals that differed how many they are, and what they came to."""
    some = list(pairs)
    return {
        "totals": len(some),
        "payments": sum(count for count, _ in some),
        "amount_cents": sum(cents for _, cents in some),
    }
