"""Callbacks in the order in which they were logged, for those who watch them come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select
from sqlmodel import col

from kelly_cli.store.log_rows import LogView, RawPayload, speaks_of
from kelly_cli.store.tables import Payment, WebhookLog

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection, Select


class Came(NamedTuple):
    """One callback: its log, what its payment says (None = it has none), and what came."""

    log: LogView
    amount_cents: int | None
    bill_ref: str | None
    raw: RawPayload


_LOG: tuple[Any, ...] = (
    col(WebhookLog.id),
    col(WebhookLog.trans_id),
    col(WebhookLog.kind),
    col(WebhookLog.source),
    col(WebhookLog.processed),
    col(WebhookLog.is_duplicate),
    col(WebhookLog.error),
    col(WebhookLog.note),
    col(WebhookLog.attempts),
    col(WebhookLog.created_at),
    col(Payment.mpesa_receipt_number),
    col(WebhookLog.purged_at),
    col(Payment.short_code),
)
"""In the order of ``LogView``."""
_MORE: tuple[Any, ...] = (
    col(Payment.amount_cents),
    col(Payment.bill_ref_number),
    col(WebhookLog.raw_payload),
    col(WebhookLog.raw_encoding),
)


def newest(connection: Connection) -> int:
    """Return the last log's id; 0 = there is none."""
    return int(connection.execute(select(func.max(col(WebhookLog.id)))).scalar() or 0)


def first_since(connection: Connection, since: datetime) -> int | None:
    """Return the lowest id of the logs that came since a moment (aware UTC); None = none did."""
    statement = select(func.min(col(WebhookLog.id))).where(col(WebhookLog.created_at) >= since)
    return connection.execute(statement).scalar()


def after(
    connection: Connection,
    log_id: int,
    *,
    last: int,
    since: datetime | None = None,
    codes: Collection[str] | None = None,
    limit: int,
) -> list[Came]:
    """Return the logs behind ``log_id`` up to ``last``, the oldest first. Both ids: none = 0."""
    statement = _select(codes).where(col(WebhookLog.id) > log_id, col(WebhookLog.id) <= last)
    if since is not None:
        statement = statement.where(col(WebhookLog.created_at) >= since)
    return _read(connection, statement.order_by(col(WebhookLog.id)).limit(limit))


def last_ones(
    connection: Connection, *, codes: Collection[str] | None = None, limit: int
) -> list[Came]:
    """Return the newest logs, the oldest of them first."""
    statement = _select(codes).order_by(col(WebhookLog.id).desc()).limit(limit)
    return _read(connection, statement)[::-1]


def _select(codes: Collection[str] | None) -> Select[Any]:
    statement = select(*_LOG, *_MORE).outerjoin_from(
        WebhookLog, Payment, col(Payment.id) == col(WebhookLog.payment_id)
    )
    return statement if codes is None else statement.where(speaks_of(codes))


def _read(connection: Connection, statement: Select[Any]) -> list[Came]:
    end = len(_LOG)
    return [
        Came(LogView(*row[:end]), row[end], row[end + 1], RawPayload(*row[end + 2 :]))
        for row in connection.execute(statement)
    ]
