"""The figures of the live page, each a sum over an index, asked for again and again."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import case, extract, func, select, text
from sqlmodel import col

from kelly_cli.store.tables import OPEN_INVOICE, Invoice, Payment, WebhookLog

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

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
    start = datetime.combine(day, time.min)
    moment = col(Payment.transaction_date)
    hour = extract("hour", moment)
    statement = select(hour, func.count(), func.sum(Payment.amount_cents)).where(
        moment >= start, moment < start + timedelta(days=1), col(Payment.status) != "REVERSED"
    )
    if codes is not None:
        statement = statement.where(col(Payment.short_code).in_(codes))
    rows = connection.execute(statement.group_by(hour))
    return {int(row[0]): (int(row[1]), int(row[2])) for row in rows}


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
