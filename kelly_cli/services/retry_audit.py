"""What logs that are tried again write into the audit: when it was that they took effect.

A callback takes effect when it is logged; only a second try comes later. Without its row nobody
could do the same again in the same order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kelly_cli.store import audit_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection

    from kelly_cli.services.entries import Entry
    from kelly_cli.store.audit_rows import Hand

ACTION = "webhook.reprocess"


def record_retry(
    connection: Connection, hand: Hand, entries: Sequence[Entry], without: Collection[int]
) -> None:
    """Write which logs became something by this try; nothing when none did.

    ``without``: log rows that had no payment before it.
    """
    made = [
        entry.log_row
        for entry in entries
        if entry.log_row in without and entry.payment_row is not None and not entry.is_duplicate
    ]
    done = [e.log_row for e in entries if e.processed or e.is_duplicate or e.log_row in set(made)]
    if done:
        after = {"logs": done, "made": made}
        audit_rows.record_audit(connection, hand, ACTION, f"{len(done)} callbacks", after=after)
