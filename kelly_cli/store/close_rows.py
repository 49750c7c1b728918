"""Closed days, and what the books know of a day when it is closed."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, insert, or_, select
from sqlmodel import col

from kelly_cli.core.closing import Taken
from kelly_cli.store import hour_total_rows
from kelly_cli.store.tables import DayClose, Payment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import ColumnElement, Connection

FIRST_HASH = "0" * 64


class CloseView(NamedTuple):
    """One close. ``frozen``: its JSON text as it stood then."""

    number: int
    day: date
    frozen: str
    actor: str
    created_at: datetime
    previous_hash: str
    hash: str


class LatePayment(NamedTuple):
    """A payment that came after its day was closed; ``paid_at``: Nairobi wall-clock."""

    row: int
    receipt: str
    method: str
    amount_cents: int
    paid_at: datetime


_COLUMNS: tuple[Any, ...] = (
    col(DayClose.number),
    col(DayClose.day),
    col(DayClose.frozen),
    col(DayClose.actor),
    col(DayClose.created_at),
    col(DayClose.previous_hash),
    col(DayClose.hash),
)


def close_hash(row: dict[str, Any]) -> str:
    """Return the hash of a close over its own columns and the hash of the one before."""
    parts = [
        row["previous_hash"],
        row["number"],
        row["day"].isoformat(),
        row["frozen"],
        row["actor"],
        row["created_at"].isoformat(timespec="microseconds"),
    ]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()


def list_closes(connection: Connection, *, limit: int) -> Sequence[CloseView]:
    """Return closes, the newest first."""
    statement = select(*_COLUMNS).order_by(col(DayClose.number).desc()).limit(limit)
    return [CloseView(*row) for row in connection.execute(statement)]


def find_close(
    connection: Connection, *, number: int | None = None, day: date | None = None
) -> CloseView | None:
    """Return a close by its number, else the newest of a day, else the newest of all."""
    statement = select(*_COLUMNS).order_by(col(DayClose.number).desc()).limit(1)
    if number is not None:
        statement = statement.where(col(DayClose.number) == number)
    elif day is not None:
        statement = statement.where(col(DayClose.day) == day)
    row = connection.execute(statement).first()
    return CloseView(*row) if row else None


def add_close(connection: Connection, values: dict[str, Any]) -> CloseView:
    """Write the next close of the chain. ``values``: number, day, frozen, actor, created_at."""
    last = find_close(connection)
    row = {**values, "previous_hash": last.hash if last else FIRST_HASH}
    row["hash"] = close_hash(row)
    connection.execute(insert(DayClose).values(**row))
    return CloseView(**row)


def taken(connection: Connection, day: date) -> dict[tuple[str, str | None], Taken]:
    """Return what came on a day by (method, short code); only M-Pesa has one.

    Reversed money and opening credit are left out.
    """
    rows = connection.execute(
        select(
            col(Payment.method),
            col(Payment.short_code),
            func.count(),
            func.sum(Payment.amount_cents),
        )
        .where(_of(day), col(Payment.reversed_at).is_(None), _no_opening())
        .group_by(col(Payment.method), col(Payment.short_code))
    )
    return {(row[0], row[1]): Taken(int(row[2]), int(row[3])) for row in rows}


def _of(day: date) -> ColumnElement[bool]:
    start = datetime.combine(day, time.min)
    moment = col(Payment.transaction_date)
    return (moment >= start) & (moment < start + timedelta(days=1))


def _no_opening() -> ColumnElement[bool]:
    kind = col(Payment.transaction_type)
    return or_(kind.is_(None), kind.not_like("bank Opening balance%"))


def last_payment(connection: Connection) -> int:
    """Return the row of the newest payment, 0 = there is none."""
    return int(connection.execute(select(func.max(Payment.id))).scalar() or 0)


def late_payments(connection: Connection, after_row: int) -> Sequence[LatePayment]:
    """Return payments written after a row whose day had been closed before they came."""
    closed = select(col(DayClose.day)).distinct()
    days = [row[0] for row in connection.execute(closed)]
    if not days:
        return []
    rows = connection.execute(
        select(
            col(Payment.id),
            col(Payment.mpesa_receipt_number),
            col(Payment.method),
            col(Payment.amount_cents),
            col(Payment.transaction_date),
        )
        .where(
            col(Payment.id) > after_row,
            col(Payment.transaction_date) < datetime.combine(max(days), time.max),
            _no_opening(),
        )
        .order_by(col(Payment.id))
    )
    closed_days = set(days)
    found = [LatePayment(int(row[0] or 0), *row[1:]) for row in rows]
    return [each for each in found if each.paid_at.date() in closed_days]


def last_day_before(connection: Connection, day: date) -> date | None:
    """Return the last closed day before a day."""
    return connection.execute(
        select(func.max(DayClose.day)).where(col(DayClose.day) < day)
    ).scalar()


def days_with_money(connection: Connection, after: date, before: date) -> list[date]:
    """Return the days between two others, both left out, on which money came."""
    paid = hour_total_rows.totals(connection, after + timedelta(days=1), before - timedelta(days=1))
    return [
        day
        for day in sorted({each.day for each in paid})
        if connection.execute(
            select(col(Payment.id)).where(_of(day), _no_opening()).limit(1)
        ).first()
    ]
