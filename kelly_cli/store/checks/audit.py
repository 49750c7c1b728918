"""I-30: every action by hand has its row, and no row of the chain was changed or taken out."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from kelly_cli.store.checks.shape import moment_of

if TYPE_CHECKING:
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
    before, last = _FIRST, 0
    for row in books.rows(
        'SELECT id, at, actor, action, subject, reason, "before", "after", previous_hash, hash '
        "FROM audit ORDER BY id"
    ):
        # A sequence of PostgreSQL leaves holes where a unit of work was rolled back.
        if books.is_sqlite and row.id != last + 1:
            yield f"audit {row.id}", f"the row before it is {last}: some are missing"
        if row.previous_hash != before:
            yield f"audit {row.id}", "it does not follow the row before it"
        if row.hash != _hash(row):
            yield f"audit {row.id}", f"it was changed ({row.action} {row.subject})"
        before, last = row.hash, row.id


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


def _hash(row: Any) -> str:
    parts = [
        row.previous_hash,
        moment_of(row.at).isoformat("T", "microseconds") + "+00:00",
        row.actor,
        row.action,
        row.subject,
        row.reason,
        row.before,
        row.after,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
