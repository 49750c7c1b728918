"""What people wrote about money in suspense: the last note of each receipt stands.

Notes live in the audit, where an earlier one is never lost.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kelly_cli.store.database import fetch_in

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

ACTION = "suspense.note"


def latest_notes(connection: Connection, receipts: Collection[str]) -> dict[str, str]:
    """Return the note of each receipt that has one."""
    rows = fetch_in(
        connection,
        "SELECT subject, after FROM audit",
        "subject",
        list(receipts),
        f"AND action = '{ACTION}' ORDER BY id",
    )
    found = {subject: json.loads(after)["note"] for subject, after in rows}
    return {subject: note for subject, note in found.items() if note}
