"""The day in figures: sums by index, so that a book of millions answers like a small one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from sqlalchemy import bindparam, func, select, text
from sqlmodel import col

from kelly_cli.core.times import utc_range
from kelly_cli.store.log_rows import speaks_of
from kelly_cli.store.status_rows import unplaced
from kelly_cli.store.tables import FREE_MONEY, OPEN_LOG, Base, Payment, WebhookLog

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, Connection


Codes: TypeAlias = "Collection[str] | None"
"""Short codes to look at; None = all money, cash too."""


@dataclass(frozen=True, slots=True)
class Sum:
    """A number of payments and their cents."""

    count: int = 0
    cents: int = 0

    def plus(self, other: Sum) -> Sum:
        """Return the sum of two sums."""
        return Sum(self.count + other.count, self.cents + other.cents)


class Money(NamedTuple):
    """Payments of one stretch of time by status, and how much of it is allocated."""

    by_status: dict[str, Sum]
    allocated_cents: int


class Callbacks(NamedTuple):
    """Callbacks of one day by what became of them."""

    total: int = 0
    processed: int = 0
    duplicates: int = 0
    failed: int = 0
    pending: int = 0
    conflicts: int = 0


class Waiting(NamedTuple):
    """What waits for a person now, whatever its day."""

    suspense: Sum
    failed: int
    pending: int


def hours_of(connection: Connection, day: date, codes: Codes = None) -> list[Money]:
    """Return the payments of each of the day's 24 hours (Nairobi, by ``transaction_date``)."""
    start = datetime.combine(day, time.min)
    return [
        _money(connection, start + timedelta(hours=hour), start + timedelta(hours=hour + 1), codes)
        for hour in range(24)
    ]


def _money(connection: Connection, start: datetime, end: datetime, codes: Codes) -> Money:
    """Sum by one range of ``ix_payments_day``, which holds all that is asked for of all codes."""
    rows = connection.execute(
        select(
            col(Payment.status),
            func.count(),
            func.sum(Payment.amount_cents),
            func.sum(Payment.allocated_cents),
        )
        .where(_within(start, end), *_of(codes))
        .group_by(col(Payment.status))
    ).all()
    by_status = {row[0]: Sum(int(row[1]), int(row[2])) for row in rows}
    return Money(by_status, sum(int(row[3]) for row in rows))


def _within(start: datetime, end: datetime) -> ColumnElement[bool]:
    moment = col(Payment.transaction_date)
    return (moment >= start) & (moment < end)


def _of(codes: Codes) -> list[ColumnElement[bool]]:
    return [] if codes is None else [col(Payment.short_code).in_(codes)]


def to_sales(connection: Connection, day: date, codes: Codes = None) -> int:
    """Return the cents of the day's payments that went to sales."""
    start = datetime.combine(day, time.min)
    moment = Base.metadata.tables["payments"].c.transaction_date.type
    # CROSS JOIN keeps SQLite's planner at this order: the sales are few beside a day's payments.
    statement = text(
        "SELECT coalesce(sum(a.amount_cents), 0) FROM pos_sales s CROSS JOIN allocations a "
        "CROSS JOIN payments p WHERE a.invoice_id = s.invoice_id AND p.id = a.payment_id "
        "AND p.transaction_date >= :start AND p.transaction_date < :end"
        + ("" if codes is None else " AND p.short_code IN :codes")
    ).bindparams(
        bindparam("start", start, type_=moment),
        bindparam("end", start + timedelta(days=1), type_=moment),
        *([] if codes is None else [bindparam("codes", list(codes), expanding=True)]),
    )
    return int(connection.execute(statement).scalar_one())


def without_owner(connection: Connection, day: date, codes: Codes = None) -> Sum:
    """Return the free money of one day that has no customer."""
    start = datetime.combine(day, time.min)
    statement = select(
        func.count(), func.coalesce(func.sum(Payment.amount_cents - Payment.allocated_cents), 0)
    ).where(
        col(Payment.customer_id).is_(None),
        text(FREE_MONEY),
        _within(start, start + timedelta(days=1)),
        *_of(codes),
    )
    row = connection.execute(statement).one()
    return Sum(int(row[0]), int(row[1]))


class Part(NamedTuple):
    """Payments of a day that stand: known by what, to which short code (None = cash and such)."""

    known_by: str
    short_code: str | None
    sum: Sum


def parts_of(connection: Connection, day: date, codes: Codes = None) -> list[Part]:
    """Return the day's payments that stand (not reversed ones) by source and short code."""
    start = datetime.combine(day, time.min)
    by = (col(Payment.verified_by), col(Payment.short_code))
    rows: Sequence[Any] = connection.execute(
        select(*by, func.count(), func.sum(Payment.amount_cents))
        .where(_within(start, start + timedelta(days=1)), col(Payment.reversed_at).is_(None))
        .where(*_of(codes))
        .group_by(*by)
        .order_by(*by)
    ).all()
    return [Part(row[0], row[1], Sum(int(row[2]), int(row[3]))) for row in rows]


def callbacks_of(connection: Connection, day: date, codes: Codes = None) -> Callbacks:
    """Return the callbacks of one Nairobi day by ``created_at``."""
    start, end = utc_range(day, day)
    within = (col(WebhookLog.created_at) >= start) & (col(WebhookLog.created_at) < end)
    if codes is not None:
        within &= _speaking_of(codes)
    rows = connection.execute(
        select(col(WebhookLog.processed), col(WebhookLog.is_duplicate), func.count())
        .where(within)
        .group_by(col(WebhookLog.processed), col(WebhookLog.is_duplicate))
    ).all()
    counts = {(bool(row[0]), bool(row[1])): int(row[2]) for row in rows}
    pending = connection.execute(
        select(func.count()).where(within, text(OPEN_LOG), col(WebhookLog.error).is_(None))
    ).scalar_one()
    conflicts = connection.execute(
        select(func.count()).where(
            within,
            col(WebhookLog.is_duplicate),
            col(WebhookLog.error).startswith("conflict: ", autoescape=True),
        )
    ).scalar_one()
    return Callbacks(
        total=sum(counts.values()),
        processed=counts.get((True, False), 0),
        duplicates=counts.get((False, True), 0),
        failed=counts.get((False, False), 0) - pending,
        pending=pending,
        conflicts=conflicts,
    )


def waiting(connection: Connection, codes: Codes = None) -> Waiting:
    """Return what waits for a person now."""
    free = unplaced(connection, codes)
    failed, pending = open_logs(connection, codes)
    return Waiting(Sum(free.payments, free.cents), failed=failed, pending=pending)


def open_logs(connection: Connection, codes: Codes = None) -> tuple[int, int]:
    """Return how many callbacks failed, and how many wait to be tried."""
    failed = select(func.count(), func.count(col(WebhookLog.error))).where(text(OPEN_LOG))
    if codes is not None:
        failed = failed.where(_speaking_of(codes))
    row = connection.execute(failed).one()
    return int(row[1]), int(row[0] - row[1])


def _speaking_of(codes: Collection[str]) -> ColumnElement[bool]:
    told = select(col(WebhookLog.id)).outerjoin_from(
        WebhookLog, Payment, col(Payment.id) == col(WebhookLog.payment_id)
    )
    return col(WebhookLog.id).in_(told.where(speaks_of(codes)))
