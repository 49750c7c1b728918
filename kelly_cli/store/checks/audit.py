"""I-30: every action by hand has its row, and no row of the chain was changed or taken out."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

from kelly_cli.store.checks.shape import listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kelly_cli.store.checks.shape import Found, Snapshot

_FIRST = "0" * 64

_MADE = (
    ("customers", "customer_id", "customer.create", "TRUE"),
    (
        "invoices",
        "invoice_id",
        "invoice.create",
        "NOT EXISTS (SELECT 1 FROM pos_sales s WHERE s.invoice_id = t.id)",
    ),
    ("pos_sales", "pos_id", "pos.create", "TRUE"),
    ("invoices", "invoice_id", "invoice.void", "t.voided_at IS NOT NULL"),
    ("pos_sales", "pos_id", "pos.void", "t.voided_at IS NOT NULL"),
)
"""Table, its public id, the action, and which rows need it."""

_BY_HAND = (
    ("payments", "mpesa_receipt_number", "t.channel = 'hand' OR t.method <> 'mpesa'"),
    ("payments", "mpesa_receipt_number", "t.reversed_at IS NOT NULL"),
    ("invoices", "invoice_id", "t.on_hold"),
)
"""Table, its public id, and which rows cannot be so without a person: any action will do."""


def chain(books: Snapshot) -> Found:
    """Each row's hash is over its columns and the hash of the row before."""
    last_hash, last_row = _FIRST, 0
    for row, own_hash, previous_hash, at, *told in books.rows(
        'SELECT id, hash, previous_hash, at, actor, action, subject, reason, "before", "after" '
        "FROM audit ORDER BY id"
    ):
        # A sequence of PostgreSQL leaves holes where a unit of work was rolled back.
        if books.is_sqlite and row != last_row + 1:
            yield f"audit {row}", f"the row before it is {last_row}: some are missing"
        if previous_hash != last_hash:
            yield f"audit {row}", "it does not follow the row before it"
        if own_hash != _hash(previous_hash, at, told):
            yield f"audit {row}", f"it was changed ({listed(told[1:3])})"
        last_hash, last_row = own_hash, row


def marks(books: Snapshot) -> Found:
    """Each row says which callbacks were logged before it: never fewer than the row before."""
    yield from books.found(
        "SELECT 'audit ' || id, log_mark, before, last FROM (SELECT id, log_mark, max(log_mark) "
        "OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before, "
        "(SELECT coalesce(max(id), 0) FROM webhook_logs) AS last FROM audit) x "
        "WHERE log_mark < before OR log_mark > last",
        "it is behind log {log_mark}; the row before it behind {before}, the last log is {last}",
    )


def actions(books: Snapshot) -> Found:
    """What a person made or voided has the row that says so."""
    for table, public_id, action, which in _MADE:
        yield from books.found(
            f"SELECT t.{public_id} FROM {table} t WHERE {which} AND NOT EXISTS (SELECT 1 "
            f"FROM audit a WHERE a.subject = t.{public_id} AND a.action = '{action}')",
            f"no audit row {action}",
        )
    for table, public_id, which in _BY_HAND:
        yield from books.found(
            f"SELECT t.{public_id} FROM {table} t WHERE ({which}) AND NOT EXISTS "
            f"(SELECT 1 FROM audit a WHERE a.subject = t.{public_id})",
            "only a person can have done this, and no audit row speaks of it",
        )


def dismissals(books: Snapshot) -> Found:
    """A processed log with an error was dismissed by a person."""
    yield from books.found(
        "SELECT 'log ' || l.id FROM webhook_logs l WHERE l.processed AND l.error IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.subject = 'log ' || l.id "
        "AND a.action = 'webhook.dismiss')",
        "it is processed with an error, and no audit row webhook.dismiss speaks of it",
    )


def purges(books: Snapshot) -> Found:
    """What came is gone only where a person purged it."""
    yield from books.found(
        "SELECT 'log ' || l.id, l.purged_at FROM webhook_logs l WHERE l.purged_at IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM audit a WHERE a.action = 'db.purge' "
        "AND a.at <= l.purged_at)",
        "it was purged at {purged_at}, and no audit row db.purge speaks of it",
    )


def _hash(previous_hash: str, at: Any, told: Sequence[object]) -> str:
    if isinstance(at, str):
        moment = at.replace(" ", "T") + "+00:00"
    else:
        moment = at.astimezone(UTC).isoformat("T", "microseconds")
    return hashlib.sha256(_write([previous_hash, moment, *told]).encode()).hexdigest()


_write = json.JSONEncoder(ensure_ascii=True).encode
