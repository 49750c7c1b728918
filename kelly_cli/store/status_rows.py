"""The figures of the morning screen and of the live page, each by an index or the rollup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select, text
from sqlmodel import col

from kelly_cli.store import hour_total_rows
from kelly_cli.store.tables import (
    FREE_MONEY,
    OPEN_INVOICE,
    UNSETTLED_PROMPT,
    Invoice,
    Payment,
    PaymentPrompt,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection


class Unplaced(NamedTuple):
    """Free money without a customer. ``oldest_at``: Nairobi wall-clock, None = there is none."""

    payments: int
    cents: int
    oldest_at: datetime | None


class Partly(NamedTuple):
    """Payments to one short code (None = none) that are placed in part, and have no customer."""

    short_code: str | None
    payments: int
    cents: int


def money_until(
    connection: Connection, end: datetime, codes: Sequence[str] | None
) -> tuple[int, int]:
    """Return (count, cents) of a day's payments that stand; ``end`` is exclusive."""
    day = end.date()
    whole = [
        each
        for each in hour_total_rows.totals(connection, day, day, codes, by_hour=True)
        if each.status != "REVERSED" and (each.hour or 0) < end.hour
    ]
    begun = _between(connection, end.replace(minute=0, second=0, microsecond=0), end, codes)
    return (
        sum(each.payments for each in whole) + begun[0],
        sum(each.cents for each in whole) + begun[1],
    )


def _between(
    connection: Connection, start: datetime, end: datetime, codes: Sequence[str] | None
) -> tuple[int, int]:
    statement = select(func.count(), func.coalesce(func.sum(Payment.amount_cents), 0)).where(
        col(Payment.transaction_date) >= start,
        col(Payment.transaction_date) < end,
        col(Payment.status) != "REVERSED",
        *_to(codes),
    )
    row = connection.execute(statement).one()
    return int(row[0]), int(row[1])


def unplaced(
    connection: Connection, codes: Collection[str] | None, partly: Sequence[Partly] | None = None
) -> Unplaced:
    """Return the free money that has no customer.

    Nearly all of it is unmatched, which the rollup counts. ``partly``: the rest, as
    ``list_partly_placed`` told; None = it is asked for.
    """
    count, cents = hour_total_rows.of_status(connection, "UNMATCHED", codes)
    if partly is None:
        partly = list_partly_placed(connection) if count_partly_placed(connection) else ()
    for each in partly:
        if codes is None or each.short_code in codes:
            count += each.payments
            cents += each.cents
    oldest = select(col(Payment.transaction_date)).where(*_free(), *_to(codes))
    oldest_at = connection.execute(oldest.order_by(col(Payment.transaction_date)).limit(1)).scalar()
    return Unplaced(count, cents, oldest_at)


def count_partly_placed(connection: Connection) -> int:
    """Return how many payments without a customer are placed in part, by an index's entries."""
    free = connection.execute(select(func.count()).select_from(Payment).where(*_free())).scalar()
    return int(free or 0) - hour_total_rows.of_status(connection, "UNMATCHED")[0]


def list_partly_placed(connection: Connection) -> list[Partly]:
    """Return them by short code. Reads every payment that waits: ask when there are some."""
    rest = func.sum(Payment.amount_cents - Payment.allocated_cents)
    rows = connection.execute(
        select(col(Payment.short_code), func.count(), rest)
        .where(*_free(), col(Payment.allocated_cents) > 0)
        .group_by(col(Payment.short_code))
    )
    return [Partly(row[0], int(row[1]), int(row[2])) for row in rows]


def overdue(connection: Connection, today: date) -> tuple[int, int]:
    """Return (count, cents) of open invoices whose day has passed."""
    owed = Invoice.amount_cents - Invoice.adjusted_cents - Invoice.amount_paid_cents
    row = connection.execute(
        select(func.count(), func.coalesce(func.sum(owed), 0)).where(
            text(OPEN_INVOICE), col(Invoice.due_on) < today
        )
    ).one()
    return int(row[0]), int(row[1])


def open_prompts(connection: Connection) -> int:
    """Return how many payment prompts have no answer yet."""
    statement = select(func.count(col(PaymentPrompt.id))).where(text(UNSETTLED_PROMPT))
    return int(connection.execute(statement).scalar_one())


def _free() -> tuple[Any, ...]:
    return col(Payment.customer_id).is_(None), text(FREE_MONEY)


def _to(codes: Collection[str] | None) -> list[Any]:
    return [] if codes is None else [col(Payment.short_code).in_(list(codes))]
