"""The audit: one row for each action by hand, chained so that a missing one shows."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, insert, select
from sqlmodel import col

from kelly_cli.store.tables import AuditRow, WebhookLog

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

GENESIS = "0" * 64
"""What stands before the first row."""


class Hand(NamedTuple):
    """Who acts, when (aware UTC) and why (None = no reason is asked for)."""

    actor: str
    at: datetime
    reason: str | None = None


def record_audit(
    connection: Connection,
    hand: Hand,
    action: str,
    subject: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write one action (``invoice.void``) on one subject (``INV-20260203-0001``).

    ``before`` and ``after``: what changed, plain JSON values.
    """
    last = connection.execute(
        select(col(AuditRow.hash)).order_by(col(AuditRow.id).desc()).limit(1)
    ).scalar()
    row = {
        "at": hand.at,
        "actor": hand.actor,
        "action": action,
        "subject": subject,
        "reason": hand.reason,
        "before": _text(before),
        "after": _text(after),
        "previous_hash": last or GENESIS,
    }
    # All writers take turns: what is logged by now took effect before this, the rest after it.
    mark = connection.execute(select(func.max(col(WebhookLog.id)))).scalar() or 0
    connection.execute(insert(AuditRow).values(**row, hash=chain_hash(row), log_mark=mark))


def chain_hash(row: Mapping[str, Any]) -> str:
    """Return the hash of a row over its own columns and the hash of the row before."""
    parts = [
        row["previous_hash"],
        row["at"].isoformat(timespec="microseconds"),
        row["actor"],
        row["action"],
        row["subject"],
        row["reason"],
        row["before"],
        row["after"],
    ]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()


def _text(values: Mapping[str, Any] | None) -> str | None:
    return None if values is None else json.dumps(values, sort_keys=True, ensure_ascii=False)
