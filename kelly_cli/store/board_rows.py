"""The figures of the live page, each from an index or the rollup, asked for again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import case, func, select, text
from sqlmodel import col

from kelly_cli.store import hour_total_rows
from kelly_cli.store.tables import OPEN_INVOICE, Invoice, WebhookLog

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime

    from sqlalchemy import Connection


class Owed(NamedTuple):
    """Open invoices and their cents; of them those whose day has passed."""

    invoices: int
    cents: int
    overdue: int
    overdue_cents: int


def hours_of(
    connection: Connection, day: date, codes: Collection[str] | None
) -> dict[int, tuple[int, int]]:
    """Return hour → (count, cents) of the payments of a Nairobi day that stand."""
    found: dict[int, tuple[int, int]] = {}
    for each in hour_total_rows.totals(connection, day, day, codes, by_hour=True):
        if each.hour is not None and each.status != "REVERSED":
            count, cents = found.get(each.hour, (0, 0))
            found[each.hour] = (count + each.payments, cents + each.cents)
    return found


def owed(connection: Connection, today: date) -> Owed:
    """Return what is owed on open invoices."""
    rest: Any = Invoice.amount_cents - Invoice.adjusted_cents - Invoice.amount_paid_cents
    late = col(Invoice.due_on) < today
    row = connection.execute(
        select(
            func.count(),
            func.coalesce(func.sum(rest), 0),
            func.coalesce(func.sum(case((late, 1), else_=0)), 0),
            func.coalesce(func.sum(case((late, rest), else_=0)), 0),
        ).where(text(OPEN_INVOICE))
    ).one()
    return Owed(*(int(each) for each in row))


def newest_log(connection: Connection) -> int:
    """Return the last log's id; 0 = there is none."""
    return int(connection.execute(select(func.max(col(WebhookLog.id)))).scalar() or 0)


def last_from(connection: Connection, source: str, *, after: int) -> datetime | None:
    """Return when the newest log of a source behind an id came (aware UTC); None = none is."""
    came: datetime | None = connection.execute(
        select(func.max(col(WebhookLog.created_at))).where(
            col(WebhookLog.id) > after, col(WebhookLog.source) == source
        )
    ).scalar()
    return came
